"""`workbench profile`: from a file or from the store, incremental, and the same when run again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.profile_history import History
from workbench.analysis.profile_rows import from_rows
from workbench.case.bundle import frame
from workbench.columnar import build
from workbench.errors import CouldNotRunError, UsageError
from workbench.intake.profiling import profile_entity, profile_file
from workbench.model.tables import TABLE_ROWS
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.store import Store

T0 = 20_500 * DAY_NS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store.open(tmp_path / "store", upkeep="manual") as opened:
        yield opened


def held(store: Store) -> pd.DataFrame:
    return frame(store.ask("rows", table="profiles"))


def append(store: Store, first: int, last: int) -> None:
    rng = np.random.default_rng(first)
    n = last - first
    store.append({"table_rows": build(TABLE_ROWS, {
        "environment": ["prod"] * n, "source": "test", "place": "here", "received_ns": T0, "dataset": "orders",
        "row_id": [str(i) for i in range(first, last)], "time_ns": [T0 + i * HOUR_NS // 10 for i in range(first, last)],
        "numbers": [{"amount": float(v)} for v in rng.lognormal(size=n)],
        "texts": [{"kind": str(v)} for v in rng.choice(["a", "b"], n)],
    })})  # fmt: skip


def test_rows_in_the_store_are_profiled_once_and_late_ones_are_added(store: Store) -> None:
    """480 rows in 48 hours of 2 columns and the table: 144 rows of profiles; a second run adds none."""
    append(store, 0, 480)
    first = profile_entity(store, "dataset:orders", every_ns=HOUR_NS)
    assert (first.buckets, first.rows, first.fresh) == (48, 480, 144)
    again = profile_entity(store, "dataset:orders", every_ns=HOUR_NS)
    assert again.fresh == 0
    append(store, 480, 725)
    profile_entity(store, "dataset:orders", every_ns=HOUR_NS)
    rows = held(store)
    assert rows.groupby("column")["rows"].sum().to_dict() == {"*": 725, "amount": 725, "kind": 725}
    assert rows.loc[rows["column"] == "amount", "grid"].nunique() == 1
    history = History(from_rows(rows))
    assert history.counts([(T0, T0 + 4 * DAY_NS)]).sum() == 2 * 725


def test_a_file_is_profiled_without_keeping_rows(store: Store, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    times = pd.date_range("2026-03-01", periods=1000, freq="5min", tz="UTC")
    table = pd.DataFrame(
        {"at": times, "x": rng.normal(size=1000), "flag": rng.random(1000) < 0.5, "n": rng.poisson(4, 1000)}
    )
    table.to_parquet(tmp_path / "features.parquet")
    table.to_csv(tmp_path / "features.csv", index=False)
    for name in ("features.parquet", "features.csv"):
        report = profile_file(store, tmp_path / name, dataset="features", time_column="at", every_ns=HOUR_NS)
        assert (report.rows, report.buckets, report.columns) == (1000, 84, 3)
    rows = held(store)
    assert set(store.counts()) == {"profiles"}
    assert rows.groupby("column")["rows"].sum().to_dict() == {"*": 1000, "flag": 1000, "n": 1000, "x": 1000}
    with pytest.raises(UsageError, match="has no column 'when'"):
        profile_file(store, tmp_path / "features.csv", dataset="features", time_column="when", every_ns=HOUR_NS)


def test_an_unknown_table_is_said(store: Store) -> None:
    with pytest.raises(CouldNotRunError, match="No row of dataset:nothing"):
        profile_entity(store, "dataset:nothing", every_ns=HOUR_NS)
