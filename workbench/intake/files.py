"""Take files in: recognise each by its content, read it by its source, and pass every batch through the gate."""

from __future__ import annotations

import gc
import gzip
import importlib
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from workbench import plugins
from workbench.config import Settings, TableSettings
from workbench.errors import SourceError, UsageError
from workbench.intake.gate import Gate
from workbench.intake.inputs import SQLITE_MAGIC, Input, Skipped, expand, folder_head, inflated, opened, shown
from workbench.intake.policy import mask_policy, table_of
from workbench.intake.report import FileReport, IngestReport
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.store import Store

Progress = Callable[[str, int, int], None]
"""Called as files are read: place, inputs done, inputs in all."""

_SURE_ENOUGH = 0.5
_ROWS_AT_ONCE = 20_000
_READ_ERRORS = (SourceError, UsageError, OSError, EOFError, zlib.error, gzip.BadGzipFile)
_TABLES_SOURCE = "frames"
_OBJECTS_A_COLLECTION = 200_000


def ingest(
    store: Store,
    uris: Iterable[str | Path],
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
    source: str | None = None,
    as_table: str | None = None,
    mapping: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
) -> IngestReport:
    """Read everything that *uris* name into the store and report what became of each.

    A file is a path, a folder, a glob, ``-`` for standard input, ``sqlite:///path``,
    a table as ``duckdb:FILE#TABLE`` or ``sqlite:FILE#TABLE``, or an address with its
    source in front (``mlflow+http://host``). *source* reads all inputs with one source
    instead of recognising them. *as_table* with *mapping* (declared column -> own
    column) enters tables of one's own; the settings' ``[[tables]]`` do so by file name. A file that
    cannot be read never stops the others.
    """
    if (mapping is None) != (as_table is None):
        raise UsageError("A mapping needs a table and a table a mapping: --as predictions --map score=p,time=ts.")
    began = time.monotonic()
    declared = None if as_table is None else TableSettings("*", as_table, mapping or {})
    intake = _Intake(store, settings or Settings(), source, declared, stdin or sys.stdin.buffer)
    inputs = list(expand(uris, intake.claims, source=source))
    files = []
    with _collecting_rarely():
        for done, each in enumerate(inputs):
            if progress is not None:
                progress(each.place, done, len(inputs))
            files.append(intake.take(each))
    if progress is not None and inputs:
        progress(inputs[-1].place, len(inputs), len(inputs))
    masked = dict(sorted(intake.gate.masked.items()))
    return IngestReport(tuple(files), masked, time.monotonic() - began)


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Let cycles be looked for seldom meanwhile: events become hundreds of thousands of objects, and none is in one."""
    before = gc.get_threshold()
    if not 0 < before[0] < _OBJECTS_A_COLLECTION:
        # Switched off, or another intake lets them be looked for seldom and will put it back.
        yield
        return
    gc.set_threshold(_OBJECTS_A_COLLECTION, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Intake:
    """Hold what all files of one intake share."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        source: str | None,
        declared: TableSettings | None,
        stdin: BinaryIO,
    ) -> None:
        self.gate = Gate(store, mask_policy(settings))
        self._store = store
        self._sources = {source: plugins.load("source", source)} if source else plugins.load_all("source")
        self._only = source
        self._settings = settings
        self._declared = declared
        self._stdin = stdin

    def claims(self, head: Head) -> bool:
        """Return whether some source reads this folder as one whole."""
        return self._recognise(head) is not None

    def take(self, each: Input | Skipped) -> FileReport:
        """Read one input to its end; whatever was read before an error stays."""
        if isinstance(each, Skipped):
            return FileReport(each.place, "skipped", reason=each.reason)
        tally = _Tally(self.gate)
        context = Context(self._store.environment, each.place, time.time_ns())
        try:
            try:
                report = self._read(each, context, tally)
            finally:
                tally.flush()
        except _READ_ERRORS as error:
            report = FileReport(each.place, "failed", reason=str(error) or type(error).__name__)
        return replace(
            report, place=self.gate.masker.text(report.place), reason=self.gate.masker.text(report.reason),
            rows=tally.rows, duplicates=tally.duplicates, rejections=tally.rejections,
        )  # fmt: skip

    def _read(self, each: Input, context: Context, tally: _Tally) -> FileReport:
        if each.kind == "live":
            return self._pull(each, context, tally)
        declared = self._declared or (each.path and table_of(self._settings, each.path.name))
        if declared and each.kind in ("file", "table"):
            return self._mapped(each, declared, context, tally)
        if each.kind == "table":
            return self._own_table(each, context, tally)
        if each.kind == "folder":
            path = cast(Path, each.path)
            return self._by(folder_head(path), path, each, context, tally)
        head, stream = inflated(self._stdin, each.place) if each.path is None else opened(each.path, each.place)
        try:
            if not head.start:
                return FileReport(each.place, "skipped", reason="empty")
            whole = each.path is not None and head.start.startswith(SQLITE_MAGIC)
            return self._by(head, cast(Path, each.path) if whole else stream, each, context, tally)
        finally:
            if each.path is not None:
                stream.close()

    def _by(self, head: Head, what: BinaryIO | Path, each: Input, context: Context, tally: _Tally) -> FileReport:
        """Read by the source that recognises the head."""
        source = self._recognise(head)
        if source is None:
            known = ", ".join(sorted(self._sources))
            return FileReport(each.place, "unrecognised", reason=f"no source knows this format (known: {known})")
        if source.name == _TABLES_SOURCE:
            return self._own_table(each, context, tally)
        for batch in source.read(what, context):
            tally.add(batch)
        return FileReport(each.place, "read", source.name)

    def _recognise(self, head: Head) -> Source | None:
        if self._only is not None:
            return cast(Source, self._sources[self._only])
        scored = [(s.recognise(head), name, s) for name, s in self._sources.items()]
        score, _, best = max(scored, key=lambda each: (each[0], each[1]), default=(0.0, "", None))
        return best if score >= _SURE_ENOUGH else None

    def _mapped(self, each: Input, declared: TableSettings, context: Context, tally: _Tally) -> FileReport:
        frames = importlib.import_module("workbench.sources.frames")
        for batch in frames.read_mapped(each.url or each.path, declared.table, declared.map, context):
            tally.add(batch)
        return FileReport(each.place, "read", _TABLES_SOURCE)

    def _own_table(self, each: Input, context: Context, tally: _Tally) -> FileReport:
        """Read a table that states its mapping itself; offer a guess for any other, and read nothing of it."""
        if each.path is None:
            reason = "a table of one's own needs a file: save it, then name it with --as and --map"
            return FileReport(each.place, "unmapped", _TABLES_SOURCE, reason=reason)
        # By path and never as a stream, which the reader would have to lay down unmasked first.
        frames = importlib.import_module("workbench.sources.frames")
        stated = frames.own_mapping(each.url or each.path)
        if stated is not None:
            return self._mapped(each, TableSettings("*", *stated), context, tally)
        guess = {shown(str(k)): shown(str(v)) for k, v in frames.guess(each.url or each.path).items()}
        reason = "a table of one's own enters by a declared mapping only."
        return FileReport(each.place, "unmapped", _TABLES_SOURCE, reason=reason, guess=guess)

    def _pull(self, each: Input, context: Context, tally: _Tally) -> FileReport:
        """Ask a system that the user named, from the cursor saved last time."""
        name = cast(str, each.source)
        source = cast(Source, plugins.load("source", name))
        if source.pull is None:
            raise UsageError(f"The source {name!r} reads files only; it cannot ask {each.place}.")
        cursor_name = f"{name}:{each.url}"
        for batch, cursor in source.pull({"url": each.url}, self._store.cursor(cursor_name), context):
            tally.add(batch)
            tally.flush({cursor_name: cursor})
        return FileReport(each.place, "read", name)


