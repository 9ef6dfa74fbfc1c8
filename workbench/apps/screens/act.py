"""What can be done about the causes that stand: simulate, approve, run or copy, and verify by the same check."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from workbench import plugins
from workbench.apps import Screen
from workbench.apps.page import Page, render
from workbench.apps.roles import allows
from workbench.case.case import Case
from workbench.case.human import cause_key
from workbench.case.operations import Outcome
from workbench.case.render import render as as_line
from workbench.hooks.acting import Approval, approvals
from workbench.hooks.planning import forbidden, offered
from workbench.model.findings import Cause
from workbench.model.window import iso
from workbench.report.words import share

_MOST = 3


def screen(page: Page) -> Markup:
    """Return an option for each of the first three causes that nobody rejected, and what became of approvals."""
    case = page.required()
    standing = [c for c in case.causes if cause_key(c) not in case.state.rejected]
    options = [_option(page, c) for c in standing if c.kind in plugins.names("signature")][:_MOST]
    done = approvals(case)
    checks = [(e.arguments["since"], case.outcome(e.seq)) for e in case.state.in_force if e.operation == "check_fix"]
    return render("act.html.j2", page, options=options, approvals=[(a, _may_run(page, a)) for a in done],
                  since=_since(case, done), checks=checks[::-1], act=page.settings.act)  # fmt: skip


def _option(page: Page, cause: Cause) -> dict[str, Any]:
    signature = plugins.load("signature", cause.kind)
    explains = cause.factors.get("explains")
    effect = "Unknown: nobody can say what share of the harm it accounts for."
    if explains is not None:
        effect = f"Accounts for about {share(explains)} of the symptom; as much should go, if it is the cause."
    way = len(cause.path)
    touched = f"{way} entities on its way to the symptom" if way > 1 else "no path to the symptom is known"
    text = (f"{signature.title}: {cause.entity}\nWhy: {cause.statement}\nFix: {signature.fix}\n"
            f"Roll back: {signature.rollback}\nGuard: {signature.guard}")  # fmt: skip
    key = cause_key(cause)
    hooks = [(h, allows(page.role, "admin" if h.role == "admin" else "responder"))
             for h in offered(page.settings.hooks, cause.kind)]  # fmt: skip
    never = forbidden(page.settings.act, cause.kind, cause.entity)
    return {"cause": cause, "key": key, "signature": signature, "effect": effect, "reach": touched, "text": text,
            "hooks": hooks, "never": never, "simulated": _simulated(page.required(), key)}  # fmt: skip


def _simulated(case: Case, key: str) -> Outcome | None:
    found = [e for e in case.state.in_force if e.operation == "simulate" and e.arguments["cause"] == key]
    return case.outcome(found[-1].seq) if found else None


def _may_run(page: Page, approval: Approval) -> bool:
    hook = next((h for h in page.settings.hooks if h.name == approval.hook), None)
    needed = hook is None or hook.role == "admin"
    return page.may_write and approval.state == "waiting" and allows(page.role, "admin" if needed else "responder")


def _since(case: Case, done: list[Approval]) -> str:
    """Return from when on a fix would show: the end of the newest successful run, else the end of the selection."""
    ended = next((a.ended for a in done if a.state == "succeeded"), "")
    return ended or (iso(case.symptom.window.end_ns) if case.symptom else "")


def check_line(since: str) -> str:
    """Return the check as Python."""
    return as_line("check_fix", {"since": since})


SCREEN = Screen(8, "Act", screen)
