"""Replicas of a service are taken away, and requests queue for those that are left."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_service import Setting, Shrink
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    scorer = world.role("scorer")
    before = int(rng.integers(4, 7))
    load = min(float(rng.uniform(2.4, 3.4)) * moment.strength**0.5, 4.5)
    after = max(round(before / load), 1)
    effects: tuple[Shrink | Setting, ...] = (Shrink(moment.onset_s, load),)
    if rng.random() < 0.7:
        told = moment.onset_s - float(rng.uniform(5, 120))
        effects = (*effects, Setting(scorer, "replicas", str(before), str(after), told))
    named = world.services[scorer]
    source = Source(
        entity=f"service:{named.name}",
        also=(f"operation:{named.name}/{named.operation}",),
        kind="queue_saturation",
        onset_s=moment.onset_s,
        first_failure=f"service:{named.name}",
    )
    return Planted(effects, source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Take one replica of many away."""
    scorer = world.role("scorer")
    told = Setting(scorer, "replicas", "8", "7", moment.onset_s - float(rng.uniform(5, 120)))
    return Harmless((Shrink(moment.onset_s, 8 / 7), told), f"service:{world.services[scorer].name}")


FAULT = Fault(
    name="queue_saturation",
    title="Queue saturation",
    doc="The scorer is scaled down below what its traffic asks for: each request waits, then takes as long as ever.",
    plant=_plant,
    near_miss=_near_miss,
)
