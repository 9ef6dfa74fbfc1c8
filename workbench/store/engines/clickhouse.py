"""An experimental engine: ClickHouse in this process (chdb), over exactly the files that one snapshot names.

It answers the same portable expressions as a Spark Connect server does. Its own rules differ without a word where SQL
leaves them open, so it is nobody's default; ``docs/scale.md`` lists which queries are equal and what the others do.
"""

from __future__ import annotations

import functools
import importlib
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import StoreError
from workbench.store import resolve_portable
from workbench.store.engines.duckdb import Session, Sources
from workbench.store.engines.relations import Relations
from workbench.store.engines.spark import EngineState
from workbench.store.engines.spark_client import ibis
from workbench.store.forms import Book

_TYPES = {
    "text": "Nullable(String)", "json": "Nullable(String)", "int": "Nullable(Int64)", "time_ns": "Nullable(Int64)",
    "float": "Nullable(Float64)", "bool": "Nullable(Bool)", "texts": "Map(String, Nullable(String))",
    "numbers": "Map(String, Nullable(Float64))",
}  # fmt: skip
"""A map cannot be null there: a null one is read as an empty one."""
_SENT = {pa.int64(): "int", pa.float64(): "float", pa.string(): "text"}
_SETTINGS = {
    # What standard SQL says where ClickHouse has ways of its own.
    "aggregate_functions_null_for_empty": 1, "cast_keep_nullable": 1, "join_use_nulls": 1,
    "union_default_mode": "'ALL'", "input_format_parquet_allow_missing_columns": 0, "prefer_column_name_to_alias": 1,
    "use_variant_as_common_type": 0, "session_timezone": "'UTC'",
}  # fmt: skip


UNABLE = frozenset({
    "build_profiles", "column_edges", "evaluation_scores", "flag_evaluations", "null_history", "prediction_sample",
    "row_repeats", "row_sample", "volume_history",
})  # fmt: skip
"""Queries whose expressions it has no function for, or whose types it cannot bring together: DuckDB answers them."""
_SAMPLED = {"quantile": "quantileExactInclusive", "quantileIf": "quantileExactInclusiveIf"}
"""Its plain quantile keeps a sample of 8,192 values and says nothing about it."""


class ClickHouseEngine:
    """Answer portable queries in this process; ClickHouse allows one session of it a process."""

    name = address = "clickhouse"
    unable = UNABLE

    def __init__(self) -> None:
        """Load nothing yet."""
        self._lock = threading.Lock()
        self.book = Book("clickhouse", compiled)

    def answer(self, session: Session, portable: Callable[..., Any], arguments: Mapping[str, Any]) -> pa.Table:
        """Run one portable query over one snapshot of the store; StoreError where ClickHouse refuses it."""
        with self._lock, tempfile.TemporaryDirectory() as folder:
            tables = _Relations(session, self.book, Path(folder))
            sql, form = tables.sql(portable(tables, **arguments))
            return self.query(sql, "ArrowTable").select(form.answer.names).cast(form.answer)

    def query(self, sql: str, shape: str = "CSV") -> Any:
        """Run one statement; rows of *shape* ``ArrowTable`` come back as such."""
        try:
            return _session().query(sql, shape)
        except ImportError as error:
            raise StoreError(f"ClickHouse in this process needs what is not installed ({error}): chdb.") from error
        except RuntimeError as error:
            raise StoreError(f"ClickHouse refused the question: {' '.join(str(error).split())[:400]}.") from error

    def state(self) -> EngineState:
        """Return ClickHouse's version and the median time of three empty questions."""
        with self._lock:
            version, times = str(self.query("SELECT version() AS v", "ArrowTable").column(0)[0]), []
            for _ in range(3):
                before = time.perf_counter()
                self.query("SELECT 1 AS one", "ArrowTable")
                times.append(time.perf_counter() - before)
        return EngineState(self.name, version, sorted(times)[1] * 1e3)

    def close(self) -> None:
        """Keep what ClickHouse holds: the process's one session may be another store's too."""


@functools.cache
def _session() -> Any:
    """Return the one session that ClickHouse allows a process, with the settings of this engine."""
    session = importlib.import_module("chdb.session").Session()
    for name, value in _SETTINGS.items():
        session.query(f"SET {name} = {value}")
    return session


class _Relations(Relations):
    """The tables of one question, as selects over its files."""

    def __init__(self, session: Session, book: Book, folder: Path) -> None:
        """Take the view of the store, and a folder for rows that are in no file."""
        super().__init__(session, book)
        self._folder = folder

    def _given(self, rows: pa.Table) -> str:
        return f"SELECT * FROM {_file([self._written(rows)], {f.name: _SENT[f.type] for f in rows.schema})}"

    def _written(self, rows: pa.Table) -> str:
        path = self._folder / f"{uuid.uuid4().hex}.parquet"
        pq.write_table(rows, path, store_schema=False)
        return str(path)

    def _select(self, sources: Sources) -> str:
        types = {c.name: c.type for c in sources.declared}
        files = list(sources.files)
        if sources.journal is not None:
            files.append(self._written(sources.journal))
        if not files:
            nothing = ", ".join(f"CAST({_nothing(t)} AS {_TYPES[t]}) AS `{n}`" for n, t in types.items())
            return f"SELECT * FROM (SELECT {nothing}) WHERE false"
        source = f"(SELECT * FROM {_file(files, types)} {resolve_portable.within(sources.declared, sources.inner)})"
        if not sources.one_a_key:
            source = resolve_portable.resolved(sources.declared, source, _entries)
        columns = ", ".join(f"`{name}`" for name in types)
        return f"SELECT {columns} FROM {source} {resolve_portable.within(sources.declared, sources.outer)}"


def compiled(expression: Any) -> str:
    """Return ClickHouse's SQL for an Ibis expression; StoreError where there is no word for a part of it."""
    library = ibis()
    try:
        return _exact(str(library.to_sql(expression, dialect="clickhouse", pretty=False)))
    except library.common.exceptions.IbisError as error:
        raise StoreError(f"ClickHouse has no word for a part of this question: {error}.") from error


def _exact(sql: str) -> str:
    """Return SQL with exact, interpolated quantiles; texts and quoted names are left as they are."""
    tokens = importlib.import_module("sqlglot").tokenize(sql, read="clickhouse")
    for token in reversed(tokens):
        exact = _SAMPLED.get(token.text)
        if exact is not None and token.token_type.name == "VAR":
            sql = f"{sql[: token.start]}{exact}{sql[token.end + 1 :]}"
    return sql


def _nothing(type_: str) -> str:
    return "map()" if type_ in {"texts", "numbers"} else "NULL"


def _file(paths: list[str], types: Mapping[str, str]) -> str:
    """Return SQL that reads exactly these files, as columns of declared types."""
    shape = ", ".join(f"`{name}` {_TYPES[type_]}" for name, type_ in types.items())
    parts = [f"SELECT * FROM file({_quoted(path)}, Parquet, {_quoted(shape)})" for path in paths]
    return f"({' UNION ALL '.join(parts)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _entries(name: str) -> str:
    return f"arrayZip(mapKeys({name}), mapValues({name}))"
