"""When rows are sealed and segments settled: what needs no rewriting is left, and whoever gathers is waited for."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.columnar import build
from workbench.model.tables import TABLES
from workbench.store import Store, upkeep

DAY_NS = 86_400 * 10**9


def kpis(values: list[float], *, day: int = 0) -> dict[str, pa.Table]:
    """Return KPI rows a second apart on a day after 2026-02-16."""
    rows = {
        "environment": "prod", "source": "test", "place": "here", "received_ns": 1, "kpi": "k", "segment": "",
        "time_ns": [(20_500 + day) * DAY_NS + i * 10**9 for i in range(len(values))], "value": values,
    }  # fmt: skip
    return {"kpis": build(TABLES["kpis"], rows)}


def test_a_day_with_one_segment_is_settled_as_it_is_and_others_are_merged(tmp_path: Path) -> None:
    """Of two days, one is rewritten: the other's only file shares no key and is named as it lies."""
    with Store.open(tmp_path / "s", upkeep="manual") as store:
        store.append(kpis([1.0]))
        store.append(kpis([2.0, 3.0], day=1))
        store.seal()
        store.append(kpis([4.0], day=1))
        store.seal()
        first, *of_second = store.files("kpis")
        assert len(of_second) == 2
        assert store.compact() == 2
        kept, merged = store.files("kpis")
        assert kept == first
        assert merged not in of_second
        assert store.compact() == 0
        assert store.ask("rows", table="kpis").column("value").to_pylist() == [1.0, 4.0, 3.0]


def test_gathering_seals_later_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five rows would be sealed in the background at once; whoever gathers keeps them together until the end."""
    monkeypatch.setattr(upkeep, "SEAL_ROWS", 5)
    with Store.open(tmp_path / "store") as store:
        with store.gathering():
            for value in range(6):
                store.append(kpis([float(value)], day=value))
            time.sleep(0.2)
            assert store.unsealed()[0] == 6
        until = time.monotonic() + 10
        while store.unsealed()[0] and time.monotonic() < until:
            time.sleep(0.02)
        assert store.unsealed()[0] == 0
        assert store.counts() == {"kpis": 6}
