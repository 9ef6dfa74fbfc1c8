"""List the job runs that failed: everyday ones that went through at the next attempt, and those of a bad record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.mechanisms_service import Poison
from workbench.scenarios.world import DAY_S, World, stream
from workbench.scenarios.writers.lineage_types import Data, JobRun

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

MESSAGES = (
    "connection reset by peer while reading from broker-{n}",
    "deadlock detected: process {n} waits for a lock",
    "timed out after 300 s waiting for a slot in pool default",
    "could not read part-{n}.parquet: no such file",
    "cannot decode record id={n}: unexpected end of input",
    "quota exceeded, request {n}",
)
OFTEN_A_DAY = 0.7


def runs(incident: Incident) -> Iterator[JobRun]:
    """Yield failed runs of the whole history."""
    world = incident.world
    rng = stream(world.seed, "failures")
    jobs = [f"ingest_{world.domain.events}", f"enrich_{world.domain.events}", "export_decisions", "refresh_kpis"]
    jobs += [f"{verb}_{view.name}" for verb in ("build", "publish") for view in world.views]
    for _ in range(int(rng.poisson(OFTEN_A_DAY * world.days))):
        job, second = jobs[int(rng.integers(len(jobs)))], float(rng.uniform(0, world.days * DAY_S))
        message = MESSAGES[int(rng.integers(len(MESSAGES)))].format(n=int(rng.integers(10**4, 10**8)))
        for attempt in range(int(rng.integers(1, 3))):
            yield _failed(world, job, second + 40 * attempt, (), message)
    for poison in incident.plan.of(Poison):
        yield from _poisoned(incident, poison)


def _poisoned(incident: Incident, poison: Poison) -> Iterator[JobRun]:
    """Yield the runs of the reader that begin again at the record that they cannot read."""
    world = incident.world
    rng = stream(world.seed, f"poison {poison.offset}")
    feed = world.feeds[poison.feed]
    topic = Data(f"{world.names.kafka}/{feed.topic}")
    record = f"{world.domain.event[:2]}-{int(rng.integers(10**6, 10**8))}"
    where = f"{feed.topic}-{int(rng.integers(12))} at offset {poison.offset}"
    column = world.features[0].column
    message = f"{where}: cannot decode record id={record}: field '{column}' is no number"
    second = poison.start_s + float(rng.uniform(20, 90))
    while second < min(poison.end_s, incident.plan.moment.end_s):
        yield _failed(world, f"ingest_{world.domain.events}", second, (topic,), message)
        second += float(rng.uniform(360, 1100))


def _failed(world: World, job: str, second: float, inputs: tuple[Data, ...], message: str) -> JobRun:
    return JobRun(f"{world.names.jobs}/{job}", second, second + float(np.modf(second)[0]) * 20 + 3, inputs, (), message)
