"""What feeds the symptom: the path of the best lead, and an indented tree of what lies upstream."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from markupsafe import Markup

from workbench.apps import Screen, boards
from workbench.apps.facts import standing_lead
from workbench.apps.page import Page, render
from workbench.case.case import Case
from workbench.model.entities import split
from workbench.views.lane_lines import answers

_MOST = 40
_DEEPEST = 4
_HEAD = ["layer", "kind", "name", "path", "health", "what was found", "upstream not drawn", "downstream not drawn"]
_AFTERWARDS = ("check_fix", "simulate")
"""Operations whose findings are about what was done, not about what went wrong."""


@dataclass(frozen=True)
class Node:
    """One entity of the tree."""

    depth: int
    kind: str
    name: str
    onpath: bool
    own: str
    """What was found about it, or empty."""


def screen(page: Page) -> Markup:
    """Return path and tree; forty entities at most, the rest counted."""
    case = page.required()
    outcome, lead = case.outcomes.get("lineage"), standing_lead(case)
    path = lead.path if lead else ()
    drawn = page.kept.piece(case, "lineage", lambda: boards.lineage(case, page.theme), theme=page.theme)
    rows = [] if drawn else _tree(case, path)
    upstream = (outcome.values or {}).get("upstream", 0) if outcome else 0
    summary = outcome.summary if outcome else "The lineage of this case was not asked for yet."
    why = (outcome.could_not_run if outcome else "") or "Nothing upstream of the symptom is frozen in this case."
    board, twin = drawn or (None, [])
    return render("lineage.html.j2", page, board=boards.shown(board, page.token), twin=twin, head=_HEAD,
                  summary=summary, path=path, rows=rows, why=why,
                  rest=max(0, int(upstream) - len(rows) + 1) if rows else 0)  # fmt: skip


def _edges(case: Case) -> dict[str, list[str]]:
    """Return what is directly upstream of each entity: by lineage, columns, calls and the paths of causes."""
    above: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for cause in case.causes:
        for lower, upper in zip(cause.path[1:], cause.path, strict=False):
            above[lower][upper] = None
    for frame in answers(case, "lineage_edges"):
        for upper, lower in zip(frame["upstream"], frame["downstream"], strict=True):
            above[str(lower)][str(upper)] = None
    for frame in answers(case, "service_edges"):
        for caller, callee in zip(frame["caller"], frame["callee"], strict=True):
            above[f"service:{caller}"][f"service:{callee}"] = None
    return {lower: list(uppers) for lower, uppers in above.items()}


def _tree(case: Case, path: tuple[str, ...]) -> list[Node]:
    if case.symptom is None:
        return []
    above = _edges(case)
    said = {f.entity: f.statement for n, o in case.outcomes.items() if n not in _AFTERWARDS
            for f in o.findings if f.state == "interesting"}  # fmt: skip
    seen: set[str] = set()
    rows: list[Node] = []

    def walk(entity: str, depth: int) -> None:
        if entity in seen or depth > _DEEPEST or len(rows) >= _MOST:
            return
        seen.add(entity)
        kind, name = split(entity)
        rows.append(Node(depth, kind, name, entity in path, said.get(entity, "")))
        for upper in sorted(above.get(entity, ()), key=lambda e: (e not in path, e)):
            walk(upper, depth + 1)

    walk(case.symptom.entity, 0)
    return rows if len(rows) > 1 else []


SCREEN = Screen(5, "Lineage", screen)
