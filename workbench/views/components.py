"""The widgets as Panel components: the same ES modules, the same names of values."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import panel as pn
import param
import traitlets
from panel.custom import AnyWidgetComponent

from workbench_widgets.board import Board

_PARAMETERS: dict[type[Any], type[Any]] = {
    traitlets.Unicode: param.String,
    traitlets.Dict: param.Dict,
    traitlets.List: param.List,
    traitlets.Int: param.Integer,
    traitlets.Float: param.Number,
    traitlets.Bool: param.Boolean,
    traitlets.Bytes: param.Bytes,
}
"""Kind of a widget's value -> kind of a component's."""


def kind_of(board: type[Board]) -> type[AnyWidgetComponent]:
    """Return the component class of a widget class: its module, and a parameter for each value that it draws."""
    # anywidget gives each instance a class of its own; the one that names the module is the widget's.
    home = next(kind for kind in board.__mro__ if isinstance(vars(kind).get("_esm"), str))
    found: type[AnyWidgetComponent] = _made(home.__name__, cast("Any", home))
    return found


@cache
def _made(name: str, board: Any) -> type[AnyWidgetComponent]:
    drawn = {n for kind in board.__mro__ if issubclass(kind, Board) for n in vars(kind)}
    traits = {n: trait for n, trait in board.class_traits(sync=True).items() if n in drawn and n[0] != "_"}
    parameters = {n: _PARAMETERS[type(trait)](default=trait.default()) for n, trait in traits.items()}
    return type(f"{name}Component", (AnyWidgetComponent,),
                {"_esm": vars(board)["_esm"], "__doc__": f"Show {name} in Panel.", **parameters})  # fmt: skip


def component(board: Board) -> pn.viewable.Viewable:
    """Return a Panel component that follows a widget; what is done there reaches the widget and its listeners."""
    made = kind_of(type(board))(**board.state(), sizing_mode="stretch_width")

    # One answer is one message: a front end that gets part of it would draw that.
    def told(values: dict[str, Any]) -> None:
        made.param.update(**values)

    board.follow(told)
    for name in board.state():
        made.param.watch(lambda event: board.set_trait(event.name, event.new), name)
    return made
