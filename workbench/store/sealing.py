"""Sealing and compaction: journal entries become segments, a day's segments become one without duplicates."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.errors import IntegrityError, StoreError
from workbench.model.tables import Table, table
from workbench.model.window import DAY_NS, MINUTE_NS
from workbench.store import manifest
from workbench.store.database import checkpoint, transaction
from workbench.store.encoding import ROW_GROUP
from workbench.store.engines.duckdb import locked_down
from workbench.store.journal import Journal, decode
from workbench.store.layout import LOCK, QUARANTINE, SCRATCH, WHOLE, day_of, time_column
from workbench.store.resolve import all_columns, key_columns, parquet, quoted, resolved
from workbench.store.segments import Segment, Verifier, write_segment
from workbench.store.winners import one_a_key

_KEYS_A_PASS = 8_000_000
"""Keys compared at once in compaction, so that its memory does not grow with the store."""

_REMEMBERED_NS, _REMEMBERED_BATCHES = 2 * DAY_NS, 500_000
"""How long, and how many, digests of batches are kept to drop exact repeats in the journal."""
_LARGE = 4_000_000
"""Rows from which a settled segment is left alone by compaction, unless one of its keys came again."""

_LEAST, _GREATEST = -(2**63), 2**63 - 1
_MEMORY = "256MB"
"""What sealing and compaction may use; they go to disk beyond it, so that a server stays small."""

Progress = Callable[[str, int, int], None]


class Sealer:
    """Move rows from the journal to segments, and keep the segments few and free of duplicates.

    One process at a time does so, under a file lock; a crash at any point leaves the
    manifest as it was, and at most files that no manifest names, which the next run removes.
    """

    def __init__(self, root: Path, connection: sqlite3.Connection, journal: Journal, verifier: Verifier) -> None:
        """Take the writing connection, shared with the journal under its lock."""
        self._root, self._connection, self._journal, self._verifier = root, connection, journal, verifier
        self._together: dict[tuple[str, str], frozenset[str]] = {}
        """(environment, table) -> paths of the segments that were sealed last, in one piece: no key stands in two."""

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the store's lock: no other process seals, compacts or removes files meanwhile."""
        handle = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def seal(self, *, chunk_rows: int = ROW_GROUP) -> int:
        """Move every journal entry of now into segments; return how many rows left the journal."""
        moved = 0
        with self.exclusive():
            with self._journal.write_lock:
                last = self._connection.execute("SELECT max(id) FROM batches").fetchone()[0]
                pairs = manifest.pending_tables(self._connection)
            for environment, name in pairs:
                while entries := self._next_entries(environment, name, last, chunk_rows):
                    moved += self._seal_entries(environment, table(name), entries)
        if moved:
            # Otherwise the allocator keeps what sorting took, beside all that requests take meanwhile.
            pa.default_memory_pool().release_unused()
        return moved

    def _next_entries(self, environment: str, name: str, last: int, chunk_rows: int) -> list[manifest.Pending]:
        with self._journal.write_lock:
            entries = [e for e in manifest.pending(self._connection, environment, name) if e.id <= last]
        chosen: list[manifest.Pending] = []
        rows = 0
        for entry in entries:
            chosen.append(entry)
            rows += entry.rows
            if rows >= chunk_rows:
                break
        return chosen

    def _seal_entries(self, environment: str, declared: Table, entries: Sequence[manifest.Pending]) -> int:
        decoded, broken = self._decoded(declared, entries)
        segments: list[Segment] = []
        if decoded:
            segments = self._write_days(environment, declared, pa.concat_tables(decoded))
        checkpoint(self._root)
        with self._journal.write_lock, transaction(self._connection):
            manifest.add(self._connection, segments)
            for entry in entries:
                self._connection.execute("DELETE FROM batches WHERE id = ?", (entry.id,))
            for entry in broken:
                manifest.record_gap(self._connection, manifest.journal_gap(environment, declared, entry))
        return sum(e.rows for e in entries)

    def _decoded(
        self, declared: Table, entries: Sequence[manifest.Pending]
    ) -> tuple[list[pa.Table], list[manifest.Pending]]:
        decoded, broken = [], []
        for entry in entries:
            with self._journal.write_lock:
                blob, sha256 = self._connection.execute(
                    "SELECT blob, sha256 FROM batches WHERE id = ?", (entry.id,)
                ).fetchone()
            try:
                decoded.append(decode(declared.name, blob, sha256))
            except IntegrityError:
                broken.append(entry)
        return decoded, broken

    def _write_days(self, environment: str, declared: Table, rows: pa.Table) -> list[Segment]:
        keys = list(declared.key)
        rows = one_a_key(declared, rows, memory_limit=_MEMORY)
        ordered = rows.sort_by([(c, "ascending") for c in dict.fromkeys([time_column(declared), *keys])])
        segments = [
            segment
            for day, part in _by_day(declared, ordered)
            if (segment := write_segment(self._root, environment, declared, day, [part], settled=False)) is not None
        ]
        self._together[environment, declared.name] = frozenset(s.path for s in segments)
        return segments

    def compact(self, *, progress: Progress | None = None) -> int:
        """Leave each day that has unsettled segments with one segment of disjoint keys; return those days."""
        rewritten = 0
        with self.exclusive():
            self._remove_strays()
            with self._journal.write_lock, transaction(self._connection):
                manifest.forget_seen(
                    self._connection, older_than_ns=time.time_ns() - _REMEMBERED_NS, keep=_REMEMBERED_BATCHES
                )
            with self._journal.write_lock:
                segments = manifest.segments(self._connection)
            loose = sorted({(s.environment, s.table) for s in segments if not s.settled})
            for environment, name in loose:
                of_table = [s for s in segments if (s.environment, s.table) == (environment, name)]
                rewritten += self._compact_table(table(name), of_table, progress)
        return rewritten

    def _compact_table(self, declared: Table, segments: list[Segment], progress: Progress | None) -> int:
        segments = self._believed(segments)
        disjoint = declared.partition in declared.key or len(segments) == 1 or self._sealed_together(segments)
        alone = _alone_in_day(segments) if disjoint else []
        self._settle(alone)
        segments = [s for s in segments if s not in alone]
        if all(s.settled for s in segments):
            return len(alone)
        scratch = self._root / SCRATCH
        scratch.mkdir(exist_ok=True)
        connection = locked_down([str(self._root / s.path) for s in segments], memory_limit=_MEMORY, scratch=scratch)
        try:
            return len(alone) + self._compact_days(connection, declared, segments, progress)
        finally:
            connection.close()
            shutil.rmtree(scratch, ignore_errors=True)

    def _sealed_together(self, segments: Sequence[Segment]) -> bool:
        """Return whether all segments of a table come from one piece of rows, which held each key once."""
        wrote = (
            self._together.get((segments[0].environment, segments[0].table), frozenset()) if segments else frozenset()
        )
        return all(s.path in wrote for s in segments)

    def _compact_days(
        self, connection: Any, declared: Table, segments: Sequence[Segment], progress: Progress | None
    ) -> int:
        affected = self._affected(connection, declared, segments)
        days = {s.day for s in affected}
        twice = self._keys_held_twice(connection, declared, affected)
        # Sealing leaves no key twice in one segment, so that only another segment can hold it again.
        shared = self._holding_hashes(connection, declared, affected) if twice else set()
        alone = [s for s in _alone_in_day(affected) if s.path not in shared]
        self._settle(alone)
        merged = sorted(days - {s.day for s in alone})
        of_merged = [s for s in affected if s.day in merged]
        written: list[Segment] = []
        for done, day in enumerate(merged):
            of_day = [s for s in of_merged if s.day == day]
            batches = self._merged_day(connection, declared, of_day, day, twice)
            segment = write_segment(self._root, of_day[0].environment, declared, day, batches, settled=True)
            written += [segment] if segment else []
            if progress is not None:
                progress(f"compacting {declared.name}", done + 1, len(merged))
        with self._journal.write_lock, transaction(self._connection):
            kept = {s.path for s in written}
            manifest.retire(self._connection, [s for s in of_merged if s.path not in kept])
            manifest.add(self._connection, written)
        return len(days)

    def _settle(self, alone: Sequence[Segment]) -> None:
        """Say of segments that no other holds one of their keys; their files are already what merging would write."""
        if alone:
            with self._journal.write_lock, transaction(self._connection):
                manifest.add(self._connection, [replace(s, settled=True) for s in alone])

    def _holding_hashes(self, connection: Any, declared: Table, segments: Sequence[Segment]) -> set[str]:
        """Return the paths of segments with a key that stands in more than one row."""
        by_file = {str(self._root / s.path): s.path for s in segments}
        hits = connection.sql(
            f"SELECT DISTINCT filename FROM {_with_file_name(list(by_file))} "
            f"WHERE hash({key_columns(declared)}) IN (SELECT h FROM twice)"
        ).fetchall()
        return {by_file[file] for (file,) in hits}

    def _affected(self, connection: Any, declared: Table, segments: Sequence[Segment]) -> list[Segment]:
        """Return what to rewrite: the unsettled, the settled that hold one of their keys, small ones beside them.

        Large settled segments stay as they are, so that a busy day is not rewritten for each late row.
        """
        loose = [s for s in segments if not s.settled]
        days = {s.day for s in loose}
        settled = [s for s in segments if s.settled]
        near = [s for s in settled if s.day in days]
        asked = near if declared.partition in declared.key else settled
        hit = self._holding_keys(
            connection, declared, [s for s in asked if s.day not in days or s.rows >= _LARGE], loose
        )
        days |= {s.day for s in settled if s.path in hit}
        return [s for s in segments if not s.settled or s.path in hit or (s.day in days and s.rows < _LARGE)]

    def _holding_keys(
        self, connection: Any, declared: Table, settled: Sequence[Segment], loose: Sequence[Segment]
    ) -> set[str]:
        """Return the paths of settled segments with a key of the unsettled ones."""
        if not settled or not loose:
            return set()
        by_file = {str(self._root / s.path): s.path for s in settled}
        keys = key_columns(declared)
        same = " AND ".join(f"l.{quoted(n)} = r.{quoted(n)}" for n in declared.key)
        hits = connection.sql(
            f"SELECT DISTINCT l.filename FROM (SELECT {keys}, filename FROM {_with_file_name(list(by_file))}) l "
            f"SEMI JOIN (SELECT {keys} FROM {self._read(loose)}) r ON {same}"
        ).fetchall()
        return {by_file[file] for (file,) in hits}

    def _keys_held_twice(self, connection: Any, declared: Table, segments: Sequence[Segment]) -> str | None:
        """Gather the winners of all keys that stand in more than one row; return the relation's name."""
        rows = sum(s.rows for s in segments)
        if len(segments) < 2:
            return None
        passes = rows // _KEYS_A_PASS + 1
        key_hash = f"hash({key_columns(declared)})"
        connection.execute("CREATE OR REPLACE TEMP TABLE twice (h UBIGINT)")
        for part in range(passes):
            connection.execute(
                f"INSERT INTO twice SELECT h FROM (SELECT {key_hash} AS h FROM {self._read(segments)}) "
                f"WHERE h % {passes} = {part} GROUP BY h HAVING count(*) > 1"
            )
        held = f"(SELECT * FROM {self._read(segments)} WHERE {key_hash} IN (SELECT h FROM twice))"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE winners AS SELECT * FROM {resolved(declared, held)}")
        return "winners"

    def _merged_day(
        self, connection: Any, declared: Table, segments: Sequence[Segment], day: str, twice: str | None
    ) -> Iterable[pa.RecordBatch]:
        columns, time = all_columns(declared), quoted(time_column(declared))
        order = f"{time}, {key_columns(declared)}"
        source = self._read(segments)
        if twice is not None:
            single = f"hash({key_columns(declared)}) NOT IN (SELECT h FROM twice)"
            source = f"(SELECT {columns} FROM {source} WHERE {single} UNION ALL SELECT {columns} FROM {twice})"
        for slice_ in _slices(connection, declared, source, day):
            yield from connection.sql(
                f"SELECT {columns} FROM {source} WHERE {slice_} ORDER BY {order}"
            ).to_arrow_reader(ROW_GROUP)

    def _read(self, segments: Sequence[Segment]) -> str:
        return parquet([str(self._root / s.path) for s in segments])

    def _believed(self, segments: Sequence[Segment]) -> list[Segment]:
        good = []
        for segment in segments:
            reason = self._verifier.fault(segment)
            if reason is None:
                good.append(segment)
            else:
                self.quarantine(segment, reason)
        return good

    def quarantine(self, segment: Segment, reason: str) -> None:
        """Set a segment that cannot be believed aside and record the gap."""
        with self._journal.write_lock, transaction(self._connection):
            manifest.record_gap(self._connection, manifest.segment_gap(segment, reason))
        target = self._root / QUARANTINE / segment.path.replace("/", "__")
        try:
            target.parent.mkdir(exist_ok=True)
            (self._root / segment.path).replace(target)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{segment.path} is damaged and cannot be set aside: {error}. Move it by hand.") from error

    def remove_retired(self, *, grace_s: float) -> int:
        """Delete files of segments retired longer than *grace_s* ago; return how many."""
        limit = time.time_ns() - int(grace_s * 1e9)
        with self.exclusive(), self._journal.write_lock:
            paths = [p for (p,) in self._connection.execute("SELECT path FROM retired WHERE retired_ns <= ?", (limit,))]
            for path in paths:
                (self._root / path).unlink(missing_ok=True)
            with transaction(self._connection):
                self._connection.executemany("DELETE FROM retired WHERE path = ?", [(p,) for p in paths])
        return len(paths)

    def _remove_strays(self) -> None:
        """Delete what a crash left: files that neither the manifest nor the retired list names."""
        with self._journal.write_lock:
            named = {p for (p,) in self._connection.execute("SELECT path FROM segments UNION SELECT path FROM retired")}
        for folder in self._root.glob("*/*/day=*"):
            if folder.parts[-3] in {QUARANTINE, SCRATCH}:
                continue
            for file in folder.iterdir():
                path = file.relative_to(self._root).as_posix()
                if file.suffix == ".part" or (file.suffix == ".parquet" and path not in named):
                    file.unlink(missing_ok=True)


