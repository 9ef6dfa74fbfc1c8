"""The one SQLite file that holds journal and manifest, so that sealing is one transaction."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from workbench.errors import StoreError
from workbench.store.layout import DATABASE

_TABLES = """
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, environment TEXT NOT NULL, tbl TEXT NOT NULL, digest BLOB NOT NULL,
    rows INTEGER NOT NULL, min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, sha256 BLOB NOT NULL,
    bytes INTEGER NOT NULL, blob BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS batches_by_table
    ON batches (environment, tbl, id, rows, min_ns, max_ns, bytes);
CREATE TABLE IF NOT EXISTS seen (digest BLOB PRIMARY KEY, added_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments (
    path TEXT PRIMARY KEY, environment TEXT NOT NULL, tbl TEXT NOT NULL, day TEXT NOT NULL, rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL, min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,
    settled INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retired (path TEXT PRIMARY KEY, retired_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gaps (
    path TEXT PRIMARY KEY, environment TEXT NOT NULL, tbl TEXT NOT NULL, day TEXT NOT NULL, rows INTEGER NOT NULL,
    min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, reason TEXT NOT NULL, found_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursors (source TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO versions VALUES ('segments', 0);
"""


def connect_writer(root: Path, *, busy_s: float = 30.0) -> sqlite3.Connection:
    """Open the database for writing: a commit returns only once the disk has it."""
    try:
        connection = sqlite3.connect(root / DATABASE, timeout=busy_s, isolation_level=None, check_same_thread=False)
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            connection.execute("PRAGMA page_size=16384")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        # 64 MiB; only where `checkpoint` could not keep up, since whoever commits waits for it.
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.execute("PRAGMA journal_size_limit=67108864")
        connection.executescript(_TABLES)
    except sqlite3.Error as error:
        raise StoreError(f"The store's database in {root} cannot be opened for writing: {error}.") from error
    return connection


def checkpoint(root: Path) -> None:
    """Move what the write-ahead log holds into the database, beside the writers: nobody waits for it."""
    # A failure leaves the log as it was, and the next checkpoint, or a commit, does the work.
    with suppress(sqlite3.Error), closing(sqlite3.connect(root / DATABASE, timeout=0, isolation_level=None)) as beside:
        beside.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def connect_reader(root: Path) -> sqlite3.Connection:
    """Open the database for reading only; one that lies on a read-only disk is read as it is."""
    uri = (root / DATABASE).absolute().as_uri()
    try:
        connection = sqlite3.connect(
            f"{uri}?mode=ro", uri=True, timeout=30, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("SELECT number FROM versions").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            connection = sqlite3.connect(
                f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
            )
            connection.execute("SELECT number FROM versions").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"The store's database in {root} cannot be read: {error}.") from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction; a failure leaves everything as it was."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise StoreError(
            f"The store could not write: {error}. Nothing of this was kept; free space and retry."
        ) from error


class Readers:
    """Lend reading connections, each to one thread at a time, within one snapshot."""

    def __init__(self, root: Path) -> None:
        """Open nothing yet."""
        self._root = root
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one unchanging state of journal and manifest."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or connect_reader(self._root)
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(f"The store could not be read: {error}. Retry, or run `workbench doctor`.") from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
