"""What is new: one look at the disk for all visitors, told to each over one long answer (server-sent events)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from workbench.apps.desk import Desk
from workbench.apps.respond import HEADERS
from workbench.case import files
from workbench.errors import StoreError

EVERY_S = 0.5
DATA_EVERY_S = 2.0
KEEP_ALIVE_S = 15.0
MOST_LISTENERS = 200


class Pulse:
    """Tell whether cases or telemetry have changed; however many ask, the disk is looked at twice a second."""

    def __init__(self, desk: Desk, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._cases: dict[str, str] = {}
        self._data = ""
        self._looked = self._asked = float("-inf")
        self.listeners = 0

    @property
    def closed(self) -> bool:
        """True once the server ends."""
        return self._desk.closed

    def stamps(self, case_id: str) -> dict[str, str]:
        """Return a stamp each for a case, for all cases and for telemetry; a stamp that changed means news."""
        with self._lock:
            now = self._clock_s()
            if now - self._looked >= EVERY_S:
                self._looked = now
                self._cases = {name: self._case(name) for name in self._desk.case_ids()}
            if now - self._asked >= DATA_EVERY_S:
                self._asked = now
                self._data = self._telemetry()
            whole = hashlib.sha256(json.dumps(self._cases, sort_keys=True).encode()).hexdigest()[:16]
            return {"case": self._cases.get(case_id, ""), "cases": whole, "data": self._data}

    def _case(self, case_id: str) -> str:
        try:
            head = (self._desk.bench.folder / case_id / files.HEAD).stat()
        except OSError:
            return ""
        return f"{head.st_mtime_ns}-{head.st_size}-{self._desk.running(case_id)}"

    def _telemetry(self) -> str:
        try:
            newest = self._desk.bench.store.freshness()
        except StoreError:
            return "unavailable"
        return hashlib.sha256(json.dumps(newest, sort_keys=True).encode()).hexdigest()[:16]


async def live(pulse: Pulse, request: Request) -> Response:
    """Answer with a stream of stamps, one as soon as anything changes; the browser connects anew when it ends."""
    if pulse.listeners >= MOST_LISTENERS:
        return Response("Too many pages are open.\n", 503, {**HEADERS, "Retry-After": "15"})
    case_id = request.query_params.get("case", "")
    return StreamingResponse(_events(pulse, request, case_id), media_type="text/event-stream", headers=HEADERS)


async def _events(pulse: Pulse, request: Request, case_id: str) -> AsyncIterator[str]:
    pulse.listeners += 1
    last: dict[str, str] = {}
    silent_since = time.monotonic()
    try:
        yield "retry: 2000\n\n"
        while not pulse.closed and not await request.is_disconnected():
            found = await run_in_threadpool(pulse.stamps, case_id)
            if found != last:
                last, silent_since = found, time.monotonic()
                yield f"data: {json.dumps(found)}\n\n"
            elif time.monotonic() - silent_since >= KEEP_ALIVE_S:
                silent_since = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(EVERY_S)
    finally:
        pulse.listeners -= 1
