"""Compare two windows of one table: columns by evidence, paired histograms, history, drivers, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis import drivers as driving
from workbench.analysis.drift import Pair
from workbench.analysis.drift_decision import ALPHA, EFFECT_FLOOR, POLICIES, Decision, Policy, decide, records
from workbench.analysis.drift_null import Spread
from workbench.analysis.drift_words import Change, describe
from workbench.analysis.parity import evidently, nannyml
from workbench.analysis.profile_frames import profile_cells
from workbench.analysis.profile_history import History, Windows, largest_gap
from workbench.analysis.profiles import merge
from workbench.errors import UsageError

Floats = NDArray[np.float64]
BARS = 24
"""Bars of a small histogram."""
MOST_HISTOGRAMS = 60
MOST_DRIVERS = 3
"""Drifted columns whose drivers are looked for."""


@dataclass(frozen=True)
class Comparison:
    """What is different about the data between two windows."""

    decision: Decision
    changes: dict[str, list[Change]]
    """What changed in each drifted column, in words."""
    histograms: pd.DataFrame
    """column, place (0 ..), label, reference and current (shares 0..1)."""
    drivers: pd.DataFrame = field(default_factory=pd.DataFrame)
    """column and what `workbench.analysis.drivers.drivers` returns; empty where only profiles are at hand."""

    @cached_property
    def columns(self) -> pd.DataFrame:
        """Return the columns by evidence, with what changed in words."""
        table = self.decision.columns
        said = ["; ".join(c.statement for c in self.changes.get(name, [])[:2]) for name in table["column"]]
        return table.assign(
            words=[text or _plainly(row) for text, row in zip(said, records(table), strict=True)]
        )

    def sentences(self) -> list[str]:
        """Return what to say, the strongest evidence first; one sentence where nothing changed."""
        told = [f"{text}." for text in self.columns.loc[self.columns["verdict"] == "drifted", "words"]]
        d = self.decision
        if d.rows_verdict in {"drifted", "silent"}:
            told.insert(0, f"Rows went from {d.rows_before:.3g} to {d.rows_now:.3g} an hour.")
        return told or [f"None of {len(d.columns)} columns differs beyond chance (false alarms borne: {d.alpha:.0%})."]


def compare(
    history: History, reference: Windows, current: Windows, *, alpha: float = ALPHA, floor: float = EFFECT_FLOOR,
    policies: Sequence[Policy] = POLICIES, learned: Spread | None = None,
) -> Comparison:  # fmt: skip
    """Compare two sets of windows of a table's profiles; times in ns, windows half-open.

    *learned* is how quiet windows scatter, where `drift_baseline.usual` chose the reference.
    """
    decision = decide(history, reference, current, alpha=alpha, floor=floor, policies=policies, learned=learned)
    return _compared(history, reference, current, decision)


def compare_frames(
    reference: pd.DataFrame, current: pd.DataFrame, *, by: Sequence[str] | None = None, alpha: float = ALPHA,
    floor: float = EFFECT_FLOOR, policies: Sequence[Policy] = POLICIES, look_for_drivers: Literal["yes", "no"] = "yes",
) -> Comparison:  # fmt: skip
    """Compare two frames of rows, of n and m rows; the null takes rows to be independent.

    *by* names the columns that drivers are looked for in; by default all.
    """
    history = _history(reference, current)
    before, now = [(0, 1)], [(1, 2)]
    decision = decide(history, before, now, alpha=alpha, floor=floor, policies=policies)
    found = _compared(history, before, now, decision)
    if look_for_drivers == "no":
        return found
    parts = [
        driving.drivers(reference, current, name, by).assign(column=name) for name in decision.drifted[:MOST_DRIVERS]
    ]
    return Comparison(
        decision, found.changes, found.histograms, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    )


def score_frames(
    reference: pd.DataFrame, current: pd.DataFrame, metric: str, *, parity: Literal["evidently", "nannyml"]
) -> dict[str, float]:
    """Return another tool's score of every column that both frames have, equal to its own number at 1e-9."""
    tools = {"evidently": evidently, "nannyml": nannyml}
    if parity not in tools:
        raise UsageError(f"parity is 'evidently' or 'nannyml'; got {parity!r}.")
    names = [c for c in reference.columns if c in current.columns]
    return {str(c): tools[parity].score(metric, reference[c], current[c]) for c in names}


def _history(reference: pd.DataFrame, current: pd.DataFrame) -> History:
    parts = []
    missing = [c for c in reference.columns if c not in current.columns]
    if missing:
        gone = pd.DataFrame(None, index=current.index, columns=missing, dtype="float64")
        current = pd.concat([current, gone], axis=1)
    for name in current.columns:
        place = np.array([0]), np.array([1])
        before = reference[name] if name in reference else pd.Series([], dtype=current[name].dtype)
        first = profile_cells(str(name), before, None, *place, np.array([len(before)]))
        if not len(before):
            first = profile_cells(str(name), current[name].iloc[:0], None, *place, np.array([0]))
        second = profile_cells(
            str(name), current[name], first.grid, np.array([1]), np.array([2]), np.array([len(current)])
        )
        parts.append(merge([first, second]))
    return History(parts)


