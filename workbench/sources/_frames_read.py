"""Tables of one's own as Arrow record batches: Parquet, CSV, and tables of DuckDB and SQLite files."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from workbench.errors import SourceError, UsageError
from workbench.sources import Rejection

ROWS_AT_ONCE = 65_536
_PARQUET_MAGIC, _DUCKDB_MAGIC, _SQLITE_MAGIC = b"PAR1", b"DUCK", b"SQLite format 3\x00"
_DELIMITERS = ",;\t|"


@dataclass
class Own:
    """A table of one's own: its columns, its rows in pieces, what its file says about itself."""

    name: str
    columns: list[str]
    batches: Iterator[pa.RecordBatch]
    metadata: dict[str, str]
    is_text: bool
    """True for CSV: every cell is text, and what is a number shows only when it is read."""
    rejections: list[Rejection]


def opened(path: Path | str) -> Own:
    """Open a Parquet or CSV file, or a table as ``duckdb:FILE#TABLE`` or ``sqlite:FILE#TABLE``."""
    if isinstance(path, str) and path.startswith(("duckdb:", "sqlite:")):
        file, _, table = path.partition(":")[2].removeprefix("///").partition("#")
        return _duckdb(Path(file), table) if path.startswith("duckdb:") else _sqlite(Path(file), table)
    path = Path(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be opened: {error.strerror}.") from error
    if start.startswith(_PARQUET_MAGIC):
        return _parquet(path)
    if start[8:12] == _DUCKDB_MAGIC:
        return _duckdb(path, "")
    if start.startswith(_SQLITE_MAGIC):
        return _sqlite(path, "")
    return _csv(path)


def _parquet(path: Path) -> Own:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path.name} is no whole Parquet file: {error}") from error
    kept = file.schema_arrow.metadata or {}
    metadata = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in kept.items()}

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            with closing(file):
                yield from file.iter_batches(ROWS_AT_ONCE)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{path.name} cannot be read further: {error}") from error

    return Own(path.name, file.schema_arrow.names, batches(), metadata, False, [])


def _csv(path: Path) -> Own:
    rejections: list[Rejection] = []

    def refuse(row: pa_csv.InvalidRow) -> str:
        reason = f"row has {row.actual_columns} cells, not {row.expected_columns}"
        rejections.append(Rejection.of(reason, f"{path.name}:{row.number or '?'}", (row.text or "").encode()))
        return "skip"

    names, delimiter = _header(path)
    parse = pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse)
    texts = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
    )
    try:
        reading = pa_csv.ReadOptions(block_size=4 * 2**20, use_threads=False, column_names=names, skip_rows=1)
        reader = pa_csv.open_csv(pa.input_stream(str(path), "detect"), reading, parse, texts)
    except pa.ArrowException as error:
        raise SourceError(f"{path.name} is no CSV file that can be read: {error}") from error

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except pa.ArrowException as error:
            raise SourceError(f"{path.name} cannot be read further as CSV: {error}") from error

    return Own(path.name, names, batches(), {}, True, rejections)


def _header(path: Path) -> tuple[list[str], str]:
    """Return the names of the first line and what stands between them; equal names get a number."""
    with pa.input_stream(str(path), "detect") as stream:
        start = stream.read(2**20)
    first = start.decode("utf-8-sig", "replace").split("\n", 1)[0].rstrip("\r")
    if not first.strip() or "\x00" in first:
        raise SourceError(f"{path.name} is no CSV file: its first line names no columns.")
    delimiter = max(_DELIMITERS, key=first.count)
    names: list[str] = []
    try:
        cells = next(csv.reader([first], delimiter=delimiter))
    except csv.Error as error:
        raise SourceError(f"{path.name} is no CSV file: its first line cannot be read ({error}).") from error
    for number, cell in enumerate(cells):
        name = cell.strip() or f"column_{number + 1}"
        names.append(name if name not in names else f"{name}_{number + 1}")
    return names, delimiter


def _duckdb(path: Path, table: str) -> Own:
    import duckdb

    if not path.is_file():
        raise SourceError(f"There is no DuckDB file {path.name}.")
    try:
        connection = duckdb.connect(str(path), read_only=True, config={"enable_external_access": "false"})
        known = [str(name) for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        chosen = connection.sql(f"SELECT * FROM {_one_of(known, table, path)}")
        reader = cast(pa.RecordBatchReader, chosen.to_arrow_reader(ROWS_AT_ONCE))
    except duckdb.Error as error:
        raise SourceError(f"{path.name} cannot be read as a DuckDB file: {error}") from error

    def batches() -> Iterator[pa.RecordBatch]:
        with closing(connection):
            yield from reader

    return Own(f"{path.name}#{table}", reader.schema.names, batches(), {}, False, [])


def _sqlite(path: Path, table: str) -> Own:
    if not path.is_file():
        raise SourceError(f"There is no SQLite file {path.name}.")
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    try:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        cursor = connection.execute(f"SELECT * FROM {_one_of([str(n) for (n,) in found], table, path)}")
    except sqlite3.Error as error:
        connection.close()
        raise SourceError(f"{path.name} cannot be read as a SQLite file: {error}") from error
    names = [str(column[0]) for column in cursor.description]

    def batches() -> Iterator[pa.RecordBatch]:
        with closing(connection):
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                cells = [[None if cell is None else str(cell) for cell in column] for column in zip(*rows, strict=True)]
                yield pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in cells], names)

    return Own(f"{path.name}#{table}", names, batches(), {}, True, [])


def _one_of(known: list[str], table: str, path: Path) -> str:
    """Return a table's quoted name; the only one where none is named."""
    wanted = table or (known[0] if len(known) == 1 else "")
    if wanted not in known:
        raise UsageError(f"{path.name} holds the tables {', '.join(sorted(known)) or 'none'}; write FILE#TABLE.")
    return '"' + wanted.replace('"', '""') + '"'
