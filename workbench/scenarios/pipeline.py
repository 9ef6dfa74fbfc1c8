"""Simulate the data side with whole columns: events, capture, mapping, features, feature store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.scenarios import data_stage, service_effects
from workbench.scenarios.mechanisms import Blank, Plan, Reshape, Shift, Silence, Stall, Surge, Unmap
from workbench.scenarios.world import DAY_S, World, stream

DEFAULT = 0.0
"""What serving code puts where a feature is missing."""


@dataclass
class Rows:
    """Hold one column per attribute, all of length n; *x* is ``(n, features)``, NaN where empty."""

    second: np.ndarray
    feed: np.ndarray
    region: np.ndarray
    provider: np.ndarray
    category: np.ndarray
    """What the event truly is."""
    mapped: np.ndarray
    """What the mapping made of it; the number of categories means unmapped, beyond it are renamed levels."""
    channel: np.ndarray
    party: np.ndarray
    x: np.ndarray
    served: np.ndarray
    """What the feature store gave."""
    bad: np.ndarray
    """The truth that labels tell later."""
    event: np.ndarray
    """Number of the event that the row is of; copies share it."""
    copy: np.ndarray
    """0 the event itself, 1 delivered again, 2 joined again."""

    def __len__(self) -> int:
        return len(self.second)

    def take(self, keep: np.ndarray) -> Rows:
        """Return the rows that *keep* selects."""
        return Rows(**{name: column[keep] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Nature:
    """Say what makes an event turn out bad: log-odds by feature, category, provider and channel."""

    intercept: float
    weights: np.ndarray
    category: np.ndarray
    provider: np.ndarray
    channel: np.ndarray


def nature(world: World, *, era: str = "now") -> Nature:
    """Return how things work now, or worked in the days of an outdated snapshot."""
    rng = stream(world.seed, f"nature {era}")
    weights = np.array([f.weight for f in world.features])
    if era != "now":
        weights = weights[rng.permutation(len(weights))] * rng.choice([-0.5, 0.5, 1.0], len(weights))
    return Nature(
        intercept=-3.6 if era == "now" else -2.6,
        weights=weights,
        category=np.append(rng.normal(0, 0.45, len(world.categories)), 0.0),
        provider=rng.normal(0, 0.12, len(world.providers)),
        channel=rng.normal(0, 0.25, len(world.channels)),
    )


def draw(
    world: World,
    start_s: float,
    end_s: float,
    purpose: str,
    surges: tuple[Surge, ...] = (),
    thin: float = 1.0,
    era: str = "now",
) -> Rows:
    """Draw the events of a stretch of time as the world would bring them, nothing yet wrong with them."""
    rng = stream(world.seed, purpose)
    minutes = np.arange(start_s, end_s, 60.0)
    wander = np.repeat(rng.normal(0, 0.035, len(minutes) // 30 + 1), 30)[: len(minutes)]
    counts = rng.poisson(world.load(minutes) * (1 + wander) * world.rate_per_day / 1440 * thin)
    extra = np.zeros_like(counts)
    surge_rng = stream(world.seed, f"{purpose} surge")
    for surge in surges:
        inside = (minutes >= surge.start_s) & (minutes < surge.end_s)
        extra[inside] += surge_rng.poisson(counts[inside] * (surge.factor - 1))
    rows = _fill(world, np.repeat(minutes, counts), rng, era)
    if not extra.any():
        return rows
    more = _fill(world, np.repeat(minutes, extra), surge_rng, era)
    order = np.argsort(np.concatenate([rows.second, more.second]), kind="stable")
    columns = {name: np.concatenate([column, getattr(more, name)])[order] for name, column in vars(rows).items()}
    return Rows(**columns)


def _fill(world: World, second: np.ndarray, rng: np.random.Generator, era: str) -> Rows:
    n = len(second)
    second = np.sort(second + rng.random(n) * 60)
    feed = _choice(rng, n, _normal([f.share for f in world.feeds]))
    provider = _choice(rng, n, world.provider_shares)
    category = _category(world, rng.random(n), provider)
    channel = _choice(rng, n, _normal(np.arange(len(world.channels), 0, -1.0)))
    mapped = np.where(rng.random(n) < world.residual, len(world.categories), category).astype(np.int8)
    party = rng.integers(0, 60_000, n, dtype=np.int32)
    quality = stream(world.seed, "parties").standard_normal(60_000).astype(np.float32)[party]
    x = np.empty((n, len(world.features)), np.float32)
    z = np.empty_like(x)
    rhythm = world.rhythm(second).astype(np.float32)
    drift = ((second / DAY_S) * 0.004).astype(np.float32)
    for j, feature in enumerate(world.features):
        noise = rng.standard_normal(n, dtype=np.float32)
        z[:, j] = feature.party * quality + np.sqrt(1 - feature.party**2) * noise
        raw = z[:, j] + feature.rhythm * rhythm + (drift if feature.column in world.domain.order_columns else 0)
        x[:, j] = value(feature.bounded, feature.level, feature.spread, raw)
        x[rng.random(n) < feature.null_rate, j] = np.nan
    law = nature(world, era=era)
    risk = 2.8 * (mapped == len(world.categories))
    odds = law.intercept + z @ law.weights.astype(np.float32) + law.category[mapped] + law.provider[provider]
    bad = rng.random(n) < 1 / (1 + np.exp(-(odds + law.channel[channel] + risk)))
    region = np.array([f.region for f in world.feeds], np.int8)[feed]
    event, copy = np.arange(n, dtype=np.int32), np.zeros(n, np.int8)
    return Rows(second, feed, region, provider, category, mapped, channel, party, x, x, bad, event, copy)


def _choice(rng: np.random.Generator, n: int, shares: np.ndarray) -> np.ndarray:
    """Return what ``rng.choice`` draws with these shares: held against each edge in turn, not searched one by one."""
    edges = shares.cumsum()
    drawn, found = rng.random(n), np.zeros(n, np.int8)
    for edge in edges[:-1] / edges[-1]:
        found += drawn >= edge
    return found


def _category(world: World, drawn: np.ndarray, provider: np.ndarray) -> np.ndarray:
    edges = np.cumsum(world.category_shares, axis=1)
    found = np.zeros(len(drawn), np.int8)
    for k in range(edges.shape[1] - 1):  # the last one takes all the rest
        found += drawn > edges[:, k][provider]
    return found


def value(bounded: bool, level: float, spread: float, raw: np.ndarray) -> np.ndarray:  # noqa: FBT001 - a fact of the column
    """Return a column's values for standard scores: a share between 0 and 1, or a skewed positive figure."""
    if bounded:
        return 1 / (1 + np.exp(-(raw * 1.2 + (level - 3) * 0.4)))
    return np.exp(level + spread * raw)


