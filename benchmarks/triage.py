"""The triage app under load and at first sight: ``python -m benchmarks.triage load STORE`` and ``… paint STORE``.

load: so many pages with a board on Panel each (one WebSocket) and a stream, one interaction each per ten seconds, while
load: so many pages with a board on Panel each (one WebSocket), one interaction each per ten seconds, while
by Chromium's own clock, on a store as large as ``benchmarks.scale_data`` makes it; the store is not changed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

from workbench.apps.session import COOKIE

PAGES = ("causes", "timeline", "lineage", "contrast?view=trace", "gpu")
"""Screens whose board each visitor holds open, one after the other."""
EVERY_S = 10.0
START_S = 120.0
WIDTH, HEIGHT = 1440, 900
ALERT = {"status": "resolved", "labels": {"alertname": "bench"}, "startsAt": "2020-01-01T00:00:00Z",
         "endsAt": "2020-01-01T00:01:00Z", "fingerprint": "bench"}  # fmt: skip
out = sys.stdout.write


def share(times: list[float], at: float) -> float:
    """Return a quantile of seconds in milliseconds; NaN for none."""
    return 1000 * statistics.quantiles(times, n=1000)[int(at * 1000) - 1] if len(times) > 1 else float("nan")


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


@contextlib.contextmanager
def copied(store: Path) -> Iterator[Path]:
    """Yield a copy of a store; sealed files, which never change, are linked."""
    with tempfile.TemporaryDirectory(dir=store.parent) as folder:
        made = Path(folder) / "store"
        shutil.copytree(store, made, copy_function=lambda a, b: os.link(a, b) if str(a).endswith(".parquet")
                        and "cases" not in Path(a).parts else shutil.copy2(a, b))  # fmt: skip
        yield made


# -- load --------------------------------------------------------------------------------------------------------------


class Load:
    """Visitors who each hold a board open and act on it every ten seconds, and a sender beside them."""

    def __init__(self, address: str, cookie: str, case_id: str) -> None:
        self.address, self.case_id, self.cookies = address, case_id, {COOKIE: cookie}
        self.stop = asyncio.Event()
        self.opened: list[float] = []
        self.acted: list[float] = []
        self.sent: list[float] = []
        self.failed: list[str] = []
        self.pages: list[str] = []

    async def board(self, client: httpx.AsyncClient, page: str) -> tuple[ClientConnection, str]:
        """Load a page, open its board's session, and return the socket and the id of what hears of news."""
        text = (await client.get(f"{self.address}/case/{self.case_id}/{page}")).text
        token = re.search(r'data-token="([^"]+)"', text)
        if token is None:
            raise ValueError(f"{page} has no board")
        socket = await connect(
            f"ws{self.address[4:]}/panel/{self.case_id}/ws", origin=Origin(self.address), proxy=None, max_size=None,
            subprotocols=[Subprotocol("bokeh"), Subprotocol(token[1])],
            additional_headers={"Cookie": f"{COOKIE}={self.cookies[COOKIE]}"}, open_timeout=START_S,
        )  # fmt: skip
        await _message(socket)
        document = await _asked(socket, "PULL-DOC-REQ", {})
        return socket, _news_of(json.loads(document))

    async def warm(self) -> None:
        """Open every board once: what is derived once for a state of the case is there before anybody is timed."""
        async with httpx.AsyncClient(cookies=self.cookies, timeout=START_S) as client:
            for page in PAGES:
                if "data-token=" in (await client.get(f"{self.address}/case/{self.case_id}/{page}")).text:
                    socket, _ = await self.board(client, page)
                    await socket.close()
                    self.pages.append(page)

    async def visit(self, number: int) -> None:
        """Open a board, tell it of news every ten seconds, and wait for the server's answer each time."""
        async with httpx.AsyncClient(cookies=self.cookies, timeout=START_S) as client:
            await asyncio.sleep(EVERY_S * number / 50)
            try:
                begun = time.perf_counter()
                socket, news = await self.board(client, self.pages[number % len(self.pages)])
                self.opened.append(time.perf_counter() - begun)
                heard = 0
                while not self.stop.is_set():
                    begun, heard = time.perf_counter(), heard + 1
                    patch = {"kind": "ModelChanged", "model": {"id": news}, "attr": "heard", "new": heard}
                    await _asked(socket, "PATCH-DOC", {"events": [patch]})
                    await client.get(f"{self.address}/part/case/{self.case_id}/seven")
                    self.acted.append(time.perf_counter() - begun)
                    await asyncio.sleep(max(0.0, EVERY_S - (time.perf_counter() - begun)))
                await socket.close()
            except (httpx.HTTPError, WebSocketException, ValueError, OSError) as error:
                self.failed.append(f"{number}: {error!r}")

    async def send(self) -> None:
        """Send ten small webhooks a second."""
        async with httpx.AsyncClient(timeout=START_S) as client:
            while not self.stop.is_set():
                begun = time.perf_counter()
                answer = await client.post(f"{self.address}/webhooks/alertmanager", json={"alerts": [ALERT]})
                self.sent.append(time.perf_counter() - begun)
                if answer.status_code != 200:
                    self.failed.append(f"intake: {answer.status_code}")
                await asyncio.sleep(0.1)

    async def cycles(self, process: psutil.Process, count: int) -> int:
        """Return by how many bytes memory grew over the second half of so many boards opened and closed."""
        middle = 0
        async with httpx.AsyncClient(cookies=self.cookies, timeout=START_S) as client:
            for number in range(count):
                socket, _ = await self.board(client, self.pages[number % len(self.pages)])
                await socket.close()
                if number == count // 2:
                    await asyncio.sleep(EVERY_S)
                    middle = process.memory_info().rss
            # A session ends some seconds after its page has gone.
            await asyncio.sleep(EVERY_S)
        return process.memory_info().rss - middle


