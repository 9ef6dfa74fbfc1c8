"""An engine that asks a Spark Connect server: it reads exactly the files that one snapshot of the manifest names.

The server must see the store's files under the same paths (one machine, or shared storage). Rows that are not sealed
yet travel with the question. Nothing is written, and no partial answer is returned: an answer is whole or an error.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.errors import StoreError
from workbench.model.tables import Table
from workbench.store import resolve_portable
from workbench.store.engines.duckdb import FileGoneError, Session, Sources
from workbench.store.engines.relations import Relations
from workbench.store.engines.spark_client import Library, ibis, leave, library, stop, went_away
from workbench.store.forms import Book
from workbench.store.running import SLOW_S, CancelledError, Running

_RETRIES = {"max_retries": 2, "initial_backoff": 100, "max_backoff": 1000, "jitter": 0}
"""How a call is tried again, in ms; the client's own policy would hang for ten minutes where nobody listens."""
_CHANNEL = [("grpc.use_local_subchannel_pool", 1)]
"""A new channel to a server that was started again does not wait until the old one's patience is over."""
_CACHED_SETS = 64
"""Sets of files whose views are kept on the server."""
_JOURNAL_BYTES = 32 * 2**20
"""Rows not sealed yet that are sent along; more of them would not fit in one message."""
_JOURNALS_BYTES = 4 * _JOURNAL_BYTES
"""Of such rows, what is kept on the server for the next question."""
_INLINE_ROWS = 64
"""Rows of a caller that are written into the question; more of them are sent beside it."""
_TYPES = {
    "text": "STRING", "json": "STRING", "int": "BIGINT", "time_ns": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN",
    "texts": "MAP<STRING, STRING>", "numbers": "MAP<STRING, DOUBLE>",
}  # fmt: skip
_SQL_SENT = {pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.string(): "STRING"}
_FILE_GONE = ("PATH_NOT_FOUND", "FILE_NOT_EXIST", "No such file", "NotFound", "FileNotFound")


class EngineUnreachableError(StoreError):
    """Say that the server does not answer, or stopped while it worked; the same question can be asked again."""


@dataclass(frozen=True)
class EngineState:
    """Say what answers, and how fast it answers nothing."""

    name: str
    version: str
    latency_ms: float


