"""Widgets in a page of the app: the same ES modules as in a notebook, with the state of a case beside them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from workbench.apps.facts import standing_lead
from workbench.apps.page import Token
from workbench.apps.panel_page import placed
from workbench.case.case import Case
from workbench.errors import UsageError
from workbench.model.entities import split
from workbench.views.lanes import around, changes_near, lanes, near

MOST_ASKS = 60


@cache
def kinds() -> frozenset[str]:
    """Return the names of the widgets that have a module."""
    from workbench_widgets.board import SHARED

    names = {f.name.removesuffix(".js") for f in files("workbench_widgets").iterdir() if f.name.endswith(".js")}
    return frozenset(names - SHARED)


@cache
def code(kind: str) -> str:
    """Return a widget's whole ES module."""
    from workbench_widgets.board import module

    return module(kind)


@dataclass(frozen=True)
class Held:
    """A widget with the state that a page without a server shows."""

    kind: str
    height: int
    """In px, kept free until it is drawn."""
    content: Markup


def shown(held: Held | None, token: Token | None) -> Markup | None:
    """Return a board's place in a visitor's page: on Panel's server where the page has a token, else with its state."""
    if held is None:
        return None
    return held.content if token is None else placed(token, held.kind, height=held.height)


def _held(board: Any, kind: str, *, theme: str, height: int) -> Held:
    state = {**board.state(), "theme": theme}
    content = json.dumps(state, default=_packed, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")
    place = '<div class="board" data-board="{}" data-height="{}"><script type="application/json">{}</script></div>'
    return Held(kind, height, Markup(place).format(kind, height, Markup(content)))


def _packed(raw: object) -> object:
    if isinstance(raw, bytes):
        return {"__bytes": base64.b64encode(raw).decode()}
    raise TypeError(f"A widget's state is plain data; got {type(raw).__name__}.")


def timeline(case: Case, theme: str) -> Held | None:
    """Return the joined timeline of what is frozen in a case; None where no lane has anything to draw."""
    from workbench_widgets.timeline import Timeline

    symptom = case.symptom
    found = near(case, lanes(case)) if symptom else ()
    if symptom is None or not found:
        return None
    lead = standing_lead(case)
    ns = [(w.start_ns, w.end_ns) for w in symptom.baseline.windows] if symptom.baseline else []
    close = [pair for pair in ns if pair[1] > around(case)[0]]
    caption = f"Selection {symptom.words()}."
    if lead is not None and lead.onset_ns is not None:
        caption += " The best lead begins before the symptom." if lead.onset_ns < symptom.window.start_ns else ""
    board = Timeline([lane.drawn() for lane in found], changes=changes_near(case), baseline=close, caption=caption)
    board.selection = [symptom.window.start_ns // 10**6, symptom.window.end_ns // 10**6]
    return _held(board, "timeline", theme=theme, height=190 + 58 * len(found))


def lineage(case: Case, theme: str) -> tuple[Held, list[list[Any]]] | None:
    """Return the lineage explorer of a case and the rows of its twin; None where no lineage is frozen."""
    from workbench.views.bind_lineage import lineage as explorer

    board = explorer(case)
    if not board.nodes:
        return None
    rows = [[n["layer"], n["kind"], split(n["name"])[1], "on the path" if n["proven"] else "", n["health"],
             n["detail"], n["hidden_up"], n["hidden_down"]]
            for n in sorted(board.nodes, key=lambda n: (n["layer"], n["row"]))]  # fmt: skip
    return _held(board, "lineage", theme=theme, height=720), rows


def devices(case: Case, theme: str) -> Held | None:
    """Return the timeline of a case's devices; None where no device's figures are frozen."""
    from workbench.views.bind_gpu import gpu

    board = gpu(case)
    if not board.lanes:
        return None
    return _held(board, "gpu", theme=theme, height=190 + 66 * len(board.lanes))


def answered(case: Case, kind: str, asked: str, theme: str) -> str:
    """Return a board's state as JSON after what a visitor has asked of it, one after the other; nothing is kept.

    *asked* is a JSON list of what the widget's own `ask` held; `UsageError` for anything else.
    """
    from workbench.views.bind_lineage import lineage as explorer

    try:
        asks = json.loads(asked)
    except ValueError as error:
        raise UsageError("What a board is asked is written as JSON.") from error
    if kind != "lineage" or not isinstance(asks, list) or not all(isinstance(a, dict) for a in asks):
        raise UsageError(f"There is no board {kind!r} that answers this.")
    board = explorer(case)
    for serial, ask in enumerate(asks[-MOST_ASKS:]):
        try:
            board.ask = {**ask, "serial": serial}
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise UsageError("The board cannot answer this.") from error
    return json.dumps({**board.state(), "theme": theme}, default=_packed, allow_nan=False)
