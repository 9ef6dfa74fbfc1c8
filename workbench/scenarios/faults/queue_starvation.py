"""Requests wait in front of devices that idle: what feeds them hands over too late."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.devices import cards
from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_gpu import Lighten, Starve
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    scorer = world.services[world.role("scorer")]
    effect = Starve(moment.onset_s, moment.end_s, float(rng.uniform(9.0, 14.0)) * moment.strength)
    devices = tuple(f"gpu:{world.gpus[i][1]}" for i in cards(world))
    place = f"service:{scorer.name}"
    also = (f"operation:{scorer.name}/{scorer.operation}", *devices)
    return Planted((effect,), Source(place, also, "queue_starvation", moment.onset_s, place))


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let requests need less of the devices: they idle more, and nobody waits."""
    device = cards(world)[0]
    effect = Lighten(moment.onset_s, moment.end_s, float(rng.uniform(0.35, 0.55)))
    return Harmless((effect,), f"gpu:{world.gpus[device][1]}")


FAULT = Fault(
    name="queue_starvation",
    title="Queue starves the GPU",
    doc="The queue before the devices hands requests over late: they miss their deadline while the devices idle.",
    plant=_plant,
    near_miss=_near_miss,
)
