"""Machines and GPUs: the verdict in words, their figures, and where requests ran."""

from __future__ import annotations

from markupsafe import Markup

from workbench.apps import Screen, boards
from workbench.apps.page import Page, render
from workbench.apps.screens._drawn import of_machines
from workbench.case.case import Case
from workbench.views.lane_lines import answers

_PLACES = ["service", "host", "gpu", "model_version", "region"]
_MOST_PLACES = 12


def screen(page: Page) -> Markup:
    """Return the machines of a case, or why they could not be asked."""
    case = page.required()
    outcome = case.outcomes.get("hardware")
    why = outcome.could_not_run if outcome else "The playbook's question about machines and GPUs has not run."
    charts = page.kept.piece(case, "machines", lambda: of_machines(case))
    places = page.kept.piece(case, "places", lambda: _busiest(case))
    board = page.kept.piece(case, "devices", lambda: boards.devices(case, page.theme), theme=page.theme)
    return render("gpu.html.j2", page, why=why, board=boards.shown(board, page.token),
                  summary=outcome.summary if outcome else "", found=outcome.findings if outcome else (),
                  charts=charts, places=places,
                  places_head=["service", "host", "gpu", "model version", "region", "requests", "failed"])  # fmt: skip


def _busiest(case: Case) -> list[list[str]]:
    """Return where most requests ran, as far as is frozen."""
    for frame in answers(case, "span_places"):
        known = frame[_PLACES].fillna("unknown").astype(str)
        sums = known.assign(requests=frame["n"], errors=frame["errors"]).groupby(_PLACES, as_index=False).sum()
        top = sums.sort_values("requests", ascending=False, kind="stable").head(_MOST_PLACES)
        return [[*(str(v) for v in row[:-2]), f"{int(row[-2]):,}", f"{int(row[-1]):,}"]
                for row in top.itertuples(index=False)]  # fmt: skip
    return []


SCREEN = Screen(6, "GPU", screen)
