"""What can be done about the causes that stand: fix, rollback and guard of their failure signatures, to copy."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from workbench import plugins
from workbench.apps import Screen
from workbench.apps.page import Page, render
from workbench.case.human import cause_key
from workbench.case.render import render as as_line
from workbench.model.findings import Cause
from workbench.report.words import share

_MOST = 3


def screen(page: Page) -> Markup:
    """Return an option for each of the first three causes that nobody rejected; nothing is run from here."""
    case = page.required()
    standing = [c for c in case.causes if cause_key(c) not in case.state.rejected]
    options = [_option(c) for c in standing if c.kind in plugins.names("signature")][:_MOST]
    return render("act.html.j2", page, options=options, check=as_line("scope", {}))


def _option(cause: Cause) -> dict[str, Any]:
    signature = plugins.load("signature", cause.kind)
    explains = cause.factors.get("explains")
    effect = "Unknown: nobody can say what share of the harm it accounts for."
    if explains is not None:
        effect = f"Accounts for about {share(explains)} of the symptom; as much should go, if it is the cause."
    way = len(cause.path)
    touched = f"{way} entities on its way to the symptom" if way > 1 else "no path to the symptom is known"
    text = (f"{signature.title}: {cause.entity}\nWhy: {cause.statement}\nFix: {signature.fix}\n"
            f"Roll back: {signature.rollback}\nGuard: {signature.guard}")  # fmt: skip
    return {"cause": cause, "signature": signature, "effect": effect, "reach": touched, "text": text}


SCREEN = Screen(8, "Act", screen)
