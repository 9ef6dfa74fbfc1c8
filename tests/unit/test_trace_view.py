"""One trace taken apart, and traces compared: critical path, own time, flags, what grew and how surely."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.critical_path import arrange
from workbench.analysis.trace_compare import compare_cohorts, compare_traces, compared_words, operations
from workbench.errors import CouldNotRunError

MS = 1_000_000


def spans(*rows: tuple[str, str | None, int, int], trace: str = "t") -> pd.DataFrame:
    """Return spans (id, parent, begin ms, length ms); the id is the operation's name."""
    made = [{"trace_id": trace, "span_id": i, "parent_span_id": p, "service": "s", "name": i, "start_ns": a * MS,
             "duration_ns": n * MS, "status": "ok"} for i, p, a, n in rows]  # fmt: skip
    return pd.DataFrame(made)


def test_the_critical_path_covers_the_root_once_and_skips_what_ran_beside() -> None:
    """Of 100 ms, c holds up 40, b nothing (it ended while c ran), the root itself 50 and a 10."""
    table = arrange(spans(("root", None, 0, 100), ("a", "root", 10, 10), ("b", "root", 40, 30), ("c", "root", 50, 40)))
    own = dict(zip(table["span_id"], table["critical_ns"] // MS, strict=True))
    assert own == {"root": 50, "a": 10, "b": 0, "c": 40}
    pieces = sorted(tuple(p) for pieces in table["critical"] for p in pieces)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == 100 * MS
    assert all(a[1] == b[0] for a, b in pairwise(pieces))


def test_own_time_counts_overlapping_children_once() -> None:
    """Children at 10..40 and 30..60 take 50 of 100 ms."""
    table = arrange(spans(("root", None, 0, 100), ("a", "root", 10, 30), ("b", "root", 30, 30)))
    assert table["self_ns"].tolist() == [50 * MS, 30 * MS, 30 * MS]


def test_missing_parents_skewed_clocks_and_circles_are_flagged_and_nothing_is_lost() -> None:
    """6 spans in, 6 rows out; 4 of them flagged."""
    table = arrange(spans(("root", None, 10, 50), ("early", "root", 2, 5), ("late", "root", 50, 30),
                          ("orphan", "gone", 0, 5), ("x", "y", 20, 5), ("y", "x", 20, 5)))  # fmt: skip
    flags = dict(zip(table["span_id"], table["flags"], strict=True))
    assert set(flags) == {"root", "early", "late", "orphan", "x", "y"}
    assert flags["early"] == ["begins 8 ms before its parent: clocks differ"]
    assert "ends 20 ms after its parent" in flags["late"][0]
    assert flags["orphan"] == ["its parent span is missing"]
    assert flags["x"] == ["its parents form a circle"]
    assert flags["root"] == flags["y"] == []


def test_of_two_traces_the_operation_that_grew_stands_first() -> None:
    """b grew from 20 to 70 ms, and the differences add up to the trace's."""
    first = spans(("root", None, 0, 100), ("a", "root", 0, 30), ("b", "root", 40, 20))
    second = spans(("root", None, 0, 150), ("a", "root", 0, 30), ("b", "root", 40, 70), ("new", "root", 120, 10))
    table = compare_traces(first, second)
    assert table["name"].tolist()[0] == "b"
    assert table["more_ms"].iloc[0] == 50
    assert table["more_ms"].sum() == pytest.approx(50)
    assert table.set_index("name").loc["new", ["calls_a", "calls_b"]].tolist() == [0, 1]


def cohort(n: int, slow_ms: float, seed: int) -> pd.DataFrame:
    """Return traces of a root, a steady child of about 20 ms and one of about *slow_ms*."""
    drawn = np.random.default_rng(seed).normal(0, 2, (n, 2))
    parts = [spans(("root", None, 0, 200), ("steady", "root", 0, round(20 + a)),
                   ("slow", "root", 60, round(slow_ms + b)), trace=f"{seed}-{i}")
             for i, (a, b) in enumerate(drawn)]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_a_cohort_that_slowed_by_12_ms_is_named_with_an_interval_that_holds_it() -> None:
    """The steady operation is not named; the interval of the slow one holds 12."""
    table = compare_cohorts(cohort(60, 30, 1), cohort(60, 42, 2)).set_index("name")
    assert table.loc["slow", "low_ms"] <= 12 <= table.loc["slow", "high_ms"]
    assert table.loc["slow", "q_value"] < 1e-6
    assert table.loc["steady", "q_value"] > 0.05
    assert compared_words(table.reset_index()).startswith("s slow takes")


def test_intervals_of_equal_cohorts_miss_zero_about_one_time_in_twenty() -> None:
    """Over 40 pairs of equal cohorts 95 % intervals of one operation miss 0 at most 6 times."""
    missed = 0
    for seed in range(40):
        row = compare_cohorts(cohort(12, 30, seed), cohort(12, 30, 1000 + seed)).set_index("name").loc["slow"]
        missed += not row["low_ms"] <= 0 <= row["high_ms"]
    assert missed <= 6


def test_too_few_traces_and_an_empty_trace_say_so() -> None:
    """Four traces give no interval; no spans give no rows."""
    with pytest.raises(CouldNotRunError, match="4 and 60"):
        compare_cohorts(cohort(4, 30, 1), cohort(60, 30, 2))
    assert len(arrange(spans(("a", None, 0, 1)).head(0))) == 0
    assert len(operations(spans(("a", None, 0, 1)).head(0))) == 0
