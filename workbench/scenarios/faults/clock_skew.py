"""A machine's clock runs off, so that times taken on two machines no longer add up."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_service import SkewClock
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    host = world.services[world.role("orchestrator")].host
    offset = float(np.exp(rng.uniform(np.log(2.0), np.log(60.0)))) * moment.strength
    named = f"host:{world.hosts[host]}"
    source = Source(entity=named, also=(), kind="clock_skew", onset_s=moment.onset_s, first_failure=named)
    return Planted((SkewClock(host, moment.onset_s, offset),), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Let the same clock be off by so little that no figure shows it."""
    host = world.services[world.role("orchestrator")].host
    skew = SkewClock(host, moment.onset_s, float(rng.uniform(0.02, 0.06)) * float(rng.choice([-1, 1])))
    return Harmless((skew,), f"host:{world.hosts[host]}")


FAULT = Fault(
    name="clock_skew",
    title="Clock skew",
    doc="The clock of the deciding machine runs ahead; the delay from event to decision alerts, all work is as fast.",
    plant=_plant,
    near_miss=_near_miss,
)
