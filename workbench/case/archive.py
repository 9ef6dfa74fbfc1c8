"""A case as one zip file, and back; nothing in an archive reaches outside the folder it is opened into."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

from workbench.case import files
from workbench.case.verify import verify
from workbench.errors import IntegrityError, UsageError

_NAME = re.compile(
    rf"{re.escape(files.CASE)}|{re.escape(files.JOURNAL)}|{re.escape(files.HEAD)}|{re.escape(files.MANIFEST)}"
    r"|results/\d{6,9}\.json|evidence/E\d{1,9}\.parquet"
)
_EPOCH = (1980, 1, 1, 0, 0, 0)
MAX_BYTES = 4 << 30
"""Greatest size of a case's files together, inflated."""


def pack(folder: str | Path, archive: str | Path) -> Path:
    """Write a case as a zip file, equal bytes for equal cases; a case that was changed is refused."""
    folder, archive = Path(folder), Path(archive)
    verified = verify(folder)
    if verified.mismatches:
        raise IntegrityError(f"{folder} is not packed: {verified.mismatches[0]}.")
    names = [files.CASE, files.JOURNAL, files.HEAD, files.MANIFEST]
    names += [files.result_name(e.seq) for e in verified.entries] + [f.file for f in verified.bundle.frozen]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name in names:
            target.writestr(zipfile.ZipInfo(name, _EPOCH), (folder / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return archive


def unpack(archive: str | Path, folder: str | Path) -> Path:
    """Open a packed case into a new folder and return it; only a case's own files are ever written.

    Raise `UsageError` for a folder that is not empty, `IntegrityError` for an
    archive with other names, links, more than 4 GiB, or changed contents.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; choose a new folder for the case.")
    try:
        with zipfile.ZipFile(archive) as source:
            members = source.infolist()
            _check(archive, members)
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
