"""Signals of a whole table between two windows, each with its own history: schema, freshness, cardinality, repeats.

Rows and nulls are decided with the columns (`drift_decision`) and stated here beside the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from workbench.analysis.drift_decision import ALPHA, MIN_ROWS, NULLS_FLOOR, Decision, Verdict
from workbench.analysis.drift_null import benjamini_hochberg, quiet_comparisons
from workbench.analysis.profile_history import History, Windows

Floats = NDArray[np.float64]
MIN_QUIET = 3
"""Quiet windows from which a signal's own scatter is known; with fewer only the fixed change below speaks."""
Scale = Literal["share", "ratio"]
SIGNAL_COLUMNS = ("signal", "column", "now", "usual", "unit", "p_value", "q_value", "quiet", "verdict", "words")


@dataclass(frozen=True)
class Rule:
    """How one signal is judged: share by differences, ratio by logarithms of ratios."""

    scale: Scale
    floor: float
    """Smallest change worth a word."""
    alone: float
    """Change said without any history to compare with."""
    noise: float
    """Smallest scatter believed."""
    unit: str


RULES: Mapping[str, Rule] = {
    "duplicates": Rule("share", 0.01, 0.05, 0.002, "share of rows"),
    "duplicate delivery": Rule("share", 0.03, 0.2, 0.005, "share of rows"),
    "cardinality": Rule("ratio", np.log(1.5), np.log(3.0), 0.05, "distinct levels"),
    "freshness": Rule("ratio", np.log(2.0), np.log(6.0), 0.1, "s"),
}


@dataclass(frozen=True)
class Series:
    """One signal in the current window and in quiet ones."""

    signal: str
    column: str
    """Empty for the whole table."""
    now: float
    """NaN where it cannot be told."""
    quiet: Floats
    """Its values in quiet windows of the same length, shape (k,)."""
    starts: NDArray[np.int64]
    """Begins of those windows in ns, shape (k,)."""
    rows_now: float = float("inf")
    rows_before: float = float("inf")


def judged(series: Series) -> tuple[float, float, float]:
    """Return what is usual, how far now lies off (signed, in the rule's scale), and its p-value; NaN without history.

    The scatter of a few quiet windows is known only so well: Student's t over their number.
    """
    rule = RULES[series.signal]
    quiet = series.quiet[np.isfinite(series.quiet)]
    if not len(quiet) or not np.isfinite(series.now):
        return float("nan"), float("nan"), float("nan")
    usual = float(np.median(quiet))
    if rule.scale == "ratio":
        # One is added so that nothing seen, or no age at all, has a logarithm.
        now, before = np.log1p(series.now), np.log1p(quiet)
    else:
        now, before = series.now, quiet
    away = float(now - np.median(before))
    if len(quiet) < MIN_QUIET:
        return usual, away, float("nan")
    wide = max(float(np.std(before, ddof=1)), rule.noise, _counted(rule, usual, series.rows_now))
    return usual, away, float(stats.t.sf(away / (wide * np.sqrt(1 + 1 / len(quiet))), len(quiet) - 1))


def _counted(rule: Rule, share: float, rows: float) -> float:
    """Return the chance error of a share counted from so many rows."""
    if rule.scale != "share" or not np.isfinite(rows) or rows <= 0:
        return 0.0
    p = min(max(share, 1 / (rows + 2)), 1 - 1 / (rows + 2))
    return float(np.sqrt(p * (1 - p) / rows))


def table_of(series: Sequence[Series], *, alpha: float = ALPHA) -> pd.DataFrame:
    """Return one row a series, columns ``SIGNAL_COLUMNS``: more of it than its quiet windows had is what is judged."""
    rows = []
    for s in series:
        usual, away, chance = judged(s)
        rows.append({"signal": s.signal, "column": s.column, "now": s.now, "usual": usual, "unit": RULES[s.signal].unit,
                     "p_value": chance, "quiet": int(np.isfinite(s.quiet).sum()), "_away": away, "_few":
                     min(s.rows_now, s.rows_before) < MIN_ROWS})  # fmt: skip
    names = ["signal", "column", "now", "usual", "unit", "p_value", "quiet", "_away", "_few"]
    table = pd.DataFrame(rows, columns=names)
    table["q_value"] = benjamini_hochberg(table["p_value"].to_numpy(float))
    records = table.to_dict("records")
    table["verdict"] = [_verdict(row, alpha) for row in records]
    table["words"] = [_words(row, verdict) for row, verdict in zip(records, table["verdict"], strict=True)]
    return table[list(SIGNAL_COLUMNS)]


