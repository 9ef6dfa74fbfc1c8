"""A device's memory fills up; requests wait for room, and some fail for want of it."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.devices import one_card
from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_gpu import Fill
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    device = one_card(world, rng)
    effect = Fill(
        device,
        moment.onset_s,
        moment.end_s,
        used=float(rng.uniform(0.955, 0.99)),
        wait=float(rng.uniform(4.0, 6.0)) * moment.strength,
        errors=min(float(rng.uniform(0.05, 0.12)) * moment.strength, 0.5),
    )
    place = f"gpu:{world.gpus[device][1]}"
    return Planted((effect,), Source(place, (), "vram_pressure", moment.onset_s, place))


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Reserve nearly all memory of a device, as servers do that keep room for themselves; nothing waits for it."""
    device = one_card(world, rng)
    effect = Fill(device, moment.onset_s, moment.end_s, used=float(rng.uniform(0.95, 0.985)))
    return Harmless((effect,), f"gpu:{world.gpus[device][1]}")


FAULT = Fault(
    name="vram_pressure",
    title="GPU memory full",
    doc="One device's memory fills up: requests wait until there is room, and some run out of memory.",
    plant=_plant,
    near_miss=_near_miss,
)
