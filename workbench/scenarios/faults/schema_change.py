"""An upstream table changes its schema: a column gets another name or another unit."""

from __future__ import annotations

from typing import Literal

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Reshape, Source
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    feed = int(np.argmax([f.share * rng.uniform(0.6, 1) for f in world.feeds]))
    how: Literal["renamed", "minor_units"] = "renamed" if rng.random() < 0.5 else "minor_units"
    column = world.features[0].column  # the size of an event is always there, and always matters
    topic = f"{world.names.kafka}/{world.feeds[feed].topic}"
    source = Source(
        entity=f"dataset:{topic}",
        also=(
            f"column:{topic}.{column}",
            f"dataset:{world.feeds[feed].database}",
            f"column:{world.feeds[feed].database}.{column}",
            f"job:{world.names.jobs}/{world.feeds[feed].connector}",
        ),
        kind="schema_change",
        onset_s=moment.onset_s,
        first_failure=f"dataset:{topic}",
    )
    return Planted((Reshape(feed, 0, moment.onset_s, how),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Add a column that nothing reads to the largest table."""
    feed = int(np.argmax([f.share * rng.uniform(0.6, 1) for f in world.feeds]))
    return Harmless(
        (Reshape(feed, 0, moment.onset_s, "added"),), f"dataset:{world.names.kafka}/{world.feeds[feed].topic}"
    )


FAULT = Fault(
    name="schema_change",
    title="Schema change upstream",
    doc="A captured table renames a column (read as empty since) or sends it in minor units (a hundred times larger).",
    plant=_plant,
    near_miss=_near_miss,
)
