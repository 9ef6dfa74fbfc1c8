"""The time for which a client may keep features is set from minutes to a day."""

from __future__ import annotations

import numpy as np

from workbench.scenarios.mechanisms import Fault, Harmless, Moment, Planted, Source
from workbench.scenarios.mechanisms_service import CacheFor, Setting
from workbench.scenarios.world import DAY_S, World


def _plant(world: World, moment: Moment, rng: np.random.Generator) -> Planted:
    view = next(v for v, one in enumerate(world.views) if one.kind == "activity")
    store = world.role("features")
    mine = sorted((f for f in world.features if f.view == view), key=lambda f: -abs(f.weight))
    effects: tuple[CacheFor | Setting, ...] = (CacheFor(view, moment.onset_s, DAY_S, moment.strength),)
    if rng.random() < 0.7:  # some changes are told to nobody
        effects = (*effects, Setting(store, "cache.ttl", "240s", "86400s", moment.onset_s - float(rng.uniform(5, 300))))
    source = Source(
        entity=f"service:{world.services[store].name}",
        also=tuple(f"feature:{f.name}" for f in mine),
        kind="stale_features",
        onset_s=moment.onset_s,
        first_failure=f"feature:{mine[0].name}",
    )
    return Planted(effects, source)


def _near_miss(world: World, moment: Moment, rng: np.random.Generator) -> Harmless:
    """Keep features that hardly ever change for an hour."""
    view = next(v for v, one in enumerate(world.views) if one.kind == "profile")
    store = world.role("features")
    told = Setting(store, "cache.ttl", "240s", "3600s", moment.onset_s - float(rng.uniform(5, 300)))
    return Harmless((CacheFor(view, moment.onset_s, 3600.0), told), f"service:{world.services[store].name}")


FAULT = Fault(
    name="stale_features",
    title="Stale features",
    doc="A cache keeps recent activity for a day instead of minutes: the store is fresh, serving sees old values.",
    plant=_plant,
    near_miss=_near_miss,
    hours=(2.0, 8.0),
    lasts_h=(9.0, 14.0),
)
