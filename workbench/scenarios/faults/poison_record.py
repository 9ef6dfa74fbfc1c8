"""One record that its reader cannot decode stops everything behind it."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_service import Poison
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    feed = int(np.argmax([f.share for f in world.feeds]))
    share = min(float(rng.uniform(0.3, 0.6)) * moment.strength, 0.95)
    poison = Poison(feed, moment.onset_s, moment.end_s, share, int(rng.integers(10**6, 10**9)))
    job = f"job:{world.names.jobs}/ingest_{world.domain.events}"
    topic = f"dataset:{world.names.kafka}/{world.feeds[feed].topic}"
    source = Source(entity=job, also=(topic,), kind="poison_record", onset_s=moment.onset_s, first_failure=job)
    return Planted((poison,), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let a record fail a few times until it is set aside; nothing waits behind it."""
    feed = int(np.argmax([f.share for f in world.feeds]))
    end = moment.onset_s + float(rng.uniform(1800, 3600))
    poison = Poison(feed, moment.onset_s, end, 0.0, int(rng.integers(10**6, 10**9)))
    return Harmless((poison,), f"job:{world.names.jobs}/ingest_{world.domain.events}")


FAULT = Fault(
    name="poison_record",
    title="Poison record",
    doc="A reader fails at the same record each time it begins again; a good part of its topic waits behind it.",
    plant=_plant,
    near_miss=_near_miss,
)
