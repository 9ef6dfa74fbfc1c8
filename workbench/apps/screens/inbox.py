"""Every case in short, the most urgent first; an empty store says how to send something."""

from __future__ import annotations

from markupsafe import Markup

from workbench.apps import Screen
from workbench.apps.page import Page, render


def screen(page: Page) -> Markup:
    """Return the inbox."""
    return render("inbox.html.j2", page)


SCREEN = Screen(1, "Inbox", screen)
