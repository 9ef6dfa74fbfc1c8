"""Act on whole columns where data changes its unit, its names or its number of rows on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.mechanisms import Plan
from workbench.scenarios.mechanisms_data import FanOut, Hold, Redeliver, Rename, RenameStyle, Rescale, Season
from workbench.scenarios.world import DAY_S, World, stream

if TYPE_CHECKING:
    from workbench.scenarios.pipeline import Rows

DELIVERY_S = 300
"""A connector delivers batches of so many seconds."""
RECENT_S = 3_600.0
"""Counts over recent events take so long to hold only what came since."""


def rescale(plan: Plan, rows: Rows) -> None:
    """Multiply columns whose producer changed the unit, in place, where readers do not know."""
    for effect in plan.of(Rescale):
        if effect.readers == "unaware":
            rows.x[sent_otherwise(effect, rows), effect.feature] *= np.float32(effect.factor)


def sent_otherwise(effect: Rescale, rows: Rows) -> np.ndarray:
    """Return which rows a producer sent in the other unit."""
    touched: np.ndarray = rows.second >= effect.start_s
    return touched if effect.feed is None else touched & (rows.feed == effect.feed)


def turn_seasons(world: World, plan: Plan, rows: Rows) -> None:
    """Move the level of features, in place: slowly at first, faster later."""
    for season in plan.of(Season):
        since = np.clip((rows.second - season.start_s) / (season.end_s - season.start_s), 0, 1)
        moved = (season.reach * since**1.5).astype(np.float32)
        touched = moved != 0
        for j in season.features:
            feature, x = world.features[j], rows.x[touched, j]
            if feature.bounded:
                odds = np.log(x / (1 - np.minimum(x, 1 - 1e-6)) + 1e-9)
                rows.x[touched, j] = 1 / (1 + np.exp(-(odds + 1.2 * moved[touched])))
            else:
                rows.x[touched, j] = x * np.exp(feature.spread * moved[touched])


def rename(world: World, plan: Plan, rows: Rows) -> None:
    """Let mapped rows carry the new name of their level: an index beyond that of the unmapped."""
    for effect in plan.of(Rename):
        touched = np.isin(rows.mapped, effect.levels) & (rows.second >= effect.start_s)
        rows.mapped = np.where(touched, rows.mapped + len(world.categories) + 1, rows.mapped).astype(np.int8)


def level_names(world: World, plan: Plan) -> tuple[str, ...]:
    """Return the names behind the mapped indices: the categories, the unmapped, and the categories' new names."""
    styles = [effect.style for effect in plan.of(Rename)]
    new = tuple(_renamed(world, k, styles[0]) for k in range(len(world.categories))) if styles else ()
    return (*world.categories, "unknown", *new)


def _renamed(world: World, level: int, style: RenameStyle) -> str:
    name = world.categories[level]
    if style == "upper":
        return name.upper()
    return f"cat_{name}" if style == "prefixed" else f"{world.domain.category[:2].upper()}{level + 1:02d}"


def multiply(world: World, plan: Plan, rows: Rows) -> Rows:
    """Return the rows with those that come or are joined more than once; counts over recent events count all."""
    source, second, kind = [np.arange(len(rows))], [rows.second], [rows.copy]
    for again in plan.of(Redeliver):
        if again.consumer == "keeps":
            hit, delay = _delivered_again(world, again, rows)
            _recount(
                world, rows, (rows.feed == again.feed) & (rows.second >= again.start_s), again.start_s, again.share
            )
            source, second, kind = [*source, hit], [*second, rows.second[hit] + delay], [*kind, np.full(len(hit), 1)]
    for fan in plan.of(FanOut):
        joined = np.isin(rows.provider, fan.providers) & (rows.second >= fan.start_s)
        _recount(world, rows, joined, fan.start_s, fan.copies)
        for place in range(fan.copies):
            hit = np.flatnonzero(joined)
            source.append(hit)
            second.append(rows.second[hit] + 0.05 * (place + 1))
            kind.append(np.full(len(hit), 2))
    if len(source) == 1:
        return rows
    when = np.concatenate(second)
    order = np.argsort(when, kind="stable")
    order = order[when[order] < plan.moment.end_s]
    found = rows.take(np.concatenate(source)[order])
    found.second, found.copy = when[order], np.concatenate(kind)[order].astype(np.int8)
    return found


def _delivered_again(world: World, effect: Redeliver, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the batches that come twice, and how much later they come again."""
    rng = stream(world.seed, f"redeliver {effect.feed} {effect.start_s:.0f}")
    batch = (rows.second // DELIVERY_S).astype(int)
    count = int(batch.max(initial=0)) + 1
    chosen, delay = rng.random(count) < effect.share, rng.uniform(60, 600, count)
    inside = (rows.feed == effect.feed) & (rows.second >= effect.start_s) & (rows.second < effect.end_s)
    hit = np.flatnonzero(inside & chosen[batch])
    return hit, delay[batch[hit]]


def _recount(world: World, rows: Rows, touched: np.ndarray, start_s: float, extra: float) -> None:
    """Let counts and sums over recent events hold the extra rows too, in place."""
    grown = 1 + extra * np.clip((rows.second[touched] - start_s) / RECENT_S, 0, 1)
    for j, feature in enumerate(world.features):
        if world.views[feature.view].kind == "activity" and not feature.bounded:
            rows.x[touched, j] *= grown.astype(np.float32)


def label_arrival(world: World, plan: Plan, second: np.ndarray) -> np.ndarray:
    """Return when the label of each event becomes known, ``(n,)`` seconds; infinite where it never does."""
    rng = stream(world.seed, "labels")
    arrived = second + rng.gamma(3.0, 1.3 * DAY_S, len(second)) + DAY_S
    arrived[rng.random(len(second)) >= 0.95] = np.inf
    for hold in plan.of(Hold):
        held = (arrived >= hold.start_s) & (arrived < hold.end_s)
        arrived[held] += hold.delay_s
    return arrived
