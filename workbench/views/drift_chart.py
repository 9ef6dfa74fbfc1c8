"""One column of the comparator as a HoloViews chart, beside the widget in Panel: it follows what is chosen there."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import panel as pn

from workbench.errors import UnknownNameError
from workbench.views.components import component
from workbench_widgets.comparator import Comparator

SIDES = ("baseline", "current")
COLOURS = {"baseline": "#0072B2", "current": "#D55E00"}
"""The tokens of the page: HoloViews draws on a canvas of its own, which reads no style sheet."""
HEIGHT = 280


def column_chart(board: Comparator, name: str) -> hv.Bars:
    """Return the paired bars of a column of the comparator: share of rows (0..1) by value, baseline and current."""
    names = [column["name"] for column in board.columns]
    if name not in names:
        raise UnknownNameError("column", name, names)
    if "bokeh" not in hv.Store.renderers:
        hv.extension("bokeh", inline=True, logo=False)
    place = names.index(name)
    column, pair = board.columns[place], board.shares(place)
    rows = [(label, side, float(share)) for side, shares in zip(SIDES, pair, strict=True)
            for label, share in zip(board.labels(place), shares, strict=True)]  # fmt: skip
    bars = hv.Bars(rows, kdims=["value", "window"], vdims=[hv.Dimension("share", label="share of rows")])
    title = f"{name}: {column['words'] or column['verdict']}"
    return bars.opts(color="window", cmap=COLOURS, multi_level=False, responsive=True, height=HEIGHT, xrotation=45,
                     title=title, tools=["hover"], backend="bokeh")  # fmt: skip


def beside(board: Comparator) -> pn.Column:
    """Return the comparator with the chart of its chosen column below, by default of its strongest evidence."""
    place = pn.Column(sizing_mode="stretch_width")

    def redraw(_: Any = None) -> None:
        names = [column["name"] for column in board.columns if column["n"]]
        chosen = board.chosen if board.chosen in names else next(iter(names), "")
        if not chosen:
            place[:] = []
            return
        chart = column_chart(board, chosen)
        place[:] = [pn.pane.HoloViews(chart, sizing_mode="stretch_width")]  # type: ignore[no-untyped-call]

    redraw()
    # A brush changes columns many times a second; the chart follows what has settled, or what is chosen.
    board.observe(redraw, names=["chosen", "said"])
    return pn.Column(component(board), place, sizing_mode="stretch_width")
