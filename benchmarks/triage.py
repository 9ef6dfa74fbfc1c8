"""The triage app under 50 open pages: answer times, memory, and what intake feels: ``python -m benchmarks.triage``."""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from workbench.apps.session import COOKIE

PATHS = ("/inbox", "/case/{case}/brief", "/case/{case}/causes", "/part/case/{case}/seven", "/case/{case}/timeline",
         "/case/{case}/contrast", "/case/{case}/lineage", "/case/{case}/act")  # fmt: skip
EVERY_S = 10.0
CYCLES = 200
ALERT = {"status": "resolved", "labels": {"alertname": "bench"}, "startsAt": "2020-01-01T00:00:00Z",
         "endsAt": "2020-01-01T00:01:00Z", "fingerprint": "bench"}  # fmt: skip


def share(times: list[float], at: float) -> float:
    """Return a quantile of seconds in milliseconds."""
    return 1000 * statistics.quantiles(times, n=1000)[int(at * 1000) - 1] if len(times) > 1 else float("nan")


class Load:
    """Visitors with an open stream each, who look at one page every ten seconds, and a sender beside them."""

    def __init__(self, address: str, cookie: str, case_id: str) -> None:
        self.address, self.cookie, self.case_id = address, {COOKIE: cookie}, case_id
        self.stop = threading.Event()
        self.pages: list[float] = []
        self.sent: list[float] = []
        self.failed: list[str] = []
        self.heard = 0

    def listen(self) -> None:
        """Hold one stream open."""
        try:
            where = f"{self.address}/live?case={self.case_id}"
            with httpx.stream("GET", where, cookies=self.cookie, timeout=60) as told:
                for _ in told.iter_lines():
                    self.heard += 1
                    if self.stop.is_set():
                        return
        except httpx.HTTPError as error:
            if not self.stop.is_set():
                self.failed.append(f"stream: {error!r}")

    def visit(self, number: int) -> None:
        """Look at one page after another."""
        with httpx.Client(cookies=self.cookie, timeout=60) as client:
            self.stop.wait(EVERY_S * number / 50)
            turn = number
            while not self.stop.is_set():
                begun = time.perf_counter()
                path = PATHS[turn % len(PATHS)].format(case=self.case_id)
                answer = client.get(f"{self.address}{path}")
                self.pages.append(time.perf_counter() - begun)
                if answer.status_code != 200:
                    self.failed.append(f"{path}: {answer.status_code}")
                turn += 1
                self.stop.wait(max(0.0, EVERY_S - (time.perf_counter() - begun)))

    def send(self) -> None:
        """Send ten small webhooks a second."""
        with httpx.Client(timeout=60) as client:
            while not self.stop.wait(0.1):
                begun = time.perf_counter()
                answer = client.post(f"{self.address}/webhooks/alertmanager", json={"alerts": [ALERT]})
                self.sent.append(time.perf_counter() - begun)
                if answer.status_code != 200:
                    self.failed.append(f"intake: {answer.status_code}")


@contextlib.contextmanager
def served(store: Path) -> Iterator[tuple[str, str, psutil.Process]]:
    """Run ``workbench triage`` in a process of its own; yield its address, a session's cookie and the process."""
    command = [Path(sys.executable).with_name("workbench"), "triage", "--store", store, "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=store.parent) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline() + process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/enter\?token=\S+", said)
            assert found
            cookie = httpx.get(found[0], timeout=60).cookies[COOKIE]
            yield found[0].partition("/enter")[0], cookie, psutil.Process(process.pid)
        finally:
            process.terminate()


def main(store: Path, clients: int, seconds: float) -> None:
    """Print the figures beside their bars."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "store"
        shutil.copytree(store, copy)
        case_id = min(p.name for p in (copy / "cases").iterdir() if p.is_dir())
        with served(copy) as (address, cookie, process):
            first = time.perf_counter()
            httpx.get(f"{address}/case/{case_id}/brief", cookies={COOKIE: cookie}, timeout=60)
            first = time.perf_counter() - first
            load = Load(address, cookie, case_id)
            threads = [threading.Thread(target=load.listen, daemon=True) for _ in range(clients)]
            threads += [threading.Thread(target=load.visit, args=(n,), daemon=True) for n in range(clients)]
            threads.append(threading.Thread(target=load.send, daemon=True))
            for thread in threads:
                thread.start()
            time.sleep(seconds)
            rss = process.memory_info().rss
            load.stop.set()
            for thread in threads[clients:]:
                thread.join(30)
            grown = _cycles(address, cookie, case_id, process)
    out = sys.stdout.write
    out(f"load average {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores\n")
    out(f"first page after warming      {1000 * first:8.0f} ms   bar 1000\n")
    out(f"pages, {clients} open, p50 / p95    {share(load.pages, 0.5):6.0f} / {share(load.pages, 0.95):.0f} ms of "
        f"{len(load.pages)}   bar p95 500\n")  # fmt: skip
    out(f"intake meanwhile, p50 / p99   {share(load.sent, 0.5):6.0f} / {share(load.sent, 0.99):.0f} ms of "
        f"{len(load.sent)}   bar p99 250\n")  # fmt: skip
    out(f"memory of the server          {rss / 2**20:8.0f} MB   bar 2048\n")
    out(f"grown over {CYCLES} open/close     {grown / 2**20:8.1f} MB\n")
    out(f"streams heard {load.heard} lines; failed: {len(load.failed)} {load.failed[:3]}\n")


def _cycles(address: str, cookie: str, case_id: str, process: psutil.Process) -> int:
    """Return by how many bytes memory grew over the second half of so many pages opened and closed with a stream."""
    middle = 0
    for number in range(CYCLES):
        with httpx.Client(cookies={COOKIE: cookie}, timeout=60) as client:
            client.get(f"{address}/case/{case_id}/brief")
            with client.stream("GET", f"{address}/live?case={case_id}") as told:
                next(told.iter_lines())
        if number == CYCLES // 2:
            middle = process.memory_info().rss
    return process.memory_info().rss - middle


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("store", type=Path, help="store with a case, such as demo/*/store")
    given.add_argument("--clients", type=int, default=50)
    given.add_argument("--seconds", type=float, default=60.0)
    asked = given.parse_args()
    main(asked.store, asked.clients, asked.seconds)