def _verdict(row: Mapping[str, float], alpha: float) -> Verdict:
    rule = RULES[str(row["signal"])]
    if row["_few"]:
        return "too few rows"
    if not np.isfinite(row["now"]) or not np.isfinite(row["_away"]):
        return "no data"
    if not np.isfinite(row["p_value"]):
        return "drifted" if row["_away"] >= rule.alone else "ok"
    return "drifted" if row["q_value"] <= alpha and row["_away"] >= rule.floor else "ok"


def _words(row: Mapping[str, float | str], verdict: str) -> str:
    signal, name = str(row["signal"]), f" of {row['column']}" if row["column"] else ""
    if verdict in {"no data", "too few rows"}:
        return f"{signal}{name}: {verdict}"
    now, usual = float(row["now"]), float(row["usual"])
    against = f"usually {_figure(signal, usual)}" if row["quiet"] else "nothing earlier to compare with"
    texts = {
        "duplicates": f"{_figure(signal, now)} of rows are duplicates",
        "duplicate delivery": f"{_figure(signal, now)} of rows were delivered before, within a day",
        "cardinality": f"{row['column']} has {_figure(signal, now)} distinct levels",
        "freshness": f"the newest row is {_figure(signal, now)} old",
    }
    return f"{texts[signal]}, {against}"


def _figure(signal: str, value: float) -> str:
    if signal in {"duplicates", "duplicate delivery"}:
        return f"{value:.1%}"
    if signal == "cardinality":
        return f"{value:,.0f}"
    return f"{value / 3600:.3g} h" if value >= 3600 else f"{value / 60:.3g} min" if value >= 60 else f"{value:.3g} s"


def quiet_windows(reference: Windows, length_ns: int) -> list[tuple[int, int]]:
    """Return windows as long as the current one within the reference, in order of time."""
    return sorted({piece for _, pieces in quiet_comparisons([reference], length_ns) for piece in pieces} |
                  ({reference[0]} if len(reference) == 1 else set()))  # fmt: skip


def cardinality(history: History, quiet: Windows, current: Windows) -> list[Series]:
    """Return distinct levels of each text column, in the current window and in quiet ones."""
    text = np.flatnonzero(~history.columns.numeric)
    counted = [history.counts([w]) for w in quiet]
    now = history.counts(current)
    found = []
    for number in text.tolist():
        part = slice(int(history.columns.first[number]), int(history.columns.last[number]))
        values = np.array([float((c[part] > 0).sum()) for c in counted])
        held = np.array([c[part].sum() for c in counted])
        found.append(Series("cardinality", history.columns.names[number], float((now[part] > 0).sum()),
                            np.where(held > 0, values, np.nan), np.array([s for s, _ in quiet], np.int64),
                            float(now[part].sum()), float(held.sum())))  # fmt: skip
    return found


def repeats(counts: pd.DataFrame, quiet: Windows, current: Windows) -> list[Series]:
    """Return shares of repeated rows; *counts* has start_ns, rows, duplicates, redelivered by bucket."""
    starts = np.array([s for s, _ in quiet], np.int64)
    at = counts["start_ns"].to_numpy(np.int64)
    rows = counts["rows"].to_numpy(float)

    def share(name: str, windows: Windows) -> tuple[float, float]:
        inside = np.logical_or.reduce([(at >= s) & (at < e) for s, e in windows]) if len(at) else np.zeros(0, bool)
        total = float(rows[inside].sum())
        return (float(counts[name].to_numpy(float)[inside].sum()) / total if total else float("nan")), total

    found = []
    for signal, name in (("duplicates", "duplicates"), ("duplicate delivery", "redelivered")):
        before = [share(name, [w]) for w in quiet]
        now, total = share(name, current)
        found.append(Series(signal, "", now, np.array([v for v, _ in before]), starts, total,
                            float(sum(n for _, n in before))))  # fmt: skip
    return found


