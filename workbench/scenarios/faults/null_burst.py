"""A column of an upstream table arrives empty for many rows, its schema unchanged."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Blank, Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    kind = ("order", "profile")[int(rng.integers(2))]
    mine = [j for j, f in enumerate(world.features) if world.views[f.view].kind == kind]
    feature = max(mine, key=lambda j: abs(world.features[j].weight))
    named = world.features[feature]
    low, high = (0.5, 0.8) if kind == "order" else (0.12, 0.35)
    share = min(float(rng.uniform(low, high)) * moment.strength, 0.97)
    feed = None
    place = world.names.profile
    if kind == "order":
        feed = int(np.argmax([f.share * rng.uniform(0.6, 1) for f in world.feeds]))
        place = f"{world.names.kafka}/{world.feeds[feed].topic}"
    source = Source(
        entity=f"feature:{named.name}",
        also=(f"column:{place}.{named.column}", f"dataset:{place}"),
        kind="null_burst",
        onset_s=moment.onset_s,
        first_failure=f"dataset:{place}",
    )
    return Planted((Blank(feature, feed, moment.onset_s, moment.end_s, share),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let the column that weighs least in the model arrive empty."""
    feature = int(np.argmin([abs(f.weight) for f in world.features]))
    share = float(rng.uniform(0.2, 0.4))
    return Harmless(
        (Blank(feature, None, moment.onset_s, moment.end_s, share),), f"feature:{world.features[feature].name}"
    )


FAULT = Fault(
    name="null_burst",
    title="Null burst",
    doc="The producer of one column leaves it empty in a good part of its rows; serving puts the default in its place.",
    plant=_plant,
    near_miss=_near_miss,
)
