"""A Spark Connect server that dies: a clear error, no partial answer, and a retry that succeeds."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.strategies.engine_rows import EVERY, WINDOW
from tests.strategies.engine_servers import both_ways, difference, end, free_port, sail
from workbench import plugins
from workbench.errors import StoreError
from workbench.store import Store
from workbench.store.cluster import open_store
from workbench.store.engines.spark import EngineUnreachableError, SparkEngine
from workbench.store.portable import Tables
from workbench.store.running import CancelledError, Questions, Running

pytest.importorskip("pysail", reason="needs pysail, a Spark Connect server in a wheel")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Store, Store]]]:
    folder = tmp_path_factory.mktemp("stores")
    with both_ways("sc://127.0.0.1:1", folder, ("half", "compacted")) as opened:
        yield opened


def _asked(run: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    said: list[Any] = []

    def keep() -> None:
        try:
            said.append(run())
        except StoreError as error:
            said.append(error)

    thread = threading.Thread(target=keep)
    thread.start()
    return thread, said


def test_a_server_killed_in_mid_query_is_an_error_and_a_retry_succeeds(
    stores: dict[str, tuple[Store, Store]], tmp_path: Path
) -> None:
    """The question is on its way when the server dies: no answer, an error in words; asked again it is whole."""
    here = stores["half"][0]
    port = free_port()
    process = sail(port, tmp_path / "log")
    with open_store(f"sc://127.0.0.1:{port}/;path={here.root}", mode="read") as there:
        try:
            want = here.ask("span_percentiles", **WINDOW)
            assert difference(there.ask("span_percentiles", **WINDOW), want) == ""
            process.send_signal(signal.SIGSTOP)
            thread, said = _asked(lambda: there.ask("span_percentiles", **WINDOW))
            thread.join(1.0)
            assert thread.is_alive()
            end(process)
            thread.join(60)
            assert [type(answer) for answer in said] == [EngineUnreachableError]
            assert "No rows were taken from it" in str(said[0])
            process = sail(port, tmp_path / "log")
            assert difference(there.ask("span_percentiles", **WINDOW), want) == ""
        finally:
            end(process)


def _endless(tables: Tables) -> Any:
    """Pair spans with spans, spans and KPIs: some ten thousand million rows, minutes of work, one number."""
    spans = tables.relation("spans")
    sides = [spans.select(**{f"took_{n}": spans.duration_ns}) for n in range(3)]
    kpis = tables.relation("kpis")
    pairs = sides[0].cross_join(sides[1]).cross_join(sides[2]).cross_join(kpis.select(kpi_ns=kpis.time_ns))
    mixed = (pairs.took_0 % 7 + pairs.took_1 % 11 + pairs.took_2 % 13 + pairs.kpi_ns % 17) % 5
    return pairs.agg(total=mixed.sum())


def test_a_server_killed_while_it_computes_gives_no_partial_answer(
    stores: dict[str, tuple[Store, Store]], tmp_path: Path
) -> None:
    """It works (more than half a CPU second) when it is killed: an error, and the next question is answered whole."""
    here = stores["compacted"][0]
    port = free_port()
    process = sail(port, tmp_path / "log")
    engine = SparkEngine(f"sc://127.0.0.1:{port}")
    seen = psutil.Process(process.pid)
    try:
        with here._engine.session() as session:
            engine.state()
            before = sum(seen.cpu_times()[:2])
            thread, said = _asked(lambda: engine.answer(session, _endless, {}))
            until = time.monotonic() + 30
            while sum(seen.cpu_times()[:2]) - before < 0.5 and time.monotonic() < until:
                time.sleep(0.05)
            assert thread.is_alive()
            end(process)
            thread.join(60)
            assert [type(answer) for answer in said] == [EngineUnreachableError]
            process = sail(port, tmp_path / "log")
            name, arguments = "span_counts", EVERY
            answer = engine.answer(session, plugins.load("query", name).portable, arguments)
        assert difference(answer, here.ask(name, **arguments)) == ""
    finally:
        engine.close()
        end(process)


def test_a_question_on_a_server_is_seen_and_stopped(stores: dict[str, tuple[Store, Store]], tmp_path: Path) -> None:
    """It works on the server when it is stopped: an error in words at once, whatever the server does about it."""
    here = stores["compacted"][0]
    port = free_port()
    process = sail(port, tmp_path / "log")
    engine, questions = SparkEngine(f"sc://127.0.0.1:{port}"), Questions()
    seen = psutil.Process(process.pid)

    def ask() -> Any:
        question = Running("endless")
        with here._engine.session(question) as session, questions.running(question):
            return engine.answer(session, _endless, {})

    try:
        engine.state()
        before = sum(seen.cpu_times()[:2])
        thread, said = _asked(ask)
        until = time.monotonic() + 60
        while sum(seen.cpu_times()[:2]) - before < 0.5 and time.monotonic() < until:
            time.sleep(0.05)
        assert [(q.query, q.engine) for q in questions.now()] == [("endless", "spark")]
        began = time.monotonic()
        assert questions.cancel() == 1
        thread.join(30)
        assert time.monotonic() - began < 10
        assert [type(answer) for answer in said] == [CancelledError]
        assert questions.now() == []
    finally:
        end(process)
        for thread in threading.enumerate():
            if thread.name in {"stop a question", "question of a server"}:
                thread.join(30)
        engine.close()
