"""Rank causes from plain frames: metrics, a graph, a target; no store needed."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis import attribution, excess
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.findings import Cause, Ranking, Verdict

ALPHA = 0.02
"""A cause is named when at most this share of quiet windows, put through the same ranking, look as bad."""
MIN_QUIET = 30
"""Quiet windows needed before a share of them means anything."""
MIN_RISE = 0.1
"""With too few quiet windows, the harm must be at least this share of the usual volume."""
MIN_PART = 0.3
"""A named cause explains at least this share of the harm."""


def rank_causes(
    metrics: pd.DataFrame,
    graph: nx.DiGraph,
    target: str | tuple[str, str],
    *,
    incident: tuple[object, object],
    baseline: tuple[object, object],
    volumes: str | None = None,
) -> Ranking:
    """Rank the entities of *graph* by their own part of the target's harm.

    *metrics* has the columns time, entity, metric, value. *graph* points from each
    entity to what it depends on. *target* is an entity, or (entity, metric).
    *incident* and *baseline* are half-open (start, end) in the unit of the time
    column. *volumes* names the metric that counts use; by default ``requests``,
    where there is one. Every entity that the target depends on is ranked; the
    verdict says whether the first may be named: *suspected* when hardly any quiet window
    looks as bad (``ALPHA``), *none* otherwise.

    >>> calls = nx.DiGraph([("web", "cart"), ("web", "users"), ("cart", "db")])
    >>> usual = {"web": 40.0, "cart": 20.0, "users": 9.0, "db": 5.0}
    >>> rows = [(t, e, "latency_ms", ms + (30.0 * (e != "users") if t >= 300 else t % 3))
    ...         for t in range(320) for e, ms in usual.items()]
    >>> metrics = pd.DataFrame(rows, columns=["time", "entity", "metric", "value"])
    >>> found = rank_causes(metrics, calls, "web", incident=(300, 320), baseline=(0, 300))
    >>> next(iter(found)).entity, found.verdict
    ('db', 'suspected')
    """
    entity, metric = _target(metrics, target)
    values = excess.wide(metrics, metric)
    times = values.index
    now = (times >= incident[0]) & (times < incident[1])
    before = (times >= baseline[0]) & (times < baseline[1]) & ~now
    if entity not in values or not now.any():
        raise CouldNotRunError(f"{entity} has no {metric} inside the incident; widen the window.")
    used = _use(metrics, volumes, values)
    all_worse = excess.volumes(excess.deviations(values, before, metric), used)
    for new in excess.unseen(used, before) & set(all_worse) if used is not None else ():
        all_worse[new] = np.zeros_like(all_worse[new])
    inside = {e: v[now] for e, v in all_worse.items()}
    full, inferred = attribution.infer_edges(inside, graph, entity)
    found = attribution.attribute(inside, full, entity)
    quiet = attribution.attribute({e: v[before] for e, v in all_worse.items()}, full, entity)
    p_value = _p_value(found, quiet)
    usual = _usual_volume(values, used, before, entity, metric)
    verdict = _verdict(found, p_value, usual * int(now.sum()), enough_quiet=int(before.sum()) >= MIN_QUIET)
    return _ranking(found, full, entity, metric, verdict, 1.0 - p_value, inferred)


def _target(metrics: pd.DataFrame, target: str | tuple[str, str]) -> tuple[str, str]:
    if isinstance(target, tuple):
        return target
    of_target = sorted(metrics.loc[metrics["entity"] == target, "metric"].astype(str).unique())
    preferred = [m for m in ("errors", "availability", "latency") if m in of_target] or of_target
    if not preferred:
        raise UsageError(f"The target {target!r} has no metric in the frame; entities are matched by exact name.")
    return target, preferred[0]


def _use(metrics: pd.DataFrame, name: str | None, values: pd.DataFrame) -> pd.DataFrame | None:
    if name is None and not (metrics["metric"] == "requests").any():
        return None
    return excess.wide(metrics, name or "requests").reindex(index=values.index, columns=values.columns)


def _p_value(found: attribution.Attribution, quiet: attribution.Attribution) -> float:
    """Return the share of quiet windows whose own best cause is as unusual; 1 where there is no quiet window.

    A window is as unusual as its moments are rare: minus the sum of the logs of their tail shares,
    for the target's harm and for the entity that ranks first in that window. Both count, since a
    target may dip often for many small reasons, and a far entity may swing without any harm.
    """
    entities = sorted(found.own)
    before = np.column_stack([quiet.own.get(e, np.zeros_like(quiet.harm)) for e in entities] + [quiet.harm])
    now = np.column_stack([found.own[e] for e in entities] + [found.harm])
    length = len(now)
    if len(before) < length:
        return 1.0
    observed = _unusual(now, _rarity(now, before), length)[0]
    usual = _unusual(before, _rarity(before, before), length)
    return float((1 + (usual >= observed - 1e-9).sum()) / (1 + len(usual)))


def _rarity(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return minus the log of the share of reference moments at least as large, per column. Shape as *values*."""
    ordered = np.sort(reference, axis=0)
    size = len(reference)
    at_least = np.column_stack(
        [size - np.searchsorted(ordered[:, c], values[:, c], side="left") for c in range(values.shape[1])]
    )
    return -np.log((1 + at_least) / (1 + size))


