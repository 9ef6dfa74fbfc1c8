"""Questions while they run: seen with their progress, stopped in words, and slow ones kept with plan and bytes."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.strategies.engine_rows import END, T0, world
from workbench import plugins
from workbench.store import Store
from workbench.store.engines.duckdb import Session
from workbench.store.query import Query
from workbench.store.running import CancelledError

ENDLESS = "SELECT count(*) AS n FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Yield a store of 60 KPI rows whose query ``runs`` never ends."""
    load = plugins.load

    def endless(session: Session) -> pa.Table:
        return session.query(ENDLESS)

    def loaded(kind: Any, name: str) -> Any:
        return Query("Never ends.", {}, {}, endless) if name == "runs" else load(kind, name)

    monkeypatch.setattr(plugins, "load", loaded)
    with Store.open(tmp_path / "s", upkeep="manual") as opened:
        opened.append({"kpis": world(1)["kpis"]})
        opened.seal()
        yield opened


def _until(wanted: Any) -> None:
    end = time.monotonic() + 20
    while not wanted() and time.monotonic() < end:
        time.sleep(0.02)
    assert wanted()


def test_a_running_question_is_seen_and_stopped_and_others_go_on(store: Store) -> None:
    """It has a number and a name while it works; stopped, it ends in words within seconds; others are answered."""
    said: list[Any] = []

    def ask() -> None:
        try:
            said.append(store.ask("runs"))
        except CancelledError as error:
            said.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    _until(lambda: [q.query for q in store.running()] == ["runs"] and store.running()[0].seconds > 0.3)
    seen = store.running()[0]
    assert seen.engine == "duckdb"
    assert seen.share is None or 0 <= seen.share <= 1
    assert store.ask("kpi_series", start_ns=T0, end_ns=END).num_rows == 60
    assert store.cancel(seen.number + 1) == 0
    assert store.cancel(seen.number) == 1
    thread.join(20)
    assert isinstance(said[0], CancelledError)
    assert "runs was stopped after" in str(said[0])
    assert "Nothing was answered" in str(said[0])
    assert store.running() == []


def test_a_slow_question_is_kept_with_its_plan_and_bytes(store: Store) -> None:
    """Whatever takes longer than the limit is kept: plan in the engine's words, bytes read, size of its segments."""
    store.ask("kpi_series", start_ns=T0, end_ns=END)
    assert store.slow() == []
    store._questions.slow_s = 0.0
    answer = store.ask("kpi_series", start_ns=T0, end_ns=END)
    (slow,) = store.slow()
    assert answer.num_rows == 60
    assert (slow.query, slow.engine) == ("kpi_series", "duckdb")
    assert "Parquet" in slow.plan or "PARQUET" in slow.plan
    assert slow.bytes_of_files == sum(path.stat().st_size for path in store.files("kpis"))
    assert slow.bytes_read is None or slow.bytes_read > 0
