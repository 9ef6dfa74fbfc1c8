"""Nsight Systems: reports exported as SQLite (``nsys export --type sqlite``), opened read-only, in exact integer ns.

As with the PyTorch profiler, a summary of each device enters the store; ``trace`` reads the kernels themselves. Tables
are made by Nsight only where it recorded something of their kind, so each may be missing.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from workbench.errors import SourceError
from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Head, Source
from workbench.sources._gpu_trace import MEMORY, KinetoTrace, kind_of, summary, valid_text

_MAGIC = b"SQLite format 3\x00"
_KERNELS = "CUPTI_ACTIVITY_KIND_KERNEL"
_COPIES = {"CUPTI_ACTIVITY_KIND_MEMCPY": "memcpy", "CUPTI_ACTIVITY_KIND_MEMSET": "memset"}
_RUNTIME = "CUPTI_ACTIVITY_KIND_RUNTIME"
_WORK = (_KERNELS, *_COPIES)
_FIELDS = ("start", "end", "deviceId", "streamId", "correlationId")
_LONGEST_NS = 2**62


def recognise(head: Head) -> float:
    """Recognise a SQLite file whose first pages define tables of CUPTI."""
    if not head.start.startswith(_MAGIC):
        return 0.0
    own = (b"CUPTI_ACTIVITY_KIND_", b"TARGET_INFO_SESSION_START_TIME", b"ENUM_NSYS_")
    return 0.97 if any(word in head.start for word in own) else 0.0


def trace(path: Path) -> KinetoTrace:
    """Return the device's work of a report; SourceError where it is none, or a database that cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as held:
            held.text_factory = lambda raw: raw.decode("utf-8", "replace")
            tables = {str(name) for (name,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables & {*_WORK, _RUNTIME, "TARGET_INFO_SESSION_START_TIME"}:
                raise SourceError(f"{path.name} is no report of Nsight Systems: it has none of the tables of CUPTI.")
            return _taken(held, tables)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path.name} cannot be read as SQLite: {error}. Export it again with nsys export --type sqlite."
        ) from error


def _taken(held: sqlite3.Connection, tables: set[str]) -> KinetoTrace:
    found, known, broken = KinetoTrace(), dict[str, int](), list[tuple[str, bytes]]()
    found.base_ns = _base(held, tables)
    base = found.base_ns or 0
    named = "StringIds" in tables
    for table in (t for t in _WORK if t in tables):
        columns = _columns(held, table)
        if not {"start", "end"} <= columns:
            broken.append((f"the table {table} has no start and end", table.encode()))
            continue
        parts = [f'a."{c}"' if c in columns else "NULL" for c in _FIELDS]
        name = next((c for c in ("demangledName", "shortName", "name") if c in columns), None)
        joined = f' LEFT JOIN StringIds AS s ON s.id = a."{name}"' if name and named and table == _KERNELS else ""
        query = f'SELECT {", ".join(parts)}, {"s.value" if joined else "NULL"} FROM "{table}" AS a{joined}'
        for row in held.execute(query):
            found.events += 1
            found.categories[table] += 1
            _add(row, table, base, found, known, broken)
    if _RUNTIME in tables and {"start", "correlationId"} <= _columns(held, _RUNTIME):
        for start, correlation in held.execute(f"SELECT start, correlationId FROM {_RUNTIME}"):
            found.events += 1
            found.categories[_RUNTIME] += 1
            if _whole(start) and _whole(correlation):
                found.launches.setdefault(correlation, base + start)
    found.names = list(known)
    found.devices = _devices(held, tables)
    found.broken = tuple(broken)
    return found


def _add(row: tuple[Any, ...], table: str, base: int, found: KinetoTrace, known: dict[str, int],
         broken: list[tuple[str, bytes]]) -> None:  # fmt: skip
    start, end, device, stream, correlation, said = row
    name = valid_text(said) if isinstance(said, str) else _COPIES.get(table, "")
    if not (_whole(start) and _whole(end)) or end < start:
        broken.append(("work of a device without times that can be read", name.encode("utf-8", "replace")))
        return
    found.device.append(device if _whole(device) else -1)
    found.stream.append(stream if _whole(stream) else -1)
    found.start_ns.append(base + start)
    found.end_ns.append(base + end)
    found.kind.append(MEMORY if table != _KERNELS else kind_of("kernel", name))
    found.name.append(known.setdefault(name, len(known)))
    found.correlation.append(correlation if _whole(correlation) else -1)


def _whole(value: Any) -> bool:  # whatever a cell holds
    return type(value) is int and abs(value) < _LONGEST_NS


def _columns(held: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in held.execute(f'PRAGMA table_info("{table}")')}


def _base(held: sqlite3.Connection, tables: set[str]) -> int | None:
    """Return when the session began, ns since 1970: times in the report count from there."""
    table = "TARGET_INFO_SESSION_START_TIME"
    if table not in tables or "utcEpochNs" not in _columns(held, table):
        return None
    row = held.execute(f"SELECT utcEpochNs FROM {table}").fetchone()
    return row[0] if row is not None and _whole(row[0]) and row[0] > 0 else None


def _devices(held: sqlite3.Connection, tables: set[str]) -> dict[int, str]:
    table = "TARGET_INFO_GPU"
    if table not in tables or not {"id", "name"} <= _columns(held, table):
        return {}
    rows = held.execute(f"SELECT id, name FROM {table}").fetchall()
    return {number: valid_text(name) for number, name in rows if _whole(number) and isinstance(name, str)}


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield one batch: of each device how long the report spans, its busy share and its time in kernels."""
    if not isinstance(what, Path):
        with tempfile.TemporaryDirectory(prefix="nsight-") as folder:
            copy = Path(folder) / "report.sqlite"
            with copy.open("wb") as out:
                shutil.copyfileobj(what, out)
            # SQLite wants a file; a stream of nothing is no report, and nothing to complain of.
            if copy.stat().st_size:
                yield from read(copy, context)
        return
    yield summary(trace(what), "nsight", context)


SOURCE = Source(
    name="nsight",
    title="Nsight Systems",
    doc="Reports of Nsight Systems exported as SQLite: how long each device was busy, and in what kind of kernels.",
    reads=(METRICS.name,),
    recognise=recognise,
    read=read,
)
