"""What views add to a case: ``case.widget("lineage")``; looking changes no state, so the journal stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from workbench.case.case import Case

if TYPE_CHECKING:
    from workbench_widgets.board import Board

Kind = Literal["stepper", "causes", "comparator", "contrast", "gpu", "lineage", "timeline", "waterfall"]


def widget(case: Case, kind: Kind = "stepper", of: str = "") -> Board:
    """Return a widget over the case, shown where it is the last line of a cell; its clicks are entries of the case.

    *kind* is stepper (the playbook), causes, comparator, contrast, gpu, lineage, timeline or waterfall. *of* names
    what it is about: the table of the comparator, a trace file of kernels of gpu, the focus of the
    lineage, the trace of the waterfall.
    """
    # ipywidgets takes a moment to import; opening a bench does not need it.
    from workbench.errors import UnknownNameError, UsageError
    from workbench.views import bind, bind_drift, bind_gpu, bind_lineage, bind_requests, bind_steps, bind_timeline

    named: dict[str, Callable[[Case, str], Board]] = {
        "comparator": bind_drift.comparator,
        "gpu": bind_gpu.gpu,
        "lineage": bind_lineage.lineage,
        "waterfall": bind_requests.waterfall,
    }
    kinds: dict[str, Callable[[Case], Board]] = {
        "causes": bind.causes,
        "comparator": bind_drift.comparator,
        "contrast": bind_requests.contrast,
        "gpu": bind_gpu.gpu,
        "lineage": bind_lineage.lineage,
        "stepper": bind_steps.stepper,
        "timeline": bind_timeline.timeline,
        "waterfall": bind_requests.waterfall,
    }
    if kind not in kinds:
        raise UnknownNameError("widget", kind, kinds)
    if of and kind not in named:
        raise UsageError(f"Only {', '.join(sorted(named))} are of something; {kind!r} shows the whole case.")
    return named[kind](case, of) if of else kinds[kind](case)


def attach() -> None:
    """Give every case the verb."""
    Case.widget = widget  # type: ignore[attr-defined]
