"""Tables of one's own: Parquet, CSV, DuckDB and SQLite tables, entered by a declared mapping and never by a guess."""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from workbench.errors import UsageError
from workbench.model.tables import PROVENANCE, TABLES, table
from workbench.sources import Batch, Context, Head, Source
from workbench.sources._frames_guess import guess
from workbench.sources._frames_map import mapped, plan
from workbench.sources._frames_read import Own, opened

__all__ = ["SOURCE", "guess", "own_mapping", "read_mapped"]

_CSV_LINE = re.compile(rb'\s*"?[^\W\d][^,;\t|"{}<>\x00-\x08]*"?(?:[,;\t|]"?[^,;\t|"{}<>\x00-\x08]+"?)+\s*')
_PROVENANCE = {column.name for column in PROVENANCE} | {"environment"}
_METADATA_AS, _METADATA_MAP = "workbench.as", "workbench.map"
_SIDECAR = ".mapping.toml"


def recognise(head: Head) -> float:
    """Recognise Parquet and DuckDB by their magic, CSV by two lines with as many cells."""
    if head.start.startswith(b"PAR1") or head.start[8:12] == b"DUCK":
        return 0.9
    lines = head.start.split(b"\n", 2)
    if len(lines) < 2 or not _CSV_LINE.fullmatch(lines[0].removeprefix(b"\xef\xbb\xbf")):
        return 0.0
    delimiter = max(b",;\t|", key=lines[0].count)
    cells, following = lines[0].count(delimiter), lines[1].count(delimiter)
    return 0.55 if following >= cells or head.name.endswith((".csv", ".tsv")) else 0.0


def read_mapped(path: Path | str, as_table: str, mapping: Mapping[str, str], context: Context) -> Iterator[Batch]:
    """Yield a table's rows as rows of the declared table *as_table*.

    *mapping* says declared column -> own column; ``time`` stands for ``time_ns``, and a
    value that begins with ``=`` is a constant. Columns not named become features
    (predictions), numbers and texts (table_rows), or attributes. Missing required
    columns and unknown names raise UsageError before any row is read.
    """
    own = opened(path)
    made = plan(table(as_table), mapping, own)
    seen = 0
    for batch in own.batches:
        if batch.num_rows:
            found = mapped(batch, made, context)
            refused = tuple(own.rejections[seen:])
            seen = len(own.rejections)
            yield Batch(found.tables, found.rejections + refused)
    if len(own.rejections) > seen:
        yield Batch({}, tuple(own.rejections[seen:]))


def own_mapping(path: Path | str) -> tuple[str, dict[str, str]] | None:
    """Return the declared table and mapping that a file, or a database's table, states about itself, or None.

    In this order: a file ``<name>.mapping.toml`` beside it (``as = "predictions"`` and a
    table ``[map]``); the same in a Parquet file's schema metadata (``workbench.as``,
    ``workbench.map`` as ``declared=own,…``); columns that are exactly a declared table's.
    """
    if isinstance(path, Path):
        sidecar = path.with_name(path.name + _SIDECAR)
        if not sidecar.is_file():
            sidecar = path.with_name(path.name.partition(".")[0] + _SIDECAR)
        if sidecar.is_file():
            return _from_sidecar(sidecar)
    own = opened(path)
    stated = own.metadata.get(_METADATA_AS)
    if stated is not None:
        pairs = (pair.partition("=") for pair in own.metadata.get(_METADATA_MAP, "").split(",") if pair)
        return table(stated).name, {declared.strip(): column.strip() for declared, _, column in pairs}
    exact = _exact(own)
    return None if exact is None else (exact, {})


def _from_sidecar(sidecar: Path) -> tuple[str, dict[str, str]]:
    try:
        said = tomllib.loads(sidecar.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{sidecar.name} is no TOML file: {error}") from error
    pairs = said.get("map", {})
    if not isinstance(said.get("as"), str) or not isinstance(pairs, dict):
        raise UsageError(f'{sidecar.name} must say as = "TABLE" and a table [map] of declared = "own column".')
    return table(said["as"]).name, {str(declared): str(column) for declared, column in pairs.items()}


def _exact(own: Own) -> str | None:
    """Return the declared table whose columns a file has, all required ones and no other."""
    have = set(own.columns) - _PROVENANCE
    for name, declared in TABLES.items():
        columns = {column.name for column in declared.own_columns}
        required = {column.name for column in declared.own_columns if column.required}
        if required <= have <= columns and len(have) > len(columns) / 2:
            return name
    return None


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the rows of a file that states its own mapping; UsageError offers a guess for any other."""
    if isinstance(what, Path):
        yield from _read_path(what, context)
        return
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        # Parquet is read from its end, so a stream has to lie somewhere first.
        copy = Path(folder) / (re.sub(r"[^\w.-]", "_", context.place.rsplit("/", 1)[-1])[-80:] or "table")
        with copy.open("wb") as file:
            copyfileobj(what, file)
        yield from _read_path(copy, context)


def _read_path(path: Path, context: Context) -> Iterator[Batch]:
    if path.stat().st_size == 0:
        return
    stated = own_mapping(path)
    if stated is None:
        offered = guess(path)
        advice = f"--as {offered['as']} --map {offered['map']}" if "as" in offered else "--as TABLE --map DECLARED=OWN"
        raise UsageError(
            f"{path.name} is a table of one's own, which enters by a declared mapping only. "
            f"Perhaps: {advice} ({offered['because']})."
        )
    yield from read_mapped(path, stated[0], stated[1], context)


SOURCE = Source(
    name="frames",
    title="Tables (Parquet, CSV, DuckDB, SQLite)",
    doc="Tables of one's own, entered by a declared mapping: on the command line, beside the file, or inside it.",
    reads=tuple(TABLES),
    recognise=recognise,
    read=read,
)
