"""A case as one zip file, and back; nothing in an archive reaches outside the folder it is opened into."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
import zlib
from pathlib import Path

from workbench.case import files, shared_files
from workbench.case.verify import verify
from workbench.errors import IntegrityError, UsageError

_NAME = re.compile(
    rf"{re.escape(files.CASE)}|{re.escape(files.JOURNAL)}|{re.escape(files.HEAD)}|{re.escape(files.MANIFEST)}"
    rf"|results/\d{{6,9}}\.json|evidence/E\d{{1,9}}\.parquet|{re.escape(shared_files.LIST)}"
    rf"|{shared_files.DOCUMENT.pattern}"
)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MARK = b"workbench-sha256 "
_SEAL_BYTES = len(_MARK) + 64
"""Length of the archive's comment: the SHA-256 of all bytes before it."""
MAX_BYTES = 4 << 30
"""Greatest size of a case's files together, inflated."""


def pack(folder: str | Path, archive: str | Path) -> Path:
    """Write a case as a zip file, equal bytes for equal cases; a case that was changed is refused.

    Documents named by the list of a shared case go along. The archive ends in the SHA-256 of all bytes before it.
    """
    folder, archive = Path(folder), Path(archive)
    verified = verify(folder)
    if verified.mismatches:
        raise IntegrityError(f"{folder} is not packed: {verified.mismatches[0]}.")
    names = [files.CASE, files.JOURNAL, files.HEAD, files.MANIFEST]
    names += [files.result_name(e.seq) for e in verified.entries] + [f.file for f in verified.bundle.frozen]
    listed = shared_files.read_list(folder)
    if listed is not None:
        names += [shared_files.LIST, *listed["documents"]]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name in names:
            target.writestr(zipfile.ZipInfo(name, _EPOCH), (folder / name).read_bytes(), zipfile.ZIP_DEFLATED)
        target.comment = _MARK + b"0" * 64
    content = archive.read_bytes()[:-_SEAL_BYTES]
    archive.write_bytes(content + _MARK + hashlib.sha256(content).hexdigest().encode())
    return archive


def check_seal(archive: Path) -> None:
    """Raise `IntegrityError` naming what was changed unless the archive ends in the SHA-256 of its other bytes."""
    content = archive.read_bytes()
    body, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
    if seal == _MARK + hashlib.sha256(body).hexdigest().encode():
        return
    raise IntegrityError(f"{archive} was changed: {_changed_member(archive)}.")


def _changed_member(archive: Path) -> str:
    """Return the first member whose bytes are not those that were packed, or the directory where all of them are."""
    try:
        with zipfile.ZipFile(archive) as source:
            for member in source.infolist():
                try:
                    source.read(member)
                except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
                    return f"{member.filename!r} cannot be read as it was packed"
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        return f"the archive's directory cannot be read ({error})"
    return "the archive's own directory or its last line, not a member"


def unpack(archive: str | Path, folder: str | Path) -> Path:
    """Open a packed case into a new folder and return it; only a case's own files are ever written.

    Raise `UsageError` for a folder that is not empty, `IntegrityError` for an
    archive with other names, links, more than 4 GiB, or changed contents.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; choose a new folder for the case.")
    if not archive.is_file():
        raise UsageError(f"There is no archive {archive}.")
    try:
        with zipfile.ZipFile(archive) as source:
            members = source.infolist()
            _check(archive, members)
            check_seal(archive)
            for member in members:
                _extract(source, member, folder)
    except zipfile.BadZipFile as error:
        raise IntegrityError(f"{archive} is no archive of a case: {error}.") from error
    (folder / files.RESULTS).mkdir(exist_ok=True)
    verified = verify(folder)
    if verified.mismatches:
        raise IntegrityError(f"{archive} was changed: {verified.mismatches[0]}.")
    return folder


def _check(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise IntegrityError(f"{archive} holds a name twice.")
    for member in members:
        is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
        if is_link or not _NAME.fullmatch(member.filename):
            raise IntegrityError(f"{archive} holds {member.filename!r}, which is no file of a case.")
    size = sum(member.file_size for member in members)
    if size > MAX_BYTES:
        raise IntegrityError(f"{archive} inflates to {size} bytes; at most {MAX_BYTES} are taken.")


def _extract(source: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    # ZipFile checks the declared size and the CRC while reading, so no more than was declared is ever written.
    with source.open(member) as packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out)
