"""The widgets as Panel components: the same ES modules, the same names of values."""

from __future__ import annotations

import panel as pn
import param
from panel.custom import AnyWidgetComponent

from workbench_widgets.board import module
from workbench_widgets.causes import Causes
from workbench_widgets.contrast import Contrast


class CausesComponent(AnyWidgetComponent):
    """Show the cause board in Panel."""

    _esm = module("causes")
    title = param.String("")
    caption = param.String("")
    theme = param.String("")
    action = param.Dict({})
    said = param.Dict({})
    causes = param.List([])


class ContrastComponent(AnyWidgetComponent):
    """Show the contrast table in Panel."""

    _esm = module("contrast")
    title = param.String("")
    caption = param.String("")
    theme = param.String("")
    action = param.Dict({})
    said = param.Dict({})
    rows = param.List([])


def component(board: Causes | Contrast) -> pn.viewable.Viewable:
    """Return a Panel component that follows a widget; what is clicked there reaches the widget's listeners."""
    kind = CausesComponent if isinstance(board, Causes) else ContrastComponent
    made = kind(**board.state(), sizing_mode="stretch_width")
    for name in board.state():
        if name != "action":
            board.observe(lambda change: made.param.update(**{change["name"]: change["new"]}), names=name)
    made.param.watch(lambda event: board.set_trait("action", event.new), "action")
    return made
