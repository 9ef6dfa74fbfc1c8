"""What reports add to a case: ``case.postmortem()`` and ``case.share()``; a view leaves the journal as it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.case.case import Case

if TYPE_CHECKING:
    from workbench.report.postmortem import Postmortem
    from workbench.report.share import Preview, Shared


def postmortem(case: Case, out: str | Path | None = None) -> Postmortem:
    """Replay the case and write its postmortem into *out*, by default ``postmortems/`` in the store."""
    # Templates and notebooks take a moment to import; opening a bench does not need them.
    from workbench.report.postmortem import write_postmortem

    return write_postmortem(case, out)


def share(
    case: Case, to: str | Path | None = None, *, mask: str | Iterable[str] = (), audience: str = "responder"
) -> Shared | Preview:
    """Hand the case on, masked, as a folder or a zip file; without *to*, say how many values would be masked.

    *audience* is responder, viewer (no people, no addresses) or outside (no hosts either); *mask* names further
    values, or ``key:NAME`` for all values of a key.
    """
    from workbench.report import share as sharing

    if to is None:
        return sharing.preview(case, mask=mask, audience=audience)
    return sharing.share(case, to, mask=mask, audience=audience)


def attach() -> None:
    """Give every case the verbs."""
    Case.postmortem = postmortem  # type: ignore[attr-defined]
    Case.share = share  # type: ignore[attr-defined]
