"""Figures of a postmortem: in words and digits by their value, dates that are proposed."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.report.figures import in_digits, in_words
from workbench.report.given_names import given_name
from workbench.report.lint import lint
from workbench.report.reading_case import _columns_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("41,263 decisions", [41263.0]),
        ("41263 decisions", [41263.0]),
        ("about 1.2k rows", [1200.0]),
        ("3 million rows", [3e6]),
        ("HTTP 500 and 5xx on node-152 at 13:40 of 2026-03-01, version 42", []),
        ("the 2nd region", []),
    ],
)
def test_digits_are_read_by_value_and_names_are_no_figures(text: str, values: list[float]) -> None:
    """Separators and multiples do not matter; dates, clock times, names and ordinals hold no figure."""
    assert [value for _, value in in_digits(text)] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("forty-one thousand decisions", [41000.0]),
        ("a hundred and thirty-seven minutes", [137.0]),
        ("five percent of requests", [5.0]),
        ("a third of the orders", [33.3]),
        ("one user, in two regions", []),
        ("nothing here", []),
    ],
)
def test_words_are_figures_from_ten_or_with_a_unit(text: str, values: list[float]) -> None:
    """One and two point at things; with a unit, or from ten, they measure."""
    assert [value for _, value in in_words(text)] == values


def test_tables_of_a_feature_are_those_that_nothing_of_its_name_is_made_from() -> None:
    """Of raw.code → clean.code → features.code only features is downstream of the feature, not what made it."""
    edges = [("raw", "code", "clean", "code"), ("clean", "code", "features", "code")]
    rows = pd.DataFrame(
        edges, columns=["upstream_dataset", "upstream_column", "downstream_dataset", "downstream_column"]
    )
    assert _columns_of(rows, "feature:code") == {"column:features.code"}
    assert _columns_of(rows, "column:clean.code") == set()


def test_given_names_that_are_words_count_only_when_written_large() -> None:
    """A name is known in lower case, a token such as lan only as Lan."""
    assert [given_name(w) for w in ("Olivia", "dave", "Lan", "lan", "mapping")] == [True, True, True, False, False]


@pytest.mark.parametrize(
    "row",
    ["| shortly after | drift | it drifted | [E1] |", "|  | drift | it drifted | [E1] |",
     "| T+20 min | drift | it drifted | [E1] |", "| 2026-03-01 ??:?? | drift | it drifted | [E1] |"],
)  # fmt: skip
def test_a_row_without_a_time_of_its_own_is_named(row: str) -> None:
    """A relative, missing or dotted-out time is a defect at its line; a full one is none."""
    head = "## Timeline\n\n| When | What | Event | Evidence |\n|---|---|---|---|\n"
    index = "\n\n## Evidence index\n\n- [E1] rows(), evidence/E1.parquet\n"
    assert [(d.rule, d.line) for d in lint(head + row + index)] == [("timeline row without time", 5)]
    assert lint(head + "| 2026-03-01 13:40 UTC | drift | it drifted | [E1] |" + index) == []
