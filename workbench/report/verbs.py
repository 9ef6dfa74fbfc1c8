"""What reports add to a case: ``case.postmortem()``; a view changes no state, so the journal stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.case.case import Case

if TYPE_CHECKING:
    from workbench.report.postmortem import Postmortem


def postmortem(case: Case, out: str | Path | None = None) -> Postmortem:
    """Replay the case and write its postmortem into *out*, by default ``postmortems/`` in the store."""
    # Templates and notebooks take a moment to import; opening a bench does not need them.
    from workbench.report.postmortem import write_postmortem

    return write_postmortem(case, out)


def attach() -> None:
    """Give every case the verbs."""
    Case.postmortem = postmortem  # type: ignore[attr-defined]
