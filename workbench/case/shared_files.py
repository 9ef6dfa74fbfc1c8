"""Documents that travel with a shared case, and the list of their digests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.case import files
from workbench.case.canonical import dumps, loads, sha256
from workbench.errors import IntegrityError

LIST = "share.json"
FORMAT = 1
DOCUMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,110}\.(?:html|md|ipynb|odcs\.yaml)")
"""Names that documents beside a case may have; none has a folder in it."""


def write_list(folder: Path, case_id: str, audience: str, masked: Mapping[str, int]) -> None:
    """Write the digests of the documents in *folder*, who they were made for, and how many values were masked."""
    found = {path.name: sha256(path.read_bytes()) for path in sorted(folder.iterdir())
             if path.is_file() and DOCUMENT.fullmatch(path.name)}  # fmt: skip
    content = {"format": FORMAT, "case": case_id, "audience": audience, "masked": dict(masked), "documents": found}
    files.write_whole(folder / LIST, dumps({**content, "self": sha256(dumps(content))}))


def read_list(folder: Path) -> dict[str, Any] | None:
    """Return the list of a shared case, None for a case that was never shared; raise where it was changed."""
    path = folder / LIST
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = loads(path.read_bytes())
        own = content.pop("self")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise IntegrityError(f"{LIST} is damaged: {error}.") from error
    if sha256(dumps(content)) != own:
        raise IntegrityError(f"{LIST} was changed: its own digest does not match.")
    return content


def changed(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each document that is not the one that was shared: name, recorded digest, found digest."""
    try:
        content = read_list(folder)
    except IntegrityError as error:
        yield LIST, "as written", str(error)
        return
    for name, recorded in (content or {}).get("documents", {}).items():
        try:
            found = sha256((folder / name).read_bytes()) if DOCUMENT.fullmatch(name) else "a name out of place"
        except OSError as error:
            found = str(error.strerror)
        if found != recorded:
            yield name, recorded, found
