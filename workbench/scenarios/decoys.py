"""Loud but harmless changes that happen at the same time as an incident."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.scenarios.mechanisms import (
    BackErrors,
    Backfill,
    Deploy,
    Harmless,
    HotHost,
    Moment,
    Planted,
    Reshape,
    Surge,
    Train,
)
from workbench.scenarios.world import World

Draw = Callable[[World, Moment, float, np.random.Generator], Harmless]


def draw(world: World, moment: Moment, rng: np.random.Generator, *, avoid: tuple[Planted, ...]) -> Harmless:
    """Return one decoy at about the time of the onset, that blames nothing which is guilty."""
    guilty = {name for p in avoid for name in (p.source.entity, *p.source.also)}
    retrained = any(isinstance(effect, Train) for p in avoid for effect in p.effects)
    for index in rng.permutation(len(DECOYS)):
        start = moment.felt_s + float(rng.uniform(-1800, 900))
        harmless: Harmless = DECOYS[index](world, moment, start, rng)
        if harmless.entity not in guilty and not (retrained and DECOYS[index] is _retrain):
            return harmless
    raise AssertionError("Decoys name more entities than one incident can have guilty.")


def _release(world: World, _moment: Moment, start: float, rng: np.random.Generator) -> Harmless:
    """Roll out a large release that changes nothing that matters."""
    service = int(rng.integers(len(world.services)))
    return Harmless((Deploy(service, start, size=9),), f"service:{world.services[service].name}")


def _surge(world: World, moment: Moment, start: float, rng: np.random.Generator) -> Harmless:
    """Bring a promotion: more of the same traffic."""
    factor = float(rng.uniform(1.15, 1.35))
    effects = (Surge(start, moment.end_s, factor),)
    return Harmless(effects, f"dataset:{world.names.raw}")


def _hot_host(world: World, moment: Moment, start: float, rng: np.random.Generator) -> Harmless:
    """Run a batch job on a machine that has room for it."""
    host = int(rng.integers(len(world.hosts)))
    return Harmless((HotHost(host, start, moment.end_s),), f"host:{world.hosts[host]}")


def _backfill(world: World, _moment: Moment, start: float, rng: np.random.Generator) -> Harmless:
    """Rewrite a data set that nothing here reads."""
    side = int(rng.integers(len(world.names.side)))
    return Harmless((Backfill(side, start, float(rng.uniform(3, 8))),), f"dataset:{world.names.side[side]}")


def _back_errors(world: World, moment: Moment, start: float, rng: np.random.Generator) -> Harmless:
    """Let a service that nothing waits for fail."""
    service = world.role("back")
    share = float(rng.uniform(0.2, 0.5))
    return Harmless((BackErrors(service, start, moment.end_s, share),), f"service:{world.services[service].name}")


def _new_column(world: World, _moment: Moment, start: float, rng: np.random.Generator) -> Harmless:
    """Add a column that nothing reads."""
    feed = int(rng.integers(len(world.feeds)))
    return Harmless((Reshape(feed, 0, start, "added"),), f"dataset:{world.names.kafka}/{world.feeds[feed].topic}")


def _retrain(world: World, _moment: Moment, start: float, rng: np.random.Generator) -> Harmless:
    """Promote a new version trained on good data."""
    from workbench.scenarios.model import run_id

    begun = start - float(rng.uniform(3600, 7200))
    return Harmless((Train("current", begun, start),), f"run:{run_id(world, begun)}")


DECOYS: tuple[Draw, ...] = (_release, _surge, _hot_host, _backfill, _back_errors, _new_column, _retrain)
