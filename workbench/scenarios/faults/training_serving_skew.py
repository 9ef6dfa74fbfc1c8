"""A feature view is no longer copied to the online store, so serving sees old values and defaults."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source, Stall
from workbench.scenarios.mechanisms_data import Retry
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    weight = {v: max(abs(f.weight) for f in world.features if f.view == v) for v in range(len(world.views))}
    options = [v for v, view in enumerate(world.views) if view.kind != "order"]
    view = options[int(rng.integers(len(options)))] if rng.random() < 0.3 else max(options, key=lambda v: weight[v])
    mine = sorted((f for f in world.features if f.view == view), key=lambda f: -abs(f.weight))
    online = f"dataset:{world.names.online[view]}"
    source = Source(
        entity=f"feature:{mine[0].name}",
        also=(
            online,
            f"job:{world.names.jobs}/publish_{world.views[view].name}",
            *(f"feature:{f.name}" for f in mine[1:]),
            *(f"column:{world.names.online[view]}.{f.name}" for f in mine),
        ),
        kind="training_serving_skew",
        onset_s=moment.onset_s,
        first_failure=online,
    )
    return Planted((Stall(view, moment.onset_s, moment.strength),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let one publishing run fail, and copy everything at the next attempt, less than an hour later."""
    options = [v for v, view in enumerate(world.views) if view.kind != "order"]
    view = options[int(rng.integers(len(options)))]
    retry = Retry(view, moment.onset_s, float(rng.uniform(900, 2700)))
    return Harmless((retry,), f"dataset:{world.names.online[view]}")


FAULT = Fault(
    name="training_serving_skew",
    title="Stale feature store",
    doc="One feature view stops being copied online: known parties get old values, newer ones the default.",
    plant=_plant,
    near_miss=_near_miss,
    hours=(2.0, 8.0),
    lasts_h=(9.0, 14.0),
)