async def _message(socket: ClientConnection) -> tuple[dict[str, Any], str]:
    """Return header and content of Bokeh's next message; each is three frames and two more for each buffer."""
    header = json.loads(await asyncio.wait_for(socket.recv(), START_S))
    await socket.recv()
    content = str(await socket.recv())
    for _ in range(2 * int(header.get("num_buffers", 0))):
        await socket.recv()
    return header, content


async def _asked(socket: ClientConnection, kind: str, content: dict[str, Any]) -> str:
    """Send a message of Bokeh's protocol and return the content of the reply to it."""
    number = f"b{time.perf_counter_ns()}"
    for frame in ({"msgid": number, "msgtype": kind}, {}, content):
        await socket.send(json.dumps(frame))
    while True:
        header, answer = await _message(socket)
        if header.get("reqid") == number:
            return answer


def _news_of(document: dict[str, Any]) -> str:
    """Return the id of the component's data model that hears of news."""

    def walk(held: Any) -> Iterator[str]:
        if isinstance(held, dict):
            if str(held.get("name", "")).startswith("News") and "id" in held:
                yield str(held["id"])
            for value in held.values():
                yield from walk(value)
        elif isinstance(held, list):
            for value in held:
                yield from walk(value)

    found = next(walk(document), "")
    if not found:
        raise ValueError(f"no component of the document hears of news: {str(document)[:300]}")
    return found


async def under_load(store: Path, clients: int, seconds: float, cycles: int) -> None:
    """Print the figures of so many visitors beside their bars."""
    with copied(store) as copy, served(copy) as (address, cookie, process):
        case_id = min(p.name for p in (copy / "cases").iterdir() if p.is_dir())
        load = Load(address, cookie, case_id)
        await load.warm()
        tasks = [asyncio.create_task(load.visit(n)) for n in range(clients)] + [asyncio.create_task(load.send())]
        await asyncio.sleep(seconds)
        rss = process.memory_info().rss
        load.stop.set()
        await asyncio.wait(tasks, timeout=2 * EVERY_S)
        grown = await load.cycles(process, cycles)
    out(f"load average {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores\n")
    out(f"boards opened by {clients}, p50 / p95   {share(load.opened, 0.5):6.0f} / {share(load.opened, 0.95):.0f} ms\n")
    out(f"interactions, p50 / p95        {share(load.acted, 0.5):6.0f} / {share(load.acted, 0.95):.0f} ms of "
        f"{len(load.acted)}   bar p95 500\n")  # fmt: skip
    out(f"intake meanwhile, p50 / p99    {share(load.sent, 0.5):6.0f} / {share(load.sent, 0.99):.0f} ms of "
        f"{len(load.sent)}   bar p99 250\n")  # fmt: skip
    out(f"memory of the server           {rss / 2**20:6.0f} MB   bar 2048\n")
    out(f"grown over {cycles // 2} open/close       {grown / 2**20:6.1f} MB\n")
    out(f"failed: {len(load.failed)} {load.failed[:3]}\n")


