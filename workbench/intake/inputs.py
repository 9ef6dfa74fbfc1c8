"""Find what to read: paths, folders, globs, standard input and addresses that the user named; inflate on the way."""

from __future__ import annotations

import glob
import gzip
import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa

from workbench.errors import SourceError, UsageError
from workbench.sources import Head

HEAD_BYTES = 65_536
SQLITE_MAGIC = b"SQLite format 3\x00"
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_MAPPING = ".mapping.toml"
_MOST_INFLATED_BYTES = 64 * 2**30
_NAMED_SOURCE = re.compile(r"(?P<source>[a-z][a-z0-9_]*)\+(?P<url>https?://.+)")
_DATABASE_TABLE = re.compile(r"(?P<kind>duckdb):(?:///)?(?P<file>[^#]+)(?:#(?P<table>.*))?|"
                             r"(?P<kind_>sqlite):(?:///)?(?P<file_>[^#]+)#(?P<table_>.*)", re.S)  # fmt: skip
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.I)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Input:
    """One thing to read: a file, a whole folder, a database's table, standard input, or a live system."""

    kind: Literal["file", "folder", "table", "stdin", "live"]
    place: str
    """What reports and rows call it; no control characters, valid Unicode."""
    path: Path | None = None
    source: str | None = None
    url: str | None = None
    """Where a live system answers; for a table of a database, ``duckdb:FILE#TABLE`` or ``sqlite:FILE#TABLE``."""


@dataclass(frozen=True)
class Skipped:
    """One thing that is not read, and why."""

    place: str
    reason: str


def expand(
    uris: Iterable[str | Path], claims: Callable[[Head], bool], *, source: str | None = None
) -> Iterator[Input | Skipped]:
    """Yield every input below the given paths, globs and addresses, files of a folder in the order of their names.

    *claims* says whether some source reads a folder as one whole. *source* names
    the source of plain ``http(s)`` addresses; without it, and without a prefix as
    in ``mlflow+http://``, an address is refused: nothing is fetched on a guess.
    """
    for uri in uris:
        text = os.fspath(uri)
        if text == "-":
            yield Input("stdin", "stdin")
        elif isinstance(uri, str) and _is_address(text):
            yield _live(text, source)
        elif isinstance(uri, str) and (named := _DATABASE_TABLE.fullmatch(text)) and not Path(text).exists():
            yield _table(*(named[part] or named[f"{part}_"] or "" for part in ("kind", "file", "table")))
        else:
            yield from _paths(_local(text) if isinstance(uri, str) else text, claims)


def shown(name: str) -> str:
    """Return a file name as valid Unicode without control or direction characters."""
    return _CONTROLS.sub("\ufffd", os.fsencode(name).decode("utf-8", "replace"))


def _is_address(text: str) -> bool:
    return bool(re.match(r"(?:[a-z][a-z0-9_]*\+)?https?://", text, re.I)) and not Path(text).exists()


def _live(text: str, source: str | None) -> Input:
    named = _NAMED_SOURCE.fullmatch(text)
    if named is not None:
        return Input("live", shown(named["url"]), source=named["source"], url=named["url"])
    if source is None:
        raise UsageError(f"Which system answers at {shown(text)}? Name it, as in mlflow+{shown(text)}.")
    return Input("live", shown(text), source=source, url=text)


def _table(kind: str, file: str, table: str) -> Input | Skipped:
    """Return a table of a DuckDB or SQLite file; DuckDB's only one where none is named."""
    path = Path(file)
    place = shown(f"{path.name}#{table}" if table else path.name)
    found = _file(path, place) if path.exists() else Skipped(place, "no such file or folder")
    return found if isinstance(found, Skipped) else Input("table", place, path, url=f"{kind}:{file}#{table}")


def _local(text: str) -> str:
    """Return the path in ``file:`` and ``sqlite:`` addresses, any other text as it is."""
    if Path(text).exists():
        return text
    for scheme in ("sqlite:///", "file://", "sqlite:", "file:"):
        if text.lower().startswith(scheme):
            return text[len(scheme) :]
    if _SCHEME.match(text) and "://" in text:
        raise UsageError(
            f"Addresses such as {shown(text)} are not read; give a path, sqlite:///, or SOURCE+http(s)://."
        )
    return text


