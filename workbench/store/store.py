"""The store as its users see it: append, ask, seal, compact, retain, export."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pyarrow as pa

from workbench import plugins
from workbench.columnar import without_provenance
from workbench.errors import StoreError, UnknownNameError, UsageError
from workbench.model.tables import TABLES, table
from workbench.store import layout, manifest
from workbench.store.canonical import lines
from workbench.store.database import Readers, connect_writer
from workbench.store.engines.duckdb import DuckEngine, FileGoneError
from workbench.store.journal import Journal, Receipt, encode
from workbench.store.manifest import Gap
from workbench.store.query import Query
from workbench.store.resolve import key_columns
from workbench.store.retention import retain
from workbench.store.running import InProgress, Questions, Running, Slow
from workbench.store.sealing import Progress, Sealer
from workbench.store.segments import Segment, Verifier
from workbench.store.upkeep import Upkeep

RETIRED_GRACE_S = 600.0
"""How long a compacted-away file stays for readers that began before."""


class Store:
    """Telemetry on disk: what was acknowledged is kept, once, and what is damaged is said to be missing.

    Open it with ``Store.open``. One process writes well, several do safely; any number
    read meanwhile. All methods may be called from several threads.
    """

    def __init__(
        self,
        root: Path,
        environment: str,
        mode: Literal["write", "read"],
        upkeep: Literal["background", "manual"],
        memory_limit: str,
    ) -> None:
        """Take what ``Store.open`` has checked."""
        self.root, self.environment, self.mode = root, environment, mode
        self._verifier = Verifier(root)
        self._readers = Readers(root)
        self._questions = Questions()
        self._connection: sqlite3.Connection | None = None
        self._upkeep: Upkeep | None = None
        if mode == "write":
            self._connection = connect_writer(root)
            self._journal = Journal(self._connection)
            self._sealer = Sealer(root, self._connection, self._journal, self._verifier)
            with self._readers.snapshot() as snapshot:
                waiting = manifest.waiting_rows(snapshot)
            if upkeep == "background":
                self._upkeep = Upkeep(self.seal, self.compact, self._loose_segments, waiting)
        self._memory_limit, self._others_lock = memory_limit, threading.Lock()
        self._others: dict[str, DuckEngine] = {}
        self._engine = DuckEngine(
            root, environment, self._readers, self._verifier, fault=self._found_fault, memory_limit=memory_limit
        )

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        environment: str = "prod",
        mode: Literal["write", "read"] = "write",
        upkeep: Literal["background", "manual"] = "background",
        memory_limit: str = "2GB",
    ) -> Self:
        """Open a store; writing creates it where the folder is new, reading never changes a file of it.

        *upkeep* in the background seals and compacts by itself while rows come in; it
        never changes an answer. *memory_limit* bounds what one reader's questions may use.
        """
        root = Path(path).absolute()
        layout.escape(environment)
        if mode not in {"write", "read"}:
            raise UsageError(f"A store is opened to 'write' or to 'read'; got {mode!r}.")
        if mode == "write":
            layout.prepare(root)
        layout.check_format(root)
        return cls(root, environment, mode, upkeep, memory_limit)

    def append(self, batch: Mapping[str, pa.Table], *, cursors: Mapping[str, str] | None = None) -> Receipt:
        """Keep rows (declared table name -> rows) and return once they are on disk.

        *cursors* (source -> text) are saved in the same transaction. A batch whose
        content was taken before is dropped and counted as duplicates. UsageError where
        rows do not fit their table; StoreError where the disk refused: nothing was kept, retry.
        """
        self._must_write()
        receipt = self._journal.append(encode(batch), cursors or {})
        if self._upkeep is not None and receipt.rows:
            self._upkeep.note(receipt.rows)
        return receipt

    def ask(self, query: str, **arguments: Any) -> pa.Table:
        """Answer a named query. What is missing from the answer stands in its schema metadata under ``gaps``.

        The argument ``environment`` of any query asks another environment of the same store.
        """
        asked: Query = plugins.load("query", query)
        other = arguments.pop("environment", self.environment)
        asked.check(query, arguments)
        try:
            return self._ask(query, asked, arguments, other)
        except FileGoneError:
            return self._ask(query, asked, arguments, other)

    def running(self) -> list[InProgress]:
        """Return the questions that run now: number, name, seconds and, where the engine says it, how far each is."""
        return self._questions.now()

    def cancel(self, number: int | None = None) -> int:
        """Stop a running question, or all; whoever asked gets a CancelledError. Return how many were stopped."""
        return self._questions.cancel(number)

    def slow(self) -> list[Slow]:
        """Return the last questions that took two seconds or more, with plan and bytes read."""
        return self._questions.slow()

    def _engine_of(self, environment: str) -> DuckEngine:
        if environment == self.environment:
            return self._engine
        if environment not in self.environments():
            raise UnknownNameError("environment", environment, self.environments())
        with self._others_lock:
            if environment not in self._others:
                self._others[environment] = DuckEngine(
                    self.root, environment, self._readers, self._verifier, fault=self._found_fault,
                    memory_limit=self._memory_limit,
                )  # fmt: skip
            return self._others[environment]

    def _ask(self, name: str, asked: Query, arguments: Mapping[str, Any], environment: str) -> pa.Table:
        engine = self._engine_of(environment)
        question = Running(name)
        with engine.session(question) as session, self._questions.running(question):
            answer = asked.run(session, **arguments)
            recorded = {gap.path: gap for gap in session.gaps}
        missing = [str(gap) for _, gap in sorted((engine.found | recorded).items())]
        return answer.replace_schema_metadata({"gaps": json.dumps(missing)} if missing else None)

    def seal(self) -> int:
        """Move the journal into segments; return how many rows left it."""
        self._must_write()
        moved = self._sealer.seal()
        if self._upkeep is not None:
            self._upkeep.sealed(moved)
        return moved

    def gathering(self) -> AbstractContextManager[None]:
        """Seal in the background later and in larger pieces, for whoever appends much and seals at the end.

        What is acknowledged is on disk all the same: only where it lies meanwhile differs.
        """
        return self._upkeep.gathering() if self._upkeep is not None else nullcontext()

    def compact(self, *, progress: Progress | None = None) -> int:
        """Merge each day that has unsettled segments into one without duplicates; return those days."""
        self._must_write()
        days = self._sealer.compact(progress=progress)
        self._sealer.remove_retired(grace_s=RETIRED_GRACE_S)
        return days

    def retain(self, days: float, *, now_ns: int | None = None) -> int:
        """Delete whole days older than *days*; return the rows deleted. Small tables kept whole stay."""
        self._must_write()
        return retain(self._sealer, self._journal, days=days, now_ns=now_ns)

    def export(self, name: str) -> bytes:
        """Return a table in canonical form: JSON lines in key order, one row a key, without provenance.

        Equal for any order and repetition of the same input.
        """
        declared = table(name)
        with self._engine.session() as session:
            rows = session.query(f"SELECT * FROM {session.exact_relation(name)} ORDER BY {key_columns(declared)}")
        return b"".join(lines(without_provenance(rows)))

    def counts(self) -> dict[str, int]:
        """Return rows per table, duplicates not counted; tables without rows are left out."""
        counted = {}
        with self._engine.session() as session:
            for name in TABLES:
                if session.segments(name) or session.pending(name):
                    sql = f"SELECT count(*) FROM {session.relation(name)}"
                    counted[name] = session.query(sql).column(0)[0].as_py()
        return {name: count for name, count in counted.items() if count}

    def freshness(self) -> dict[str, int]:
        """Return the newest time (ns UTC) per table that has rows."""
        newest = {}
        with self._engine.session() as session:
            for name in TABLES:
                times = [s.max_ns for s in session.segments(name)] + [p.max_ns for p in session.pending(name)]
                if times:
                    newest[name] = max(times)
        return newest

    def environments(self) -> list[str]:
        """Return the environments that have rows."""
        with self._readers.snapshot() as snapshot:
            sql = "SELECT environment FROM segments UNION SELECT environment FROM batches ORDER BY 1"
            return [name for (name,) in snapshot.execute(sql)]

    def files(self, name: str) -> list[Path]:
        """Return the segment files of a table, in this environment, oldest first."""
        with self._engine.session() as session:
            return [self.root / s.path for s in session.segments(table(name).name)]

    def unsealed(self) -> tuple[int, int]:
        """Return rows and bytes that wait in the journal, over all environments."""
        with self._readers.snapshot() as snapshot:
            sql = "SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM batches"
            rows, size = snapshot.execute(sql).fetchone()
        return int(rows), int(size)

    def gaps(self) -> list[Gap]:
        """Return what is known to be missing: segments whose bytes are not those that were written."""
        with self._readers.snapshot() as snapshot:
            recorded = {g.path: g for g in manifest.gaps(snapshot)}
        for path, gap in self._engine.found.items():
            recorded.setdefault(path, gap)
        return [recorded[path] for path in sorted(recorded)]

    def verify(self) -> list[Gap]:
        """Read every segment again, compare its SHA-256 with the manifest, and return all gaps."""
        self._verifier.forget()
        with self._readers.snapshot() as snapshot:
            segments = manifest.segments(snapshot)
        self._engine.believed(segments)
        return self.gaps()

    def save_cursor(self, source: str, text: str) -> None:
        """Remember how far a source was read; prefer ``append(..., cursors=...)``, which does both at once."""
        self._must_write()
        self._journal.append([], {source: text})

    def cursor(self, source: str) -> str | None:
        """Return how far a source was read, or None."""
        with self._readers.snapshot() as snapshot:
            row = snapshot.execute("SELECT text FROM cursors WHERE source = ?", (source,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Release everything; what was acknowledged stays."""
        if self._upkeep is not None:
            self._upkeep.end()
        for engine in (self._engine, *self._others.values()):
            engine.close()
        self._readers.close()
        if self._connection is not None:
            with self._journal.write_lock:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    @contextmanager
    def holding(self) -> Iterator[tuple[sqlite3.Connection, threading.RLock]]:
        """Keep segments as they are meanwhile: nothing is sealed, compacted or removed; rows may be appended.

        Yields the manifest's connection and the lock that whoever uses it holds.
        """
        self._must_write()
        with self._sealer.exclusive():
            yield self._journal.connection, self._journal.write_lock

    @property
    def upkeep_fault(self) -> str | None:
        """Say why the last background sealing failed, or None; the journal keeps the rows until it succeeds."""
        fault = None if self._upkeep is None else self._upkeep.fault
        return None if fault is None else str(fault)

    def _loose_segments(self) -> int:
        with self._readers.snapshot() as snapshot:
            return int(snapshot.execute("SELECT count(*) FROM segments WHERE NOT settled").fetchone()[0])

    def _must_write(self) -> None:
        if self.mode != "write":
            raise StoreError(f"The store {self.root} was opened to read; open it with mode='write' to change it.")
        if self._connection is None:
            raise StoreError(f"The store {self.root} is closed; open it again.")

    def _found_fault(self, segment: Segment, reason: str) -> None:
        if self.mode == "write" and self._connection is not None:
            self._sealer.quarantine(segment, reason)
