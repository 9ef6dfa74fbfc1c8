"""A connector stops delivering while its source database goes on."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Silence, Source
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    feed = int(np.argmax([f.share for f in world.feeds]))
    topic = f"dataset:{world.names.kafka}/{world.feeds[feed].topic}"
    onset = moment.onset_s + float(rng.uniform(0, 300))
    source = Source(
        entity=topic,
        also=(f"job:{world.names.jobs}/{world.feeds[feed].connector}", f"dataset:{world.feeds[feed].database}"),
        kind="silent_feed",
        onset_s=onset,
        first_failure=topic,
    )
    return Planted((Silence(feed, onset, moment.end_s),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Restart the connector of the largest feed: minutes without rows, then all is as before."""
    feed = int(np.argmax([f.share for f in world.feeds]))
    pause = Silence(feed, moment.onset_s, moment.onset_s + float(rng.uniform(240, 480)))
    return Harmless((pause,), f"dataset:{world.names.kafka}/{world.feeds[feed].topic}")


FAULT = Fault(
    name="silent_feed",
    title="CDC feed silent",
    doc="The connector of the largest feed delivers nothing: 62 % of the events never arrive, and the mix shifts.",
    plant=_plant,
    near_miss=_near_miss,
)
