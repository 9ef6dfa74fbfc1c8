"""A case handed on: masked for who reads it, with its documents, as a folder or as one zip file."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.case import archive, files
from workbench.case.case import Case
from workbench.case.masked_copy import Copied, look, masked_copy
from workbench.case.replay import ReplayReport
from workbench.case.share_mask import Rules, ShareMask
from workbench.case.shared_files import write_list
from workbench.errors import UsageError
from workbench.intake.key import KEY_FILE, store_key
from workbench.report.notebook import LOOKS, write_executed_notebook
from workbench.report.postmortem import write_postmortem
from workbench.report.reading_case import Masked

NotebookForm = Literal["plain", "executed"]


@dataclass(frozen=True)
class Preview:
    """Say what would be masked, by kind, before anything is written."""

    case: str
    audience: str
    masked: Mapping[str, int]

    def __str__(self) -> str:
        count = sum(self.masked.values())
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.masked.items()))
        return f"{count} value{'' if count == 1 else 's'} will be masked{f': {kinds}' if kinds else ''}"


@dataclass(frozen=True)
class Shared:
    """Name what was written, what was masked in it, and what its own replay says."""

    path: Path
    preview: Preview
    copied: Copied
    replay: ReplayReport


def preview(
    case: Case, *, mask: str | Iterable[str] = (), audience: str = "responder", key: bytes | None = None
) -> Preview:
    """Return how many different values would be masked; nothing is written."""
    masking = mask_of(case, audience, mask, key)
    look(case.path, masking)
    return Preview(case.id, audience, dict(sorted(masking.found().items())))


def share(
    case: Case,
    to: str | Path,
    *,
    mask: str | Iterable[str] = (),
    audience: str = "responder",
    notebook: NotebookForm = "plain",
    key: bytes | None = None,
) -> Shared:
    """Write the case for *audience* (responder, viewer, outside) into a new folder, or a zip file by its name.

    *mask* names further values, ``key:NAME`` for all values of a key. What is masked becomes a pseudonym, keyed by
    the store, so that equal values stay equal; the case is computed again from the masked evidence, and replays.
    Raise `UsageError` for a folder that is not empty.
    """
    to = Path(to)
    if to.suffix == ".zip":
        with tempfile.TemporaryDirectory(prefix="share-") as scratch:
            folder = Path(scratch) / "case"
            written = _written(case, folder, mask_of(case, audience, mask, key), audience, notebook)
            to.parent.mkdir(parents=True, exist_ok=True)
            archive.pack(folder, to)
        return Shared(to, *written)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} is not empty; choose a new folder or a name that ends in .zip.")
    return Shared(to, *_written(case, to, mask_of(case, audience, mask, key), audience, notebook))


def mask_of(case: Case, audience: str, mask: str | Iterable[str], key: bytes | None = None) -> ShareMask:
    """Return what masks a case for an audience, with the store's own key where none is given."""
    return ShareMask(Rules.of(audience, mask), key or _key(case))


def _written(
    case: Case, folder: Path, masking: ShareMask, audience: str, notebook: NotebookForm
) -> tuple[Preview, Copied, ReplayReport]:
    copied = masked_copy(case.path, folder, masking)
    masked = dict(sorted(masking.found().items()))
    shared = Case.open(folder, who=masking.value("who", case.who))
    written = write_postmortem(shared, folder, masked=Masked(audience, tuple(masked)))
    if notebook == "executed":
        write_executed_notebook(shared, written.notebook, looks=LOOKS)
    write_list(folder, case.id, audience, masked)
    (folder / files.LOCK).unlink(missing_ok=True)
    return Preview(case.id, audience, masked), copied, written.replay


def _key(case: Case) -> bytes:
    """Return the store's own key, so that pseudonyms join with it; a fresh one for a case that is in no store."""
    root = case.path.parent.parent
    return store_key(root) if (root / KEY_FILE).is_file() else secrets.token_bytes(32)
