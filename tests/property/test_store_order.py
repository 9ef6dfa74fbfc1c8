"""The canonical export is the same bytes for any order, repetition and batching of the input."""

from __future__ import annotations

import importlib.util
import random
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.model.tables import Table
from workbench.store import Store


def _strategies() -> ModuleType:
    path = Path(__file__).parents[1] / "strategies" / "store_rows.py"
    spec = importlib.util.spec_from_file_location("store_rows", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rows_of = _strategies()
HOUR_NS = 3600 * 10**9


def _export(table: Table, rows: list[dict[str, Any]], steps: list[str], cuts: int) -> tuple[bytes, bytes, int]:
    """Return the export before and after compaction, and the count, of rows that come in *cuts* batches."""
    with tempfile.TemporaryDirectory() as folder, Store.open(folder, upkeep="manual") as store:
        size = -(-len(rows) // cuts)
        for number in range(cuts):
            part = rows[number * size : (number + 1) * size]
            if part:
                store.append({table.name: rows_of.as_table(table, part)})
            step = steps[number % len(steps)]
            if step != "nothing":
                store.seal()
            if step == "compact":
                store.compact()
        before = store.export(table.name)
        store.seal()
        store.compact()
        return before, store.export(table.name), store.counts().get(table.name, 0)


def _differently(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Return the rows up to three times each, shuffled, received up to a day earlier or later from elsewhere."""
    chance = random.Random(seed)
    again = [dict(row) for row in rows for _ in range(chance.randint(1, 3))]
    for row in again:
        row["received_ns"] = chance.randint(-24, 24) * HOUR_NS
        row["place"] = f"elsewhere {chance.random()}"
    chance.shuffle(again)
    return again


STEPS = st.lists(st.sampled_from(["nothing", "seal", "compact"]), min_size=1, max_size=3)


INPUTS = (rows_of.table_and_rows(), st.integers(0, 2**32), STEPS, STEPS, st.integers(1, 4))


def _check(
    given_rows: tuple[Table, list[dict[str, Any]]], seed: int, steps: list[str], others: list[str], cuts: int
) -> None:
    table, rows = given_rows
    before, after, count = _export(table, rows, steps, 1)
    again_before, again_after, again_count = _export(table, _differently(rows, seed), others, cuts)
    assert before == after == again_before == again_after
    keys = {tuple(repr(row[name]) for name in table.key) for row in rows}
    assert count == again_count == len(keys) == after.count(b"\n")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(*INPUTS)
def test_order_and_repetition_leave_no_trace(
    given_rows: tuple[Table, list[dict[str, Any]]], seed: int, steps: list[str], others: list[str], cuts: int
) -> None:
    """Any table: shuffled, repeated, 24 h late, in other batches: the bytes are equal, compacted or not."""
    _check(given_rows, seed, steps, others, cuts)


@pytest.mark.full
@pytest.mark.timeout(1800)
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(*INPUTS)
def test_a_thousand_sequences_leave_no_trace(
    given_rows: tuple[Table, list[dict[str, Any]]], seed: int, steps: list[str], others: list[str], cuts: int
) -> None:
    """The same law on 1,000 sequences drawn anew in each run."""
    _check(given_rows, seed, steps, others, cuts)