def _paths(text: str, claims: Callable[[Head], bool]) -> Iterator[Input | Skipped]:
    path = Path(text)
    if path.is_dir():
        yield from _folder(path, path.resolve(), shown(path.name or text), claims)
    elif path.exists():
        yield _file(path, shown(path.name))
    elif glob.has_magic(text):
        found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - absolute patterns too
        if not found:
            yield Skipped(shown(text), "no file matches")
        for match in found:
            yield from _paths(glob.escape(match) if not Path(match).exists() else match, claims)
    else:
        yield Skipped(shown(text), "no such file or folder")


def _file(path: Path, place: str) -> Input | Skipped:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Skipped(place, f"cannot be read: {error.strerror}")
    if not stat.S_ISREG(mode):
        return Skipped(place, "not a regular file")
    return Input("file", place, path)


def _folder(folder: Path, root: Path, place: str, claims: Callable[[Head], bool]) -> Iterator[Input | Skipped]:
    try:
        entries = sorted(folder.iterdir(), key=lambda p: p.name)
    except OSError as error:
        yield Skipped(place, f"cannot be read: {error.strerror}")
        return
    if claims(folder_head(folder)):
        yield Input("folder", place, folder)
        return
    for entry in entries:
        name = f"{place}/{shown(entry.name)}"
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() and (not entry.resolve().is_relative_to(root) or entry.is_dir()):
            yield Skipped(name, "a link that leads elsewhere")
        elif entry.name.endswith(_MAPPING):
            yield Skipped(name, "states the mapping of the table beside it")
        elif entry.is_dir():
            yield from _folder(entry, root, name, claims)
        else:
            yield _file(entry, name)


def folder_head(folder: Path) -> Head:
    """Return what a folder is recognised by: its name with ``/``, and the names of its entries."""
    names = sorted(shown(entry.name) for entry in folder.iterdir())
    return Head(f"{shown(folder.name)}/", "\n".join(names).encode()[:HEAD_BYTES])


def opened(path: Path, place: str) -> tuple[Head, BinaryIO]:
    """Open a file and return its head and its inflated stream, at the beginning; the caller closes the stream."""
    raw = path.open("rb")
    try:
        return inflated(raw, place)
    except BaseException:
        raw.close()
        raise


def inflated(raw: BinaryIO, place: str) -> tuple[Head, BinaryIO]:
    """Return head and stream, inflating gzip and zstd by their magic bytes, whatever the name says.

    A stream that is not compressed and can seek is handed on as it is.
    """
    start = raw.read(HEAD_BYTES)
    if start.startswith((_GZIP_MAGIC, _ZSTD_MAGIC)):
        whole = raw if _rewound(raw) else io.BufferedReader(_Joined(start, raw), HEAD_BYTES)
        stream = _inflating(start, whole)
        start = stream.read(HEAD_BYTES)
        joined = _Joined(start, stream, raw)
    elif _rewound(raw):
        return Head(_plain_name(place), start), raw
    else:
        joined = _Joined(start, raw)
    return Head(_plain_name(place), start), io.BufferedReader(joined, HEAD_BYTES)


def _rewound(raw: BinaryIO) -> bool:
    if not raw.seekable():
        return False
    raw.seek(0)
    return True


def _inflating(start: bytes, whole: BinaryIO) -> BinaryIO:
    if start.startswith(_GZIP_MAGIC):
        return cast(BinaryIO, gzip.GzipFile(fileobj=whole, mode="rb"))
    return cast(BinaryIO, pa.CompressedInputStream(whole, "zstd"))


class _Joined(io.RawIOBase):
    """Read bytes already taken, then the rest of the stream; stop where it grows beyond any honest file."""

    def __init__(self, start: bytes, rest: BinaryIO, *below: BinaryIO) -> None:
        self._start = memoryview(start)
        self._rest = rest
        self._all = (rest, *below)
        self._left = _MOST_INFLATED_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._start[: len(buffer)] or self._rest.read(len(buffer))
        self._start = self._start[len(buffer) :]
        self._left -= len(piece)
        if self._left < 0:
            raise SourceError(f"The file inflates to more than {_MOST_INFLATED_BYTES} bytes; split it.")
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        for stream in self._all:
            stream.close()
        super().close()


def _plain_name(place: str) -> str:
    base = place.rsplit("/", 1)[-1]
    for ending in (".gz", ".zst"):
        base = base.removesuffix(ending)
    return base
