"""``case.started(approval)``: what was approved begins to run; written before it does, so that it runs once at most."""

from __future__ import annotations

from workbench.case.operations import Operation, Outcome


def run(_: object, approval: int) -> Outcome:
    """Say that the run approved by entry *approval* begins; nothing is run by this entry, on replay neither."""
    return Outcome(values={"approval": approval}, summary=f"Started what entry {approval} approved.")


OPERATION = Operation("started", "action", run, run.__doc__ or "")
