"""The evidence bundle: frozen answers as Parquet files, and a manifest with their digests."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.case import files
from workbench.case.canonical import dumps, loads, sha256
from workbench.errors import IntegrityError, UnknownNameError
from workbench.model.findings import Evidence

_ROW_GROUP_ROWS = 122_880


@dataclass(frozen=True)
class Frozen:
    """One line of the manifest: a query, its arguments and the file that holds the answer."""

    id: str
    query: str
    arguments: Mapping[str, Any]
    sha256: str
    rows: int

    @property
    def file(self) -> str:
        """Path inside the case."""
        return f"{files.EVIDENCE}/{self.id}.parquet"

    @property
    def evidence(self) -> Evidence:
        """What findings point to."""
        return Evidence(self.id, question(self.query, self.arguments), self.file, self.sha256, self.rows)


def question(query: str, arguments: Mapping[str, Any]) -> str:
    """Return a query and its arguments as one readable line."""
    return f"{query}({', '.join(f'{name}={value!r}' for name, value in sorted(arguments.items()))})"


class Bundle:
    """Keep the frozen answers of one case; the same query and arguments are the same evidence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._frozen: dict[str, Frozen] = {}
        self._by_question: dict[bytes, Frozen] = {}
        self._manifest = b""

    @property
    def frozen(self) -> tuple[Frozen, ...]:
        """Everything frozen, in order."""
        return tuple(self._frozen.values())

    @property
    def evidence(self) -> dict[str, Evidence]:
        """Every piece of evidence by its id."""
        return {name: item.evidence for name, item in self._frozen.items()}

    @property
    def manifest_sha256(self) -> str:
        """Digest of the manifest as last read or written."""
        return sha256(self._manifest)

    def refresh(self) -> None:
        """Read the manifest again if another process has written it."""
        content = (self._folder / files.MANIFEST).read_bytes()
        if content == self._manifest:
            return
        try:
            frozen = [Frozen(**item) for item in loads(content)]
        except (ValueError, TypeError) as error:
            raise IntegrityError(f"{files.MANIFEST} is damaged: {error}.") from error
        for number, item in enumerate(frozen, start=1):
            # Ids become paths: none but the expected ones is ever opened.
            if item.id != f"E{number}":
                raise IntegrityError(f"{files.MANIFEST} names {item.id!r} where E{number} must stand.")
        self._frozen = {item.id: item for item in frozen}
        self._by_question = {_key(item.query, item.arguments): item for item in frozen}
        self._manifest = content

    def find(self, query: str, arguments: Mapping[str, Any]) -> Frozen | None:
        """Return what was frozen for this query and these arguments."""
        return self._by_question.get(_key(query, arguments))

    def prepare(self, query: str, arguments: Mapping[str, Any], answer: pa.Table) -> tuple[Frozen, bytes]:
        """Return the next line of the manifest for an answer, and the bytes of its file."""
        content = parquet(answer)
        name = f"E{len(self._frozen) + 1}"
        return Frozen(name, query, dict(arguments), sha256(content), answer.num_rows), content

    def keep(self, item: Frozen, content: bytes) -> None:
        """Write a prepared answer and the manifest; the caller holds the lock and has refreshed."""
        files.write_whole(self._folder / item.file, content)
        self._frozen[item.id] = self._by_question[_key(item.query, item.arguments)] = item
        self._manifest = manifest(self.frozen)
        files.write_whole(self._folder / files.MANIFEST, self._manifest)

    def read(self, name: str) -> pa.Table:
        """Return a frozen answer after checking its bytes; raise `IntegrityError` if they changed."""
        if name not in self._frozen:
            raise UnknownNameError("evidence", name, self._frozen)
        item = self._frozen[name]
        try:
            content = (self._folder / item.file).read_bytes()
        except OSError as error:
            raise IntegrityError(f"{item.file} cannot be read: {error.strerror}.") from error
        if sha256(content) != item.sha256:
            raise IntegrityError(f"{item.file} was changed: its SHA-256 is not the one in {files.MANIFEST}.")
        return pq.read_table(io.BytesIO(content))


def manifest(frozen: tuple[Frozen, ...]) -> bytes:
    """Return the bytes of a manifest."""
    return dumps([{"id": f.id, "query": f.query, "arguments": f.arguments, "sha256": f.sha256, "rows": f.rows}
                  for f in frozen])  # fmt: skip


def parquet(table: pa.Table) -> bytes:
    """Return a table as Parquet; equal tables give equal bytes however they are chunked."""
    sink = io.BytesIO()
    whole = pa.concat_tables([table]).combine_chunks()
    pq.write_table(whole, sink, compression="zstd", version="2.6", row_group_size=_ROW_GROUP_ROWS)
    return sink.getvalue()


def frame(table: pa.Table) -> pd.DataFrame:
    """Return an answer as a frame: integers and truth values with gaps stay exact in nullable types, maps are dicts."""
    gaps = {field.name for field, column in zip(table.schema, table.columns, strict=True) if column.null_count}
    result = table.to_pandas(maps_as_pydicts="strict", integer_object_nulls=True)
    for field in table.schema:
        if field.name not in gaps:
            continue
        if pa.types.is_integer(field.type):
            result[field.name] = result[field.name].astype("Int64")
        elif pa.types.is_boolean(field.type):
            result[field.name] = result[field.name].astype("boolean")
    return result


def _key(query: str, arguments: Mapping[str, Any]) -> bytes:
    return dumps({"query": query, "arguments": dict(arguments)})
