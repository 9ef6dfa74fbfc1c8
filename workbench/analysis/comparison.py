"""Compare two windows of one table: columns by evidence, paired histograms, history, drivers, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis import drivers as driving
from workbench.analysis.drift import Pair
from workbench.analysis.drift_decision import ALPHA, EFFECT_FLOOR, NULLS_FLOOR, POLICIES, Decision, Policy, decide
from workbench.analysis.drift_null import Spread
from workbench.analysis.drift_words import Change, describe
from workbench.analysis.parity import evidently, nannyml
from workbench.analysis.profile_frames import profile_cells
from workbench.analysis.profile_history import History, Windows
from workbench.analysis.profiles import merge
from workbench.errors import UsageError

Floats = NDArray[np.float64]
_OUTER = np.array([0.01, 0.99])
BARS = 24
"""Bars of a small histogram."""
MOST_HISTOGRAMS = 60
MOST_DRIVERS = 3
"""Drifted columns whose drivers are looked for."""
MOST_NAMED = 3
"""Columns named in one sentence."""


@dataclass(frozen=True)
class Bars:
    """One column's small paired histogram: labels, and shares (0..1) of both windows, shape (bars,)."""

    column: str
    labels: list[str]
    reference: Floats
    current: Floats


@dataclass(frozen=True)
class Comparison:
    """What is different about the data between two windows."""

    decision: Decision
    changes: dict[str, list[Change]]
    """What changed in each drifted column, in words."""
    bars: Sequence[Bars]
    """By evidence; columns without rows in either window have none."""
    drivers: pd.DataFrame = field(default_factory=pd.DataFrame)
    """column and what `workbench.analysis.drivers.drivers` returns; empty where only profiles are at hand."""

    @cached_property
    def words(self) -> list[str]:
        """Return what to say of each column, by evidence."""
        rows = self.decision.records()
        said = ("; ".join(c.statement for c in self.changes.get(row["column"], [])[:2]) for row in rows)
        return [text or _plainly(row, self.decision) for text, row in zip(said, rows, strict=True)]

    @cached_property
    def columns(self) -> pd.DataFrame:
        """Return the columns by evidence, with what changed in words."""
        return self.decision.columns.assign(words=self.words)

    @cached_property
    def histograms(self) -> pd.DataFrame:
        """Return column, place (0 ..), label, reference and current (shares 0..1), one row a bar."""
        return _histograms(self.bars)

    def sentences(self) -> list[str]:
        """Return what to say, the strongest evidence first; one sentence where nothing changed."""
        d = self.decision
        told = [f"{text}." for text, verdict in zip(self.words, d.figures["verdict"], strict=True)
                if verdict == "drifted"]  # fmt: skip
        if d.rows_verdict in {"drifted", "silent"}:
            told.insert(0, f"Rows went from {d.rows_before:.3g} to {d.rows_now:.3g} an hour.")
        told = told or [_quiet(d, len(self.words))]
        return [*told, _little(d.small)] if d.small else told

    def caption(self) -> str:
        """Return the first two sentences, and what is small, which would else be lost behind two alarms."""
        said = self.sentences()
        return " ".join([*said[:2], *(said[2:][-1:] if self.decision.small else [])])


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
    # A column that is in one of the frames only has drifted, and no rows to take away.
    both = [name for name in decision.drifted if name in reference.columns and name in current.columns]
    parts = [driving.drivers(reference, current, name, by).assign(column=name) for name in both[:MOST_DRIVERS]]
    return replace(found, drivers=pd.concat(parts, ignore_index=True) if parts else pd.DataFrame())


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
    shown: list[Bars] = []
    pairs = history.pairs(reference, current)
    for number, row in enumerate(decision.records()):
        name = row["column"]
        if number >= MOST_HISTOGRAMS and row["verdict"] != "drifted":
            continue
        pair = pairs[name]
        if row["verdict"] == "drifted":
            changes[name] = describe(name, pair, null_before=row["null_rate_before"], null_now=row["null_rate_now"])
        if number < MOST_HISTOGRAMS and min(pair.rows) > 0:
            shown.append(Bars(name, *paired(pair)))
    return Comparison(decision, changes, shown)


