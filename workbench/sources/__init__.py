"""Sources: one outside system a file, each turning what it sends into rows of declared tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Context:
    """Carry what every row is stamped with."""

    environment: str
    place: str
    """File name, or the sender's address."""
    received_ns: int


@dataclass(frozen=True)
class Rejection:
    """Describe one thing that could not be read."""

    reason: str
    place: str
    length: int
    sha256: str
    content: bytes | None = None
    """Kept only where it decoded, so that it can be masked."""

    @classmethod
    def of(cls, reason: str, place: str, content: bytes) -> Rejection:
        """Describe undecodable bytes by length and digest only."""
        return cls(reason, place, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Batch:
    """Hold rows read together: declared table name to rows, and what was rejected."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True)
class Head:
    """Show a file's name and its first 64 KiB, inflated, so that a source can recognise it."""

    name: str
    start: bytes


@dataclass(frozen=True)
class Source:
    """Describe one outside system: how its files are recognised and read, how it is pulled and checked."""

    name: str
    title: str
    doc: str
    reads: tuple[str, ...]
    """Declared tables that it fills."""
    recognise: Callable[[Head], float]
    """0: not mine; 1: certainly mine."""
    read: Callable[[BinaryIO | Path, Context], Iterator[Batch]]
    """Stream a file, already inflated; a Path where the format needs one (a folder, a database)."""
    pull: Callable[[Mapping[str, Any], str | None, Context], Iterator[tuple[Batch, str]]] | None = None
    """Ask a live system: settings and saved cursor in, batches out, each with the cursor after it."""
    check: Callable[[Mapping[str, Any]], str] | None = None
    """Return one line on a reachable system, or raise SourceError."""
