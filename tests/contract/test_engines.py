"""Every portable query gives on a Spark Connect server what it gives on DuckDB: equal at 1e-9, in the same order."""

from __future__ import annotations

import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from workbench import plugins
from workbench.columnar import build
from workbench.errors import StoreError, UsageError
from workbench.model.tables import TABLES
from workbench.store import Store
from workbench.store.cluster import ClusterStore, open_store, parse, portable_queries
from workbench.store.engines.spark import EngineUnreachableError, SparkEngine
from workbench.store.portable import Tables

pytest.importorskip("pysail", reason="needs pysail, a Spark Connect server in a wheel")

S = 10**9
MINUTE = 60 * S
T0 = 20_500 * 86_400 * S - 30 * MINUTE
"""Half an hour before midnight UTC, so that every table has two days."""
END = T0 + 60 * MINUTE
STAMP = {"environment": "prod", "source": "test", "place": "here", "received_ns": T0}
HOSTILE = "a'b\\'; DROP VIEW spans; --\n\u00e9\u4e2d"


def _rows(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return build(TABLES[name], {c.name: [{**STAMP, **row}.get(c.name) for row in rows] for c in TABLES[name]})


def _spans(rng: random.Random) -> list[dict[str, Any]]:
    rows = []
    for n in range(600):
        # An id is drawn for one event, so that its time is the same whatever else two senders say.
        start, took = T0 + n * 6 * S, rng.choice([-5, 0, rng.randrange(10**10)])
        rows.append({
            "trace_id": f"{n // 4:032x}", "span_id": f"{n:016x}", "start_ns": start, "end_ns": start + took,
            "duration_ns": took, "parent_span_id": f"{n - 1:016x}" if n % 4 else None,
            "service": rng.choice(["api", "scoring", None, HOSTILE]), "name": rng.choice(["get", "put", None]),
            "kind": rng.choice(["server", "client", None]), "status": rng.choice(["ok", "error", None]),
            "host": rng.choice(["h1", "h2", None]), "model_version": rng.choice(["41", "42", None]),
            "queue_wait_ms": rng.choice([None, rng.random() * 50]),
            "forward_pass_ms": rng.choice([None, rng.random() * 9]),
            "attributes": rng.choice([None, {}, {"tier": "gold", HOSTILE: HOSTILE}, {"tier": None, "route": "/x"}]),
            "resource": rng.choice([None, {"service.version": "1.2"}, {"tier": "gold"}]),
        })  # fmt: skip
    return rows


def _world(seed: int) -> dict[str, pa.Table]:
    """Return rows with nulls, negative durations, hostile texts, equal values and empty maps in every table asked."""
    rng = random.Random(seed)

    def when() -> int:
        return T0 + rng.randrange(60 * MINUTE)

    def some(*values: Any) -> Any:
        return rng.choice([None, *values])

    tables: dict[str, list[dict[str, Any]]] = {
        "spans": _spans(rng),
        "logs": [{"log_id": str(n), "time_ns": T0 + n * 17 * S, "service": some("api", HOSTILE),
                  "severity": some("error", "info"), "trace_id": some(f"{n:032x}"),
                  "body": some(f"order {n} failed after {n * 10} ms", HOSTILE), "attributes": some({"k": "v"})}
                 for n in range(200)],
        "metric_samples": [{"series": f"s{n % 3}", "time_ns": T0 + n * S, "entity": f"host:h{n % 3}",
                            "metric": "cpu_percent", "unit": some("%"), "type": some("gauge"),
                            "value": some(1.0, 2.0, rng.random(), -3.5), "labels": some({"a": "b"}, {})}
                           for n in range(900)],
        "runs": [{"run_id": f"r{n}", "experiment": some("e"), "start_ns": some(when()), "end_ns": some(when()),
                  "updated_ns": when(), "status": "FINISHED", "params": some({"lr": "1"}),
                  "metrics": some({"auc": 0.5})} for n in range(40)],
        "model_versions": [{"model": "fraud", "version": str(n), "run_id": some("r1"), "created_ns": some(when()),
                            "updated_ns": when()} for n in range(20)],
        "run_data": [{"run_id": f"r{n}", "dataset": "orders", "data_version": "1", "role": "training",
                      "rows": some(5)} for n in range(10)],
        "lineage_edges": [{"upstream": f"dataset:{n % 5}", "downstream": f"dataset:{n % 7}", "job": f"j{n % 4}",
                           "job_run": str(n), "rule": rng.choice(["same_event", "mlflow"]), "time_ns": when()}
                          for n in range(120)],
        "column_edges": [{"upstream_dataset": "raw", "upstream_column": f"c{n % 3}", "downstream_dataset": "orders",
                          "downstream_column": "b", "job_run": str(n), "job": some("j", "k"),
                          "transformation": some("upper", "lower"), "time_ns": T0 + n} for n in range(40)],
        "job_runs": [{"job_run": str(n), "job": "j", "state": rng.choice(["START", "FAIL"]), "time_ns": when()}
                     for n in range(30)],
        "dataset_versions": [{"dataset": f"d{n % 3}", "version": str(n), "job_run": "", "time_ns": when(),
                              "rows": some(n), "bytes": some(n * 7), "last_updated_ns": some(T0 - n * S),
                              "null_counts": some({}, {"x": float(n), "y": None}), "schema": some("[1]"),
                              "schema_digest": some("A", "B")} for n in range(90)],
        "assertions": [{"dataset": "orders", "column": some("c") or "", "assertion": f"a{n}", "job_run": "",
                        "time_ns": when(), "success": rng.random() < 0.5} for n in range(20)],
        "changes": [{"change_id": f"c{n}", "time_ns": when(), "kind": rng.choice(["deploy", "flag"]),
                     "entity": some("service:api"), "title": HOSTILE} for n in range(30)],
        "alerts": [{"fingerprint": f"f{n % 9}", "starts_ns": T0 + n * MINUTE, "updated_ns": when(), "status": "firing",
                    "ends_ns": some(when()), "entity": some("service:api")} for n in range(30)],
        "kpis": [{"kpi": f"k{n % 2}", "segment": "", "time_ns": T0 + n * MINUTE, "value": some(rng.random())}
                 for n in range(60)],
        "predictions": [{"prediction_id": f"p{n}", "time_ns": when(), "model": some("fraud"),
                         "model_version": some("42"), "score": some(rng.random()), "output": some("deny", "allow"),
                         "feature_numbers": some({}, {"amount": some(1.5, 2.5)}),
                         "feature_texts": some({"category": some("food")}), "tokens_in": some(3)}
                        for n in range(200)],
        "labels": [{"prediction_id": f"p{n * 3}", "name": rng.choice(["fraud", "other"]), "value": some(0.0, 1.0),
                    "arrived_ns": when()} for n in range(90)],
        "features": [{"feature": f"f{n % 2}", "retrieval_id": str(n), "time_ns": when(), "version": some("1"),
                      "freshness_s": some(rng.random()), "retrieval_ms": some(rng.random()),
                      "cache_hit": some(True, False)} for n in range(100)],
        "table_rows": [{"dataset": "orders", "row_id": str(n), "time_ns": when(), "data_version": some("v1"),
                        "numbers": some({}, {"amount": some(1.0, 2.0)}), "texts": some({"category": some("food", "x")})}
                       for n in range(200)],
    }  # fmt: skip
    return {name: _rows(name, rows) for name, rows in tables.items()}


WINDOW = {"start_ns": T0 + 5 * MINUTE, "end_ns": END - 5 * MINUTE}
PROFILES = {"entity": "model:fraud", "start_ns": T0, "end_ns": END, "every_ns": 30 * MINUTE, "grids": {}}
WINDOWS = [(T0, T0 + 20 * MINUTE), (T0 + 10 * MINUTE, END)]
EVERY = {**WINDOW, "every_ns": 10 * MINUTE}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("alerts", {}), ("alerts", WINDOW), ("alerts", {"fingerprint": "f1", "entity": "service:api"}),
    ("assertions", WINDOW), ("assertions", {**WINDOW, "success": False}),
    ("attribute_counts", {"selection": WINDOWS[:1], "baseline": WINDOWS[1:], "max_values": 3}),
    ("attribute_counts", {"selection": WINDOWS[:1], "baseline": WINDOWS[1:], "table": "logs"}),
    ("attribute_counts", {"selection": WINDOWS, "baseline": WINDOWS, "keys": ["kind", "attributes.tier"],
                          "equals": {"service": ["api", HOSTILE]}}),
    ("attribute_counts", {"selection": WINDOWS[:1], "baseline": WINDOWS[1:], "table": "predictions"}),
    ("category_counts", {"entity": "dataset:orders", "column": "category", "windows": WINDOWS}),
    ("category_counts", {"entity": "model:fraud", "column": "output", "windows": WINDOWS}),
    ("changes", WINDOW), ("changes", {**WINDOW, "kind": ["deploy"], "entity": "service:api"}),
    ("column_edges", {}), ("column_edges", {"as_of_ns": T0 + 20, "dataset": "orders"}),
    ("data_columns", WINDOW), ("data_columns", {**WINDOW, "entity": "model:fraud"}),
    ("error_rate", WINDOW), ("error_rate", {**WINDOW, "equals": {"service": None, "kind": ["server", "client"]}}),
    ("feature_series", EVERY), ("feature_series", {**EVERY, "feature": ["f0"]}),
    ("first_last_seen", {"table": "spans", "column": "service"}), ("first_last_seen", {"table": "kpis", **WINDOW}),
    ("freshness_history", EVERY), ("freshness_history", {**EVERY, "entity": ["dataset:d1", "feature:f0"]}),
    ("job_states", WINDOW), ("job_states", {**WINDOW, "state": "FAIL"}),
    ("kpi_series", WINDOW), ("kpi_series", {**WINDOW, "kpi": ["k0", "none"]}),
    ("labelled_predictions", WINDOW), ("labelled_predictions", {**WINDOW, "label": "fraud", "model": ["fraud"],
                                                                "arrived_before_ns": T0 + 40 * MINUTE}),
    ("latency_parts", EVERY), ("latency_parts", {**EVERY, "equals": {"host": "h1"}}),
    ("lineage_edges", {}), ("lineage_edges", {"as_of_ns": T0 + 20 * MINUTE, "since_ns": T0 + MINUTE}),
    ("log_rates", EVERY), ("log_rates", {**EVERY, "service": HOSTILE}),
    ("metric_names", {}), ("metric_names", {**WINDOW, "entity": "host:h1"}),
    ("metric_series", WINDOW), ("metric_series", {**WINDOW, "points": 20}),
    ("metric_series", {**WINDOW, "points": 7, "entity": ["host:h0", "host:h2"], "metric": "cpu_percent"}),
    ("model_versions", {}), ("model_versions", {"model": "fraud", "run_id": "r1", "until_ns": T0 + 30 * MINUTE}),
    ("null_history", EVERY), ("null_history", {**EVERY, "entity": "dataset:orders"}),
    ("numeric_values", {"entity": "model:fraud", "column": "score", "windows": WINDOWS}),
    ("numeric_values", {"entity": "dataset:orders", "column": "amount", "windows": WINDOWS}),
    ("prediction_series", EVERY), ("prediction_series", {**EVERY, "equals": {"model": "fraud"}}),
    ("rows", {"table": "spans", **WINDOW}), ("rows", {"table": "spans", "columns": ["service"], "limit": 50}),
    ("rows", {"table": "runs", "equals": {"experiment": None}}),
    ("rows", {"table": "predictions", "equals": {"model": "fraud", "output": ["deny", "allow"]}}),
    ("rows", {"table": "spans", "equals": {"service": []}}),
    ("run_data", {}), ("run_data", {"run_id": ["r1", "r2"]}),
    ("runs", {}), ("runs", {**WINDOW, "experiment": "e"}),
    ("schema_history", {}), ("schema_history", {"dataset": "d1", **WINDOW}),
    ("service_edges", WINDOW), ("service_edges", EVERY),
    ("span_offsets", EVERY),
    ("span_counts", WINDOW), ("span_counts", {**EVERY, "equals": {"host": "h1"}}),
    ("span_percentiles", WINDOW), ("span_percentiles", {**EVERY, "equals": {"service": HOSTILE}}),
    ("span_places", WINDOW),
    ("trace", {"trace_id": f"{0x7F:032X}"}), ("trace", {"trace_id": f"{60:032x}", **WINDOW}),
    ("trace_ids", {**WINDOW, "limit": 20}),
    ("trace_ids", {**WINDOW, "attributes": {"tier": "gold", HOSTILE: HOSTILE}, "min_duration_ns": 1,
                   "max_duration_ns": 9 * S, "equals": {"status": "error"}}),
    ("volume_history", EVERY), ("volume_history", {**EVERY, "entity": "dataset:d1"}),
]  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _sail(port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start a server of its own session and return once it listens."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "pysail", "spark", "server", "--ip", "127.0.0.1", "--port", str(port)],
            stdout=out, stderr=out, env={**os.environ, "RUST_LOG": "warn"},
        )  # fmt: skip
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"The server did not start: {log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    process = _sail(port, tmp_path_factory.mktemp("sail") / "log")
    yield f"sc://127.0.0.1:{port}"
    _end(process)


