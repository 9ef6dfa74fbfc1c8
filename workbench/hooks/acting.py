"""Plan, approve, run: three entries of the journal, of which only the run reaches out of the case, and once."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.config import Settings
from workbench.errors import UsageError
from workbench.hooks import Plan, Ran, planning, running


@dataclass(frozen=True)
class Approval:
    """Say what became of an approval: waiting, running (or interrupted), succeeded or failed."""

    seq: int
    hook: str
    cause: str
    steps: tuple[str, ...]
    who: str
    time: str
    state: str
    said: str = ""
    ended: str = ""
    """When the run ended, ISO 8601 UTC; empty before."""


def prepare(case: Case, settings: Settings, cause: str, hook: str) -> Plan:
    """Return exactly what *hook* would do against *cause* (``kind entity``) now; nothing is run or journaled."""
    chosen = next((h for h in settings.hooks if h.name == hook), None)
    if chosen is None:
        known = ", ".join(h.name for h in settings.hooks) or "none"
        raise UsageError(f"The settings have no hook {hook!r}; they have: {known}.")
    kind, _, entity = cause.partition(" ")
    return planning.plan(chosen, settings.act, case_id=case.id, kind=kind, entity=entity)


def approve(case: Case, plan: Plan) -> int:
    """Journal that exactly this plan may run once; return the number of the entry."""
    case.call("approve", plan.cause, plan.hook, plan.digest, list(plan.steps))
    return max(e.seq for e in case.entries if e.operation == "approve" and e.arguments["plan"] == plan.digest)


def act(case: Case, settings: Settings, approval: int) -> Ran:
    """Run what entry *approval* allows; a second run, or a plan that has changed since, is refused."""
    entry = _approved(case, approval)
    given = entry.arguments
    plan = prepare(case, settings, given["cause"], given["hook"])
    if plan.digest != given["plan"]:
        raise UsageError(f"What {given['hook']} would do is no longer what was approved; now: {plan.words}. Approve it "
                         "anew.")  # fmt: skip
    chosen = next(h for h in settings.hooks if h.name == plan.hook)
    before = case.length()
    case.call("started", approval)
    case.refresh()
    if not any(e.operation == "started" and e.arguments["approval"] == approval for e in case.entries[before:]):
        raise UsageError(f"Entry {approval} was run already; approve it anew to run it again.")
    ran = running.run(chosen, plan)
    case.call("acted", approval, ran.succeeded, ran.said)
    return ran


def approvals(case: Case) -> list[Approval]:
    """Return every approval of a case and what became of it, the newest first."""
    begun = {e.arguments["approval"] for e in case.entries if e.operation == "started"}
    ended = {e.arguments["approval"]: e for e in case.entries if e.operation == "acted"}
    taken_back = {e.seq for e in case.entries} - {e.seq for e in case.state.in_force}
    found = []
    for entry in case.entries:
        if entry.operation != "approve":
            continue
        end = ended.get(entry.seq)
        state = "waiting" if entry.seq not in begun else "running or interrupted"
        if entry.seq in taken_back and entry.seq not in begun:
            state = "taken back"
        if end is not None:
            state = "succeeded" if end.arguments["succeeded"] else "failed"
        a = entry.arguments
        found.append(Approval(entry.seq, a["hook"], a["cause"], tuple(a["steps"]), entry.who, entry.time, state,
                              end.arguments["said"] if end else "", end.time if end else ""))  # fmt: skip
    return found[::-1]


def _approved(case: Case, approval: int) -> Entry:
    case.refresh()
    entry = case.entries[approval] if 0 <= approval < case.length() else None
    if entry is None or entry.operation != "approve":
        raise UsageError(f"Entry {approval} approves nothing; approve what is to run first.")
    if entry not in case.state.in_force:
        raise UsageError(f"Approval {approval} was taken back; approve it anew.")
    if any(e.operation == "started" and e.arguments["approval"] == approval for e in case.entries):
        raise UsageError(f"Entry {approval} was run already; approve it anew to run it again.")
    return entry
