"""The shift note in six lines, the way into a notebook, and the journal as Python."""

from __future__ import annotations

from markupsafe import Markup

from workbench.apps import Screen
from workbench.apps.address import pinned
from workbench.apps.facts import Facts, facts
from workbench.apps.page import Page, render


def screen(page: Page) -> Markup:
    """Return the hand-off of a case."""
    case = page.required()
    return render("handoff.html.j2", page, note=shift_note(facts(case)), notes=noted(page), lines=case.lines(),
                  pinned=pinned(case, "brief"))  # fmt: skip


def noted(page: Page) -> Markup:
    """Return the notes alone, everybody's, which are fetched anew as they come."""
    notes = [e for e in page.required().state.in_force if e.operation == "note"]
    return render("notes.html.j2", page, notes=notes)


def shift_note(known: Facts) -> str:
    """Return the six lines: what, since when, harm, lead, next, who."""
    lines = (
        f"{known.case_id}: {known.what}. {known.ongoing}",
        f"Since: {known.since}",
        f"Harm: {' '.join(known.harm)}",
        f"Lead: {f'{known.verdict}: ' if known.verdict else ''}{known.lead}",
        f"Next: {known.next}",
        f"Owner: {known.owner or 'nobody'}; status: {known.status}; last note: {known.note or 'none'}",
    )
    return "\n".join(" ".join(line.split()) for line in lines)


SCREEN = Screen(9, "Hand-off", screen)