def _unusual(parts: np.ndarray, rarity: np.ndarray, length: int) -> np.ndarray:
    """Return per window of *length* moments the rarity of its harm (last column) plus that of its first cause."""
    sums = np.lib.stride_tricks.sliding_window_view(parts, length, axis=0).sum(axis=-1)
    rare = np.lib.stride_tricks.sliding_window_view(rarity, length, axis=0).sum(axis=-1)
    first = np.argmax(np.round(sums[:, :-1], 9), axis=1)
    total: NDArray[np.float64] = rare[:, -1] + rare[np.arange(len(rare)), first]
    return total


def _usual_volume(
    values: pd.DataFrame, used: pd.DataFrame | None, before: np.ndarray, entity: str, metric: str
) -> float:
    """Return the target's usual volume per moment in the unit of the harm; for outcomes, 2 % of the requests."""
    use = 1.0 if used is None else float(used.loc[before, entity].median())
    if excess.direction(metric) == "down is worse":
        return 0.02 * use
    return float(values.loc[before, entity].median()) * use


def _verdict(
    found: attribution.Attribution, p_value: float, usual: float, *, enough_quiet: bool
) -> Verdict:
    ranking = found.ranking()
    total = float(found.harm.sum())
    if not ranking or total <= 0 or ranking[0][1] < MIN_PART * total:
        return "none"
    unusual = p_value <= ALPHA if enough_quiet else total >= MIN_RISE * usual
    return "suspected" if unusual else "none"


def _ranking(
    found: attribution.Attribution,
    graph: nx.DiGraph,
    target: str,
    metric: str,
    verdict: Verdict,
    signal: float,
    inferred: list[attribution.InferredEdge],
) -> Ranking:
    total = float(found.harm.sum())
    guessed = {(edge.caller, edge.callee) for edge in inferred}
    causes = []
    for rank, (entity, part) in enumerate(found.ranking(), start=1):
        share = part / total if total > 0 else 0.0
        path = tuple(reversed(nx.shortest_path(graph, target, entity))) if entity in graph else (entity,)
        by_guess = any((b, a) in guessed for a, b in pairwise(path))
        factors = {"share": share, "signal": signal, "path": 0.5 if by_guess else 1.0}
        words = f"{entity} accounts for {share:.0%} of the extra {metric} of {target}"
        note = ", over an edge inferred from matching volumes." if by_guess else "."
        named = verdict if rank == 1 else "none"
        causes.append(Cause(rank, entity, "own_excess", words + note, share * signal, named, factors, path=path))
    first = causes[0].entity if causes and verdict != "none" else None
    return Ranking(tuple(causes), verdict, found.unexplained(target), first)
