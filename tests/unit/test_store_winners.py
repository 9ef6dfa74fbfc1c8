"""One row a key in memory: Arrow's choice is DuckDB's, and a seal from one piece needs no second look."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.columnar import build
from workbench.model.tables import JOB_RUNS, KPIS, PREDICTIONS, RUNS, Table
from workbench.store import Store, winners

STAMP = {"environment": "prod", "source": "test", "received_ns": 7}
MEMORY = "256MB"


def job_runs(count: int, seed: int) -> pa.Table:
    rng = random.Random(seed)
    texts = [None, "", "a", "b", "é", "zz\x00y"]
    return build(
        JOB_RUNS,
        {
            "job_run": [f"r{rng.randrange(4)}" for _ in range(count)],
            "job": [rng.choice(["x", "y"]) for _ in range(count)],
            "state": [rng.choice(["START", "COMPLETE"]) for _ in range(count)],
            "time_ns": [rng.randrange(3) for _ in range(count)],
            "parent_run": [rng.choice(texts) for _ in range(count)],
            "message": [rng.choice(texts) for _ in range(count)],
            "facets": [rng.choice([None, "{}"]) for _ in range(count)],
            "place": [f"p{rng.randrange(3)}" for _ in range(count)],
            **STAMP,
        },
    )


def kpis(values: list[float | None]) -> pa.Table:
    n = len(values)
    same = {"kpi": ["k"] * n, "segment": [""] * n, "time_ns": [5] * n, "unit": [None] * n}
    return build(KPIS, {**same, "value": values, "place": [f"p{i}" for i in range(n)], **STAMP})


def rows_of(declared: Table, rows: pa.Table) -> list[tuple[object, ...]]:
    return sorted((tuple(row.values()) for row in rows.to_pylist()), key=repr)


@pytest.mark.parametrize("seed", range(8))
def test_sorting_finds_the_winners_that_duckdb_finds(seed: int) -> None:
    rows = job_runs(400, seed)
    asked = winners._asked(JOB_RUNS, rows, MEMORY)
    assert asked.num_rows < 60
    assert rows_of(JOB_RUNS, winners.one_a_key(JOB_RUNS, rows, memory_limit=MEMORY)) == rows_of(JOB_RUNS, asked)
    assert rows_of(JOB_RUNS, winners._ordered(JOB_RUNS, rows)) == rows_of(JOB_RUNS, asked)


def test_nothing_is_known_less_than_the_least_number_and_no_number_is_the_greatest() -> None:
    for values, won in (([1.0, None, 3.0, -math.inf], 3.0), ([None, -2.0], -2.0)):
        kept = winners.one_a_key(KPIS, kpis(values), memory_limit=MEMORY)
        assert kept.column("value").to_pylist() == [won]
    kept = winners.one_a_key(KPIS, kpis([1.0, math.nan, math.inf]), memory_limit=MEMORY)
    assert math.isnan(kept.column("value")[0].as_py())


def test_tables_with_maps_are_resolved_too() -> None:
    said = {"run_id": ["r", "r", "s"], "updated_ns": [1, 2, 3], "params": [{"a": "1"}, {"a": "2"}, None]}
    rows = build(RUNS, {**said, "place": ["p", "p", "p"], **STAMP})
    kept = winners.one_a_key(RUNS, rows, memory_limit=MEMORY).sort_by("run_id")
    assert kept.column("params").to_pylist() == [[("a", "2")], None]


def test_maps_that_are_the_same_within_each_key_decide_nothing() -> None:
    said = {"run_id": ["r", "r", "s"], "updated_ns": [2, 1, 3], "params": [{"a": "1"}, {"a": "1"}, {"a": "2"}]}
    rows = build(RUNS, {**said, "place": ["p", "o", "p"], **STAMP})
    assert winners._orders_alike(RUNS, rows)
    assert rows_of(RUNS, winners._ordered(RUNS, rows)) == rows_of(RUNS, winners._asked(RUNS, rows, MEMORY))
    nan = rows.set_column(rows.column_names.index("metrics"), rows.schema.field("metrics"),
                          pa.array([[("m", math.nan)]] * 3, rows.schema.field("metrics").type))  # fmt: skip
    assert not winners._orders_alike(RUNS, nan)


def test_rows_without_a_key_twice_are_handed_back_as_they_are() -> None:
    rows = job_runs(1, 0)
    assert winners.one_a_key(JOB_RUNS, rows, memory_limit=MEMORY) is rows


def test_segments_of_one_seal_are_settled_without_being_written_again_and_later_ones_merged(tmp_path: Path) -> None:
    days = [n * 86_400_000_000_000 for n in range(3)]
    with Store.open(tmp_path, upkeep="manual") as store:
        for number, place in enumerate(("first", "second")):
            named = {"prediction_id": [f"p{day}" for day in days], "time_ns": days, "model": ["m"] * 3}
            figures = {"score": [float(number)] * 3}
            store.append({"predictions": build(PREDICTIONS, {**named, **figures, "place": place, **STAMP})})
            store.seal()
            sealed = set(store.files("predictions"))
            assert store.compact() == 3
            assert (set(store.files("predictions")) == sealed) is (number == 0)
        assert store.ask("rows", table="predictions").column("score").to_pylist() == [1.0, 1.0, 1.0]
