"""A store on shared storage: many processes take in, each keeps a journal of its own, and all list what they sealed.

An intake appends to its own folder as ever: what was acknowledged is on its disk. ``exchange`` brings sealed segments
to the shared storage, lists them in the manifest there, and takes over what others have listed. A crash between any two
of these steps repeats them, and each is the same when repeated: a segment is named by its digest. Rows that two
intakes were sent have one key and are resolved by readers, as in any store, until compaction has settled them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa

from workbench.errors import StoreError, UsageError
from workbench.model.tables import table
from workbench.model.window import DAY_NS
from workbench.store import layout, manifest
from workbench.store.cluster import Address, ClusterStore, Compacting
from workbench.store.database import connect_writer, transaction
from workbench.store.engine_compaction import EngineCompaction
from workbench.store.engines.spark import SparkEngine
from workbench.store.sealing import Progress
from workbench.store.segments import Segment
from workbench.store.shared import SharedStorage, Snapshot, adding, replacing
from workbench.store.store import Store

ORIGIN = "shared"
"""File that marks a folder which works with shared storage; holds the address."""
REFRESH_S = 5.0
"""How old the snapshot may be that a question is asked of."""
_TABLE = "CREATE TABLE IF NOT EXISTS shared_paths (path TEXT PRIMARY KEY) WITHOUT ROWID"

Compactor = Callable[[Path], int]


def prepare(shared: SharedStorage, folder: Path) -> None:
    """Make a folder work with one address of shared storage, or refuse one that works with another."""
    marker = folder / ORIGIN
    if not marker.exists():
        if (folder / "format").exists():
            raise StoreError(f"{folder} is a store of its own; choose another folder to work with {shared.url}.")
        layout.prepare(folder)
        marker.write_text(f"{shared.url}\n")
    elif marker.read_text().strip() != shared.url:
        raise StoreError(f"{folder} works with {marker.read_text().strip()}, not {shared.url}; use another folder.")


def exchange(
    shared: SharedStorage, root: Path, connection: sqlite3.Connection, lock: AbstractContextManager[object]
) -> Snapshot:
    """Publish the folder's sealed segments, then list here what the newest snapshot lists; return that snapshot.

    The caller keeps others from sealing here meanwhile; *lock* is held for the database alone, so that senders do not
    wait for the storage. Questions asked afterwards read exactly that snapshot's
    files and the folder's own journal. Safe to run again after a crash at any point.
    """
    with lock:
        connection.execute(_TABLE)
        known = {path for (path,) in connection.execute("SELECT path FROM shared_paths")}
        held = {s.path: s for s in manifest.segments(connection)}
    own = [s for path, s in held.items() if path not in known]
    for segment in own:
        shared.upload(root / segment.path, segment)
    # What is settled here may have keys that another intake was sent too.
    loose = [dataclasses.replace(s, settled=False) for s in own]
    snapshot = shared.change(adding(loose)) if own else shared.newest()
    for segment in snapshot.segments:
        if not (root / segment.path).exists():
            shared.fetch(segment, root / segment.path)
    listed = {s.path: s for s in snapshot.segments}
    with lock, transaction(connection):
        if gone := [s for path, s in held.items() if path not in listed]:
            manifest.retire(connection, gone)
        if fresh := [s for path, s in listed.items() if held.get(path) != s]:
            manifest.add(connection, fresh)
        connection.execute("DELETE FROM shared_paths")
        connection.executemany("INSERT INTO shared_paths VALUES (?)", [(path,) for path in listed])
    return snapshot


def mirror(shared: SharedStorage, folder: Path) -> Snapshot:
    """Bring a folder to the newest snapshot, so that it opens as a store to read; return the snapshot."""
    prepare(shared, folder)
    with contextlib.closing(connect_writer(folder)) as connection:
        return exchange(shared, folder, connection, contextlib.nullcontext())


def compact(shared: SharedStorage, *, scratch: Path | None = None, by: Compactor | None = None) -> int:
    """Leave each day with one segment of disjoint keys; return the days rewritten, 0 where another process was first.

    *by* compacts a store's folder; if not said, DuckDB in this process. Of two that overlap, the second finds its
    segments replaced and leaves everything as it is.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name) / "store"
        before = {s.path: s for s in mirror(shared, folder).segments}
        days = (by or _by_duckdb)(folder)
        with contextlib.closing(connect_writer(folder)) as connection:
            after = {s.path: s for s in manifest.segments(connection)}
        # A segment that was written anew with equal bytes is only settled.
        written = [s for path, s in after.items() if before.get(path) != s]
        if not written:
            return 0
        for segment in written:
            shared.upload(folder / segment.path, segment)
        gone = [s for path, s in before.items() if after.get(path) != s]
        snapshot = shared.change(replacing(gone, written))
        return days if set(written) <= set(snapshot.segments) else 0


def _by_duckdb(folder: Path) -> int:
    with Store.open(folder, upkeep="manual") as store:
        return store.compact()


