"""Decide, column by column, whether two windows differ: by chance, by the column's history, by effect, by policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from workbench.analysis.drift import Pair
from workbench.analysis.drift.psi import psi
from workbench.analysis.drift_null import (
    Spread,
    benjamini_hochberg,
    null_p_values,
    p_values,
    row_ratio,
    spread,
)
from workbench.analysis.profile_history import Distances, History, Windows, distances

Floats = NDArray[np.float64]
Verdict = Literal["ok", "drifted", "small", "silent", "no data", "too few rows"]
ALPHA = 0.03
"""False alarms borne: the share of them among columns said to have drifted."""
EFFECT_FLOOR = 0.005
"""Smallest difference of distribution functions or shares worth an alarm; what is certain below it is *small*."""
NULLS_FLOOR = 0.002
"""Smallest difference of null shares worth an alarm."""
MIN_ROWS = 30
"""Rows in the smaller window below which nothing is decided."""
ROWS_FLOOR = 0.1
"""Smallest change of rows worth a word, as a share."""
ROWS_ALONE = 0.5
"""Change of rows said without any history to compare with."""


Breach = Literal["above", "below", "at or above", "at or below", "differs", "equals", "outside", "inside"]


Figure = Literal[
    "psi", "null_rate", "nulls", "row_ratio", "rows", "ks", "w1", "tv", "distinct", "duplicate_rate", "duplicates",
    "age_s",
]  # fmt: skip


@dataclass(frozen=True)
class Policy:
    """A fixed rule of practice that holds beside the statistics; a data contract may set its own."""

    name: str
    figure: Figure
    limit: float
    breached: Breach = "above"
    column: str = ""
    """The only column that it speaks of; empty for all, or for the table."""
    source: str = "practice"
    """Who set it: practice, or the contract's name and version."""
    most: float = float("nan")
    """Upper end of a range, for outside and inside."""

    def broken(self, value: float) -> bool:
        """Say whether a value breaks the rule; an unknown one does not."""
        if not np.isfinite(value):
            return False
        within = self.limit <= value <= self.most
        return bool({
            "above": value > self.limit, "below": value < self.limit, "at or above": value >= self.limit,
            "at or below": value <= self.limit, "differs": value != self.limit, "equals": value == self.limit,
            "outside": not within, "inside": within,
        }[self.breached])  # fmt: skip

    def speaks_of(self, column: str) -> bool:
        """Say whether the rule holds for a column."""
        return self.column in {"", column}


POLICIES = (
    Policy("psi_above_0.3", "psi", 0.3),
    Policy("nulls_above_5_percent", "null_rate", 0.05),
    Policy("rows_halved", "row_ratio", 0.5, "below"),
)
"""The rules of practice; they are named where they are broken and decide nothing by themselves."""


@dataclass(frozen=True)
class Decision:
    """What two windows of one table say."""

    figures: Mapping[str, NDArray[Any]]
    """What `columns` has, name -> values by column of the table, the strongest evidence first."""
    rows_before: float
    """Rows an hour in the reference."""
    rows_now: float
    rows_verdict: Verdict
    rows_p_value: float
    """NaN where there is too little history to know how rows scatter."""
    quiet: int
    """Quiet comparisons of the column's own history that widened the null."""
    alpha: float
    floor: float
    """Smallest KS or difference of shares that is an alarm."""

    @cached_property
    def columns(self) -> pd.DataFrame:
        """Return one row a column, the strongest evidence first: verdict, p_value, q_value, figures, policies."""
        return pd.DataFrame(dict(self.figures))

    @property
    def drifted(self) -> tuple[str, ...]:
        """Return the columns that drifted, the strongest evidence first."""
        return self._judged("drifted")

    @property
    def small(self) -> tuple[str, ...]:
        """Return the columns that differ for certain, but by less than is worth an alarm; they are no evidence."""
        return self._judged("small")

    def _judged(self, wanted: Verdict) -> tuple[str, ...]:
        told = zip(self.figures["column"], self.figures["verdict"], strict=True)
        return tuple(name for name, verdict in told if verdict == wanted)

    def records(self) -> list[dict[str, Any]]:
        """Return a dict a column, the strongest evidence first, without making a frame of them."""
        return _records(self.figures)


def decide(
    history: History, reference: Windows, current: Windows, *, alpha: float = ALPHA, floor: float = EFFECT_FLOOR,
    policies: Sequence[Policy] = POLICIES, learned: Spread | None = None,
) -> Decision:  # fmt: skip
    """Compare two sets of windows of a table and decide for each column.

    A column drifted when it differs beyond chance after Benjamini-Hochberg over all columns and their
    nulls (null widened by its own quiet windows within *reference*), and by at least *floor*; it is small
    where it differs as certainly by less.
    *learned* may hold the quiet windows' spread, where it was computed before.
    """
    length = sum(end - start for start, end in current)
    wide = learned or spread(history, [reference], length)
    before, now = history.counts(reference), history.counts(current)
    found = distances(history.columns, before, now)
    table = _figures(history, reference, current, found, history.pairs_of(before, now))
    p = p_values(found, history.columns, wide)
    p_nulls = null_p_values(history, reference, current, wide)
    few = np.minimum(table["rows_before"], table["rows_now"]) < MIN_ROWS
    # Columns without any null do not count as a question that was asked.
    asked = (table["null_rate_before"] + table["null_rate_now"]) > 0
    p, p_nulls = np.where(few, np.nan, p), np.where(few | ~asked, np.nan, p_nulls)
    q = benjamini_hochberg(np.concatenate([p, p_nulls]))
    table |= {
        "p_value": p, "q_value": q[: len(p)], "null_p_value": p_nulls, "null_q_value": q[len(p) :],
        "widened": np.where(history.columns.numeric, wide.anderson, wide.chi2),
    }  # fmt: skip
    ratio = row_ratio(history, reference, current)
    rows = _records(table)
    table["verdict"] = np.array([_verdict(row, alpha, floor) for row in rows], dtype=object)
    table["policies"] = np.array([_broken(policies, row, ratio) for row in rows], dtype=object)
    order = _by_evidence(table)
    hourly = [_per_hour(history, windows) for windows in (reference, current)]
    verdict, chance = _rows(hourly[0], hourly[1], ratio, wide)
    ordered = {name: values[order] for name, values in table.items()}
    return Decision(ordered, hourly[0], hourly[1], verdict, chance, wide.quiet, alpha, floor)


