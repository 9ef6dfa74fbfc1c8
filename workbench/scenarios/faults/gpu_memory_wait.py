"""A device says that it is busy, yet requests wait for its memory most of their time."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.devices import one_card
from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_gpu import MemoryWait
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    device = one_card(world, rng)
    effect = MemoryWait(
        device,
        moment.onset_s,
        moment.end_s,
        busy=float(rng.uniform(0.72, 0.79)),
        controller=float(rng.uniform(0.88, 0.97)),
        wait=float(rng.uniform(4.6, 5.6)) * moment.strength,
    )
    place = f"gpu:{world.gpus[device][1]}"
    return Planted((effect,), Source(place, (), "gpu_memory_wait", moment.onset_s, place))


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let a device be just as busy reading its memory, with requests that do not wait: there is room for them."""
    device = one_card(world, rng)
    effect = MemoryWait(
        device,
        moment.onset_s,
        moment.end_s,
        busy=float(rng.uniform(0.68, 0.78)),
        controller=float(rng.uniform(0.85, 0.95)),
    )
    return Harmless((effect,), f"gpu:{world.gpus[device][1]}")


FAULT = Fault(
    name="gpu_memory_wait",
    title="GPU busy, requests wait for its memory",
    doc="Kernels of one device wait for memory: it shows 75 % busy while requests spend 60 % of their time queued.",
    plant=_plant,
    near_miss=_near_miss,
)
