"""Let flags, canaries, caches, retries, replicas and bad records act on the simulated requests, in whole columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.mechanisms_service import CacheFor, Canary, Poison, Prompt, Repeat, Shrink, SkewClock, Toggle
from workbench.scenarios.world import BATCH_S, DAY_S, SLOT_S, World, steps, stream

if TYPE_CHECKING:
    from workbench.scenarios.mechanisms import Plan
    from workbench.scenarios.pipeline import Rows

CACHE_S = 240.0
"""How long the client's cache keeps a value usually."""
CHANGES_S = {"order": 3600.0, "activity": 3 * 3600.0, "profile": 12 * DAY_S}
"""After how long a party's value has changed, on average, by kind of view."""
FLAG_NAMES = (
    "parallel-lookup", "new-rounding", "warm-start", "compact-payload", "async-audit", "strict-limits", "early-exit",
    "batched-reads",
)  # fmt: skip


@dataclass(frozen=True)
class Flag:
    """One feature flag, and the service whose code asks for it."""

    key: str
    service: int


def flags(world: World) -> tuple[Flag, ...]:
    """Return the system's feature flags."""
    rng = stream(world.seed, "flags")
    names = [FLAG_NAMES[i] for i in rng.permutation(len(FLAG_NAMES))]
    owners = [world.role(role) for role in ("features", "scorer", "orchestrator")]
    return tuple(Flag(f"{world.domain.key}-{name}", owners[k % 3]) for k, name in enumerate(names[:4]))


@dataclass
class Traffic:
    """Hold what every request met on its way; arrays of length n."""

    on: dict[int, np.ndarray] = field(default_factory=dict)
    """Flag → whether it was on."""
    canary: dict[int, np.ndarray] = field(default_factory=dict)
    """Service → whether the request reached its next version."""
    repeats: dict[int, np.ndarray] = field(default_factory=dict)
    """Service → calls of it that its caller gave up on."""
    timeout_ms: dict[int, float] = field(default_factory=dict)


def traffic(world: World, plan: Plan, rows: Rows) -> Traffic:
    """Return flags, versions and repeated calls of every request."""
    found = Traffic()
    for k, _ in enumerate(flags(world)):
        on = np.zeros(len(rows), bool)
        for toggle in plan.of(Toggle):
            if toggle.flag == k:
                on |= _touched(toggle, rows)
        found.on[k] = on
    for canary in plan.of(Canary):
        reached = (rows.second >= canary.start_s) & (_draw(world, rows, f"canary {canary.service}") < canary.share)
        found.canary[canary.service] = found.canary.get(canary.service, False) | reached
    for retry in plan.of(Repeat):
        again = stream(world.seed, f"retries {retry.callee}").poisson(retry.calls - 1, len(rows)).clip(0, 6)
        again[rows.second < retry.start_s] = 0
        found.repeats[retry.callee] = again.astype(np.int8)
        found.timeout_ms[retry.callee] = retry.timeout_ms
    return found


def _touched(toggle: Toggle, rows: Rows) -> np.ndarray:
    touched: np.ndarray = (rows.second >= toggle.start_s) & (rows.second < toggle.end_s)
    return touched if toggle.region is None else touched & (rows.region == toggle.region)


def _draw(world: World, rows: Rows, purpose: str) -> np.ndarray:
    return stream(world.seed, purpose).random(len(rows), dtype=np.float32)


def errors(world: World, plan: Plan, rows: Rows, met: Traffic, service: int) -> np.ndarray:
    """Return what flags add to a service's share of failures, ``(n,)``."""
    added = np.zeros(len(rows), np.float32)
    known = flags(world)
    for toggle in plan.of(Toggle):
        if toggle.errors and known[toggle.flag].service == service and service in met.canary:
            added[_touched(toggle, rows) & met.canary[service]] += toggle.errors
    return added


def pressure(world: World, plan: Plan, rows: Rows, met: Traffic) -> np.ndarray:
    """Return how much more the scorer has to do than requests alone would ask of it, ``(n,)``."""
    more = np.ones(len(rows), np.float32)
    for shrink in plan.of(Shrink):
        more[rows.second >= shrink.start_s] *= shrink.load
    scorer = world.role("scorer")
    if scorer in met.repeats:
        slots = steps(rows.second, SLOT_S)
        calls = np.bincount(slots) + np.bincount(slots, met.repeats[scorer])
        more *= (calls / np.maximum(np.bincount(slots), 1))[slots].astype(np.float32)
    return more


