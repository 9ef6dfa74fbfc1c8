"""Files of a case on disk: names, locks, and writes that survive a crash."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import UsageError

CASE, JOURNAL, HEAD, LOCK = "case.json", "journal.jsonl", "head.json", ".lock"
RESULTS, EVIDENCE, MANIFEST = "results", "evidence", "evidence/manifest.json"
WITNESS = "heads.jsonl"
"""Beside the cases of a store: length and head hash of each, outside the case itself."""

_CASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def checked_id(text: str) -> str:
    """Return a case id that is safe as a folder's name."""
    if not _CASE_ID.fullmatch(text) or ".." in text:
        raise UsageError(f"A case id is letters, digits, '.', '_' and '-', such as INC-123; got {text!r}.")
    return text


def result_name(seq: int) -> str:
    """Return the path of an entry's result inside the case."""
    return f"{RESULTS}/{seq:06d}.json"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the case's lock: one writer at a time, over all processes and threads."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_if_writable(folder: Path) -> Iterator[None]:
    """Hold the lock where one can be had; a case on a read-only disk has no writers to wait for."""
    if not os.access(folder, os.W_OK):
        yield
        return
    with locked(folder):
        yield


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves either the old or the new one, and return when it is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Append one line and return when it is on disk."""
    with path.open("ab") as file:
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
