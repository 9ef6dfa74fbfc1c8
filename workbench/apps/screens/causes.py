"""Ranked causes: what the confidence is made of, what speaks for and against, and rejecting one with a reason."""

from __future__ import annotations

from markupsafe import Markup

from workbench.apps import Screen
from workbench.apps.page import Page, render
from workbench.apps.panel_page import placed
from workbench.case.human import cause_key


def screen(page: Page) -> Markup:
    """Return the causes of a case, best first, rejected ones marked."""
    case = page.required()
    causes = [{"cause": cause, "key": cause_key(cause)} for cause in case.causes]
    known = {item["key"] for item in causes}
    gone = [(name, reason) for name, reason in case.state.rejected.items() if name not in known]
    board = placed(page.token, "causes", height=120 + 150 * min(len(causes), 4)) if page.token and causes else None
    return render("causes.html.j2", page, board=board, causes=causes, rejected=case.state.rejected, gone=gone)


SCREEN = Screen(7, "Causes", screen)
