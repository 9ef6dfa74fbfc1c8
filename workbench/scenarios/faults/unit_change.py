"""A producer sends one column in another unit, a hundred or a thousand times larger; its schema stays."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_data import Rescale
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    kind = ("order", "profile")[int(rng.integers(2))]
    mine = [j for j, f in enumerate(world.features) if world.views[f.view].kind == kind]
    feature = max(mine, key=lambda j: abs(world.features[j].weight))
    named = world.features[feature]
    factor = 100.0 if named.bounded or rng.random() < 0.6 else 1000.0
    feed: int | None = None
    place, more = world.names.profile, list[str]()
    if kind == "order":
        feed = int(np.argmax([f.share * rng.uniform(0.6, 1) for f in world.feeds]))
        place = f"{world.names.kafka}/{world.feeds[feed].topic}"
        more = [f"dataset:{world.feeds[feed].database}", f"column:{world.feeds[feed].database}.{named.column}"]
    source = Source(
        entity=f"feature:{named.name}",
        also=(f"column:{place}.{named.column}", f"dataset:{place}", *more),
        kind="unit_change",
        onset_s=moment.onset_s,
        first_failure=f"dataset:{place}",
    )
    return Planted((Rescale(feature, feed, moment.onset_s, factor, "unaware"),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Send the size of an event in minor units, while what reads it divides from the same minute on."""
    feed = int(np.argmax([f.share * rng.uniform(0.6, 1) for f in world.feeds]))
    effect = Rescale(0, feed, moment.onset_s, 100.0, "converting")
    return Harmless((effect,), f"dataset:{world.names.kafka}/{world.feeds[feed].topic}")


FAULT = Fault(
    name="unit_change",
    title="Change of unit",
    doc="A producer sends one column a hundred or a thousand times larger than before; schema and row counts stay.",
    plant=_plant,
    near_miss=_near_miss,
)
