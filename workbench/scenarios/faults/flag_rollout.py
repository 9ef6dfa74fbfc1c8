"""A feature flag is switched on in one region, and its code fails in one version of the service."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_service import Canary, Toggle
from workbench.scenarios.service_effects import flags
from workbench.scenarios.world import World


def _busiest(world: World) -> tuple[int, float]:
    shares = [sum(f.share for f in world.feeds if f.region == r) for r in range(len(world.regions))]
    region = int(np.argmax(shares))
    return region, shares[region]


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    flag = int(rng.integers(2))
    named = flags(world)[flag]
    region, share = _busiest(world)
    reached = float(rng.uniform(0.35, 0.6))
    canary = Canary(named.service, moment.onset_s - float(rng.uniform(14, 60)) * 3600, reached)
    overall = float(rng.uniform(0.1, 0.2)) * moment.strength
    toggle = Toggle(flag, moment.onset_s, region, errors=min(overall / (share * reached), 0.95))
    source = Source(
        entity=f"flag:{named.key}",
        also=(),
        kind="flag_rollout",
        onset_s=moment.onset_s,
        first_failure=f"service:{world.services[named.service].name}",
    )
    return Planted((canary, toggle), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Switch the same kind of flag on in the same region, with code that works."""
    flag = int(rng.integers(2))
    named = flags(world)[flag]
    canary = Canary(named.service, moment.onset_s - float(rng.uniform(14, 60)) * 3600, float(rng.uniform(0.35, 0.6)))
    return Harmless((canary, Toggle(flag, moment.onset_s, _busiest(world)[0])), f"flag:{named.key}")


FAULT = Fault(
    name="flag_rollout",
    title="Flag roll-out",
    doc="A flag is switched on in the busiest region; its code fails in the version that a canary already serves.",
    plant=_plant,
    near_miss=_near_miss,
)