class _Tally:
    """Gather small batches into large ones, pass them through the gate, and count."""

    def __init__(self, gate: Gate) -> None:
        self.rows: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.duplicates = 0
        self._gate = gate
        self._waiting: dict[str, list[pa.Table]] = {}
        self._refused: list[Rejection] = []
        self._held = 0

    def add(self, batch: Batch) -> None:
        """Hold a batch; write once enough rows are held."""
        for name, rows in batch.tables.items():
            if rows.num_rows:
                self._waiting.setdefault(name, []).append(rows)
                self.rows[name] += rows.num_rows
                self._held += rows.num_rows
        for rejection in batch.rejections:
            self.rejections[self._gate.masker.text(rejection.reason)] += 1
            self._refused.append(rejection)
        if self._held + len(self._refused) >= _ROWS_AT_ONCE:
            self.flush()

    def flush(self, cursors: Mapping[str, str] | None = None) -> None:
        """Write what is held, with the cursors after it."""
        if not self._waiting and not self._refused and not cursors:
            return
        tables = {name: pa.concat_tables(parts) for name, parts in self._waiting.items()}
        refused = tuple(self._refused)
        self._waiting, self._refused, self._held = {}, [], 0
        self.duplicates += self._gate.admit(Batch(tables, refused), cursors=cursors).receipt.duplicates
