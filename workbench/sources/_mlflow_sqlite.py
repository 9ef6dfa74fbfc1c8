"""MLflow's sqlite file, read with the standard library.

MLflow's own client takes three seconds to import, one query per run for its inputs, and
migrates a database file that is older than itself: evidence must not be changed by being
read. The tables used here have stood since MLflow 1 (inputs: 2.4, spans: 3.2); one that is
missing is read as empty.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.errors import SourceError
from workbench.sources._json import figure, integer, mapping, parse, text
from workbench.sources._mlflow_seen import SYSTEM, DataInput, ModelVersion, Run, Sample, Trace
from workbench.sources._mlflow_traces import trace_of

_AT_ONCE = 500


class Database:
    """Read one database file, which is never written to."""

    def __init__(self, path: Path) -> None:
        """Open read-only; SourceError where it is no database of MLflow."""
        self._path = path
        self._connection = _opened(path)
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._tables = {str(name) for (name,) in names}
        if not {"runs", "experiments"} <= self._tables:
            self.close()
            raise SourceError(f"{path.name} is no MLflow database: it has no tables runs and experiments.")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def runs(self) -> Iterator[Run]:
        """Yield all runs in the order of their start, deleted ones too: what ran has run."""
        experiments = {row["experiment_id"]: text(row["name"]) for row in self._all("experiments")}
        ids = [row[0] for row in self._query("SELECT run_uuid FROM runs ORDER BY start_time, run_uuid")]
        for at in range(0, len(ids), _AT_ONCE):
            yield from self._some(ids[at : at + _AT_ONCE], experiments)

    def _some(self, ids: list[str], experiments: dict[Any, str | None]) -> Iterator[Run]:
        params, tags = self._pairs("params", ids), self._pairs("tags", ids)
        last, system = self._samples("latest_metrics", ids), self._samples("metrics", ids, only_system=SYSTEM)
        inputs = self._inputs(ids)
        for row in self._of("runs", "run_uuid", ids, order="start_time, run_uuid"):
            run_id = str(row["run_uuid"])
            yield Run(
                run_id, experiments.get(row["experiment_id"]),
                text(row.get("name")) or tags[run_id].get("mlflow.runName"), text(row["status"]),
                integer(row["start_time"]), integer(row["end_time"]), params[run_id], tags[run_id],
                tuple(last[run_id]), tuple(inputs[run_id]), tuple(system[run_id]),
            )  # fmt: skip

    def model_versions(self) -> Iterator[ModelVersion]:
        """Yield all versions of all models, oldest first."""
        aliases: dict[Any, list[str]] = defaultdict(list)
        tags: dict[Any, dict[str, str | None]] = defaultdict(dict)
        for row in self._all("registered_model_aliases"):
            aliases[row["name"], row["version"]].append(str(row["alias"]))
        for row in self._all("model_version_tags"):
            tags[row["name"], row["version"]][str(row["key"])] = text(row["value"])
        changed = {row["name"]: integer(row["last_updated_time"]) for row in self._all("registered_models")}
        oldest_first = lambda row: (row["creation_time"] or 0, row["name"], row["version"])  # noqa: E731
        for row in sorted(self._all("model_versions"), key=oldest_first):
            key = (row["name"], row["version"])
            yield ModelVersion(
                str(row["name"]), str(row["version"]), text(row["run_id"]), integer(row["creation_time"]),
                integer(row["last_updated_time"]), text(row["status"]), text(row["current_stage"]), tags[key],
                tuple(sorted(aliases[key])), changed.get(row["name"]),
            )  # fmt: skip

    def traces(self) -> Iterator[Trace]:
        """Yield all traces whose info is in the database, with the spans that are."""
        if "trace_info" not in self._tables:
            return
        ids = [row[0] for row in self._query("SELECT request_id FROM trace_info ORDER BY timestamp_ms, request_id")]
        for at in range(0, len(ids), _AT_ONCE):
            some = ids[at : at + _AT_ONCE]
            spans = defaultdict(list)
            for row in self._of("spans", "trace_id", some, order="trace_id, start_time_unix_nano, span_id"):
                spans[row["trace_id"]].append(_parsed(row["content"]))
            metadata = self._pairs("trace_request_metadata", some, key="request_id")
            tags = self._pairs("trace_tags", some, key="request_id")
            for row in self._of("trace_info", "request_id", some, order="timestamp_ms, request_id"):
                trace_id = str(row["request_id"])
                info = {"trace_id": trace_id, "trace_metadata": metadata[trace_id], "tags": tags[trace_id]}
                trace = trace_of(info, spans[trace_id])
                began = integer(row["timestamp_ms"])
                if trace is not None:
                    time_ns = None if began is None else began * 1_000_000
                    yield Trace(trace.trace_id, time_ns, trace.run_id, trace.tags, trace.spans)

    def _query(self, sql: str, arguments: tuple[Any, ...] = ()) -> list[Any]:
        try:
            with closing(self._connection.execute(sql, arguments)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise SourceError(f"{self._path.name} cannot be read as an MLflow database: {error}.") from error

    def _all(self, table: str) -> list[dict[str, Any]]:
        if table not in self._tables:
            return []
        return [dict(row) for row in self._query(f"SELECT * FROM {table}")]

    def _of(self, table: str, key: str, ids: list[str], *, order: str, where: str = "") -> list[dict[str, Any]]:
        """Return the rows that belong to *ids*; names of tables and columns are this module's own."""
        if table not in self._tables or not ids:
            return []
        marks = ", ".join("?" * len(ids))
        sql = f"SELECT * FROM {table} WHERE {key} IN ({marks}) {where} ORDER BY {order}"
        return [dict(row) for row in self._query(sql, tuple(ids))]

    def _pairs(self, table: str, ids: list[str], *, key: str = "run_uuid") -> dict[str, dict[str, str | None]]:
        found: dict[str, dict[str, str | None]] = defaultdict(dict)
        for row in self._of(table, key, ids, order=key):
            found[row[key]][str(row["key"])] = text(row["value"])
        return found

    def _samples(self, table: str, ids: list[str], *, only_system: str = "") -> dict[str, list[Sample]]:
        found: dict[str, list[Sample]] = defaultdict(list)
        # The prefix is a constant of this project's own, never input.
        where = f"AND key LIKE '{only_system}%'" if only_system else ""
        for row in self._of(table, "run_uuid", ids, order="run_uuid, key, timestamp", where=where):
            value = None if row["is_nan"] else figure(row["value"])
            found[row["run_uuid"]].append(Sample(str(row["key"]), integer(row["timestamp"]) or 0, value))
        return found

    def _inputs(self, ids: list[str]) -> dict[str, list[DataInput]]:
        only = "AND source_type = 'DATASET'"
        links = self._of("inputs", "destination_id", ids, order="destination_id, input_uuid", where=only)
        read = [link["source_id"] for link in links]
        given = {row["dataset_uuid"]: row for row in self._of("datasets", "dataset_uuid", read, order="dataset_uuid")}
        tagged = [link["input_uuid"] for link in links]
        tags: dict[str, dict[str, str | None]] = defaultdict(dict)
        for row in self._of("input_tags", "input_uuid", tagged, order="input_uuid, name"):
            tags[row["input_uuid"]][str(row["name"])] = text(row["value"])
        found: dict[str, list[DataInput]] = defaultdict(list)
        for link in links:
            dataset = given.get(link["source_id"])
            if dataset is not None and dataset["name"]:
                found[link["destination_id"]].append(DataInput(
                    str(dataset["name"]), text(dataset["digest"]), text(dataset["dataset_source"]),
                    text(dataset["dataset_schema"]), text(dataset["dataset_profile"]), tags[link["input_uuid"]],
                ))  # fmt: skip
        return found


def _opened(path: Path) -> sqlite3.Connection:
    """Open a database without writing to it: as a live one, else as a file that nobody writes to any more."""
    where = quote(str(path.absolute()))
    reason: sqlite3.Error | None = None
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"file:{where}?{mode}", uri=True, timeout=5)
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda content: content.decode("utf-8", "replace")
        try:
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as error:
            connection.close()
            reason = error
        else:
            return connection
    raise SourceError(f"{path.name} cannot be opened as a database: {reason}. Is it whole?")


def _parsed(content: object) -> Any:
    try:
        return mapping(parse(str(content).encode()))
    except ValueError:
        return {}
