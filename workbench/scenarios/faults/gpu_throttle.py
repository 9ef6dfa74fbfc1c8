"""A device gets too hot and lowers its clock; what it serves takes longer."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.devices import one_card
from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_gpu import Heat
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    device = one_card(world, rng)
    clock = float(rng.uniform(0.40, 0.52)) / min(moment.strength, 1.7)
    effect = Heat(device, moment.onset_s, moment.end_s, clock)
    place = f"gpu:{world.gpus[device][1]}"
    return Planted((effect,), Source(place, (), "gpu_throttle", moment.onset_s, place))


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let a device of the scorer run just as hot, at full clock."""
    device = one_card(world, rng)
    effect = Heat(device, moment.onset_s, moment.end_s - float(rng.uniform(0, 1800)), 1.0)
    return Harmless((effect,), f"gpu:{world.gpus[device][1]}")


FAULT = Fault(
    name="gpu_throttle",
    title="GPU throttled",
    doc="One device overheats and halves its clock: busy as ever, it serves half as fast and its queue grows.",
    plant=_plant,
    near_miss=_near_miss,
)
