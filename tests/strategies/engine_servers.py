"""Spark Connect servers for tests, started on a free port of this machine and always stopped; and equal answers."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from tests.strategies.engine_rows import world
from workbench.store import Store
from workbench.store.cluster import open_store

SPARK_HOME = os.environ.get("WORKBENCH_SPARK_HOME", "")
"""Folder of an unpacked Spark 4 (of the package pyspark, or of a release); empty where there is none."""
WORKERS = "local-cluster[2,1,1024]"
"""Two workers, each a process of its own with one core and 1 GiB."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(command: list[str], port: int, log: Path, settings: Mapping[str, str], wait_s: float) -> Any:
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **settings}, start_new_session=True
        )
    until = time.monotonic() + wait_s
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    end(process)
    raise AssertionError(f"The server did not start: {log.read_text()[-2000:]}")


def sail(port: int, log: Path, mode: Literal["local", "local-cluster"] = "local-cluster") -> subprocess.Popen[bytes]:
    """Start Sail and return once it listens; in local-cluster mode its driver and workers speak over RPC."""
    command = [sys.executable, "-m", "pysail", "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    return _started(command, port, log, {"RUST_LOG": "warn", "SAIL_MODE": mode}, 60)


def spark(port: int, log: Path, master: str = WORKERS) -> subprocess.Popen[bytes]:
    """Start a real Spark Connect server on Java and return once it listens."""
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "2g", "spark.executor.memory": "1g",
        "spark.sql.session.timeZone": "UTC", "spark.local.dir": str(log.parent),
    }  # fmt: skip
    command = [f"{SPARK_HOME}/bin/spark-submit", "--master", master]
    command += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    # Its workers run this Python, which has the workbench: compaction writes segments with it.
    further = {"SPARK_HOME": SPARK_HOME, "SPARK_WORKER_DIR": str(log.parent), "PYSPARK_PYTHON": sys.executable}
    return _started(command, port, log, further, 400)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a server and whatever it started; it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@contextlib.contextmanager
def running(kind: Literal["sail", "spark"], log: Path) -> Iterator[str]:
    """Run a server and yield its address."""
    port = free_port()
    process = sail(port, log) if kind == "sail" else spark(port, log)
    try:
        yield f"sc://127.0.0.1:{port}"
    finally:
        end(process)


@contextlib.contextmanager
def both_ways(server: str, folder: Path, ways: tuple[str, ...]) -> Iterator[dict[str, tuple[Store, Store]]]:
    """Yield stores to ask here and there: *half* sealed with a rest in the journal, *compacted*, and *empty*."""
    with contextlib.ExitStack() as opened:
        stores = {}
        for how in ways:
            here = opened.enter_context(Store.open(folder / how, upkeep="manual"))
            if how != "empty":
                # The second world has the same keys and other rows, so that the winner of a key has to be found.
                here.append(world(1))
                here.seal()
                here.append({name: rows.slice(rows.num_rows // 2) for name, rows in world(2).items()})
            if how == "compacted":
                here.seal()
                here.compact()
            there = open_store(f"{server}/;path={folder / how};missing=refuse", mode="read")
            stores[how] = here, opened.enter_context(there)
        yield stores


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right) and type(left) is type(right)


def difference(left: pa.Table, right: pa.Table) -> str:
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