# -- first paint -------------------------------------------------------------------------------------------------------


def begin_case(store: Path) -> str:
    """Begin and scope one case on a store of spans, and return its id."""
    from workbench.bench import open_bench
    from workbench.model.window import HOUR_NS, iso

    with open_bench(store, who="bench") as bench:
        newest = bench.store.freshness()["spans"]
        window = f"{iso(newest - 2 * HOUR_NS)}/{iso(newest)}"
        case = bench.case("INC-1", entity="service:service-03", signal="error_rate", window=window)
        case.call("scope")
        return case.id


def paints(address: str, cookie: str, path: str, visits: int) -> list[float]:
    """Return when the brief was first painted, in seconds from the navigation's begin, in contexts without a cache."""
    from playwright.sync_api import sync_playwright

    from tools.screenshots import browser

    found = []
    with sync_playwright() as play:
        shown = play.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])
        for _ in range(visits):
            context = shown.new_context(viewport={"width": WIDTH, "height": HEIGHT})
            context.add_cookies([{"name": COOKIE, "value": cookie, "url": address}])
            page = context.new_page()
            page.goto(f"{address}{path}", wait_until="load")
            page.wait_for_selector(".seven h1")
            timing = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
            while (at := page.evaluate(timing)) is None:
                page.wait_for_timeout(20)
            found.append(at / 1000)
            context.close()
        shown.close()
    return found


def first_paint(store: Path, servers: int, visits: int) -> None:
    """Print when the brief is painted: first visit of a server that has just begun, and later ones."""
    cold, warm, began = [], [], []
    with copied(store) as copy:
        path = f"/case/{begin_case(copy)}/brief"
        rows = 0
        for _ in range(servers):
            begun = time.perf_counter()
            with served(copy) as (address, cookie, _process):
                began.append(time.perf_counter() - begun)
                times = paints(address, cookie, path, visits)
                cold.append(times[0])
                warm += times[1:]
                text = httpx.get(f"{address}{path}", cookies={COOKIE: cookie}, timeout=60).text
                rows = text.count("spans")
    out(f"load average {psutil.getloadavg()[0]:.1f}; the brief names spans {rows} times\n")
    out(f"server ready                   {statistics.median(began):6.1f} s\n")
    out(f"first paint, cold, p95         {max(cold) if len(cold) < 20 else share(cold, 0.95) / 1000:6.2f} s of "
        f"{len(cold)}   bar 3\n")  # fmt: skip
    out(f"first paint, warm, p50 / p95   {share(warm, 0.5) / 1000:6.2f} / {share(warm, 0.95) / 1000:.2f} s of "
        f"{len(warm)}   bar p95 1\n")  # fmt: skip


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("what", choices=("load", "paint"))
    given.add_argument(
        "store", type=Path, help="load: a store with a case, such as demo/*/store; paint: any with spans"
    )
    given.add_argument("--clients", type=int, default=50)
    given.add_argument("--seconds", type=float, default=60.0)
    given.add_argument("--cycles", type=int, default=200, help="load: boards opened and closed")
    given.add_argument("--servers", type=int, default=5, help="paint: so many cold starts")
    given.add_argument("--visits", type=int, default=9, help="paint: so many visits each")
    asked = given.parse_args()
    if asked.what == "load":
        asyncio.run(under_load(asked.store, asked.clients, asked.seconds, asked.cycles))
    else:
        first_paint(asked.store, asked.servers, asked.visits)
