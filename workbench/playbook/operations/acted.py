"""``case.acted(approval, succeeded, said)``: how an approved run ended."""

from __future__ import annotations

from workbench.case.operations import Operation, Outcome


def run(_: object, approval: int, succeeded: bool, said: str) -> Outcome:  # noqa: FBT001 - a journaled fact
    """Say how the run approved by entry *approval* ended and what it answered; never run again on replay."""
    word = "Succeeded" if succeeded else "Failed"
    return Outcome(values={"approval": approval, "succeeded": succeeded, "said": said},
                   summary=f"{word}: {said.splitlines()[0] if said else 'no answer'}")  # fmt: skip


OPERATION = Operation("acted", "action", run, run.__doc__ or "", slot=lambda a: f"acted:{a['approval']}")
