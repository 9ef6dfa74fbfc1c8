"""Ingest beside Arize Phoenix, in the same run: one sender, the same bodies, CPU-seconds, memory and disk of both.

    python -m benchmarks.intake_phoenix --phoenix ENV [--bodies 40] [--rounds 1]

*ENV* is an environment of its own that Phoenix is installed in (``uv venv ENV && uv pip install --python
ENV/bin/python arize-phoenix``). Both servers are real processes that listen on this machine, take OTLP over HTTP and
write to a fresh folder, Phoenix to its default SQLite. Each body has 500 spans of 8 attributes and ids of its own. A
server is done when what it stored can be counted: acknowledged rows for the workbench, rows of Phoenix's ``spans``
table, which it fills after it has acknowledged. CPU-seconds are those of the server's process and its children from
the first byte sent to then; memory is the most they held at once, before anything was sent and after.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.intake import _SERVER, SPANS_A_BODY, Bodies, free_port, running
from workbench.store import Store

HEADERS = {"Content-Type": "application/x-protobuf"}
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Taken:
    """What one server did with all bodies."""

    spans: int
    wall_s: float
    cpu_s: float
    idle_mib: float
    peak_mib: float
    disk_bytes: int

    @property
    def told(self) -> str:
        """Say it in one line."""
        return (
            f"{self.spans:,} spans in {self.wall_s:.1f} s wall, {self.cpu_s:.2f} CPU s ({self.spans / self.cpu_s:,.0f} "
            f"spans a CPU s), memory {self.idle_mib:.0f} MiB before, {self.peak_mib:.0f} MiB at most, "
            f"{self.disk_bytes / self.spans:,.0f} bytes a span on disk"
        )


def cpu_s(process: psutil.Process) -> float:
    """Return CPU seconds, user and system, of a process and its children."""
    used = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            used += float(times.user + times.system)
    return used


def rss_mib(process: psutil.Process) -> float:
    """Return what a process and its children hold in memory."""
    held = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            held += each.memory_info().rss / 2**20
    return held


def weighed(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def sent(port: int, bodies: list[bytes], process: psutil.Process, stored: Callable[[], int], folder: Path) -> Taken:
    """Send all bodies one after the other, wait until they are stored, and say what it took."""
    wanted = len(bodies) * SPANS_A_BODY
    idle = peak = rss_mib(process)
    wall, used = time.perf_counter(), cpu_s(process)
    for body in bodies:
        # A connection each: a server that is kept from working lets idle ones go.
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("POST", "/v1/traces", body, HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"A body was refused with {answer.status}.")
        connection.close()
        peak = max(peak, rss_mib(process))
    until = time.monotonic() + PATIENCE_S
    while (found := stored()) < wanted and time.monotonic() < until:
        peak = max(peak, rss_mib(process))
        time.sleep(0.1)
    if found < wanted:
        raise SystemExit(f"{found:,} of {wanted:,} spans were stored after {PATIENCE_S:.0f} s.")
    wall, used = time.perf_counter() - wall, cpu_s(process) - used
    return Taken(wanted, wall, used, idle, max(peak, rss_mib(process)), weighed(folder))


@contextlib.contextmanager
def own(folder: Path) -> Iterator[tuple[int, psutil.Process, Callable[[], int]]]:
    """Run the workbench's intake; yield port, process, and what counts its spans."""
    port = free_port()
    with running([sys.executable, "-c", _SERVER, str(folder), str(port)], port, "/readyz") as process:

        def stored() -> int:
            with Store.open(folder, mode="read") as store:
                return store.counts().get("spans", 0)

        yield port, process, stored


@contextlib.contextmanager
def phoenix(environment: Path, folder: Path) -> Iterator[tuple[int, psutil.Process, Callable[[], int]]]:
    """Run Phoenix on its default SQLite; yield port, process, and what counts its spans."""
    port = free_port()
    settings = {
        "PHOENIX_WORKING_DIR": str(folder), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()), "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false", "DO_NOT_TRACK": "1",
    }  # fmt: skip
    command = [str(environment / "bin" / "phoenix"), "serve"]
    with running(command, port, "/readyz", wait_s=PATIENCE_S, **settings) as process:

        def stored() -> int:
            uri = (folder / "phoenix.db").absolute().as_uri()
            with contextlib.closing(sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=30)) as connection:
                return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])

        yield port, process, stored


def main() -> None:
    """Run both, one after the other, as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phoenix", type=Path, required=True, help="environment that arize-phoenix is installed in")
    parser.add_argument("--bodies", type=int, default=40, help=f"bodies of {SPANS_A_BODY} spans")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    made = Bodies(SPANS_A_BODY)
    for _ in range(asked.rounds):
        bodies = [made.next() for _ in range(asked.bodies)]
        with tempfile.TemporaryDirectory() as name:
            folders = [Path(name) / "own", Path(name) / "phoenix"]
            folders[1].mkdir()
            with own(folders[0]) as (port, process, stored):
                here = sent(port, bodies, process, stored, folders[0])
            with phoenix(asked.phoenix, folders[1]) as (port, process, stored):
                there = sent(port, bodies, process, stored, folders[1])
        print(f"workbench  {here.told}", flush=True)
        print(f"Phoenix    {there.told}", flush=True)
        print(f"CPU per span, Phoenix to workbench: {there.cpu_s / here.cpu_s:.0f}x", flush=True)


if __name__ == "__main__":
    main()