class SparkEngine:
    """Answer portable queries through one Spark Connect server."""

    name = "spark"
    unable: frozenset[str] = frozenset()
    """Queries it cannot answer although they have a portable expression: none."""

    def __init__(self, address: str, *, place: Callable[[str], str] = str) -> None:
        """Take ``sc://host:port``, and where the server finds a file of here; nothing is connected yet."""
        self._place = place
        self._url, self.address = address, address.partition(";")[0].rstrip("/")
        self._session: Any = None
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._files: dict[tuple[str, ...], str] = {}
        self._journals: dict[tuple[int, ...], tuple[str, int]] = {}
        self.book = Book("pyspark", compiled)

    def answer(self, session: Session, portable: Callable[..., Any], arguments: Mapping[str, Any]) -> pa.Table:
        """Run one portable query over one snapshot of the store; rows come back in the query's order."""
        with self.speaking() as spark:
            tables = _Relations(self, spark, session)
            try:
                sql, form = tables.sql(portable(tables, **arguments))
                rows = self._fetched(spark, sql, session.question)
                if session.question.seconds >= SLOW_S:
                    plan = str(spark.sql(f"EXPLAIN {sql}").toArrow().column(0)[0])
                    session.question.plan = lambda: plan
            finally:
                if self._session is spark:
                    tables.forget()
        return rows.select(form.answer.names).cast(form.answer)

    def state(self) -> EngineState:
        """Return the server's version and the median time of three empty questions; StoreError where it is away."""
        with self.speaking() as spark:
            version, times = str(spark.version), []
            for _ in range(3):
                before = time.perf_counter()
                spark.sql("SELECT 1 AS one").toArrow()
                times.append(time.perf_counter() - before)
        return EngineState(self.name, version, sorted(times)[1] * 1e3)

    def close(self) -> None:
        """Leave the server's session, if it still stands."""
        with self._lock:
            spark, self._session = self._session, None
            self._forget_views()
        if spark is not None:
            leave(spark)

    def files_view(self, spark: Any, declared: Table, files: tuple[str, ...]) -> str:
        """Return the server's view of exactly these files."""
        with self._lock:
            known = self._files.get(files)
        if known is not None:
            return known
        name = self.new_name("files")
        ddl = ", ".join(f"`{c.name}` {_TYPES[c.type]}" for c in declared)
        spark.read.schema(ddl).parquet(*map(self._place, files)).createOrReplaceTempView(name)
        with self._lock:
            self._files[files] = name
            old = self._files.pop(next(iter(self._files))) if len(self._files) > _CACHED_SETS else None
        if old is not None:
            spark.catalog.dropTempView(old)
        return name

    def journal_view(self, spark: Any, rows: pa.Table, entries: tuple[int, ...]) -> str:
        """Return the server's view of rows that are not sealed yet; those of the same entries are sent once."""
        with self._lock:
            known = self._journals.get(entries)
        if known is not None:
            return known[0]
        name = self.new_name("journal")
        spark.createDataFrame(_sendable(rows)).createOrReplaceTempView(name)
        old: list[str] = []
        with self._lock:
            self._journals[entries] = name, rows.nbytes
            while len(self._journals) > _CACHED_SETS or sum(n for _, n in self._journals.values()) > _JOURNALS_BYTES:
                old.append(self._journals.pop(next(iter(self._journals)))[0])
        for view in old:
            spark.catalog.dropTempView(view)
        return name

    def _forget_views(self) -> None:
        self._files.clear()
        self._journals.clear()

    def _fetched(self, spark: Any, sql: str, question: Running) -> pa.Table:
        """Return a question's rows, or leave it at once when it is stopped, whatever the server does about it."""
        tag, over, share, said = self.new_name("question"), threading.Event(), [0.0], []

        def heard(stages: Any, **_: Any) -> None:
            if tasks := sum(stage.num_tasks for stage in stages or ()):
                share[0] = sum(stage.num_completed_tasks for stage in stages) / tasks

        def fetch() -> None:
            try:
                spark.addTag(tag)
                said.append(spark.sql(sql).toArrow())
            except (library().PySparkException, library().RpcError, ValueError, UserWarning) as error:
                said.append(error)
            finally:
                over.set()

        question.engine, question.cancel, question.share = "spark", over.set, lambda: share[0]
        spark.registerProgressHandler(heard)
        threading.Thread(target=fetch, name="question of a server", daemon=True).start()
        over.wait()
        spark.removeProgressHandler(heard)
        if said and isinstance(said[0], pa.Table):
            return said[0]
        if said:
            raise said[0]
        self._abandon(spark, tag)
        raise CancelledError("The question was stopped while the server worked.")

    def _abandon(self, spark: Any, tag: str) -> None:
        """Leave a session behind with the question that was stopped in it; the next question opens a new one."""
        with self._lock:
            self._session = None
            self._forget_views()
        threading.Thread(target=stop, args=(spark, tag), name="stop a question", daemon=True).start()

    def new_name(self, what: str) -> str:
        """Return a view's name that no other question of this session uses."""
        return f"workbench_{what}_{next(self._numbers)}"

    @contextmanager
    def speaking(self) -> Iterator[Any]:
        """Lend the server's session; what goes wrong there is a StoreError in words."""
        client = library()
        try:
            yield self._connected(client)
        except (client.PySparkException, client.RpcError) as error:
            raise self._in_words(error, client) from error

    def _connected(self, client: Library) -> Any:
        with self._lock:
            if self._session is None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    channel = client.DefaultChannelBuilder(self._url, _CHANNEL)
                    session = client.SparkSession.builder.channelBuilder(channel).create()
                session.client.set_retry_policies([client.DefaultPolicy(**_RETRIES)])
                self._session = session
                session.sql("SELECT 1 AS one").toArrow()
            return self._session

    def _in_words(self, error: Exception, client: Library) -> StoreError:
        details = re.search(r'details = "([^"]*)"', str(error))
        text = details[1] if details else str(error)
        text = " ".join(text.split())[:400] if str(error).strip() else type(error).__name__
        if went_away(error, client):
            with self._lock:
                self._session = None
                self._forget_views()
            return EngineUnreachableError(
                f"The Spark Connect server {self.address} does not answer, or stopped while it worked: {text}. "
                "No rows were taken from it. Ask again when it is up."
            )
        if any(mark in str(error) for mark in _FILE_GONE):
            return FileGoneError(
                f"A segment went away while the server read it, or the server cannot see it: {text}. "
                "Ask again; if it repeats, check that the store's folder has the same path there."
            )
        return StoreError(f"The Spark Connect server {self.address} refused the question: {text}.")


