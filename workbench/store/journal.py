"""The intake journal: a batch is on disk before its sender hears that it was taken."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from workbench.columnar import schema, without_provenance
from workbench.errors import IntegrityError, StoreError, UsageError
from workbench.model.tables import PROVENANCE, Table, table
from workbench.store.canonical import conform
from workbench.store.database import transaction
from workbench.store.layout import escape, time_column

_PROVENANCE = [c.name for c in PROVENANCE]
_LENGTH = 8
"""Bytes of each length in an entry: of the whole once inflated, then of its first part."""


@dataclass(frozen=True)
class Receipt:
    """What became of one batch: rows now on disk, and rows that had been taken before."""

    rows: int
    duplicates: int


@dataclass(frozen=True)
class Piece:
    """The rows of one table and environment in one batch, encoded."""

    environment: str
    table: str
    digest: bytes
    rows: int
    min_ns: int
    max_ns: int
    sha256: bytes
    blob: bytes


def encode(batch: Mapping[str, pa.Table]) -> list[Piece]:
    """Check and encode a batch; UsageError where it does not fit the declared tables."""
    pieces = []
    for name, rows in batch.items():
        declared = table(name)
        if rows.num_rows:
            rows = conform(declared, rows)
            environments = pc.unique(rows.column("environment")).to_pylist()
            for environment in environments:
                escape(environment)
                alone = len(environments) == 1
                of_one = rows if alone else rows.filter(pc.equal(rows.column("environment"), environment))
                pieces.append(_piece(declared, environment, of_one))
    return pieces


def _piece(declared: Table, environment: str, rows: pa.Table) -> Piece:
    rows = rows.combine_chunks()
    sink = pa.BufferOutputStream()
    sink.write(bytes(_LENGTH))
    _serialise(without_provenance(rows), sink)
    end = sink.tell()
    _serialise(rows.select(_PROVENANCE), sink)
    plain = memoryview(sink.getvalue()).cast("B")
    content = plain[_LENGTH:end]
    digest = hashlib.sha256(declared.name.encode() + b"\0")
    digest.update(content)
    plain[:_LENGTH] = len(content).to_bytes(_LENGTH, "little")
    blob = b"".join((len(plain).to_bytes(_LENGTH, "little"), memoryview(pa.compress(plain, codec="lz4"))))
    times = pc.min_max(rows.column(time_column(declared))).as_py()
    return Piece(
        environment,
        declared.name,
        digest.digest(),
        rows.num_rows,
        times["min"] or 0,
        times["max"] or 0,
        hashlib.sha256(blob).digest(),
        blob,
    )


def _serialise(rows: pa.Table, sink: pa.NativeFile) -> None:
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)


def decode(name: str, blob: bytes, sha256: bytes) -> pa.Table:
    """Return the rows of a journal entry; IntegrityError where its bytes are not those written."""
    if hashlib.sha256(blob).digest() != sha256:
        raise IntegrityError(f"A journal entry for {name} has other bytes than were written (SHA-256 differs).")
    body = pa.decompress(memoryview(blob)[8:], decompressed_size=int.from_bytes(blob[:8], "little"), codec="lz4")
    length = int.from_bytes(body[:8].to_pybytes(), "little")
    content = pa.ipc.open_stream(body.slice(8, length)).read_all()
    provenance = pa.ipc.open_stream(body.slice(8 + length)).read_all()
    for field_, column in zip(provenance.schema, provenance.columns, strict=True):
        content = content.append_column(field_, column)
    return content.cast(schema(table(name)))


@dataclass
class _Job:
    pieces: list[Piece]
    cursors: Mapping[str, str]
    receipt: Receipt | None = None
    error: StoreError | None = None
    done: bool = field(default=False)


class Journal:
    """Commit the batches of all threads that wait, together, with one fsync."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take the writing connection."""
        self.connection = connection
        self.write_lock = threading.RLock()
        """Held by whoever uses the writing connection."""
        self._waiting: list[_Job] = []
        self._waiting_lock = threading.Lock()

    def append(self, pieces: list[Piece], cursors: Mapping[str, str]) -> Receipt:
        """Return once the pieces are on disk; StoreError where they could not be kept."""
        job = _Job(pieces, cursors)
        with self._waiting_lock:
            self._waiting.append(job)
        with self.write_lock:
            if not job.done:
                with self._waiting_lock:
                    jobs, self._waiting = self._waiting, []
                self._commit(jobs)
        if job.error is not None:
            raise job.error
        if job.receipt is None:
            raise StoreError("The store could not write: the commit was interrupted. Nothing of this was kept; retry.")
        return job.receipt

    def _commit(self, jobs: list[_Job]) -> None:
        receipts: list[Receipt] = []
        try:
            with transaction(self.connection):
                receipts = [self._insert(job) for job in jobs]
        except StoreError as error:
            for job in jobs:
                job.error = error
        else:
            for job, receipt in zip(jobs, receipts, strict=True):
                job.receipt = receipt
        finally:
            for job in jobs:
                job.done = True

    def _insert(self, job: _Job) -> Receipt:
        rows = duplicates = 0
        now_ns = time.time_ns()
        for piece in job.pieces:
            fresh = self.connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (piece.digest, now_ns)).rowcount
            if not fresh:
                duplicates += piece.rows
                continue
            self.connection.execute(
                "INSERT INTO batches (environment, tbl, digest, rows, min_ns, max_ns, sha256, bytes, blob) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (piece.environment, piece.table, piece.digest, piece.rows, piece.min_ns, piece.max_ns, piece.sha256,
                 len(piece.blob), piece.blob),
            )  # fmt: skip
            rows += piece.rows
        for source, text in job.cursors.items():
            if not isinstance(text, str):
                raise UsageError(f"A cursor is text; {source} gave {type(text).__name__}.")
            self.connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (source, text))
        return Receipt(rows, duplicates)