def cache(world: World, plan: Plan, rows: Rows) -> None:
    """Serve what the cache held: a value that has changed since it was put there is served as it was."""
    for kept in plan.of(CacheFor):
        late = np.flatnonzero(rows.second >= kept.start_s)
        age = cached_age(kept, rows.second[late])
        rng = stream(world.seed, f"cache {kept.view}")
        kind = world.views[kept.view].kind
        changed = rng.random(len(late)) < 1 - np.exp(-age * kept.pace / CHANGES_S[kind])
        then, now = world.rhythm(rows.second[late] - age), world.rhythm(rows.second[late])
        for j, feature in enumerate(world.features):
            if feature.view != kept.view:
                continue
            current = rows.x[late, j]
            moved = feature.rhythm * (then - now) * kept.pace + rng.normal(0, 0.45, len(late)) * kept.pace
            old = np.clip(current + moved * 0.2, 0, 1) if feature.bounded else current * np.exp(feature.spread * moved)
            rows.served[late, j] = np.where(changed, old, current)


def cached_age(kept: CacheFor, second: np.ndarray) -> np.ndarray:
    """Return how long the values that these requests got had been in the cache, in seconds."""
    longest = np.minimum(second - kept.start_s + CACHE_S, kept.ttl_s)
    # Where in its life a cached value is when it is asked for is as good as random, and the same for every reader.
    age: np.ndarray = longest * np.sqrt(np.modf(second * 0.6180339887)[0])
    return age


def held_back(world: World, plan: Plan, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return which events wait behind a bad record, and how many by batch and feed, ``(batches, feeds)``."""
    waits = np.zeros(len(rows), bool)
    for poison in plan.of(Poison):
        behind = (
            rows.party.astype(np.int64) * 2_654_435_761 % 1000
        ) < poison.share * 1000  # a partition is a hash of the party
        waits |= (rows.feed == poison.feed) & (rows.second >= poison.start_s) & (rows.second < poison.end_s) & behind
    batches = int(plan.moment.end_s // BATCH_S) + 1
    place = (rows.second[waits] // BATCH_S).astype(int) * len(world.feeds) + rows.feed[waits]
    counts = np.bincount(place, minlength=batches * len(world.feeds)).reshape(batches, len(world.feeds))
    return waits, counts


def offset_s(plan: Plan, host: int, second: np.ndarray | float) -> np.ndarray:
    """Return by how much a machine's clock is ahead at these moments, in seconds."""
    total = np.zeros_like(np.asarray(second, float))
    for skew in plan.of(SkewClock):
        if skew.host == host:
            total = total + np.where(np.asarray(second) >= skew.start_s, skew.offset_s, 0.0)
    return total


def prompt_version(plan: Plan, second: np.ndarray) -> np.ndarray:
    """Return which version of the prompt worded the explanation, from 1."""
    begins = np.sort([p.start_s for p in plan.of(Prompt)])
    version: np.ndarray = 1 + np.searchsorted(begins, second, side="right")
    return version


def groundedness(world: World, plan: Plan, second: np.ndarray) -> np.ndarray:
    """Return the judge's score of the explanation of every request, 0..1, ``(n,)``."""
    rng = stream(world.seed, "judge")
    score = 1 - rng.beta(1.6, rng.uniform(10, 16), len(second))
    for prompt in plan.of(Prompt):
        score = score - np.where(second >= prompt.start_s, prompt.drop, 0.0) * rng.uniform(0.4, 1.6, len(second))
    return np.asarray(np.clip(score, 0.0, 1.0))


def delay_s(world: World, plan: Plan, second: np.ndarray, total_ms: np.ndarray) -> np.ndarray:
    """Return what the exporter takes for the time from event to decision: stamped by the source, and by the decider."""
    judge = world.services[world.role("orchestrator")]
    rng = stream(world.seed, "capture lag")
    lag = rng.gamma(9.0, rng.uniform(0.3, 0.6), len(second))
    found: np.ndarray = lag + total_ms / 1000 + offset_s(plan, judge.host, second)
    return found
