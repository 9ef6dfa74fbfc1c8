"""The journal: append-only, hash-chained entries, and the head that stands outside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.case import files
from workbench.case.canonical import dumps, loads, sha256
from workbench.case.operations import Mode
from workbench.errors import IntegrityError

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


@dataclass(frozen=True)
class Entry:
    """One call of one operation, chained to the entry before it."""

    seq: int
    time: str
    """ISO 8601, UTC."""
    who: str
    operation: str
    mode: Mode
    arguments: Mapping[str, Any]
    inputs: Mapping[str, str | None]
    """What was read: evidence id, ``symptom``, ``rejected`` or ``earlier:<name>`` -> digest."""
    result: str
    """Digest of the outcome's canonical form, floats rounded to nine digits."""
    result_sha256: str
    """SHA-256 of the result file's bytes."""
    prev: str
    hash: str = ""

    def sealed(self) -> Entry:
        """Return the entry with its own hash, over everything else in it."""
        return Entry(**{**asdict(self), "hash": sha256(dumps({k: v for k, v in asdict(self).items() if k != "hash"}))})

    def line(self) -> bytes:
        """Return the entry as one line of canonical JSON."""
        return dumps(asdict(self))


@dataclass(frozen=True)
class Head:
    """Length and last hash of the journal, and digests of the files that it does not name."""

    length: int
    hash: str
    state: str
    """State hash after the last entry."""
    case_sha256: str
    manifest_sha256: str
    next: str = ""
    """Digest of the entry or manifest that is being written; so an interrupted write is told from tampering."""

    def content(self) -> bytes:
        """Return the file's bytes, which hold their own digest."""
        return dumps({**asdict(self), "self": sha256(dumps(asdict(self)))})


def parse_head(content: bytes) -> Head:
    """Return the head of a file's bytes; raise `IntegrityError` if they were changed."""
    try:
        fields = loads(content)
        own = fields.pop("self")
        head = Head(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError(f"{files.HEAD} is damaged: {error}.") from error
    if sha256(dumps(fields)) != own:
        raise IntegrityError(f"{files.HEAD} was changed: its own digest does not match.")
    return head


def parse_entry(line: bytes, seq: int, prev: str) -> Entry:
    """Return the entry of one line; raise `IntegrityError` naming it when it is not the one that was written."""
    place = f"{files.JOURNAL} entry {seq}"
    try:
        entry = Entry(**loads(line))
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"{place} is damaged: {error}.") from error
    if entry.seq != seq:
        raise IntegrityError(f"{place}: an entry numbered {entry.seq!r} stands in its place.")
    if entry.prev != prev:
        raise IntegrityError(f"{place} does not follow the entry before it: the chain is broken.")
    if entry.sealed().hash != entry.hash:
        raise IntegrityError(f"{place} was changed: its hash does not match.")
    return entry


class Journal:
    """Read and append one case's entries; only what was added since the last look is read again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / files.JOURNAL
        self._entries: list[Entry] = []
        self._offset = 0
        self.torn_bytes = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries as of the last `refresh`."""
        return tuple(self._entries)

    @property
    def last_hash(self) -> str:
        """Hash of the last entry, which the next one names."""
        return self._entries[-1].hash if self._entries else GENESIS

    def refresh(self) -> None:
        """Read entries that were added since; `torn_bytes` is then the length of a half-written last line."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            content = file.read()
        *lines, torn = content.split(b"\n")
        for line in lines:
            self._entries.append(parse_entry(line, len(self._entries), self.last_hash))
            self._offset += len(line) + 1
        self.torn_bytes = len(torn)

    def append(self, entry: Entry) -> None:
        """Append a sealed entry; the caller holds the lock and has refreshed."""
        if self.torn_bytes:
            self._cut_torn_line()
        files.append_line(self._path, entry.line())
        self._entries.append(entry)
        self._offset += len(entry.line()) + 1

    def _cut_torn_line(self) -> None:
        """Remove the half-written last line that an interrupted append left."""
        self.torn_bytes = 0
        with self._path.open("r+b") as file:
            file.truncate(self._offset)

    def check_head(self, head: Head) -> None:
        """Raise `IntegrityError` unless the journal ends where the head says, or one interrupted append later."""
        length, last = len(self._entries), self.last_hash
        if (length, last) == (head.length, head.hash):
            return
        if length == head.length + 1 and head.next == last and self._entries[-1].prev == head.hash:
            return
        if length < head.length:
            raise IntegrityError(f"{files.JOURNAL} was cut: {length} entries; {files.HEAD} says {head.length}.")
        raise IntegrityError(f"{files.JOURNAL} holds {length} entries ending in {last[:12]}, "
                             f"yet {files.HEAD} says {head.length} ending in {head.hash[:12]}.")  # fmt: skip


def check_witness(path: Path, case_id: str, entries: tuple[Entry, ...]) -> None:
    """Raise `IntegrityError` if the record beside the cases speaks of entries that this journal lacks."""
    if not path.exists():
        return
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            seen = json.loads(line)
            length, last, named = int(seen["length"]), seen["hash"], seen["case"]
        except (ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"{path.name} line {number} is damaged: {error}.") from error
        if named != case_id or not length:
            continue
        if length > len(entries):
            raise IntegrityError(f"{files.JOURNAL} was cut: it holds {len(entries)} entries, {path.name} saw {length}.")
        if entries[length - 1].hash != last:
            raise IntegrityError(f"{files.JOURNAL} entry {length - 1} is not the one that {path.name} saw.")