class _Relations(Relations):
    """The tables of one question: its select over views of files, and of rows that are sent and live as long as it."""

    def __init__(self, engine: SparkEngine, spark: Any, session: Session) -> None:
        """Take whom to ask over which view of the store."""
        super().__init__(session, engine.book)
        self._engine, self._spark = engine, spark
        self._views: list[str] = []

    def forget(self) -> None:
        """Drop the views; a server that is gone has dropped them already."""
        client = library()
        try:
            for view in self._views:
                self._spark.catalog.dropTempView(view)
        except (client.PySparkException, client.RpcError):
            self._views.clear()

    def _given(self, rows: pa.Table) -> str:
        types = {f.name: _SQL_SENT[f.type] for f in rows.schema}
        if not rows.num_rows:
            # The client refuses to send a table without rows.
            nothing = ", ".join(f"CAST(NULL AS {type_}) AS `{name}`" for name, type_ in types.items())
            return f"SELECT * FROM (SELECT {nothing}) WHERE false"
        if rows.num_rows > _INLINE_ROWS:
            return f"SELECT * FROM {self._sent(rows)}"
        columns = ", ".join(f"CAST({name} AS {type_}) AS {name}" for name, type_ in types.items())
        # ``inf`` and digits alone are read as what they are only from a text.
        said = [[self._literal(None if v is None else str(v)) for v in row.values()] for row in rows.to_pylist()]
        values = ", ".join(f"({', '.join(row)})" for row in said)
        return f"SELECT {columns} FROM VALUES {values} AS given({', '.join(types)})"

    def _sent(self, rows: pa.Table) -> str:
        view = self._engine.new_name("sent")
        self._spark.createDataFrame(rows).createOrReplaceTempView(view)
        self._views.append(view)
        return view

    def _select(self, sources: Sources) -> str:
        columns = ", ".join(f"`{c.name}`" for c in sources.declared)
        parts = []
        if sources.files:
            parts.append(self._engine.files_view(self._spark, sources.declared, sources.files))
        if sources.journal is not None and sources.journal.num_rows:
            parts.append(self._engine.journal_view(self._spark, sources.journal, sources.entries))
        if not parts:
            nothing = ", ".join(f"CAST(NULL AS {_TYPES[c.type]}) AS `{c.name}`" for c in sources.declared)
            return f"SELECT {columns} FROM (SELECT {nothing}) WHERE false"
        source = " UNION ALL ".join(f"SELECT {columns} FROM {part}" for part in parts)
        source = f"(SELECT * FROM ({source}) {resolve_portable.within(sources.declared, sources.inner)})"
        if not sources.one_a_key:
            source = resolve_portable.resolved(sources.declared, source, entries)
        return f"SELECT {columns} FROM {source} {resolve_portable.within(sources.declared, sources.outer)}"


def compiled(expression: Any) -> str:
    """Return Spark's SQL for an Ibis expression, without needing Ibis's own Spark backend."""
    library_ = ibis()
    if library_.options.pyspark is None:
        # The compiler asks for an option that only the backend declares, and the backend wants an older client.
        class Options(library_.config.Config):  # type: ignore[misc,name-defined]
            treat_nan_as_null: bool = False

        library_.options.pyspark = Options()
    return str(library_.to_sql(expression, dialect="pyspark", pretty=False))


def _sendable(rows: pa.Table) -> pa.Table:
    if rows.nbytes > _JOURNAL_BYTES:
        raise StoreError(
            f"{rows.num_rows} rows ({rows.nbytes >> 20} MiB) are not sealed yet, too many to send with a question "
            f"(at most {_JOURNAL_BYTES >> 20} MiB). Seal the store, then ask again."
        )
    return rows.cast(pa.schema([f.with_nullable(True) for f in rows.schema]))


def entries(name: str) -> str:
    """Return Spark's SQL for a map's entries, which have an order where maps have none."""
    return f"map_entries({name})"
