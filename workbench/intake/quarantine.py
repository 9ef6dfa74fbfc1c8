"""The quarantine: what was refused, why, and from where; content only where it decoded and was masked."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from workbench.errors import StoreError
from workbench.sources import Rejection

FOLDER = "quarantine"
_LONGEST_CONTENT = 16_384
_MOST_BYTES_A_DAY = 64 * 2**20


class Quarantine:
    """Append rejections to one file a day below the store's folder; safe for several threads.

    A day's file stops growing at *most_bytes_a_day*, so that a hostile sender
    cannot fill the disk with refusals; ``unkept`` counts what no longer fitted.
    """

    def __init__(
        self,
        store_folder: Path,
        *,
        most_bytes_a_day: int = _MOST_BYTES_A_DAY,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keep files below *store_folder*; nothing is created before the first rejection."""
        self.folder = store_folder / FOLDER
        self.unkept = 0
        self._most_bytes = most_bytes_a_day
        self._now_ns = now_ns
        self._lock = threading.Lock()

    def keep(self, rejections: Iterable[Rejection]) -> None:
        """Append masked rejections, on disk when this returns; raise StoreError where the disk refuses."""
        now_ns = self._now_ns()
        lines = [_line(r, now_ns) for r in rejections]
        if not lines:
            return
        path = self.folder / f"intake-{time.strftime('%Y-%m-%d', time.gmtime(now_ns // 10**9))}.jsonl"
        with self._lock:
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with path.open("ab") as file:
                    room = self._most_bytes - file.tell()
                    for line in lines:
                        room -= len(line)
                        if room < 0:
                            self.unkept += 1
                        else:
                            file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise StoreError(f"The quarantine {path.name} cannot be written: {error}. Free disk space.") from error

    def entries(self) -> Iterator[dict[str, object]]:
        """Yield what was kept, oldest first; a line torn by a crash is passed over."""
        for path in sorted(self.folder.glob("intake-*.jsonl")):
            with path.open("rb") as file:
                for line in file:
                    try:
                        entry = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(entry, dict):
                        yield entry


def _line(rejection: Rejection, now_ns: int) -> bytes:
    content = rejection.content
    entry = {
        "time_ns": now_ns,
        "reason": rejection.reason,
        "place": rejection.place,
        "length": rejection.length,
        "sha256": rejection.sha256,
        "content": None if content is None else content[:_LONGEST_CONTENT].decode("utf-8", "replace"),
    }
    return json.dumps(entry, ensure_ascii=True).encode("ascii") + b"\n"
