"""Two traces, or two cohorts of traces, by duration: which operations took longer, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from workbench.analysis.critical_path import tree
from workbench.errors import CouldNotRunError

KEYS = ["service", "name"]
MIN_TRACES = 5
"""Traces on either side that an interval needs."""


def operations(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the own time of each operation in each trace: trace_id, service, name, calls, self_ms, total_ms.

    *spans*: rows of the table spans, of any number of traces. Own times of a trace's operations add up to the
    time that its roots took, apart from what overlaps.
    """
    found = []
    for trace_id, own in spans.groupby("trace_id", sort=True):
        waiting = tree(own)
        while waiting:
            node = waiting.pop()
            waiting += node.children
            found.append((trace_id, str(node.row.get("service") or "unknown"), str(node.row.get("name") or "unknown"),
                          1, node.self_ns / 1e6, (node.end_ns - node.start_ns) / 1e6))  # fmt: skip
    rows = pd.DataFrame(found, columns=["trace_id", *KEYS, "calls", "self_ms", "total_ms"])
    return rows.groupby(["trace_id", *KEYS], sort=True).sum().reset_index()


def compare_traces(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return what makes *second* longer than *first*, largest difference of own time first.

    Columns: service, name, calls_a, calls_b, self_a_ms, self_b_ms, more_ms. An operation that one trace
    lacks has 0 calls and 0 ms there: it took no time of it.
    """
    sides = [operations(s).groupby(KEYS)[["calls", "self_ms"]].sum() for s in (first, second)]
    table = sides[0].join(sides[1], how="outer", lsuffix="_a", rsuffix="_b").fillna(0.0).reset_index()
    table = table.rename(columns={"self_ms_a": "self_a_ms", "self_ms_b": "self_b_ms"})
    table["calls_a"], table["calls_b"] = table["calls_a"].astype(int), table["calls_b"].astype(int)
    table["more_ms"] = table["self_b_ms"] - table["self_a_ms"]
    order = table["more_ms"].abs().sort_values(ascending=False, kind="stable").index
    columns = [*KEYS, "calls_a", "calls_b", "self_a_ms", "self_b_ms", "more_ms"]
    return table.loc[order, columns].reset_index(drop=True)


def compare_cohorts(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return which operations of the traces of *second* take longer than in *first*, by how much, with interval.

    Columns: service, name, traces_a, traces_b (that have the operation), mean_a_ms, mean_b_ms (own time a trace,
    over all traces of the side), more_ms, low_ms, high_ms (95 %, Welch), p_value, q_value (Benjamini and Hochberg
    over all operations). Differences add up to the difference of the mean trace. Raise `CouldNotRunError` where a
    side has fewer than ``MIN_TRACES`` traces.
    """
    counts = [int(side["trace_id"].nunique()) for side in (first, second)]
    if min(counts) < MIN_TRACES:
        raise CouldNotRunError(f"an interval needs {MIN_TRACES} traces on either side; there are "
                               f"{counts[0]} and {counts[1]}")  # fmt: skip
    sides = [operations(side).groupby(KEYS)["self_ms"].agg(["sum", "size", _squares]) for side in (first, second)]
    table = sides[0].join(sides[1], how="outer", lsuffix="_a", rsuffix="_b").fillna(0.0).reset_index()
    moments = []
    for side, n in zip("ab", counts, strict=True):
        mean = table[f"sum_{side}"] / n
        # A trace without the operation spent 0 ms in it and counts.
        spread = np.maximum(table[f"_squares_{side}"] / n - mean**2, 0.0) * n / (n - 1)
        table[f"mean_{side}_ms"], table[f"traces_{side}"] = mean, table[f"size_{side}"].astype(int)
        moments.append(spread / n)
    table["more_ms"] = table["mean_b_ms"] - table["mean_a_ms"]
    error2 = moments[0] + moments[1]
    error = np.sqrt(error2)
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = error2**2 / (moments[0] ** 2 / (counts[0] - 1) + moments[1] ** 2 / (counts[1] - 1))
        degrees = degrees.fillna(float(sum(counts) - 2))
        t = np.where(error > 0, table["more_ms"] / error, np.where(table["more_ms"] == 0, 0.0, np.inf))
    reach = stats.t.ppf(0.975, degrees) * error
    table["low_ms"], table["high_ms"] = table["more_ms"] - reach, table["more_ms"] + reach
    table["p_value"] = 2 * stats.t.sf(np.abs(t), degrees)
    table["q_value"] = stats.false_discovery_control(table["p_value"]) if len(table) else []
    order = table["more_ms"].abs().sort_values(ascending=False, kind="stable").index
    columns = [*KEYS, "traces_a", "traces_b", "mean_a_ms", "mean_b_ms", "more_ms", "low_ms", "high_ms", "p_value",
               "q_value"]  # fmt: skip
    return table.loc[order, columns].reset_index(drop=True)


def _squares(values: Sequence[float]) -> float:
    return float(np.square(np.asarray(values, dtype=float)).sum())


def compared_words(table: pd.DataFrame, *, q: float = 0.05) -> str:
    """Say in one sentence what slowed most, of those that are sure."""
    sure = table[table["more_ms"] > 0]
    sure = sure[sure["q_value"] <= q] if "q_value" in sure else sure
    if sure.empty:
        return "No operation takes clearly longer."
    row = sure.iloc[0]
    between = f" ({row['low_ms']:.3g} to {row['high_ms']:.3g})" if "low_ms" in table else ""
    return f"{row['service']} {row['name']} takes {row['more_ms']:.3g} ms more a trace{between}."
