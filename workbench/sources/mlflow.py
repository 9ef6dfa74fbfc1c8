"""MLflow: a tracking server, its sqlite file, its file store, or one exported trace. No model is ever loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from workbench.errors import SourceError
from workbench.model.tables import SPANS
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._http import Peer
from workbench.sources._json import canonical, documents, mapping, parse
from workbench.sources._mlflow_folder import Folder
from workbench.sources._mlflow_rows import (
    TABLES,
    add_alias_move,
    add_model_version,
    add_run,
    add_trace_link,
    spans_batch,
)
from workbench.sources._mlflow_seen import ModelVersion, Trace
from workbench.sources._mlflow_server import Server
from workbench.sources._mlflow_sqlite import Database
from workbench.sources._mlflow_traces import trace_of
from workbench.sources._rows import Rows

_ROWS_AT_ONCE = 5_000
_TRACES_AT_ONCE = 500
_SQLITE_MAGIC = b"SQLite format 3\x00"
_LATE_MS = 60 * 60 * 1000
"""A run or trace is looked for again for this long after newer ones, since senders may be late."""


def recognise(head: Head) -> float:
    """Recognise a file store by its folders, a trace by its id, and a database by its name.

    Any other SQLite file is taken for MLflow's as well, barely: after migrations the table
    definitions lie anywhere in the file, and the reader refuses a database without them.
    """
    if head.name.endswith("/"):
        names = head.start.split(b"\n")
        store = b"models" in names and any(n.isdigit() for n in names)
        return 0.9 if store or (head.name == "mlruns/" and any(n.isdigit() for n in names)) else 0.0
    if head.start.startswith(_SQLITE_MAGIC):
        return 0.9 if "mlflow" in head.name or b"mlflow" in head.start else 0.5
    spaced = head.start.replace(b" ", b"")
    return 0.95 if b'"trace_id":"tr-' in spaced and (b'"trace_location"' in spaced or b'"info":' in spaced) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield everything of a database file, of a file store, or of a file of exported traces."""
    if not isinstance(what, Path):
        yield from _exported(what, context)
    elif what.is_dir():
        folder = Folder(what)
        yield from _everything(folder, context)
    else:
        with what.open("rb") as stream:
            is_database = stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
        if is_database:
            with closing(Database(what)) as database:
                yield from _everything(database, context)
        else:
            with what.open("rb") as stream:
                yield from _exported(stream, context)


def _everything(store: Database | Folder, context: Context) -> Iterator[Batch]:
    rows = Rows("mlflow", context, TABLES)
    for run in store.runs():
        add_run(run, rows)
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch()
    _add_versions(store.model_versions(), rows)
    yield rows.batch()
    yield from _traces(store.traces(), context)


def _add_versions(versions: Iterable[ModelVersion], rows: Rows) -> None:
    newest: dict[str, str] = {}
    for version in versions:
        add_model_version(version, newest.get(version.model), rows)
        newest[version.model] = version.version


def _traces(traces: Iterable[Trace], context: Context) -> Iterator[Batch]:
    waiting: list[Trace] = []
    for trace in traces:
        waiting.append(trace)
        if len(waiting) == _TRACES_AT_ONCE:
            yield _trace_batch(waiting, context)
            waiting = []
    if waiting:
        yield _trace_batch(waiting, context)


def _trace_batch(traces: list[Trace], context: Context) -> Batch:
    """Return the spans and run links of traces; traces whose spans are kept elsewhere are named, not fetched."""
    rows = Rows("mlflow", context, TABLES)
    for trace in traces:
        add_trace_link(trace, rows)
        if not trace.spans:
            reason = "trace without spans here: MLflow keeps them among the artifacts, which are not opened"
            rows.reject(Rejection.of(reason, context.place, trace.trace_id.encode()))
    links, spans = rows.batch(), spans_batch(traces, context)
    return Batch({**links.tables, **spans.tables}, links.rejections + spans.rejections)


