"""Send what an incident's end tells others: kept on disk until it is taken, tried again, never waited for."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workbench.case import files
from workbench.case.canonical import dumps, loads, sha256
from workbench.config import ExportSettings, secret
from workbench.errors import SourceError, UsageError
from workbench.report.exports import Payload
from workbench.sources._http import Peer

FOLDER = "outbox"
PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
ATTEMPTS = 5


@dataclass(frozen=True)
class Sent:
    """Say what became of one message: its kind, whether it was taken, how often it was tried, and why not."""

    kind: str
    taken: bool
    attempts: int
    problem: str = ""


def addresses(settings: ExportSettings) -> dict[str, str]:
    """Return where each kind of message goes; kinds that are not configured are not in it."""
    set_ = {"openlineage": settings.openlineage, "cdevents": settings.cdevents, "slack": settings.slack,
            "pagerduty": PAGERDUTY if settings.pagerduty else ""}  # fmt: skip
    return {kind: secret(where) for kind, where in set_.items() if where}


class Outbox:
    """Keep messages in a folder until they are taken; a process that ends in between loses none."""

    def __init__(self, folder: Path, where: Mapping[str, str], *, routing_key: str = "") -> None:
        self._folder = folder / FOLDER
        self._where = dict(where)
        # The key is put in only when a message goes out: it never stands in a file of the outbox.
        self._routing_key = routing_key
        self._lock = threading.Lock()

    def put(self, payloads: tuple[Payload, ...]) -> int:
        """Keep the messages whose kind is configured; the same message is kept once. Return how many are new."""
        new = 0
        for payload in (p for p in payloads if p.kind in self._where):
            content = dumps({"kind": payload.kind, "body": payload.body})
            path = self._folder / f"{payload.kind}-{sha256(content)[:16]}.json"
            if not path.exists() and not path.with_suffix(".taken").exists():
                files.write_whole(path, content)
                new += 1
        return new

    def waiting(self) -> list[Path]:
        """Return the messages that nobody has taken yet."""
        return sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []

    def flush(
        self, *, attempts: int = ATTEMPTS, pause_s: float = 1.0, wait: Callable[[float], None] = time.sleep
    ) -> list[Sent]:
        """Try each waiting message up to *attempts* times, with pauses that double; what fails stays."""
        with self._lock:
            return [self._deliver(path, attempts, pause_s, wait) for path in self.waiting()]

    def start(self, *, attempts: int = ATTEMPTS, pause_s: float = 1.0) -> threading.Thread:
        """Send in the background and return at once; the thread ends with the process at the latest."""
        thread = threading.Thread(target=self.flush, kwargs={"attempts": attempts, "pause_s": pause_s}, daemon=True)
        thread.start()
        return thread

    def _deliver(self, path: Path, attempts: int, pause_s: float, wait: Callable[[float], None]) -> Sent:
        try:
            message: dict[str, Any] = loads(path.read_bytes())
        except (OSError, ValueError) as error:
            return Sent(path.stem, False, 0, f"{path.name} cannot be read: {error}")
        kind, problem = str(message["kind"]), ""
        if kind not in self._where:
            return Sent(kind, False, 0, "is not configured any more")
        for attempt in range(1, attempts + 1):
            try:
                keyed = {"routing_key": self._routing_key} if kind == "pagerduty" else {}
                _post(kind, self._where[kind], {**message["body"], **keyed})
            except (SourceError, UsageError) as error:
                problem = str(error)
            else:
                with contextlib.suppress(FileNotFoundError):
                    path.rename(path.with_suffix(".taken"))
                return Sent(kind, True, attempt)
            if attempt < attempts:
                wait(pause_s * 2 ** (attempt - 1))
        return Sent(kind, False, attempts, problem)


def _post(kind: str, address: str, body: Mapping[str, Any]) -> None:
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    Peer(kind, {"url": f"{parts.scheme}://{parts.netloc}"}).send(path, body)