@pytest.fixture(scope="module")
def stores(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Store, Store]]]:
    """The same rows two ways, each asked here and there: sealed with a rest in the journal, and compacted."""
    opened: dict[str, tuple[Store, Store]] = {}
    for how in ("half", "compacted", "empty"):
        path = tmp_path_factory.mktemp("stores") / how
        here = Store.open(path, upkeep="manual")
        if how != "empty":
            # The second world has the same keys and other rows, so that the winner of a key has to be found.
            here.append(_world(1))
            here.seal()
            here.append({name: rows.slice(rows.num_rows // 2) for name, rows in _world(2).items()})
        if how == "compacted":
            here.seal()
            here.compact()
        opened[how] = here, open_store(f"{server}/;path={path};missing=refuse", mode="read")
    yield opened
    for here, there in opened.values():
        there.close()
        here.close()


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right) and type(left) is type(right)


def _difference(left: pa.Table, right: pa.Table) -> str:
    """Return the first difference in words, empty where there is none."""
    shapes = [[(f.name, f.type) for f in side.schema] for side in (left, right)]
    if shapes[0] != shapes[1]:
        return f"columns {shapes}"
    if left.num_rows != right.num_rows:
        return f"{left.num_rows} rows, not {right.num_rows}"
    for name in left.column_names:
        pairs = zip(left.column(name).to_pylist(), right.column(name).to_pylist(), strict=True)
        for place, (a, b) in enumerate(pairs):
            if not _same(a, b):
                return f"row {place}, {name}: {a!r}, not {b!r}"
    return ""


@pytest.mark.parametrize("how", ["half", "compacted"])
@pytest.mark.parametrize(("name", "arguments"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_equal_on_both_engines(
    stores: dict[str, tuple[Store, Store]], how: str, name: str, arguments: dict[str, Any]
) -> None:
    """Types, order, nulls and texts are equal, floats at 1e-9: with unsealed and doubled rows, and compacted."""
    here, there = stores[how]
    assert _difference(there.ask(name, **arguments), here.ask(name, **arguments)) == ""


def test_every_portable_query_is_compared() -> None:
    """No query has a portable expression that the cases above leave out, and most of them find rows."""
    assert {name for name, _ in CASES} == set(portable_queries()[0])


def test_the_cases_find_rows(stores: dict[str, tuple[Store, Store]]) -> None:
    """Two empty answers would be equal too: all but three of the cases find rows."""
    empty = [(name, arguments) for name, arguments in CASES if stores["half"][0].ask(name, **arguments).num_rows == 0]
    assert len(empty) <= 3, empty


@pytest.mark.parametrize("name", ["span_percentiles", "volume_history", "rows", "attribute_counts", "lineage_edges"])
def test_an_empty_store_has_the_same_columns(stores: dict[str, tuple[Store, Store]], name: str) -> None:
    """No row, and the types of the default engine."""
    arguments = next(a for n, a in CASES if n == name)
    here, there = stores["empty"]
    answer = there.ask(name, **arguments)
    assert answer.num_rows == 0
    assert _difference(answer, here.ask(name, **arguments)) == ""


def test_only_the_manifests_files_are_read(server: str, tmp_path: Path) -> None:
    """A file that lies in the day's folder and stands in no manifest is not counted; nor is a retired one."""
    with Store.open(tmp_path / "s", upkeep="manual") as here:
        here.append({"kpis": _world(1)["kpis"]})
        here.seal()
        (file,) = here.files("kpis")[:1]
        shutil.copy(file, file.with_name("f" * 64 + ".parquet"))
        with open_store(f"{server}/;path={tmp_path / 's'}", mode="read") as there:
            before = there.ask("kpi_series", start_ns=T0, end_ns=END).num_rows
            assert before == here.ask("kpi_series", start_ns=T0, end_ns=END).num_rows == 60
            here.append({"kpis": _world(2)["kpis"]})
            here.seal()
            here.compact()
            assert there.ask("kpi_series", start_ns=T0, end_ns=END).num_rows == 60


def test_a_damaged_segment_is_said_to_be_missing(server: str, tmp_path: Path) -> None:
    """The server is never sent a file whose bytes are not those written, and the answer says what it lacks."""
    with Store.open(tmp_path / "s", upkeep="manual") as here:
        here.append({"kpis": _world(1)["kpis"]})
        here.seal()
        file = here.files("kpis")[0]
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 255
        file.write_bytes(bytes(content))
        with open_store(f"{server}/;path={tmp_path / 's'}", mode="read") as there:
            answer = there.ask("kpi_series", start_ns=T0, end_ns=END)
    assert answer.num_rows < 60
    assert b"kpis" in answer.schema.metadata[b"gaps"]


def test_what_the_cluster_cannot_answer_is_said(stores: dict[str, tuple[Store, Store]], server: str) -> None:
    """A query without a portable expression falls back to DuckDB here, or is refused in words if that was wished."""
    here, there = stores["half"]
    assert isinstance(there, ClusterStore)
    name = portable_queries()[1][0]
    assert there.engine_of(name) == "none"
    assert there.engine_of("trace") == "spark"
    with pytest.raises(UsageError, match="no portable expression yet"):
        there.ask("build_profiles", **PROFILES)
    with open_store(f"{server}/;path={here.root}", mode="read") as lenient:
        assert isinstance(lenient, ClusterStore)
        assert lenient.engine_of("build_profiles") == "duckdb"
        assert lenient.ask("build_profiles", **PROFILES).equals(here.ask("build_profiles", **PROFILES))


def test_state_names_version_and_latency(stores: dict[str, tuple[Store, Store]]) -> None:
    """The server says which Spark it speaks and how long an empty question takes."""
    there = stores["half"][1]
    assert isinstance(there, ClusterStore)
    state = there.state()
    assert (state.name, state.version.split(".")[0]) == ("spark", "4")
    assert 0 < state.latency_ms < 10_000


def test_addresses() -> None:
    """A folder is a folder; a server's address carries the folder; what is neither is refused."""
    assert parse("./store").server is None
    where = parse("sc://host:15002/;token=abc;path=/shared/my%20store")
    assert (where.server, str(where.path)) == ("sc://host:15002/;token=abc", "/shared/my store")
    assert (parse("sc://host:15002").server, str(parse("sc://host:15002").path)) == ("sc://host:15002", "store")
    assert parse(Path("sc://host:15002/;path=/shared/store")) == parse("sc://host:15002;path=/shared/store")
    for wrong in ("sc:host", "sc:///x", "sc://h:1/;missing=guess"):
        with pytest.raises(UsageError):
            parse(wrong)


def test_a_server_that_is_not_there_is_said_within_seconds(stores: dict[str, tuple[Store, Store]]) -> None:
    """Nobody listens: an error in words that names the address, no hanging."""
    port = _free_port()
    with open_store(f"sc://127.0.0.1:{port}/;path={stores['half'][0].root}", mode="read") as there:
        began = time.monotonic()
        with pytest.raises(EngineUnreachableError, match=f"127.0.0.1:{port} does not answer"):
            there.ask("runs")
        assert time.monotonic() - began < 30


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
    port = _free_port()
    process = _sail(port, tmp_path / "log")
    with open_store(f"sc://127.0.0.1:{port}/;path={here.root}", mode="read") as there:
        try:
            want = here.ask("span_percentiles", **WINDOW)
            assert _difference(there.ask("span_percentiles", **WINDOW), want) == ""
            process.send_signal(signal.SIGSTOP)
            thread, said = _asked(lambda: there.ask("span_percentiles", **WINDOW))
            thread.join(1.0)
            assert thread.is_alive()
            _end(process)
            thread.join(60)
            assert [type(answer) for answer in said] == [EngineUnreachableError]
            assert "No rows were taken from it" in str(said[0])
            process = _sail(port, tmp_path / "log")
            assert _difference(there.ask("span_percentiles", **WINDOW), want) == ""
        finally:
            _end(process)


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
    port = _free_port()
    process = _sail(port, tmp_path / "log")
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
            _end(process)
            thread.join(60)
            assert [type(answer) for answer in said] == [EngineUnreachableError]
            process = _sail(port, tmp_path / "log")
            name, arguments = "span_counts", EVERY
            answer = engine.answer(session, plugins.load("query", name).portable, arguments)
        assert _difference(answer, here.ask(name, **arguments)) == ""
    finally:
        engine.close()
        _end(process)