def remove_replaced(shared: SharedStorage, *, grace_s: float = 3600.0) -> int:
    """Delete segments that were taken out of the manifest longer than *grace_s* ago; return how many."""
    snapshot, now = shared.newest(), time.time()
    listed = {s.path for s in snapshot.segments}
    old = [path for path, at in snapshot.replaced.items() if now - at >= grace_s and path not in listed]
    for path in old:
        shared.remove(path)
    return len(old)


class SharedStore(ClusterStore):
    """Take in here and answer for everybody: the journal is this folder's, the segments are those of one snapshot."""

    _shared: SharedStorage | None = None
    _looked = float("-inf")
    _compacting: Compacting = "here"

    @classmethod
    def open_shared(
        cls, address: Address, *, environment: str = "prod", mode: Literal["write", "read"] = "write",
        upkeep: Literal["background", "manual"] = "background",
    ) -> Self:  # fmt: skip
        """Open the folder that works with an address of shared storage; reading, too, keeps its copies there."""
        if address.shared is None:
            raise StoreError("A store on shared storage needs an address, s3://bucket/folder or file:///folder.")
        shared = SharedStorage(address.shared, address.options)
        mirror(shared, address.path.absolute())
        opened = cls.open(address.path, environment=environment, mode=mode, upkeep=upkeep)
        return opened.shared_by(shared, address)

    def shared_by(self, shared: SharedStorage, address: Address) -> Self:
        """Name the storage, and the server that reads it if there is one; nothing is asked of either."""
        self._shared, self._looked, self._compacting = shared, time.monotonic(), address.compact
        if address.server is not None:
            self._other_engine, self._missing = SparkEngine(address.server, place=self.place), address.missing
        return self

    def place(self, file: str) -> str:
        """Return where a server finds a segment's file."""
        return self._storage().place(Path(file).relative_to(self.root).as_posix())

    def seal(self) -> int:
        """Move the journal into segments, and share them; StoreError where the storage refused: nothing is lost."""
        moved = super().seal()
        self._exchange()
        return moved

    def compact(self, *, progress: Progress | None = None) -> int:
        """Compact what all have shared; nothing where another process did so meanwhile."""
        self._must_write()
        if self._compacting == "engine":
            return self.compact_on_engine(progress=progress)
        return self.compact_here(progress=progress)

    def compact_here(self, *, progress: Progress | None = None) -> int:
        """Let DuckDB in this process compact what all have shared."""
        self._must_write()
        days = compact(self._storage(), scratch=self.root.parent)
        if progress is not None:
            progress("compacting shared segments", days, days)
        self._exchange()
        self._sealer.remove_retired(grace_s=600.0)
        return days

    def compact_on_engine(self, *, progress: Progress | None = None) -> int:
        """Let the Spark Connect server compact what all have shared; days others were first on are not counted."""
        self._must_write()
        if not isinstance(self._other_engine, SparkEngine):
            raise UsageError(
                f"{self._storage().url} is read by no Spark Connect server here. Name one in the store's address, "
                "sc://host:15002/;path=..., or compact without it."
            )
        self._exchange()
        days = EngineCompaction(self._storage(), self._other_engine, self.root, self._verifier).run(progress=progress)
        self._exchange()
        self._sealer.remove_retired(grace_s=600.0)
        return days

    def retain(self, days: float, *, now_ns: int | None = None) -> int:
        """Take whole days older than *days* out of the shared manifest; return their rows."""
        self._must_write()
        self.seal()
        limit_ns = int((time.time_ns() if now_ns is None else now_ns) - days * DAY_NS)
        old: list[Segment] = []

        def step(snapshot: Snapshot) -> Snapshot:
            old[:] = [
                s for s in snapshot.segments
                if table(s.table).partition is not None and (s.max_ns // DAY_NS + 1) * DAY_NS <= limit_ns
            ]  # fmt: skip
            return replacing(old, [])(snapshot) if old else snapshot

        self._storage().change(step)
        self._exchange()
        return sum(s.rows for s in old)

    def refresh(self) -> int:
        """Take over what others have shared; return the snapshot's number."""
        return self._exchange().number

    def ask(self, query: str, **arguments: Any) -> pa.Table:
        """Answer a named query over one snapshot, at most ``REFRESH_S`` old."""
        if time.monotonic() - self._looked > REFRESH_S:
            self._exchange()
        return super().ask(query, **arguments)

    def _storage(self) -> SharedStorage:
        if self._shared is None:
            raise StoreError("This store knows no shared storage; open it by its address.")
        return self._shared

    def _exchange(self) -> Snapshot:
        shared = self._storage()
        if self.mode == "read":
            snapshot = mirror(shared, self.root)
        else:
            with self.holding() as (connection, lock):
                snapshot = exchange(shared, self.root, connection, lock)
        self._looked = time.monotonic()
        return snapshot