def _by_evidence(table: Mapping[str, NDArray[Any]]) -> NDArray[np.intp]:
    """Return the places of columns: what drifted first, then by q-value (small ones are certain), effect, name."""
    least = np.fmin(table["q_value"], table["null_q_value"])
    rank = np.fmin((table["verdict"] != "drifted") + np.where(np.isnan(least), 1.0, least), 2.0)
    # A history has its columns by name, and sorting keeps what is equal in place.
    return np.lexsort((-np.maximum(table["ks"], table["tv"]), rank))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts, column by column: several times faster than row by row."""
    return _records({str(name): table[name] for name in table.columns})


def _records(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = list(table)
    return [dict(zip(names, row, strict=True)) for row in zip(*(v.tolist() for v in table.values()), strict=True)]


def _figures(
    history: History, reference: Windows, current: Windows, found: Distances, pairs: Mapping[str, Pair]
) -> dict[str, NDArray[Any]]:
    n, m = (history.figures(windows, "rows") for windows in (reference, current))
    with np.errstate(divide="ignore", invalid="ignore"):
        nulls = [history.figures(w, "nulls") / rows for w, rows in ((reference, n), (current, m))]
        centers = history.columns.centers
        means = [np.where(history.columns.numeric, history.figures(w, "sum") / k + centers, np.nan)
                 for w, k in ((reference, found.reference_rows), (current, found.current_rows))]  # fmt: skip
        deviation = np.sqrt(np.maximum(history.figures(reference, "sumsq") / found.reference_rows
                                       - (means[0] - centers) ** 2, 0.0))  # fmt: skip
        w1 = found.w1 / np.where(deviation > 0, deviation, np.nan)
    held = (found.reference_rows > 0) & (found.current_rows > 0)
    names = history.columns.names
    return {
        "column": np.array(names, dtype=object),
        "type": np.where(history.columns.numeric, "number", "text").astype(object),
        "rows_before": n, "rows_now": m, "null_rate_before": nulls[0], "null_rate_now": nulls[1],
        "mean_before": means[0], "mean_now": means[1], "ks": np.where(held, found.ks, np.nan),
        "tv": np.where(held, found.tv, np.nan), "w1": np.where(held, found.w1, np.nan),
        "wasserstein": np.where(held, w1, np.nan),
        "psi": np.array([psi(pairs[name]) if ok else np.nan for name, ok in zip(names, held, strict=True)]),
    }  # fmt: skip


def _verdict(row: dict[str, float], alpha: float, floor: float) -> Verdict:
    if row["rows_now"] == 0:
        return "silent" if row["rows_before"] > 0 else "no data"
    if row["rows_before"] == 0:
        return "no data"
    if min(row["rows_before"], row["rows_now"]) < MIN_ROWS:
        return "too few rows"
    effect, moved = max(row["ks"], row["tv"]), abs(row["null_rate_now"] - row["null_rate_before"])
    certain = row["q_value"] <= alpha, row["null_q_value"] <= alpha
    if (certain[0] and effect >= floor) or (certain[1] and moved >= NULLS_FLOOR):
        return "drifted"
    return "small" if any(certain) else "ok"


def _broken(policies: Sequence[Policy], row: dict[str, float], ratio: float) -> str:
    values = {**row, **column_figures(row), "row_ratio": ratio}
    name = str(row["column"])
    return ", ".join(p.name for p in policies if p.speaks_of(name) and p.broken(values.get(p.figure, float("nan"))))


def column_figures(row: Mapping[str, float]) -> dict[str, float]:
    """Return the figures of a column that policies speak of, from its row of the decision."""
    held = {name: float(row[name]) for name in ("psi", "ks", "tv", "w1")}
    return held | {"null_rate": float(row["null_rate_now"]), "nulls": float(row["null_rate_now"] * row["rows_now"])}


def _per_hour(history: History, windows: Windows) -> float:
    length = sum(end - start for start, end in windows) / 3.6e12
    return float(history.figures(windows, "rows").max(initial=0.0)) / length if length else 0.0


def _rows(before: float, now: float, ratio: float, wide: Spread) -> tuple[Verdict, float]:
    if before == 0:
        return "no data", float("nan")
    if now == 0:
        return "silent", 0.0
    change = abs(np.log(ratio))
    if not np.isfinite(wide.rows):
        return ("drifted" if abs(ratio - 1) >= ROWS_ALONE else "ok"), float("nan")
    # A few quiet windows know their own scatter only so well: Student's t, one degree of freedom each.
    chance = float(2 * stats.t.sf(change / max(wide.rows, 0.01), wide.quiet))
    return ("drifted" if chance <= ALPHA / 5 and abs(ratio - 1) >= ROWS_FLOOR else "ok"), chance
