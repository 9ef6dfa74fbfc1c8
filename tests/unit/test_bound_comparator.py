"""The comparator over a case: a brush is answered from the frozen history, a settled one is one entry and one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.profile_drivers import profile_drivers
from workbench.analysis.profile_frames import profile_frame
from workbench.analysis.profile_history import History
from workbench.bench import Bench, open_bench
from workbench.case.case import Case
from workbench.columnar import build
from workbench.errors import UnknownNameError, UsageError
from workbench.intake.profiling import profile_entity
from workbench.model.grid import LEVELS
from workbench.model.tables import PROFILES, TABLE_ROWS
from workbench.model.window import DAY_NS, HOUR_NS, iso, parse_time_ns
from workbench.views.bind_drift import comparator
from workbench.views.verbs import widget

START = parse_time_ns("2026-02-10T00:00:00Z")
DAYS = 12
NOW = START + DAYS * DAY_NS


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """12 days of 40 orders an hour, profiled; in the last two hours amounts are a hundred times too large."""
    dice = np.random.default_rng(4)
    n = DAYS * 24 * 40
    amount = dice.lognormal(3, 1, n)
    amount[-80:] *= 100
    stamps = {"environment": "prod", "source": "test", "place": "here", "received_ns": NOW, "dataset": "orders"}
    rows: dict[str, Any] = {
        **stamps, "row_id": [str(i) for i in range(n)], "time_ns": START + np.arange(n) * (HOUR_NS // 40),
        "numbers": [{"amount": float(a), "items": float(i)} for a, i in zip(amount, dice.poisson(3, n), strict=True)],
        "texts": [{"kind": str(k)} for k in dice.choice(["food", "rent"], n)],
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("orders")
    with open_bench(folder / "store", who="ada", clock=lambda: NOW) as made:
        made.store.append({"table_rows": build(TABLE_ROWS, rows)})
        profile_entity(made.store, "dataset:orders", every_ns=HOUR_NS)
        yield made


@pytest.fixture
def case(bench: Bench, request: pytest.FixtureRequest) -> Case:
    window = f"{iso(NOW - 2 * HOUR_NS)}/{iso(NOW)}"
    return bench.case(f"C-{request.node.name[:40]}", entity="dataset:orders", signal="amount", window=window)


def span(first: int, last: int) -> list[int]:
    """Return a window in ms that begins and ends so many hours before the end."""
    return [(NOW - first * HOUR_NS) // 10**6, (NOW - last * HOUR_NS) // 10**6]


def line(window: list[int]) -> str:
    return "/".join(iso(t * 10**6) for t in window)


def test_the_first_look_is_one_entry_and_shows_what_it_says(case: Case) -> None:
    """One entry; amount first; 11 usual windows; the strip has 288 hours, and its drift is greatest at the end."""
    before = case.length()
    board = comparator(case, "orders")
    assert case.length() == before + 1
    assert board.columns[0]["name"] == "amount"
    assert board.columns[0]["verdict"] == "drifted"
    assert (board.current, len(board.baseline), board.rule) == (span(2, 0), 11, "same hours, 30 d")
    times, rows, nulls, drift = board.lanes()
    assert len(times) == DAYS * 24
    assert set(rows) == {40.0}
    assert set(nulls) == {0.0}
    assert int(np.nanargmax(drift)) >= DAYS * 24 - 2
    assert comparator(case).dataset == "orders"  # the table compared last, without asking again
    assert case.length() == before + 1


def test_brushing_changes_no_state_and_answers_as_the_entry_then_says(case: Case) -> None:
    """Five looks, 0 entries; the settled one is 1 entry, and its bars are those that the brush showed."""
    board = comparator(case, "orders")
    before = case.length()
    for serial in range(1, 6):
        board.ask = {"what": "windows", "current": span(26 + serial, 24), "baseline": None, "serial": serial}
        assert board.answered == serial
    looked = [(c["name"], c["verdict"], c["effect"]) for c in board.columns]
    bars = board.bars
    assert case.length() == before
    wanted = {"dataset": "orders", "current": line(span(31, 24)), "baseline": "same hours, 30 d"}
    board.action = {"operation": "compare", "arguments": wanted, "serial": 1}
    assert case.length() == before + 1
    assert board.said["line"] == case.lines()[-1]
    assert board.said["line"].startswith('case.compare("orders", current="')
    assert [(c["name"], c["verdict"], c["effect"]) for c in board.columns] == looked
    assert board.bars == bars
    again = Case.open(case.path, at="start")
    for said in case.lines():
        exec(said, {"case": again})  # the lines of the case are what is under test
    assert again.state_hash == case.state_hash


def test_a_brushed_baseline_is_its_windows_and_no_rule(case: Case) -> None:
    """Yesterday against the day before: the baseline is that window, the rule empty, nothing drifted."""
    board = comparator(case, "orders")
    arguments = {"dataset": "orders", "current": line(span(48, 24)), "baseline": line(span(72, 48))}
    board.action = {"operation": "compare", "arguments": arguments, "serial": 1}
    assert (board.baseline, board.rule) == ([span(72, 48)], "")
    assert {c["verdict"] for c in board.columns} == {"ok"}
    board.ask = {"what": "windows", "current": span(2, 0), "baseline": [span(72, 48)], "serial": 7}
    assert board.columns[0]["verdict"] == "drifted"


def test_another_environment_or_version_is_chosen_by_name_and_stated(case: Case, bench: Bench) -> None:
    """200 rows of staging: amounts there are a hundredth; the strip stays, the baseline is no window, and is said."""
    dice, n = np.random.default_rng(5), 200
    stamps = {"environment": "staging", "source": "test", "place": "here", "received_ns": NOW, "dataset": "orders"}
    rows: dict[str, Any] = {
        **stamps, "row_id": [f"s{i}" for i in range(n)], "time_ns": NOW - HOUR_NS + np.arange(n) * 10**9,
        "numbers": [{"amount": float(a), "items": 3.0} for a in dice.lognormal(3, 1, n)],
        "texts": [{"kind": "food"}] * n, "data_version": ["7"] * n,
    }  # fmt: skip
    bench.store.append({"table_rows": build(TABLE_ROWS, rows)})
    board = comparator(case, "orders")
    assert board.ways == ["same hours, 30 d", "same hours of the week, 30 d", "first 30 d"]
    assert board.stated.endswith("from profiles")
    arguments = {"dataset": "orders", "current": line(span(2, 0)), "baseline": "environment staging"}
    board.action = {"operation": "compare", "arguments": arguments, "serial": 1}
    assert (board.against, board.baseline, board.rule) == ("environment staging", [], "")
    assert "against environment staging, the same window (200 rows" in board.stated
    assert board.columns[0]["name"] == "amount"
    assert len(board.lanes()[0]) == DAYS * 24
    assert board.ways[-1] == "environment staging"
    bars = board.bars
    board.ask = {"what": "windows", "current": span(5, 3), "baseline": None, "serial": 3}
    assert (board.answered, board.bars, board.current) == (3, bars, span(5, 3))
    assert "environment staging when the window has settled" in board.caption
    board.action = {"operation": "compare", "arguments": {**arguments, "baseline": "version 9"}, "serial": 2}
    assert board.caption.startswith("Could not compare: no row of dataset:orders has the version '9'")
    board.action = {"operation": "compare", "arguments": {**arguments, "baseline": "same hours, 30 d"}, "serial": 3}
    assert (board.against, board.rule, len(board.baseline)) == ("", "same hours, 30 d", 11)
    assert "same hours, last 11 days" in board.stated


@pytest.mark.parametrize("asked", [
    {"what": "windows", "current": "yesterday", "baseline": None}, {"what": "windows", "current": [2, 1]},
    {"what": "windows", "current": [1, 2], "baseline": [["a", "b"]]}, {"what": "nonsense"}, {"what": "windows"},
])  # fmt: skip
def test_a_look_that_names_no_window_changes_nothing(case: Case, asked: dict[str, Any]) -> None:
    board = comparator(case, "orders")
    stood = (board.current, board.bars, board.answered)
    board.ask = {**asked, "serial": 9}
    assert (board.current, board.bars, board.answered) == stood


def test_a_window_without_history_before_it_says_so(case: Case) -> None:
    """The first kept hour has nothing to be held against."""
    board = comparator(case, "orders")
    first = [START // 10**6, START // 10**6 + 3_600_000]
    board.ask = {"what": "windows", "current": first, "baseline": None, "serial": 1}
    assert board.columns == []
    assert "brush a baseline" in board.caption


def test_a_settled_brush_that_cannot_be_asked_says_why_and_leaves_what_stood(case: Case) -> None:
    """Reopened without its store the case cannot read another window: the reason stands, the columns stay."""
    comparator(case, "orders")
    alone = Case.open(case.path)
    board = comparator(alone)
    stood = board.bars
    arguments = {"dataset": "orders", "current": line(span(50, 49)), "baseline": "same hours, 30 d"}
    board.action = {"operation": "compare", "arguments": arguments, "serial": 1}
    assert board.caption.startswith("Could not compare: ")
    assert board.bars == stood
    reopened = comparator(alone)
    assert reopened.bars == stood
    assert reopened.caption.startswith("Could not compare: ")


def test_an_unknown_table_and_an_empty_case_say_what_to_do(case: Case) -> None:
    assert "No table was compared yet" in comparator(case).caption
    assert "neither profiles nor rows" in comparator(case, "nothing").caption
    assert widget(case, "comparator", "orders").columns[0]["name"] == "amount"
    with pytest.raises(UsageError, match="Only"):
        widget(case, "causes", "orders")
    with pytest.raises(UnknownNameError):
        widget(case, "comparators")  # type: ignore[arg-type]


def test_the_planted_segment_drives_the_difference() -> None:
    """Amounts of one shop of four are ten times larger: without it ≥95 % is gone, without any other ≤50 %."""
    dice = np.random.default_rng(5)
    n = 8_000
    frame = pd.DataFrame({"amount": dice.lognormal(3, 0.5, n), "shop": dice.choice(list("abcd"), n)})
    later = np.arange(n) >= n // 2
    frame.loc[later & (frame["shop"] == "c"), "amount"] *= 10
    times = np.arange(n, dtype=np.int64) * (2 * HOUR_NS // n)
    profiles = profile_frame(frame, times, HOUR_NS, segments=["shop"])
    whole = History([p for p in profiles if not p.segment])
    parts = {}
    for name in {p.segment for p in profiles if p.segment}:
        held = profile_frame(frame[frame["shop"] == name[-1]], times[(frame["shop"] == name[-1]).to_numpy()], HOUR_NS,
                             {p.column: p.grid for p in profiles if not p.segment})  # fmt: skip
        parts[name] = History(held)
    found = profile_drivers(whole, parts, [(0, HOUR_NS)], [(HOUR_NS, 2 * HOUR_NS)], ["amount"])
    assert found["segment"].iloc[0] == "shop=c"
    assert found["explained"].iloc[0] >= 0.9
    assert (found["explained"].iloc[1:] <= 0.5).all()


def test_a_new_value_drives_its_own_column() -> None:
    """A level that 40 % of rows newly have: without it nothing of the difference is left."""
    dice = np.random.default_rng(6)
    old, new = dice.choice(["x", "y"], 4_000), dice.choice(["x", "y", "zeta"], 4_000, p=[0.3, 0.3, 0.4])
    frame = pd.DataFrame({"kind": np.concatenate((old, new))})
    times = np.arange(8_000, dtype=np.int64) * (2 * HOUR_NS // 8_000)
    whole = History(profile_frame(frame, times, HOUR_NS))
    found = profile_drivers(whole, {}, [(0, HOUR_NS)], [(HOUR_NS, 2 * HOUR_NS)], ["kind"])
    assert found["segment"].iloc[0] == "kind = zeta"
    assert found["explained"].iloc[0] > 0.9
    assert found["share_before"].iloc[0] == 0


def test_a_small_difference_is_said_below_alarms_and_is_no_finding(tmp_path: Path) -> None:
    """Of four million rows an hour 0.2 % change their level: small in the table, the caption and the summary."""
    dice = np.random.default_rng(6)
    starts = START + np.arange(DAYS * 24) * HOUR_NS
    shares = np.tile([0.6, 0.4], (len(starts), 1))
    shares[-2:] += [-0.002, 0.002]
    counts = dice.multinomial(4_000_000, shares)
    columns = {
        "environment": "prod", "source": "test", "place": "here", "received_ns": NOW, "dataset": "wide",
        "column": "kind", "start_ns": starts, "end_ns": starts + HOUR_NS, "grid": LEVELS.id, "segment": "",
        "rows": counts.sum(axis=1), "nulls": 0, "infinite": 0, "distinct": 2,
        **dict.fromkeys(("sum", "sumsq", "min", "max"), [None] * len(starts)),
        "counts": [f'{{"food":{a},"rent":{b}}}' for a, b in counts.tolist()],
    }  # fmt: skip
    with open_bench(tmp_path / "store", who="ada", clock=lambda: NOW) as opened:
        opened.store.append({"profiles": build(PROFILES, columns)})
        case = opened.case("INC-1", entity="dataset:wide", signal="kind", window=line(span(2, 0)))
        found = case.compare("wide")
        assert (found.values["small"], found.values["drifted"], found.findings) == (["kind"], [], ())
        assert found.summary.endswith("Small but certain, below what is an alarm: kind.")
        board = comparator(case, "wide")
        assert board.columns[0]["verdict"] == "small"
        assert board.columns[0]["words"] == "kind differs for certain, but little: 0.24% apart, an alarm from 0.50%"
        board.ask = {"what": "windows", "current": span(2, 1), "baseline": None, "serial": 1}
        assert board.columns[0]["verdict"] == "small"
        assert board.caption.endswith("Small but certain, below what is an alarm: kind.")
