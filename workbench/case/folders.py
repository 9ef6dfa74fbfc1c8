"""Folders of cases: an empty one, and a scratch copy that holds identity and evidence only."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from workbench.case import bundle as bundles
from workbench.case import files
from workbench.case.canonical import sha256
from workbench.case.journal import Head, Journal
from workbench.case.state import State


def write_empty(folder: Path, identity_bytes: bytes, manifest: bytes) -> None:
    """Write an empty journal, the given manifest and their head."""
    files.write_whole(folder / files.MANIFEST, manifest)
    files.write_whole(folder / files.JOURNAL, b"")
    head = Head(0, Journal(folder).last_hash, State().hash, sha256(identity_bytes), sha256(manifest))
    files.write_whole(folder / files.HEAD, head.content())


def scratch_copy(folder: Path) -> Path:
    """Copy identity and evidence, not the journal, into a scratch folder."""
    scratch = Path(tempfile.mkdtemp(prefix="case-")) / "case"
    (scratch / files.EVIDENCE).mkdir(parents=True)
    (scratch / files.RESULTS).mkdir()
    content = (folder / files.CASE).read_bytes()
    (scratch / files.CASE).write_bytes(content)
    known = bundles.Bundle(folder)
    known.refresh()
    for item in known.frozen:
        if (folder / item.file).is_file():
            shutil.copyfile(folder / item.file, scratch / item.file)
    write_empty(scratch, content, bundles.manifest(known.frozen))
    return scratch
