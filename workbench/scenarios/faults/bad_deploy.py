"""A release of one service makes it slow, or makes it fail, everywhere or in one region."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Deploy, Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.world import World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    role = ("scorer", "features")[int(rng.integers(2))]
    service = world.role(role)
    if role == "scorer" and rng.random() < 0.5:
        deploy = Deploy(
            service, moment.onset_s, slower=float(rng.uniform(2.1, 2.6)) * moment.strength, size=int(rng.integers(1, 6))
        )
    else:
        regions = range(len(world.regions))
        busiest = int(np.argmax([sum(f.share for f in world.feeds if f.region == r) for r in regions]))
        region = busiest if rng.random() < 0.5 else None
        errors = min(float(rng.uniform(0.08, 0.25)) * (1.5 if region is not None else 1) * moment.strength, 0.9)
        deploy = Deploy(
            service,
            moment.onset_s,
            slower=float(rng.uniform(1.0, 1.3)),
            errors=errors,
            region=region,
            size=int(rng.integers(1, 6)),
        )
    named = world.services[service]
    source = Source(
        entity=f"service:{named.name}",
        also=(f"operation:{named.name}/{named.operation}",),
        kind="bad_deploy",
        onset_s=moment.onset_s,
        first_failure=f"service:{named.name}",
    )
    return Planted((deploy,), source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Release most of the same service at the same time, without effect on its work."""
    service = world.role(("scorer", "features")[int(rng.integers(2))])
    return Harmless((Deploy(service, moment.onset_s, size=9),), f"service:{world.services[service].name}")


FAULT = Fault(
    name="bad_deploy",
    title="Bad deploy",
    doc="A new version of the scorer or the feature store is slower (requests queue and miss deadlines) or fails.",
    plant=_plant,
    near_miss=_near_miss,
)
