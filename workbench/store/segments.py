"""Segments: immutable Parquet files, named by their digest, verified before they are believed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.columnar import schema
from workbench.errors import StoreError
from workbench.model.tables import Table
from workbench.store.encoding import group_rows, options
from workbench.store.layout import segment_folder, time_column


@dataclass(frozen=True)
class Segment:
    """One file of the manifest; *path* is relative to the root."""

    path: str
    environment: str
    table: str
    day: str
    rows: int
    bytes: int
    min_ns: int
    max_ns: int
    sha256: str
    settled: bool
    """True where compaction wrote it: its keys stand in no other settled file."""


class SegmentWriter:
    """Write record batches of one day into one segment: nothing is visible under its name before it is whole."""

    def __init__(
        self, root: Path, environment: str, table: Table, day: str, first: pa.RecordBatch | pa.Table, *, settled: bool
    ) -> None:
        """Open an unnamed file in the day's folder, to be written as suits the *first* rows."""
        self._root, self._environment, self._table, self._day, self._settled = root, environment, table, day, settled
        self._folder = segment_folder(environment, table, day)
        self._rows, self._min, self._max = 0, None, None
        folder = root / self._folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._partial = folder / f"{uuid.uuid4().hex}.part"
            self._writer = pq.ParquetWriter(self._partial, schema(table), **options(table, first))
        except OSError as error:
            raise StoreError(f"A segment cannot be written in {folder}: {error}. Free space and retry.") from error

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Append rows, as their own row group."""
        times = pc.min_max(batch.column(batch.schema.get_field_index(time_column(self._table)))).as_py()
        if times["min"] is not None:
            self._min = times["min"] if self._min is None else min(self._min, times["min"])
            self._max = times["max"] if self._max is None else max(self._max, times["max"])
        self._rows += batch.num_rows
        rows = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        try:
            self._writer.write_table(rows.cast(schema(self._table)), row_group_size=group_rows(self._table))
        except OSError as error:
            raise StoreError(
                f"A segment cannot be written in {self._folder}: {error}. Free space and retry."
            ) from error

    def finish(self) -> Segment:
        """Bring the file to disk under its digest and return its entry for the manifest."""
        try:
            self._writer.close()
            with self._partial.open("rb+") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            path = f"{self._folder}/{digest[:40]}.parquet"
            self._partial.replace(self._root / path)
            sync_folder((self._root / path).parent)
        except OSError as error:
            raise StoreError(
                f"A segment cannot be written in {self._folder}: {error}. Free space and retry."
            ) from error
        size = (self._root / path).stat().st_size
        return Segment(
            path, self._environment, self._table.name, self._day, self._rows, size,
            self._min or 0, self._max or 0, digest, self._settled,
        )  # fmt: skip

    def abandon(self) -> None:
        """Remove what was written so far."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._partial.unlink(missing_ok=True)


def write_segment(
    root: Path, environment: str, table: Table, day: str, batches: Iterable[pa.RecordBatch | pa.Table], *, settled: bool
) -> Segment | None:
    """Write all *batches* as one segment; None where they hold no row."""
    writer: SegmentWriter | None = None
    try:
        for batch in batches:
            if batch.num_rows:
                writer = writer or SegmentWriter(root, environment, table, day, batch, settled=settled)
                writer.write(batch)
        return None if writer is None else writer.finish()
    except BaseException:
        if writer is not None:
            writer.abandon()
        raise


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to disk, so that a renamed file survives a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Verifier:
    """Check each file's SHA-256 once a process, and again whenever the file's size or time changed."""

    def __init__(self, root: Path) -> None:
        """Trust nothing below *root* yet."""
        self._root = root
        self._good: dict[str, tuple[int, int, int]] = {}
        self._places: dict[str, Path] = {}
        """Where each segment lies: putting paths together takes longer than looking at the file."""
        self._inodes: set[tuple[int, int, int, int, str]] = set()
        """Files that were read, whatever their paths: a hard link is no second file."""
        self._lock = threading.Lock()

    def fault(self, segment: Segment) -> str | None:
        """Return what is wrong with a segment's file, or None."""
        path = self._places.get(segment.path) or self._places.setdefault(segment.path, self._root / segment.path)
        try:
            stat = path.stat()
            stamp = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if self._good.get(segment.path) == stamp:
                return None
            if stat.st_size != segment.bytes:
                return f"has {stat.st_size} bytes, {segment.bytes} were written"
            inode = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, segment.sha256)
            if inode not in self._inodes:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                if digest != segment.sha256:
                    return "has other bytes than were written (SHA-256 differs)"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        with self._lock:
            self._good[segment.path] = stamp
            self._inodes.add(inode)
        return None

    def forget(self) -> None:
        """Trust no file any more: the next look reads each again."""
        with self._lock:
            self._good.clear()
            self._inodes.clear()