def _exported(stream: BinaryIO, context: Context) -> Iterator[Batch]:
    rejected: list[Rejection] = []

    def found() -> Iterator[Trace]:
        for document in documents(stream, context.place):
            if isinstance(document, Rejection):
                rejected.append(document)
                continue
            place, sent = document
            info = mapping(mapping(sent).get("info") or mapping(sent).get("trace_info"))
            spans = mapping(mapping(sent).get("data")).get("spans") or mapping(sent).get("spans")
            trace = trace_of(info, spans)
            if trace is None:
                rejected.append(Rejection.of("not an MLflow trace: no trace id", place, canonical(sent).encode()))
            else:
                yield trace

    yield from _traces(found(), context)
    if rejected:
        yield Batch({}, tuple(rejected))


@dataclass
class _Cursor:
    """Remember between pulls what has been seen: begins in ms, runs still going, where aliases pointed."""

    runs_ms: int = 0
    traces_ms: int = 0
    running: list[str] = field(default_factory=list)
    aliases: dict[str, str] | None = None

    @classmethod
    def of(cls, saved: str | None) -> _Cursor:
        """Read a saved cursor; one that cannot be read begins anew, which only repeats rows."""
        if not saved:
            return cls()
        try:
            kept = mapping(parse(saved.encode()))
            return cls(int(kept["runs_ms"]), int(kept["traces_ms"]), list(kept["running"]), dict(kept["aliases"]))
        except (ValueError, KeyError, TypeError):
            return cls()

    def text(self) -> str:
        """Return what to save."""
        kept = {"runs_ms": self.runs_ms, "traces_ms": self.traces_ms, "running": self.running}
        return orjson.dumps(kept | {"aliases": self.aliases or {}}, option=orjson.OPT_SORT_KEYS).decode()


def pull(settings: Mapping[str, Any], saved: str | None, context: Context) -> Iterator[tuple[Batch, str]]:
    """Yield what is new on a tracking server (``url``, ``token``, ``timeout_s``) since the saved cursor.

    Every call of the server is given up after 5 s; SourceError then says so, and the
    next pull goes on from the last cursor.
    """
    server, cursor = Server(Peer("MLflow", settings)), _Cursor.of(saved)
    experiments = server.experiments()
    rows, going = Rows("mlflow", context, TABLES), []
    newest_ms = cursor.runs_ms
    for run in server.runs(experiments, max(cursor.runs_ms - _LATE_MS, 0), cursor.running):
        add_run(run, rows)
        newest_ms = max(newest_ms, run.start_ms or 0)
        if run.end_ms is None:
            going.append(run.run_id)
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch(), cursor.text()
    cursor.runs_ms, cursor.running = newest_ms, going
    versions = server.model_versions()
    _add_versions(versions, rows)
    _add_moved_aliases(versions, cursor, context, rows)
    yield rows.batch(), cursor.text()
    for traces, last_ms in server.traces(experiments, max(cursor.traces_ms - _LATE_MS, 0)):
        cursor.traces_ms = max(cursor.traces_ms, last_ms)
        yield _trace_batch(traces, context), cursor.text()


def _add_moved_aliases(versions: list[ModelVersion], cursor: _Cursor, context: Context, rows: Rows) -> None:
    now = {f"{version.model}@{alias}": version for version in versions for alias in version.aliases}
    before = cursor.aliases
    for key, version in now.items():
        if before is not None and before.get(key) != version.version:
            alias = key.removeprefix(f"{version.model}@")
            add_alias_move(version, alias, before.get(key), context.received_ns, rows)
    cursor.aliases = {key: version.version for key, version in now.items()}


def check(settings: Mapping[str, Any]) -> str:
    """Return one line on the tracking server, or raise SourceError."""
    server = Server(Peer("MLflow", settings))
    version, experiments = server.version(), server.experiments()
    if not version:
        raise SourceError(f"What answers at {settings.get('url')} names no MLflow version; is it a tracking server?")
    return f"MLflow {version}: {len(experiments)} experiments"


SOURCE = Source(
    name="mlflow",
    title="MLflow",
    doc="Runs with parameters, metrics and the data they read, model versions, registry moves, traces.",
    reads=(*(table.name for table in TABLES), SPANS.name),
    recognise=recognise,
    read=read,
    pull=pull,
    check=check,
)