def _histograms(shown: Sequence[Bars]) -> pd.DataFrame:
    if not shown:
        return pd.DataFrame(columns=["column", "place", "label", "reference", "current"])
    sizes = [len(bars.labels) for bars in shown]
    return pd.DataFrame({
        "column": np.repeat(np.array([bars.column for bars in shown], dtype=object), sizes),
        "place": np.concatenate([np.arange(size) for size in sizes]),
        "label": [label for bars in shown for label in bars.labels],
        "reference": np.concatenate([bars.reference for bars in shown]),
        "current": np.concatenate([bars.current for bars in shown]),
    })  # fmt: skip


def histogram(column: str, pair: Pair) -> pd.DataFrame:
    """Return a column's paired histogram as `paired` gives it, one row a bar."""
    return _histograms([Bars(column, *paired(pair))])


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
    low, high = pair.positions[np.minimum(np.searchsorted(mean, _OUTER), len(mean) - 1)].tolist()
    if high > low:
        edges = np.arange(bars + 1) * ((high - low) / bars) + low
        edges[-1] = high
    else:
        edges = np.array([low, low + 1.0])
    size = len(edges) - 1
    place = np.minimum(np.maximum(np.searchsorted(edges, pair.positions, side="right") - 1, 0), size - 1)
    left, right = (np.asarray(np.bincount(place, share, size), dtype=float) for share in (p, q))
    return [f"{e:.4g}" for e in edges[:-1].tolist()], left, right


def strip(history: History, baseline: Windows, *, points: int = 2000) -> pd.DataFrame:
    """Return the history strip of a table, one row a bucket: start_ns, rows, null_rate, drift.

    *drift* is the greatest KS or share distance of any column from the baseline; NaN for buckets without rows.
    """
    rows, nulls = history.by_bucket("rows"), history.by_bucket("nulls")
    step = max(1, -(-len(history.starts) // points))
    firsts = list(range(0, len(history.starts), step))
    cuts = [(first, min(first + step, len(history.starts))) for first in firsts]
    gaps = history.largest_gaps(baseline, np.array([*firsts, len(history.starts)]))
    # Shares of rows are never below 0: it stands for what is unknown until all are compared.
    far = np.nan_to_num(gaps, nan=-1.0).max(axis=1, initial=-1.0)
    out = []
    for (first, after), gap in zip(cuts, far.tolist(), strict=True):
        missing = float(nulls[first:after].sum() / max(rows[first:after].sum(), 1))
        seen = float(rows[first:after].max(axis=1).sum())
        out.append((int(history.starts[first]), seen, missing, gap if gap >= 0 else float("nan")))
    return pd.DataFrame(out, columns=["start_ns", "rows", "null_rate", "drift"])


def _quiet(decision: Decision, columns: int) -> str:
    """Return the sentence of a comparison in which nothing drifted."""
    borne = f"(false alarms borne: {decision.alpha:.0%})."
    if decision.small:
        return f"None of {columns} columns differs by what is worth an alarm {borne}"
    return f"None of {columns} columns differs beyond chance {borne}"


def _little(names: Sequence[str]) -> str:
    """Return the sentence that names the columns which differ for certain and by little."""
    shown = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    return f"Small but certain, below what is an alarm: {shown}."


def _small(row: dict[str, Any], decision: Decision) -> str:
    """Return in words by how little a column differs, and what an alarm would take."""
    name, effect = row["column"], max(row["ks"], row["tv"])
    parts = []
    if row["q_value"] <= decision.alpha:
        means = f"mean {row['mean_before']:.5g} to {row['mean_now']:.5g}, " if np.isfinite(row["mean_now"]) else ""
        parts.append(f"{means}{effect:.2%} apart, an alarm from {decision.floor:.2%}")
    if row["null_q_value"] <= decision.alpha:
        rates = f"{row['null_rate_before']:.2%} to {row['null_rate_now']:.2%} missing"
        parts.append(f"{rates}, an alarm from {NULLS_FLOOR:.2%} more or less")
    return f"{name} differs for certain, but little: {'; '.join(parts)}"


def _plainly(row: dict[str, Any], decision: Decision) -> str:
    name = row["column"]
    if row["verdict"] == "small":
        return _small(row, decision)
    if row["verdict"] in {"silent", "no data", "too few rows"}:
        return f"{name}: {row['verdict']}"
    if row["verdict"] == "ok":
        return f"{name} is as before"
    if row["type"] == "number" and np.isfinite(row["mean_now"]):
        return f"{name} moved: mean {row['mean_before']:.4g} to {row['mean_now']:.4g} (KS {row['ks']:.3f})"
    return f"{name}: {row['tv']:.1%} of rows are in other levels than before"
