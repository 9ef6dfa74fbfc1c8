"""Labels arrive days late, and the quality measured from them looks far worse than it is."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_data import Hold
from workbench.scenarios.world import DAY_S, World

LEAST_S = 30 * 3600.0
"""Labels must be missing for so long before the quality of a day's decisions looks wrong."""


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    start = min(moment.onset_s, moment.end_s - LEAST_S * moment.strength)
    labels = f"dataset:{world.names.labels}"
    source = Source(
        entity=labels,
        also=(
            f"job:{world.names.jobs}/load_{world.domain.label}",
            f"column:{world.names.labels}.{world.domain.label}",
            f"column:{world.names.labels}.prediction_id",
        ),
        kind="label_delay",
        onset_s=start,
        first_failure=labels,
    )
    return Planted((Hold(start, moment.end_s, float(rng.uniform(3, 8)) * DAY_S),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Load the labels of two hours some hours late: they are there long before anybody counts with them."""
    start = moment.felt_s - float(rng.uniform(6, 9)) * 3600
    effect = Hold(start, start + 7200, float(rng.uniform(2, 4)) * 3600)
    return Harmless((effect,), f"dataset:{world.names.labels}")


FAULT = Fault(
    name="label_delay",
    title="Late labels",
    doc="Labels stop arriving for days; what counts them as if they had arrived sees the quality of the model fall.",
    plant=_plant,
    near_miss=_near_miss,
    hours=(-34.0, -24.0),
    lasts_h=(34.0, 44.0),
    noticed_h=(4.0, 8.0),
)
