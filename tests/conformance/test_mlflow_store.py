"""MLflow: what the real client sends to a real server is read back alike from server, database file and folder."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.errors import SourceError
from workbench.sources import Batch, Context, Head
from workbench.sources.mlflow import check, pull, read, recognise

CONTEXT = Context("prod", "mlflow.db", 1_700_000_000_000_000_000)
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "MLFLOW_ALLOW_FILE_STORE": "true", "NO_COLOR": "1",
         "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # fmt: skip
SENDER = Path(__file__).parent / "mlflow_sender.py"


def sent_to(uri: str, folder: Path) -> None:
    """Run the sender against a store."""
    subprocess.run([sys.executable, str(SENDER), uri], cwd=folder, env=os.environ | QUIET, check=True, timeout=180,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], url: str, folder: Path) -> Iterator[None]:
    """Run a server until the block ends; it answers at *url* once the block begins."""
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=os.environ | QUIET, stdout=log, stderr=log)
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(url, timeout=1).close()
                    break
                except OSError:
                    assert server.poll() is None, (folder / "server.log").read_text()[-2000:]
                    time.sleep(0.2)
            yield
        finally:
            server.terminate()
            server.wait(20)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Serve a fresh sqlite store and fill it with the real client; yield the address and the file."""
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--host",
               "127.0.0.1", "--port", str(port), "--workers", "1"]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/health", folder):
        sent_to(url, folder)
        yield url, folder / "mlflow.db"


def rows(batches: list[Batch], table: str) -> list[dict[str, Any]]:
    """Return one table's rows of all batches, without provenance."""
    parts = [b.tables[table] for b in batches if table in b.tables]
    found = pa.concat_tables(parts).drop_columns(["place", "source", "received_ns"]).to_pylist() if parts else []
    return sorted(found, key=str)


TABLES = ("runs", "run_data", "model_versions", "lineage_edges", "changes", "metric_samples", "spans")


def test_server_and_file_say_the_same(store: tuple[str, Path]) -> None:
    """All seven tables are equal whether they are pulled from the server or read from its database file."""
    url, file = store
    live, lying = [batch for batch, _ in pull({"url": url}, None, CONTEXT)], list(read(file, CONTEXT))
    for table in TABLES:
        assert rows(live, table) == rows(lying, table), table
        assert rows(live, table), table
    assert [b.rejections for b in (*live, *lying) if b.rejections] == []


def test_reading_a_database_changes_no_byte(store: tuple[str, Path]) -> None:
    """The file has the same digest after it was read: no migration, no journal."""
    before = hashlib.sha256(store[1].read_bytes()).hexdigest()
    list(read(store[1], CONTEXT))
    assert hashlib.sha256(store[1].read_bytes()).hexdigest() == before
    assert recognise(Head("mlflow.db", store[1].read_bytes()[:65536])) >= 0.9


def test_runs_name_their_data(store: tuple[str, Path]) -> None:
    """A run's tag is its data version; without one it is MLflow's digest; 3 rows and both columns are known."""
    batches = list(read(store[1], CONTEXT))
    names = {run["run_id"]: run["name"] for run in rows(batches, "runs")}
    data = {names[each["run_id"]]: each for each in rows(batches, "run_data")}
    assert set(names.values()) == {"first", "second", "still going"}
    assert data["first"]["data_version"] == "2026-03-01"
    assert data["second"]["data_version"] == data["second"]["digest"] is not None
    assert {(d["dataset"], d["role"], d["rows"]) for d in data.values()} == {("orders", "training", 3)}
    assert [c["name"] for c in json.loads(data["first"]["schema"])] == ["amount", "merchant_category"]


def test_figures_of_runs_and_nodes(store: tuple[str, Path]) -> None:
    """The last value counts, NaN is null, system metrics belong to their node and GPU, in bytes."""
    batches = list(read(store[1], CONTEXT))
    first = next(run for run in rows(batches, "runs") if run["name"] == "first")
    assert dict(first["metrics"]) == {"auc": 0.95, "broken": None}
    assert dict(first["params"]) == {"depth": "3", "lr": "0.1"}
    assert first["start_ns"] < first["end_ns"] <= first["updated_ns"]
    seen = {(m["entity"], m["metric"], m["value"], m["unit"]) for m in rows(batches, "metric_samples")}
    assert seen == {
        ("gpu:node-7/0", "gpu_utilization_percent", 55.0, "%"),
        ("gpu:node-7/0", "gpu_memory_used_bytes", 1e9, "By"),
        ("host:node-7", "cpu_utilization_percent", 5.0, "%"),
    }


def test_versions_aliases_and_moves(store: tuple[str, Path]) -> None:
    """Two versions, the alias on the second, a registry change for each with what ran before, runs as changes."""
    batches = list(read(store[1], CONTEXT))
    versions = {v["version"]: v for v in rows(batches, "model_versions")}
    assert {n: json.loads(v["aliases"]) for n, v in versions.items()} == {"1": [], "2": ["champion"]}
    assert dict(versions["2"]["tags"]) == {"approved_by": "O'Hara; DROP TABLE runs"}
    changes = {c["change_id"]: c for c in rows(batches, "changes")}
    second = changes["mlflow:model:churn-model/2 registered"]
    assert (second["kind"], second["version_before"], second["version_after"]) == ("registry", "1", "2")
    assert sorted(c["kind"] for c in changes.values()) == ["registry", "registry", "registry", "run", "run"]


