"""The world moves with the season, the model stays as it was trained."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_data import NoTraining, Season
from workbench.scenarios.world import DAY_S, World

LEAST_S = 8 * DAY_S
"""What moves faster is no season."""


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    start = min(moment.onset_s, moment.end_s - LEAST_S)
    kind = ("order", "profile")[int(rng.integers(2))]
    mine = [j for j, f in enumerate(world.features) if world.views[f.view].kind == kind]
    mine.sort(key=lambda j: -abs(world.features[j].weight))
    moved = tuple(mine[: int(rng.integers(1, 3))])
    # Seasons that make everything look worse are the ones that people are called for.
    reach = float(rng.uniform(0.9, 1.5)) * moment.strength * float(np.sign(world.features[moved[0]].weight))
    named = [world.features[j] for j in moved]
    source = Source(
        entity=f"feature:{named[0].name}",
        also=(
            *(f"feature:{f.name}" for f in named[1:]),
            *(f"column:{world.names.offline[f.view]}.{f.name}" for f in named),
            f"model:{world.model}",
        ),
        kind="seasonal_drift",
        onset_s=start,
        first_failure=f"feature:{named[0].name}",
    )
    season = Season(moved, start, moment.end_s, reach)
    # Beside another fault the versions stay as that one numbers them.
    return Planted((season, NoTraining(start - 5 * DAY_S)) if moment.noticed_s else (season,), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Move the feature that weighs least, over the same weeks."""
    feature = int(np.argmin([abs(f.weight) for f in world.features]))
    reach = float(rng.uniform(0.8, 1.2))
    effect = Season((feature,), moment.onset_s, moment.end_s, reach)
    return Harmless((effect,), f"feature:{world.features[feature].name}")


FAULT = Fault(
    name="seasonal_drift",
    title="Seasonal drift",
    doc="Features move for about two weeks with the season, slowly and then faster; nobody trains a new version.",
    plant=_plant,
    near_miss=_near_miss,
    hours=(-290.0, -220.0),
    lasts_h=(280.0, 330.0),
    noticed_h=(4.0, 8.0),
)
