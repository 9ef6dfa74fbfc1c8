"""What turns the classifier's output into the score changes; version and inputs stay as they were."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Plan, Planted, Source
from workbench.scenarios.mechanisms_data import Recalibrate
from workbench.scenarios.model import timetable
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    usual = timetable(world, Plan(moment))
    champion = max((t for t in usual if t.deployed_s <= moment.onset_s), key=lambda t: t.deployed_s)
    scorer = world.services[world.role("scorer")]
    source = Source(
        entity=f"model_version:{world.model}/{champion.version}",
        also=(f"model:{world.model}", f"service:{scorer.name}", f"operation:{scorer.name}/{scorer.operation}"),
        kind="calibration_slip",
        onset_s=moment.onset_s,
        first_failure=f"model:{world.model}",
    )
    slope, shift = (float(rng.uniform(low, high)) for low, high in ((0.85, 1.15), (0.45, 0.9)))
    sign = 1 if rng.random() < 0.6 else -1
    return Planted((Recalibrate(moment.onset_s, slope, sign * shift * moment.strength),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Round the parameters of the calibration: no score moves by more than a hundredth."""
    effect = Recalibrate(moment.onset_s, float(rng.uniform(0.998, 1.002)), float(rng.uniform(-0.004, 0.004)))
    return Harmless((effect,), f"model:{world.model}")


FAULT = Fault(
    name="calibration_slip",
    title="Calibration slip",
    doc="The step that turns the classifier's output into a probability changes: equal inputs get other scores.",
    plant=_plant,
    near_miss=_near_miss,
)
