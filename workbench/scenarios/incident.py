"""Put one incident together: world, plan, simulation, files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np

from workbench import plugins
from workbench.errors import UnknownNameError, UsageError
from workbench.scenarios import (
    Progress,
    Variant,
    data_stage,
    figures,
    model,
    pipeline,
    service_effects,
    serving,
    symptom,
)
from workbench.scenarios.identity import Decisions, decisions
from workbench.scenarios.mechanisms import Fault, Plan, Surge
from workbench.scenarios.planning import plan_incident
from workbench.scenarios.world import World, build

MIN_DAYS = 9
"""Thresholds come from the first week, and an incident needs a day before it to compare with."""
STRENGTHS = (1.0, 1.7, symptom.LAST_STRENGTH)
"""A fault that no alert would have noticed strikes harder instead: nobody opens a case without an alert."""


@dataclass
class Incident:
    """Hold one simulated incident, ready to be written."""

    name: str
    variant: Variant
    world: World
    plan: Plan
    rows: pipeline.Rows
    served: serving.Served
    scored: model.Scored
    trained: list[model.Trained]
    held_back: np.ndarray
    """Events that wait behind a bad record, ``(batches, feeds)``."""

    @cached_property
    def ids(self) -> Decisions:
        """Return the ids of the shown rows, and what their senders know."""
        return decisions(self)

    @cached_property
    def firing(self) -> list[symptom.Firing]:
        """Return the alerting rules that fire, the loudest first."""
        return symptom.firing(self)

    @cached_property
    def groundedness(self) -> np.ndarray:
        """Return the judge's score of the explanation of every request, 0..1, ``(n,)``."""
        return service_effects.groundedness(self.world, self.plan, self.rows.second)

    @cached_property
    def reported(self) -> figures.Reported:
        """Return the figures that alerting rules watch and exporters report."""
        return figures.Reported(figures.business(self), figures.services(self), figures.model(self))

    @property
    def shown(self) -> np.ndarray:
        """Return the indices of the rows that the tables hold."""
        return np.flatnonzero(self.rows.event % self.world.sample == 0)

    @cached_property
    def label_arrival(self) -> np.ndarray:
        """Return when the label of each row becomes known, in seconds; infinite where it never does."""
        return data_stage.label_arrival(self.world, self.plan, self.rows.second)


def simulate(
    name: str, *, seed: int, days: int, variant: Variant, say: Progress = lambda _what, _share: None
) -> Incident:
    """Run the whole system for *days* with one fault planted (or none), in memory."""
    if variant not in get_args(Variant):
        raise UnknownNameError("variant", str(variant), get_args(Variant))
    if days < MIN_DAYS:
        raise UsageError(f"An incident needs at least {MIN_DAYS} days of history; got {days}.")
    fault: Fault = plugins.load("fault", name)
    world = build(seed, days)
    for strength in STRENGTHS:
        incident = _run(name, world, plan_incident(world, fault, variant, strength=strength), variant, say)
        if incident.firing:
            break
    return incident


def _run(name: str, world: World, plan: Plan, variant: Variant, say: Progress) -> Incident:
    # The limit reaches only libraries that are loaded by then: without these, a cold process trains on every core.
    import sklearn.metrics
    from threadpoolctl import threadpool_limits

    # One core is all an incident may take, and one order of sums keeps bytes equal. What is fitted here is known to be
    # finite, and its parameters to be right: looking again each time takes longer than a small fit.
    known = sklearn.config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(1), known:
        return _simulate(name, world, plan, variant, say)


def _simulate(name: str, world: World, plan: Plan, variant: Variant, say: Progress) -> Incident:
    trained: list[model.Trained] = []
    for run in model.timetable(world, plan):
        say(f"training version {len(trained) + 1}", min(0.05 + 0.05 * len(trained), 0.4))
        trained.append(model.train(world, run))
    say("simulating events and services", 0.4)
    rows = pipeline.draw(world, 0.0, plan.moment.end_s, "events", tuple(plan.of(Surge)))
    held_back = service_effects.held_back(world, plan, rows)[1]
    rows = pipeline.flow(world, plan, rows)
    served = serving.serve(world, plan, rows)
    serving.lose_features(world, rows, served)
    say("scoring every event", 0.5)
    scored = model.score(world, plan, trained, rows)
    scored.decision[served.fallback] = 1
    scored.score[served.fallback] = np.nan
    return Incident(name, variant, world, plan, rows, served, scored, trained, held_back)


def write(name: str, *, seed: int, days: int, variant: Variant, out: Path, progress: Progress | None = None) -> Path:
    """Simulate and write every file; see :func:`workbench.scenarios.create`."""
    from workbench.scenarios import writers

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; name a folder that does not exist yet, or clear it.")
    say = progress or (lambda _what, _share: None)
    say("laying out the system", 0.0)
    incident = simulate(name, seed=seed, days=days, variant=variant, say=say)
    out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(1) as beside:
        registry = beside.submit(writers.REGISTRY, incident, out)
        for index, (what, act) in enumerate(writers.WRITERS):
            say(f"writing {what}", 0.6 + 0.35 * index / len(writers.WRITERS))
            act(incident, out)
        say("writing the model registry", 0.95)
        registry.result()
    say("written", 1.0)
    return out
