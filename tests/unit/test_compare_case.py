"""`case.compare`: a journal entry with findings in words, replayed offline byte for byte."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from workbench.bench import Bench, open_bench
from workbench.columnar import build
from workbench.intake.profiling import profile_entity
from workbench.model.tables import TABLE_ROWS
from workbench.model.window import DAY_NS, HOUR_NS, iso, parse_time_ns

START = parse_time_ns("2026-02-10T00:00:00Z")
DAYS = 20
NOW = START + DAYS * DAY_NS


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """20 days of 60 orders an hour; in the last two hours amounts are a hundred times too large."""
    rng = np.random.default_rng(4)
    n = DAYS * 24 * 60
    times = START + np.arange(n) * (HOUR_NS // 60)
    amount = rng.lognormal(3, 1, n)
    amount[-120:] *= 100
    with open_bench(tmp_path / "store", who="ada", clock=lambda: NOW) as made:
        made.store.append(
            {
                "table_rows": build(
                    TABLE_ROWS,
                    {
                        "environment": "prod",
                        "source": "test",
                        "place": "here",
                        "received_ns": NOW,
                        "dataset": "orders",
                        "row_id": [str(i) for i in range(n)],
                        "time_ns": times,
                        "numbers": [
                            {"amount": float(a), "items": float(i)}
                            for a, i in zip(amount, rng.poisson(3, n), strict=True)
                        ],
                        "texts": [{"kind": str(k)} for k in rng.choice(["food", "rent"], n)],
                    },
                )
            }
        )
        yield made


def begin(bench: Bench):
    return bench.case("INC-1", entity="dataset:orders", signal="amount", window=f"{iso(NOW - 2 * HOUR_NS)}/{iso(NOW)}")


def test_it_says_what_changed_and_replays(bench: Bench) -> None:
    case = begin(bench)
    found = case.compare("orders")
    assert found.values["drifted"] == ["amount"]
    assert "x100 of what it was (a change of unit)" in found.findings[0].statement
    assert found.findings[0].entity == "column:orders.amount"
    assert "against same hours, last 19 days; counted from rows" in found.summary
    frames = {"columns", "histograms", "history", "signals", "signal_history", "policies", "drivers", "changes"}
    assert set(found.frames) == frames
    assert case.replay().badge.startswith("Replayed offline: 2/2 match")


def test_profiles_serve_whole_hours_and_rows_the_rest(bench: Bench) -> None:
    profile_entity(bench.store, "dataset:orders", every_ns=HOUR_NS)
    case = begin(bench)
    hours = case.compare("dataset:orders", baseline="first 10 d")
    assert "from profiles" in hours.summary
    assert "in the first 10 days kept" in hours.summary
    assert hours.values["drifted"] == ["amount"]
    part = case.compare("orders", current="22:10/22:50", baseline="same hours, 14 d")
    assert "against same hours, last 14 days; counted from rows" in part.summary
    assert part.values["drifted"] == ["amount"]
    early = case.compare("orders", current=f"{iso(START + 2 * DAY_NS)}/{iso(START + 2 * DAY_NS + HOUR_NS)}")
    assert "(short: 2 days)" in early.summary
    assert early.values["drifted"] == []


def test_an_unknown_table_could_not_run(bench: Bench) -> None:
    assert "neither profiles nor rows of dataset:nothing" in begin(bench).compare("nothing").could_not_run
