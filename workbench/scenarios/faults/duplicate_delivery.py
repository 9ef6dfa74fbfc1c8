"""A connector delivers batches of its topic twice, and each event is handled twice."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_data import Redeliver
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    feed = int(np.argmax([f.share for f in world.feeds]))
    share = min(float(rng.uniform(0.55, 0.9)) * moment.strength, 1.0)
    topic = f"dataset:{world.names.kafka}/{world.feeds[feed].topic}"
    source = Source(
        entity=topic,
        also=(f"job:{world.names.jobs}/{world.feeds[feed].connector}", f"dataset:{world.feeds[feed].database}"),
        kind="duplicate_delivery",
        onset_s=moment.onset_s,
        first_failure=topic,
    )
    return Planted((Redeliver(feed, moment.onset_s, moment.end_s, share, "keeps"),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Deliver batches twice to a consumer that knows a row by its key and drops the second one."""
    feed = int(np.argmax([f.share for f in world.feeds]))
    effect = Redeliver(feed, moment.onset_s, moment.end_s, float(rng.uniform(0.4, 0.9)), "drops")
    return Harmless((effect,), f"dataset:{world.names.kafka}/{world.feeds[feed].topic}")


FAULT = Fault(
    name="duplicate_delivery",
    title="Duplicate delivery",
    doc="The connector of the largest feed delivers most batches twice; both are handled, and recent counts rise.",
    plant=_plant,
    near_miss=_near_miss,
)