def test_a_trace_knows_its_run(store: tuple[str, Path]) -> None:
    """Both traces name their run on every span and by an edge; ids are hex, the sender's id stands beside."""
    batches = list(read(store[1], CONTEXT))
    spans = rows(batches, "spans")
    runs = {run["run_id"] for run in rows(batches, "runs")}
    assert len(spans) == 4
    assert {span["run_id"] for span in spans} < runs
    assert all(span["sender_trace_id"] == f"tr-{span['trace_id']}" for span in spans)
    assert {span["queue_wait_ms"] for span in spans if span["name"] == "forward_pass"} == {10.0}
    linked = {(e["upstream"], e["downstream"]) for e in rows(batches, "lineage_edges")}
    assert {(f"run:{span['run_id']}", f"trace:{span['trace_id']}") for span in spans} <= linked


def test_a_second_pull_asks_only_for_what_is_new(store: tuple[str, Path]) -> None:
    """From the saved cursor the running run is asked for again, an hour of late ones, and a moved alias is a change."""
    cursor = [c for _, c in pull({"url": store[0]}, None, CONTEXT)][-1]
    kept = json.loads(cursor)
    assert kept["aliases"] == {"churn-model@champion": "2"}
    assert len(kept["running"]) == 1
    hours_ms = 2 * 3_600_000
    ahead = {"runs_ms": kept["runs_ms"] + hours_ms, "traces_ms": kept["traces_ms"] + hours_ms}
    later = json.dumps(kept | ahead | {"aliases": {"churn-model@champion": "1"}})
    again = [batch for batch, _ in pull({"url": store[0]}, later, CONTEXT)]
    assert [run["name"] for run in rows(again, "runs")] == ["still going"]
    assert rows(again, "spans") == []
    moved = [c for c in rows(again, "changes") if dict(c["attributes"] or []).get("time") == "first seen"]
    assert [(c["version_before"], c["version_after"], c["time_ns"]) for c in moved] == [("1", "2", CONTEXT.received_ns)]


def test_the_server_answers_for_itself(store: tuple[str, Path]) -> None:
    """One line on a reachable server; one sentence within 5 s on one that hangs or is not there."""
    assert check({"url": store[0]}).startswith("MLflow 3.")
    with pytest.raises(SourceError, match="cannot be reached"):
        check({"url": f"http://127.0.0.1:{free_port()}"})
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"took more than 0.5 s"):
            check({"url": f"http://127.0.0.1:{silent.getsockname()[1]}", "timeout_s": 0.5})
        assert time.monotonic() - began < 2


def test_a_file_store_gives_the_same_facts(store: tuple[str, Path], tmp_path: Path) -> None:
    """The same script into a folder of files gives as many rows of every table, and the same names and figures."""
    sent_to(f"file://{tmp_path}/mlruns", tmp_path)
    folder = tmp_path / "mlruns"
    assert recognise(Head("mlruns/", "\n".join(sorted(p.name for p in folder.iterdir())).encode())) >= 0.9
    files, database = list(read(folder, CONTEXT)), list(read(store[1], CONTEXT))
    for table in TABLES:
        assert len(rows(files, table)) == len(rows(database, table)), table

    def facts(batches: list[Batch]) -> set[tuple[Any, ...]]:
        named = {run["run_id"]: run["name"] for run in rows(batches, "runs")}
        return {(named[d["run_id"]], d["dataset"], d["data_version"], d["digest"], d["rows"], d["schema"])
                for d in rows(batches, "run_data")}  # fmt: skip

    assert facts(files) == facts(database)


def test_the_exported_trace_is_the_one_of_its_otlp_copy(data: Path) -> None:
    """The captured JSON holds 3 spans of run 4bba…; ids are those of the OTLP body, decoded from base64."""
    file = data / "mlflow/mlflow_3.17_trace_to_json.json"
    assert recognise(Head(file.name, file.read_bytes()[:65536])) >= 0.9
    with file.open("rb") as stream:
        batches = list(read(stream, CONTEXT))
    spans = rows(batches, "spans")
    assert {span["trace_id"] for span in spans} == {"bf28a87c9fedb1b3b36ce9212e5302d1"}
    assert {span["name"] for span in spans} == {"predict", "queue_wait", "forward_pass"}
    assert {span["run_id"] for span in spans} == {"4bba8facc1be4865bd1af522866247f6"}
    assert {span["service"] for span in spans} == {"churn-scorer"}
    assert dict(next(s for s in spans if s["name"] == "predict")["attributes"])["mlflow.spanType"] == "CHAIN"
    body = (data / "mlflow/001_POST_v1-traces.body").read_bytes()
    assert all(bytes.fromhex(span["span_id"]) in body for span in spans)


def test_another_database_is_refused_in_words(tmp_path: Path) -> None:
    """A SQLite file without MLflow's tables is named as such, and a broken one as broken."""
    import sqlite3

    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(SourceError, match="is no MLflow database"):
        list(read(tmp_path / "other.db", CONTEXT))
    whole = (tmp_path / "other.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[:2000])
    with pytest.raises(SourceError, match=r"cut\.db"):
        list(read(tmp_path / "cut.db", CONTEXT))
