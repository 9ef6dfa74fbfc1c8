"""A real Spark server (``make test-spark``): its workers are processes, and one is killed while it computes."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.strategies.engine_rows import EVERY, world
from tests.strategies.engine_servers import SPARK_HOME, both_ways, difference, end, free_port, running, spark
from workbench import plugins
from workbench.errors import StoreError
from workbench.store.cluster import parse
from workbench.store.engines.spark import SparkEngine
from workbench.store.portable import Tables
from workbench.store.sharing import SharedStore

pytestmark = pytest.mark.skipif(not SPARK_HOME, reason="needs a Spark 4 in WORKBENCH_SPARK_HOME; see make test-spark")


def _long(tables: Tables) -> Any:
    """Pair spans with spans and KPIs: some seconds of work, one number."""
    spans, kpis = tables.relation("spans"), tables.relation("kpis")
    sides = [spans.select(**{f"took_{n}": spans.duration_ns}) for n in range(2)]
    pairs = sides[0].cross_join(sides[1]).cross_join(kpis.select(kpi_ns=kpis.time_ns))
    pairs = pairs.cross_join(kpis.select(again_ns=kpis.time_ns))
    mixed = (pairs.took_0 % 7 + pairs.took_1 % 11 + pairs.kpi_ns % 13 + pairs.again_ns % 3) % 17
    return pairs.agg(total=mixed.sum())


def _workers(server: psutil.Process) -> list[psutil.Process]:
    """Return the executors: the server's processes whose command names their backend."""
    found = []
    for process in server.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("CoarseGrainedExecutorBackend" in word for word in process.cmdline()):
                found.append(process)
    return found


def _busy(server: psutil.Process, asking: threading.Thread) -> psutil.Process | None:
    """Return the first executor that computed for two seconds, however little of a busy machine it gets; or None."""
    began: dict[int, float] = {}
    until = time.monotonic() + 300
    while asking.is_alive() and time.monotonic() < until:
        time.sleep(0.2)
        for worker in _workers(server):
            with contextlib.suppress(psutil.NoSuchProcess):
                used = worker.cpu_times()
                spent = float(used.user + used.system)
                if spent - began.setdefault(worker.pid, spent) > 2 and asking.is_alive():
                    return worker
    return None


def test_a_spark_worker_killed_while_it_computes_gives_no_partial_answer(tmp_path: Path) -> None:
    """One of two workers dies in mid-query: an error, or the whole answer from a task run again; then all is well."""
    port = free_port()
    process = spark(port, tmp_path / "log")
    with both_ways("sc://127.0.0.1:1", tmp_path, ("compacted",)) as stores:
        here = stores["compacted"][0]
        engine = SparkEngine(f"sc://127.0.0.1:{port}")
        said: list[Any] = []

        def ask() -> None:
            with here._engine.session() as session:
                try:
                    said.append(engine.answer(session, _long, {}))
                except StoreError as error:
                    said.append(error)

        try:
            engine.state()
            thread = threading.Thread(target=ask)
            thread.start()
            busy = _busy(psutil.Process(process.pid), thread)
            assert busy is not None, said
            busy.kill()
            thread.join(400)
            assert len(said) == 1
            with here._engine.session() as session:
                again = engine.answer(session, _long, {})
                answer = engine.answer(session, plugins.load("query", "span_counts").portable, EVERY)
            assert again.num_rows == 1
            if not isinstance(said[0], StoreError):
                assert said[0].equals(again)
            assert difference(answer, here.ask("span_counts", **EVERY)) == ""
        finally:
            engine.close()
            end(process)


def test_spark_compacts_to_duckdbs_bytes(tmp_path: Path) -> None:
    """Two workers resolve, sort and write five tables of a shared store: every segment has DuckDB's SHA-256."""
    names = ("kpis", "predictions", "runs", "spans", "table_rows")
    pytest.importorskip("s3fs", reason="needs fsspec, with the client of S3-compatible storage")
    listed = []
    with running("spark", tmp_path / "log") as server:
        for name in ("there", "here"):
            where = parse(f"{server}/;path=file://{tmp_path}/{name};cache={tmp_path}/cache {name}")
            with SharedStore.open_shared(where, upkeep="manual") as store:
                for seed in (1, 2):
                    store.append({table: rows for table, rows in world(seed).items() if table in names})
                    store.seal()
                days = store.compact_on_engine() if name == "there" else store.compact_here()
                newest = store._storage().newest().segments
                listed.append((days, sorted((s.table, s.day, s.rows, s.sha256, s.settled) for s in newest)))
    assert listed[0] == listed[1]
    assert listed[0][0] == len(listed[0][1]) == 9