def _normal(shares: list[float] | np.ndarray) -> np.ndarray:
    values: np.ndarray = np.asarray(shares, float)
    parts: np.ndarray = values / values.sum()
    return parts


def flow(world: World, plan: Plan, rows: Rows) -> Rows:
    """Take events through capture, mapping and feature store, with everything that acts on them."""
    keep = ~service_effects.held_back(world, plan, rows)[0]
    for silence in plan.of(Silence):
        keep &= ~((rows.feed == silence.feed) & (rows.second >= silence.start_s) & (rows.second < silence.end_s))
    rows = rows.take(keep)
    rows.event = np.arange(len(rows), dtype=np.int32)
    rng = stream(world.seed, "flow")
    rows.x = rows.x.copy()
    data_stage.turn_seasons(world, plan, rows)
    data_stage.rescale(plan, rows)
    for unmap in plan.of(Unmap):
        lost = (rows.provider == unmap.provider) & (rows.second >= unmap.start_s)
        rows.mapped = np.where(lost, len(world.categories), rows.mapped).astype(np.int8)
    data_stage.rename(world, plan, rows)
    for reshape in plan.of(Reshape):
        touched = (rows.feed == reshape.feed) & (rows.second >= reshape.start_s)
        if reshape.how == "renamed":
            rows.x[touched, reshape.feature] = np.nan
        elif reshape.how == "minor_units":
            rows.x[touched, reshape.feature] *= 100.0
    for shift in plan.of(Shift):
        rows.x[(rows.second >= shift.start_s) & (rows.second < shift.end_s), shift.feature] *= shift.factor
    for blank in plan.of(Blank):
        touched = (rows.second >= blank.start_s) & (rows.second < blank.end_s) & (rng.random(len(rows)) < blank.share)
        if blank.feed is not None:
            touched &= rows.feed == blank.feed
        rows.x[touched, blank.feature] = np.nan
    rows = data_stage.multiply(world, plan, rows)
    rows.served = rows.x.copy()
    for stall in plan.of(Stall):
        _freeze(world, rows, stall, rng)
    service_effects.cache(world, plan, rows)
    return rows


def _freeze(world: World, rows: Rows, stall: Stall, rng: np.random.Generator) -> None:
    """Serve what the view held when the copying stopped, and the default to parties that came since."""
    late = np.flatnonzero(rows.second >= stall.start_s)
    age_h = (rows.second[late] - stall.start_s) / 3600.0
    unknown = rng.random(len(late)) < 1 - np.exp(-age_h * stall.pace / 45.0)
    frozen = world.rhythm(np.array([stall.start_s]))[0]
    now = world.rhythm(rows.second[late])
    for j, feature in enumerate(world.features):
        if feature.view != stall.view:
            continue
        current = rows.x[late, j]
        moved = feature.rhythm * (frozen - now) + rng.normal(0, 0.3, len(late)) * np.minimum(age_h / 6, 1)
        stale = np.clip(current + moved * 0.2, 0, 1) if feature.bounded else current * np.exp(feature.spread * moved)
        rows.served[late, j] = np.where(unknown, DEFAULT, stale)
