"""The default engine: DuckDB in memory, locked down, reading exactly the manifest's files and the unsealed journal."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from workbench.columnar import schema
from workbench.errors import IntegrityError, StoreError
from workbench.model.tables import Table, table
from workbench.model.window import DAY_NS
from workbench.store import manifest
from workbench.store.cores import available
from workbench.store.database import Readers
from workbench.store.footers import Footers
from workbench.store.journal import decode
from workbench.store.layout import identity_fixes_time
from workbench.store.resolve import (
    all_columns,
    key_columns,
    literal,
    needed,
    parquet,
    quoted,
    resolved,
    whole,
    with_keys,
    within,
    without_keys,
)
from workbench.store.running import CancelledError, Running
from workbench.store.segments import Segment, Verifier

Fault = Callable[[Segment, str], None]


class FileGoneError(StoreError):
    """Say that a segment was compacted away while it was read; the same question can be asked again."""


def locked_down(files: Sequence[str], *, memory_limit: str, scratch: Path | None = None, threads: int = 0) -> Any:
    """Return a DuckDB connection that can open these files and nothing else, and whose settings are final.

    Without *scratch* it never writes: a question too large for *memory_limit* fails in words.
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET autoinstall_known_extensions=false")
    connection.execute("SET autoload_known_extensions=false")
    connection.execute("SET enable_progress_bar=true")
    connection.execute("SET enable_progress_bar_print=false")
    connection.execute("SET GLOBAL parquet_metadata_cache=true")
    connection.execute("SET preserve_insertion_order=true")
    connection.execute(f"SET memory_limit={literal(memory_limit)}")
    connection.execute(f"SET temp_directory={literal(str(scratch) if scratch else '')}")
    connection.execute(f"SET threads={threads or available()}")
    if files:
        connection.execute(f"SET allowed_paths=[{', '.join(literal(f) for f in files)}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


@dataclass(frozen=True)
class _Database:
    version: int
    segments: Mapping[str, tuple[Segment, ...]]
    gaps: tuple[manifest.Gap, ...]
    connection: Any


class DuckEngine:
    """Answer named queries over one environment of one store."""

    name = "duckdb"

    def __init__(
        self, root: Path, environment: str, readers: Readers, verifier: Verifier, *, fault: Fault, memory_limit: str
    ) -> None:
        """Take where the store lies, and whom to tell of a damaged segment."""
        self._root, self.environment, self._readers, self._verifier = root, environment, readers, verifier
        self._fault, self._memory_limit = fault, memory_limit
        self._database: _Database | None = None
        self._decoded: dict[int, pa.Table] = {}
        self._places: dict[str, str] = {}
        self._lock = threading.Lock()
        self.footers = Footers()
        self.found: dict[str, manifest.Gap] = {}
        """What this process found to be wrong."""

    @contextmanager
    def session(self, question: Running | None = None) -> Iterator[Session]:
        """Lend one unchanging view of the store; *question* is told how far it is and how to stop it."""
        with self._readers.snapshot() as snapshot:
            database = self._current(snapshot)
            cursor = database.connection.cursor()
            question = question or Running("")
            try:
                session = Session(self, snapshot, database, cursor, question)
                question.cancel, question.share, question.plan = cursor.interrupt, session.share, session.plan
                yield session
            finally:
                cursor.close()

    def _current(self, snapshot: sqlite3.Connection) -> _Database:
        version = manifest.version(snapshot)
        with self._lock:
            if self._database is None or self._database.version < version:
                by_table: dict[str, list[Segment]] = {}
                for segment in manifest.segments(snapshot):
                    if segment.environment == self.environment:
                        by_table.setdefault(segment.table, []).append(segment)
                self._places.clear()
                files = [self.file(s) for segments in by_table.values() for s in segments]
                gaps = tuple(g for g in manifest.gaps(snapshot) if g.environment == self.environment)
                connection = locked_down(files, memory_limit=self._memory_limit)
                self._forget_sealed(snapshot)
                self._database = _Database(version, {t: tuple(s) for t, s in by_table.items()}, gaps, connection)
            return self._database

    def file(self, segment: Segment) -> str:
        """Return the absolute path of a segment."""
        return self._places.get(segment.path) or self._places.setdefault(segment.path, str(self._root / segment.path))

    def believed(self, segments: Sequence[Segment]) -> list[Segment]:
        """Return the segments whose bytes are those written; the others are reported."""
        good = []
        for segment in segments:
            reason = self._verifier.fault(segment)
            if reason is None:
                good.append(segment)
            elif segment.path not in self.found:
                if not self._still_listed(segment):
                    raise FileGoneError(f"{segment.path} was compacted or expired while it was read. Ask again.")
                self.found[segment.path] = manifest.segment_gap(segment, reason)
                self._fault(segment, reason)
        return good

    def _still_listed(self, segment: Segment) -> bool:
        with self._readers.snapshot() as now:
            return now.execute("SELECT 1 FROM segments WHERE path = ?", (segment.path,)).fetchone() is not None

    def unsealed(
        self, snapshot: sqlite3.Connection, name: str, start_ns: int | None, end_ns: int | None
    ) -> pa.Table | None:
        """Return the journal's rows of a table; whole entries, of those that touch the stretch of time."""
        wanted = self.waiting(snapshot, name, start_ns, end_ns)
        with self._lock:
            tables = [t for e in wanted if (t := self._entry(snapshot, name, e)) is not None]
        return pa.concat_tables(tables) if tables else None

    def waiting(
        self, snapshot: sqlite3.Connection, name: str, start_ns: int | None, end_ns: int | None
    ) -> list[manifest.Pending]:
        """Return the journal's entries of a table that touch the stretch of time."""
        return [
            e for e in manifest.pending(snapshot, self.environment, name)
            if (start_ns is None or e.max_ns >= start_ns) and (end_ns is None or e.min_ns < end_ns)
        ]  # fmt: skip

    def _entry(self, snapshot: sqlite3.Connection, name: str, entry: manifest.Pending) -> pa.Table | None:
        if entry.id not in self._decoded:
            blob, sha256 = snapshot.execute("SELECT blob, sha256 FROM batches WHERE id = ?", (entry.id,)).fetchone()
            try:
                self._decoded[entry.id] = decode(name, blob, sha256)
            except IntegrityError:
                gap = manifest.journal_gap(self.environment, table(name), entry)
                self.found[gap.path] = gap
                return None
        return self._decoded[entry.id]

    def _forget_sealed(self, snapshot: sqlite3.Connection) -> None:
        """Drop decoded entries that are sealed by now."""
        oldest = snapshot.execute("SELECT min(id) FROM batches").fetchone()[0]
        for entry in [e for e in self._decoded if oldest is None or e < oldest]:
            del self._decoded[entry]

    def close(self) -> None:
        """Release the database."""
        with self._lock:
            if self._database is not None:
                self._database.connection.close()
                self._database = None
            self._decoded.clear()


@dataclass(frozen=True)
class Sources:
    """Exactly what a table's relation is made of in one snapshot of the store, for engines that read it elsewhere."""

    declared: Table
    files: tuple[str, ...]
    """Absolute paths, each listed by the manifest and believed; never a pattern."""
    journal: pa.Table | None
    """Rows that are not sealed yet."""
    entries: tuple[int, ...]
    """Numbers of the journal's entries that they stand in; no other entry ever has one of them."""
    one_a_key: bool
    """Whether no two of these rows share a key, so that nothing is left to resolve."""
    inner: tuple[int | None, int | None]
    """Window (ns UTC, half-open) to cut before rows of one key are compared."""
    outer: tuple[int | None, int | None]
    """Window to cut after it."""


@dataclass
class Session:
    """One view of the store in which every relation and query sees the same rows."""

    _engine: DuckEngine
    _snapshot: sqlite3.Connection
    _database: _Database
    _cursor: Any
    question: Running
    """What is told of the question that this view is for."""
    _asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _registered: dict[str, pa.Table] = field(default_factory=dict)

    def exact_relation(self, name: str) -> str:
        """Return SQL for all rows of a table, one a key even where a sender gave one id two times."""
        return self._relation(table(name), None, None, local=False)

    def relation(self, name: str, start_ns: int | None = None, end_ns: int | None = None) -> str:
        """Return SQL for a table's rows, one a key, within ``start_ns <= time < end_ns``.

        Where identity fixes the time, only the window's rows are compared with each
        other; for other tables all rows are, until compaction has settled them.
        """
        declared = table(name)
        return self._relation(declared, start_ns, end_ns, local=identity_fixes_time(declared))

    def _relation(self, declared: Table, start_ns: int | None, end_ns: int | None, *, local: bool) -> str:
        name = declared.name
        segments = self._segments(declared, start_ns, end_ns) if local else list(self._database.segments.get(name, ()))
        bounds = (start_ns, end_ns) if local else (None, None)
        journal = self._engine.unsealed(self._snapshot, name, *bounds)
        loose = [s for s in segments if not s.settled]
        if journal is None and (not loose or len(segments) == 1):
            chosen = segments if local else self._segments(declared, start_ns, end_ns)
            return within(declared, self._read(declared, chosen), *needed(declared, chosen, start_ns, end_ns))
        return within(declared, self._compared(declared, segments, journal, bounds, local=local), start_ns, end_ns)

    def sources(self, name: str, start_ns: int | None = None, end_ns: int | None = None) -> Sources:
        """Return what ``relation`` would read, resolved by the same rules, without reading it."""
        declared = table(name)
        for bound in (start_ns, end_ns):
            if bound is not None:
                whole(bound)
        local = identity_fixes_time(declared)
        segments = self._segments(declared, start_ns, end_ns) if local else list(self.segments(name))
        inner = (start_ns, end_ns) if local else (None, None)
        journal = self._engine.unsealed(self._snapshot, name, *inner)
        one_a_key = journal is None and (all(s.settled for s in segments) or len(segments) == 1)
        if one_a_key and not local:
            segments = self._segments(declared, start_ns, end_ns)
        believed = self._engine.believed(segments)
        self.question.files.update({s.path: s.bytes for s in believed})
        files = tuple(self._engine.file(s) for s in believed)
        entries = tuple(e.id for e in self._engine.waiting(self._snapshot, name, *inner)) if journal else ()
        return Sources(declared, files, journal, entries, one_a_key, inner, (start_ns, end_ns))

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run SQL written in this layer, with bound values, and return its rows."""
        if self.question.cancelled:
            raise CancelledError("The question was stopped before it was done.")
        self._asked.append((sql, dict(parameters or {})))
        try:
            result = self._cursor.sql(sql, params=dict(parameters or {})).to_arrow_table()
        except duckdb.InterruptException as error:
            raise CancelledError("The question was stopped while it worked.") from error
        except duckdb.IOException as error:
            raise FileGoneError(f"A segment went away while it was read: {error}. Ask again.") from error
        except duckdb.OutOfMemoryException as error:
            raise StoreError(
                f"The question needs more memory than the reader may use: {error}. "
                "Ask for a shorter window or raise memory_limit."
            ) from error
        except duckdb.Error as error:
            raise StoreError(f"The query failed: {error}.") from error
        return _plain(result)

    def share(self) -> float | None:
        """Return which part of the statement that runs now is done, 0 to 1, or None."""
        with suppress(duckdb.Error):
            percent = float(self._cursor.query_progress())
            return percent / 100 if percent >= 0 else None
        return None

    def plan(self) -> str:
        """Return how DuckDB went about the last statement, in its own words."""
        if not self._asked:
            return ""
        sql, parameters = self._asked[-1]
        try:
            lines = self._cursor.execute(f"EXPLAIN {sql}", parameters).fetchall()
        except duckdb.Error as error:
            return f"no plan: {error}"
        return f"{len(self._asked)} statements, of the last one:\n" + "\n".join(text for _, text in lines)

    def register(self, name: str, rows: pa.Table) -> str:
        """Make rows of the caller readable in this session under a name of this layer's own."""
        self._cursor.register(name, rows)
        self._registered[name] = rows
        return quoted(name)

    @property
    def gaps(self) -> tuple[manifest.Gap, ...]:
        """Return what is known to be missing."""
        return self._database.gaps

    @property
    def footers(self) -> Footers:
        """Return what is known of the segments' files, to read row groups of ``sources``."""
        return self._engine.footers

    def segments(self, name: str) -> tuple[Segment, ...]:
        """Return a table's segments."""
        return self._database.segments.get(name, ())

    def pending(self, name: str) -> list[manifest.Pending]:
        """Return a table's journal entries."""
        return manifest.pending(self._snapshot, self._engine.environment, name)

    def days(self, name: str, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Return the window cut at midnight UTC, only parts that hold rows, for questions too large at once."""
        spans = [(s.min_ns, s.max_ns) for s in self.segments(name)] + [(p.min_ns, p.max_ns) for p in self.pending(name)]
        days: set[int] = set()
        for low, high in spans:
            days.update(range(max(low, start_ns) // DAY_NS, min(high, end_ns - 1) // DAY_NS + 1))
        return [(max(start_ns, d * DAY_NS), min(end_ns, (d + 1) * DAY_NS)) for d in sorted(days)]

    def _segments(self, declared: Table, start_ns: int | None, end_ns: int | None) -> list[Segment]:
        every = self._database.segments.get(declared.name, ())
        if declared.partition is None:
            return list(every)
        return [
            s for s in every
            if (start_ns is None or s.max_ns >= start_ns) and (end_ns is None or s.min_ns < end_ns)
        ]  # fmt: skip

    def _compared(
        self, declared: Table, segments: list[Segment], journal: pa.Table | None,
        bounds: tuple[int | None, int | None], *, local: bool,
    ) -> str:  # fmt: skip
        loose = [s for s in segments if not s.settled]
        settled = [s for s in segments if s.settled]
        fresh = []
        if loose:
            fresh.append(within(declared, self._read(declared, loose), *bounds))
        if journal is not None:
            fresh.append(within(declared, self.register(f"unsealed {declared.name}", journal), *bounds))
        union = fresh[0] if len(fresh) == 1 else f"({' UNION ALL '.join(f'SELECT * FROM {f}' for f in fresh)})"
        if not settled:
            return resolved(declared, union)
        apart, mixed = self._split(declared, settled, loose, journal) if local else ([], settled)
        parts = []
        if apart:
            parts.append(f"SELECT * FROM {within(declared, self._read(declared, apart), *bounds)}")
        if mixed:
            old = within(declared, self._read(declared, mixed), *bounds)
            keys = f"(SELECT DISTINCT {key_columns(declared)} FROM {union})"
            parts.append(f"SELECT * FROM {without_keys(declared, old, keys)}")
            union = f"(SELECT * FROM {union} UNION ALL SELECT * FROM {with_keys(declared, old, keys)})"
        parts.append(f"SELECT * FROM {resolved(declared, union)}")
        return f"({' UNION ALL '.join(parts)})"

    def _split(
        self, declared: Table, settled: list[Segment], loose: list[Segment], journal: pa.Table | None
    ) -> tuple[list[Segment], list[Segment]]:
        """Part the settled segments by whether an unsettled row could share a key with one of theirs."""
        spans = [(s.min_ns, s.max_ns) for s in loose]
        if journal is not None:
            spans += [(p.min_ns, p.max_ns) for p in self.pending(declared.name)]
        mixed = [s for s in settled if any(low <= s.max_ns and high >= s.min_ns for low, high in spans)]
        names = {s.path for s in mixed}
        return [s for s in settled if s.path not in names], mixed

    def _read(self, declared: Table, segments: Sequence[Segment]) -> str:
        believed = self._engine.believed(segments)
        self.question.files.update({s.path: s.bytes for s in believed})
        if not believed:
            if declared.name not in self._registered:
                self.register(declared.name, schema(declared).empty_table())
            return quoted(declared.name)
        return f"(SELECT {all_columns(declared)} FROM {parquet([self._engine.file(s) for s in believed])})"


def _plain(rows: pa.Table) -> pa.Table:
    """Return rows with every integer as int64: the engine's narrower and wider ones depend on the values."""
    if all(f.type == pa.int64() for f in rows.schema if pa.types.is_integer(f.type)):
        return rows
    fields = [pa.field(f.name, pa.int64() if pa.types.is_integer(f.type) else f.type) for f in rows.schema]
    return rows.cast(pa.schema(fields))
