"""Another program on a device takes its time from ours."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.devices import one_card
from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_gpu import Neighbour
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    device = one_card(world, rng)
    effect = Neighbour(
        device,
        moment.onset_s,
        moment.end_s,
        share=float(rng.uniform(0.3, 0.5)),
        memory_mib=float(rng.uniform(2_500, 5_000)),
        slower=float(rng.uniform(2.1, 2.8)) * moment.strength,
    )
    place = f"gpu:{world.gpus[device][1]}"
    return Planted((effect,), Source(place, (), "noisy_neighbour", moment.onset_s, place))


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let another program use the time that a device has to spare: ours is as fast as ever."""
    device = one_card(world, rng)
    effect = Neighbour(
        device,
        moment.onset_s,
        moment.end_s,
        share=float(rng.uniform(0.1, 0.3)),
        memory_mib=float(rng.uniform(1_500, 4_000)),
        slower=1.0,
    )
    return Harmless((effect,), f"gpu:{world.gpus[device][1]}")


FAULT = Fault(
    name="noisy_neighbour",
    title="Noisy neighbour",
    doc="A foreign program computes on one of the scorer's devices: our forward passes share its time and take longer.",
    plant=_plant,
    near_miss=_near_miss,
)
