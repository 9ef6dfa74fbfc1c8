"""What views add to a case: ``case.widget("lineage")``; looking changes no state, so the journal stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from workbench.case.case import Case

if TYPE_CHECKING:
    from workbench_widgets.board import Board

Kind = Literal["stepper", "causes", "contrast", "lineage", "timeline", "waterfall"]


def widget(case: Case, kind: Kind = "stepper") -> Board:
    """Return a widget over the case, shown where it is the last line of a cell; its clicks are entries of the case.

    *kind* is stepper (the playbook), causes, contrast, lineage, timeline or waterfall.
    """
    # ipywidgets takes a moment to import; opening a bench does not need it.
    from workbench.errors import UnknownNameError
    from workbench.views import bind, bind_lineage, bind_requests, bind_steps, bind_timeline

    kinds = {
        "causes": bind.causes,
        "contrast": bind_requests.contrast,
        "lineage": bind_lineage.lineage,
        "stepper": bind_steps.stepper,
        "timeline": bind_timeline.timeline,
        "waterfall": bind_requests.waterfall,
    }
    if kind not in kinds:
        raise UnknownNameError("widget", kind, kinds)
    return kinds[kind](case)


def attach() -> None:
    """Give every case the verb."""
    Case.widget = widget  # type: ignore[attr-defined]