def freshness(history: History, quiet: Windows, current: tuple[int, int]) -> Series:
    """Return how old the newest row is at the end of a window, in s, to the bucket."""
    rows = history.rows_by_bucket()
    held = history.ends[rows > 0]

    def age(end_ns: int) -> float:
        earlier = held[held <= end_ns]
        return float(end_ns - earlier.max()) / 1e9 if len(earlier) else float("nan")

    ages = np.array([age(end) for _, end in quiet])
    return Series("freshness", "", age(current[1]), ages, np.array([s for s, _ in quiet], np.int64))


def stated(decision: Decision) -> pd.DataFrame:
    """Return rows and nulls, which were decided before, as signals; a null rate that nobody asked for has no line."""
    rows = [{
        "signal": "rows", "column": "", "now": decision.rows_now, "usual": decision.rows_before, "unit": "rows an hour",
        "p_value": decision.rows_p_value, "q_value": float("nan"), "quiet": decision.quiet,
        "verdict": decision.rows_verdict,
        "words": f"{decision.rows_now:.3g} rows an hour, usually {decision.rows_before:.3g}",
    }]  # fmt: skip
    for row in decision.columns.to_dict("records"):
        if not max(row["null_rate_before"], row["null_rate_now"]) > 0:
            continue
        moved = abs(row["null_rate_now"] - row["null_rate_before"])
        certain = row["null_q_value"] <= decision.alpha
        judged: Verdict = "drifted" if certain and moved >= NULLS_FLOOR else "small" if certain else "ok"
        verdict = judged if row["verdict"] in {"ok", "drifted", "small"} else row["verdict"]
        rows.append({
            "signal": "nulls", "column": row["column"], "now": row["null_rate_now"], "usual": row["null_rate_before"],
            "unit": "share of rows", "p_value": row["null_p_value"], "q_value": row["null_q_value"],
            "quiet": decision.quiet, "verdict": verdict,
            "words": f"{row['null_rate_now']:.1%} of {row['column']} is missing, usually {row['null_rate_before']:.1%}",
        })  # fmt: skip
    return pd.DataFrame(rows, columns=list(SIGNAL_COLUMNS))


def schema(before: Mapping[str, str], now: Mapping[str, str], changes_before: int) -> dict[str, object]:
    """Return the signal of a schema: columns gained, lost, or of another type; *changes_before* is its history.

    *before* and *now* map columns to their type.
    """
    gained, lost = sorted(now.keys() - before.keys()), sorted(before.keys() - now.keys())
    retyped = sorted(c for c in now.keys() & before.keys() if now[c] != before[c])
    parts = [f"{word} {', '.join(names)}" for word, names in
             (("gained", gained), ("lost", lost), ("changed the type of", retyped)) if names]  # fmt: skip
    verdict: Verdict = "no data" if not before or not now else "drifted" if parts else "ok"
    words = "the schema " + " and ".join(parts) if parts and verdict == "drifted" else "the schema is as before"
    return {
        "signal": "schema", "column": "",
        "now": float(len(gained) + len(lost) + len(retyped)) if verdict != "no data" else float("nan"),
        "usual": float(changes_before), "unit": "columns changed", "p_value": float("nan"), "q_value": float("nan"),
        "quiet": 0, "verdict": verdict, "words": words if verdict != "no data" else "schema: no data",
    }  # fmt: skip


def history_of(series: Sequence[Series]) -> pd.DataFrame:
    """Return the history of each signal: signal, column, start_ns of the quiet window, value."""
    rows = [(s.signal, s.column, int(at), float(v)) for s in series for at, v in zip(s.starts, s.quiet, strict=True)]
    return pd.DataFrame(rows, columns=["signal", "column", "start_ns", "value"])
