"""Verify the bytes of a case: identity, journal chain, head, results, evidence; nothing is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.case import files, shared_files
from workbench.case.bundle import Bundle
from workbench.case.canonical import plain, sha256
from workbench.case.identity import identity
from workbench.case.journal import GENESIS, Entry, Head, check_witness, parse_entry, parse_head
from workbench.errors import IntegrityError, UsageError, WorkbenchError


@dataclass(frozen=True)
class Mismatch:
    """Name one place that is not what was recorded."""

    place: str
    """File, or entry with its line of Python."""
    value: str
    recorded: Any
    found: Any
    entry: int | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.value} recorded {_short(self.recorded)}, found {_short(self.found)}"

    def plain(self) -> dict[str, Any]:
        """Return the mismatch in plain values."""
        return {"place": self.place, "value": self.value, "recorded": plain(self.recorded), "found": plain(self.found),
                "entry": self.entry}  # fmt: skip


@dataclass
class Verified:
    """Hold what could be read of a case, and what is wrong with it."""

    case_id: str
    bundle: Bundle
    entries: list[Entry] = field(default_factory=list)
    """Entries up to the first damaged one."""
    head: Head | None = None
    total: int = 0
    """Entries that there should be."""
    whole: bool = True
    """False when the journal could not be read to its end."""
    mismatches: list[Mismatch] = field(default_factory=list)
    unknown_files: list[str] = field(default_factory=list)
    """Files that belong to no entry: reports and the like; they are never read."""


def verify(folder: Path) -> Verified:
    """Return every file of the case that is not the one that was written, by name."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; a case is a folder with {files.CASE} in it.")
    found = Verified(folder.name, Bundle(folder))
    with files.locked_if_writable(folder):
        _verify_head(folder, found)
        _verify_identity(folder, found)
        _verify_manifest(found)
        _verify_journal(folder, found)
        _verify_results(folder, found)
        _verify_evidence(folder, found)
        for name, recorded, seen in shared_files.changed(folder):
            found.mismatches.append(Mismatch(name, "SHA-256", recorded, seen))
    found.unknown_files = sorted(_unknown(folder, found))
    return found


def _verify_head(folder: Path, found: Verified) -> None:
    try:
        found.head = parse_head((folder / files.HEAD).read_bytes())
        found.total = found.head.length
    except (OSError, IntegrityError) as error:
        found.mismatches.append(Mismatch(files.HEAD, "content", "as written", _why(error)))


def _verify_identity(folder: Path, found: Verified) -> None:
    try:
        found.case_id = str(identity(folder)["id"])
    except WorkbenchError as error:
        found.mismatches.append(Mismatch(files.CASE, "content", "as written", _why(error)))
        return
    content = sha256((folder / files.CASE).read_bytes())
    if found.head and content != found.head.case_sha256:
        found.mismatches.append(Mismatch(files.CASE, "SHA-256", found.head.case_sha256, content))


def _verify_manifest(found: Verified) -> None:
    try:
        found.bundle.refresh()
    except (OSError, IntegrityError) as error:
        found.mismatches.append(Mismatch(files.MANIFEST, "content", "as written", _why(error)))
        return
    content = found.bundle.manifest_sha256
    if found.head and content not in (found.head.manifest_sha256, found.head.next):
        found.mismatches.append(Mismatch(files.MANIFEST, "SHA-256", found.head.manifest_sha256, content))


def _verify_journal(folder: Path, found: Verified) -> None:
    try:
        *lines, torn = (folder / files.JOURNAL).read_bytes().split(b"\n")
    except OSError as error:
        found.whole = False
        found.mismatches.append(Mismatch(files.JOURNAL, "content", "as written", _why(error)))
        return
    found.total = max(found.total, len(lines))
    prev = GENESIS
    for seq, content in enumerate(lines):
        try:
            entry = parse_entry(content, seq, prev)
        except IntegrityError as error:
            found.whole = False
            found.mismatches.append(Mismatch(f"{files.JOURNAL} entry {seq}", "content", "as written", _why(error), seq))
            return
        found.entries.append(entry)
        prev = entry.hash
    if torn and not (found.head and found.head.next):
        found.whole = False
        place = f"{files.JOURNAL} entry {len(lines)}"
        found.mismatches.append(Mismatch(place, "content", "a whole line", f"{len(torn)} bytes", len(lines)))
        return
    _verify_length(folder, found, prev)


def _verify_length(folder: Path, found: Verified, last: str) -> None:
    head, length = found.head, len(found.entries)
    if head is not None and (head.length, head.hash) != (length, last):
        interrupted = length == head.length + 1 and head.next == last
        if not interrupted:
            found.whole = False
            value = "number of entries" if head.length != length else "last hash"
            recorded, seen = (head.length, length) if head.length != length else (head.hash, last)
            found.mismatches.append(Mismatch(files.JOURNAL, value, recorded, seen))
    try:
        check_witness(folder.parent / files.WITNESS, found.case_id, tuple(found.entries))
    except IntegrityError as error:
        found.whole = False
        found.mismatches.append(Mismatch(files.JOURNAL, "entries", f"as {files.WITNESS} saw them", _why(error)))


def _verify_results(folder: Path, found: Verified) -> None:
    for entry in found.entries:
        name = files.result_name(entry.seq)
        content = _digest(folder / name)
        if content != entry.result_sha256:
            found.mismatches.append(Mismatch(name, "SHA-256", entry.result_sha256, content, entry.seq))


def _verify_evidence(folder: Path, found: Verified) -> None:
    for item in found.bundle.frozen:
        content = _digest(folder / item.file)
        if content != item.sha256:
            found.mismatches.append(Mismatch(item.file, "SHA-256", item.sha256, content))


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes())
    except OSError as error:
        return _why(error)


def _unknown(folder: Path, found: Verified) -> Iterator[str]:
    known = {files.CASE, files.JOURNAL, files.HEAD, files.LOCK, files.MANIFEST}
    known |= {files.result_name(e.seq) for e in found.entries} | {f.file for f in found.bundle.frozen}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in known:
            yield name


def _why(error: Exception) -> str:
    return f"{error.strerror}" if isinstance(error, OSError) else str(error)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
