"""``case.capacity()``: when a device's memory, a queue or a budget runs out, with an interval held to its own past."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from workbench.bench import Bench, open_bench
from workbench.case.case import Case
from workbench.columnar import build
from workbench.model.tables import METRICS
from workbench.model.window import DAY_NS, HOUR_NS, iso, parse_time_ns

FIRST = parse_time_ns("2026-02-01T00:00:00Z")
NOW = FIRST + 28 * DAY_NS


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """28 days, hourly: device a grows a point of memory a day from 60 %, b stays; a queue and a budget grow too."""
    dice, times = np.random.default_rng(5), np.arange(FIRST, NOW, HOUR_NS)
    days, n = (times - FIRST) / DAY_NS, len(times)
    noise = dice.normal(0, 0.2, n)
    series = {
        ("gpu:a", "gpu_memory_used_bytes"): (60 + days + noise) * 1e9,
        ("gpu:a", "gpu_memory_total_bytes"): np.full(n, 1e11),
        ("gpu:b", "gpu_memory_used_bytes"): (50 + noise) * 1e9, ("gpu:b", "gpu_memory_total_bytes"): np.full(n, 1e11),
        ("service:scorer", "queue_depth"): 10 + 5 * days + noise, ("service:books", "budget_spent"): 100 * days + noise,
    }  # fmt: skip
    stamps = {"environment": "prod", "source": "test", "place": "here", "received_ns": NOW}
    tables = [build(METRICS, {**stamps, "series": [f"{e} {m}"] * n, "time_ns": times.tolist(), "entity": e, "metric": m,
                              "value": values.tolist(), "type": "gauge", "labels": [{}] * n})
              for (e, m), values in series.items()]  # fmt: skip
    with open_bench(tmp_path_factory.mktemp("capacity") / "store", who="tester", clock=lambda: NOW) as opened:
        opened.store.append({"metric_samples": pa.concat_tables(tables)})
        yield opened


def begin(bench: Bench, name: str) -> Case:
    return bench.case(name, entity="gpu:a", signal="gpu_memory_used_bytes", window=f"{iso(NOW - HOUR_NS)}/{iso(NOW)}")


def test_memory_that_grows_a_point_a_day_is_full_in_12_days(bench: Bench) -> None:
    """From 88 % at a point a day 100 % is 12 days ahead, to a day; the device that does not grow has no date."""
    found = begin(bench, "INC-1").call("capacity")
    table = found.frames["capacity"].set_index("entity")
    assert table.loc["gpu:a", "growth_per_day"] == pytest.approx(1.0, abs=0.05)
    assert (table.loc["gpu:a", "expected_ns"] - NOW) / DAY_NS == pytest.approx(12, abs=1.2)
    assert table.loc["gpu:a", "earliest_ns"] <= table.loc["gpu:a", "expected_ns"] <= table.loc["gpu:a", "latest_ns"]
    assert table.loc["gpu:a", "coverage"] >= 0.8
    assert table.loc["gpu:a", "forecasts"] >= 1
    assert table["expected_ns"].isna().tolist() == [False, True]
    assert found.summary.startswith("First to run out: memory of the device, % (a), 8")


def test_a_queue_and_a_budget_need_a_limit_of_their_own(bench: Bench) -> None:
    """A queue of 150 at 5 a day holds 200 for 10 days; 2,800 spent at 100 a day meet 4,000 in 12 days."""
    found = begin(bench, "INC-2").call("capacity", queue_limit=200.0, metric="budget_spent", limit=4000.0)
    table = found.frames["capacity"].set_index("what")
    assert (table.loc["queue_depth", "expected_ns"] - NOW) / DAY_NS == pytest.approx(10, abs=1.5)
    assert (table.loc["budget_spent", "expected_ns"] - NOW) / DAY_NS == pytest.approx(12, abs=1.5)
    assert begin(bench, "INC-2").replay().ok


def test_what_has_no_limit_or_no_history_says_so(bench: Bench) -> None:
    """A metric without a limit is refused in words; within 5 days nothing runs out."""
    case = begin(bench, "INC-3")
    assert "metric and limit together" in case.call("capacity", metric="x").could_not_run
    near = case.call("capacity", horizon="5d")
    assert near.values == {"figures": 2, "run_out": 0}
    assert near.summary.startswith("Nothing meets its limit within 5d")