def _alone_in_day(segments: Sequence[Segment]) -> list[Segment]:
    """Return the unsettled segments that are the only one of their day."""
    in_day = Counter(s.day for s in segments)
    return [s for s in segments if not s.settled and in_day[s.day] == 1]


def _by_day(declared: Table, ordered: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Cut rows that are ordered by time at midnight UTC."""
    if declared.partition is None:
        yield WHOLE, ordered
        return
    days = ordered.column(declared.partition).to_numpy() // DAY_NS
    start = 0
    for cut in [*((days[1:] != days[:-1]).nonzero()[0] + 1).tolist(), len(days)]:
        if cut > start:
            yield day_of(int(days[start]) * DAY_NS), ordered.slice(start, cut - start)
        start = cut


def _slices(connection: Any, declared: Table, source: str, day: str) -> list[str]:
    """Cut a day into conditions on its time, each for about two row groups, so that sorting needs little memory."""
    if day == WHOLE:
        return ["true"]
    time_, start = quoted(time_column(declared)), _day_number(day) * DAY_NS
    within = f"{time_} BETWEEN {max(start, _LEAST)} AND {min(start + DAY_NS - 1, _GREATEST)}"
    minutes = connection.sql(
        f"SELECT {time_} // {MINUTE_NS} AS minute, count(*) FROM {source} WHERE {within} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    slices, rows, first = [], 0, None
    for minute, count in minutes:
        first = minute if first is None else first
        rows += count
        if rows >= 2 * ROW_GROUP:
            slices.append((first, minute))
            rows, first = 0, None
    if first is not None:
        slices.append((first, minutes[-1][0]))
    # The plain bounds let whole row groups be skipped; the division decides, also before 1970, where it rounds up.
    return [
        f"{time_} // {MINUTE_NS} BETWEEN {low} AND {high} AND {within} "
        f"AND {time_} BETWEEN {max((low - 1) * MINUTE_NS, _LEAST)} AND {min((high + 1) * MINUTE_NS, _GREATEST)}"
        for low, high in slices
    ]


def _day_number(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def _with_file_name(paths: Sequence[str]) -> str:
    return parquet(paths).removesuffix(")") + ", filename=true)"