def _compared(history: History, reference: Windows, current: Windows, decision: Decision) -> Comparison:
    changes: dict[str, list[Change]] = {}
    shown: list[tuple[str, list[str], Floats, Floats]] = []
    pairs = history.pairs(reference, current)
    for number, row in enumerate(records(decision.columns)):
        name = row["column"]
        if number >= MOST_HISTOGRAMS and row["verdict"] != "drifted":
            continue
        pair = pairs[name]
        if row["verdict"] == "drifted":
            changes[name] = describe(name, pair, null_before=row["null_rate_before"], null_now=row["null_rate_now"])
        if number < MOST_HISTOGRAMS and min(pair.rows) > 0:
            shown.append((name, *paired(pair)))
    return Comparison(decision, changes, _histograms(shown))


def _histograms(shown: Sequence[tuple[str, list[str], Floats, Floats]]) -> pd.DataFrame:
    if not shown:
        return pd.DataFrame(columns=["column", "place", "label", "reference", "current"])
    sizes = [len(labels) for _, labels, _, _ in shown]
    return pd.DataFrame({
        "column": np.repeat(np.array([name for name, *_ in shown], dtype=object), sizes),
        "place": np.concatenate([np.arange(size) for size in sizes]),
        "label": [label for _, labels, _, _ in shown for label in labels],
        "reference": np.concatenate([left for _, _, left, _ in shown]),
        "current": np.concatenate([right for *_, right in shown]),
    })  # fmt: skip


def histogram(column: str, pair: Pair) -> pd.DataFrame:
    """Return a column's paired histogram as `paired` gives it, one row a bar."""
    return _histograms([(column, *paired(pair))])


def paired(pair: Pair, *, bars: int = BARS) -> tuple[list[str], Floats, Floats]:
    """Return labels, and shares (0..1) in reference and current, of a column's bars.

    Numbers have equal ranges between 1st and 99th percentile, text its commonest levels.
    """
    p, q = pair.shares()
    if pair.positions is None:
        order = np.argsort(-np.maximum(p, q), kind="stable")[:bars]
        labels, rest = [pair.levels[i] for i in order], [1 - p[order].sum(), 1 - q[order].sum()]
        if max(rest) <= 1e-12:
            return labels, p[order], q[order]
        return [*labels, "(other)"], np.append(p[order], rest[0]), np.append(q[order], rest[1])
    mean = np.cumsum((p + q) / 2)
    low, high = (float(pair.positions[min(int(np.searchsorted(mean, at)), len(mean) - 1)]) for at in (0.01, 0.99))
    edges = np.linspace(low, high, bars + 1) if high > low else np.array([low, low + 1.0])
    place = np.clip(np.searchsorted(edges, pair.positions, side="right") - 1, 0, len(edges) - 2)
    size = len(edges) - 1
    left, right = (np.bincount(place, share, size).astype(float) for share in (p, q))
    return [f"{e:.4g}" for e in edges[:-1]], left, right


def strip(history: History, baseline: Windows, *, points: int = 2000) -> pd.DataFrame:
    """Return the history strip of a table, one row a bucket: start_ns, rows, null_rate, drift.

    *drift* is the greatest KS or share distance of any column from the baseline; NaN for buckets without rows.
    """
    rows, nulls = history.by_bucket("rows"), history.by_bucket("nulls")
    reference = history.counts(baseline)
    step = max(1, -(-len(history.starts) // points))
    out = []
    for first in range(0, len(history.starts), step):
        after = min(first + step, len(history.starts))
        window = [(int(history.starts[first]), int(history.ends[after - 1]))]
        missing = float(nulls[first:after].sum() / max(rows[first:after].sum(), 1))
        seen = float(rows[first:after].max(axis=1).sum())
        out.append((window[0][0], seen, missing, _far(history, reference, window)))
    return pd.DataFrame(out, columns=["start_ns", "rows", "null_rate", "drift"])


def _far(history: History, reference: np.ndarray, window: Windows) -> float:
    gaps = largest_gap(history.columns, reference, history.counts(window))
    return float(np.nanmax(gaps)) if np.isfinite(gaps).any() else float("nan")


def _plainly(row: dict[str, float | str]) -> str:
    name = row["column"]
    if row["verdict"] in {"silent", "no data", "too few rows"}:
        return f"{name}: {row['verdict']}"
    if row["verdict"] == "ok":
        return f"{name} is as before"
    if row["type"] == "number" and np.isfinite(row["mean_now"]):
        return f"{name} moved: mean {row['mean_before']:.4g} to {row['mean_now']:.4g} (KS {row['ks']:.3f})"
    return f"{name}: {row['tv']:.1%} of rows are in other levels than before"
