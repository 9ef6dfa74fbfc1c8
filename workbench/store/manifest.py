"""The manifest: which segments are the store, and which stretches are known to be missing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.model.tables import Table
from workbench.store.layout import WHOLE, day_of
from workbench.store.segments import Segment

_COLUMNS = "path, environment, tbl, day, rows, bytes, min_ns, max_ns, sha256, settled"

_FIELDS = ("path", "environment", "table", "day", "rows", "bytes", "min_ns", "max_ns", "sha256")


@dataclass(frozen=True)
class Gap:
    """Rows that were acknowledged once and can no longer be believed."""

    path: str
    environment: str
    table: str
    day: str
    rows: int
    min_ns: int
    max_ns: int
    reason: str
    found_ns: int

    def __str__(self) -> str:
        """Say what is missing and why, in one sentence."""
        return f"{self.table} of {self.day} ({self.environment}): {self.rows} rows missing, {self.path} {self.reason}"


@dataclass(frozen=True)
class Pending:
    """One journal entry that is not sealed yet."""

    id: int
    rows: int
    min_ns: int
    max_ns: int
    bytes: int


def version(connection: sqlite3.Connection) -> int:
    """Return a number that grows with every change of the segments or gaps."""
    return int(connection.execute("SELECT number FROM versions WHERE name = 'segments'").fetchone()[0])


def segments(connection: sqlite3.Connection) -> list[Segment]:
    """Return every segment, in a fixed order."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM segments ORDER BY environment, tbl, day, min_ns, path")
    return [Segment(**dict(zip(_FIELDS, row[:-1], strict=True)), settled=bool(row[-1])) for row in rows]


def pending(connection: sqlite3.Connection, environment: str, table: str) -> list[Pending]:
    """Return the journal entries of one table, oldest first."""
    rows = connection.execute(
        "SELECT id, rows, min_ns, max_ns, bytes FROM batches WHERE environment = ? AND tbl = ? ORDER BY id",
        (environment, table),
    )
    return [Pending(*row) for row in rows]


def pending_tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the (environment, table) pairs that have journal entries."""
    return connection.execute("SELECT DISTINCT environment, tbl FROM batches ORDER BY 1, 2").fetchall()


def waiting_rows(connection: sqlite3.Connection) -> int:
    """Return the rows in the journal, over all environments."""
    return int(connection.execute("SELECT coalesce(sum(rows), 0) FROM batches").fetchone()[0])


def gaps(connection: sqlite3.Connection) -> list[Gap]:
    """Return every gap that was recorded."""
    rows = connection.execute(
        "SELECT path, environment, tbl, day, rows, min_ns, max_ns, reason, found_ns FROM gaps "
        "ORDER BY environment, tbl, day, path"
    )
    return [Gap(*row) for row in rows]


def add(connection: sqlite3.Connection, new: Iterable[Segment]) -> None:
    """Enter segments."""
    for s in new:
        connection.execute(
            f"INSERT OR REPLACE INTO segments ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (s.path, s.environment, s.table, s.day, s.rows, s.bytes, s.min_ns, s.max_ns, s.sha256, int(s.settled)),
        )
        connection.execute("DELETE FROM retired WHERE path = ?", (s.path,))
    _changed(connection)


def retire(connection: sqlite3.Connection, old: Iterable[Segment]) -> None:
    """Take segments out; their files stay a while for readers that still hold the older list."""
    now_ns = time.time_ns()
    for s in old:
        connection.execute("DELETE FROM segments WHERE path = ?", (s.path,))
        connection.execute("INSERT OR REPLACE INTO retired VALUES (?, ?)", (s.path, now_ns))
    _changed(connection)


def forget_seen(connection: sqlite3.Connection, *, older_than_ns: int, keep: int) -> None:
    """Forget digests of batches that are old or beyond the newest *keep*; rows sent again are still resolved by key."""
    limit = connection.execute("SELECT added_ns FROM seen ORDER BY added_ns DESC LIMIT 1 OFFSET ?", (keep,)).fetchone()
    connection.execute("DELETE FROM seen WHERE added_ns < ?", (max(older_than_ns, limit[0] if limit else 0),))


def record_gap(connection: sqlite3.Connection, gap: Gap) -> None:
    """Take a segment that cannot be believed out of the store and say so for good.

    What was seen is forgotten with it, so that sending the same input again fills the gap.
    """
    connection.execute("DELETE FROM segments WHERE path = ?", (gap.path,))
    connection.execute(
        "INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (gap.path, gap.environment, gap.table, gap.day, gap.rows, gap.min_ns, gap.max_ns, gap.reason, gap.found_ns),
    )
    connection.execute("DELETE FROM seen")
    _changed(connection)


def _changed(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE versions SET number = number + 1 WHERE name = 'segments'")


def segment_gap(segment: Segment, reason: str) -> Gap:
    """Return the gap that a damaged segment leaves."""
    return Gap(
        segment.path, segment.environment, segment.table, segment.day, segment.rows, segment.min_ns, segment.max_ns,
        reason, time.time_ns(),
    )  # fmt: skip


def journal_gap(environment: str, declared: Table, entry: Pending) -> Gap:
    """Return the gap that a damaged journal entry leaves."""
    day = WHOLE if declared.partition is None else day_of(entry.min_ns)
    return Gap(
        f"journal/{entry.id}", environment, declared.name, day, entry.rows, entry.min_ns, entry.max_ns,
        "has other bytes than were written (SHA-256 differs)", time.time_ns(),
    )  # fmt: skip
