"""From an alert on a machine-learning system to a proven cause and a postmortem that recomputes.

>>> import workbench as wb
>>> bench = wb.open("./store")  # doctest: +SKIP
>>> case = bench.case("INC-123", alert="alert.json")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.analysis.contrast import contrast
    from workbench.analysis.rank import rank_causes
    from workbench.bench import Bench, Case
    from workbench.bench import open_bench as open  # noqa: A004 - `wb.open` is the public name
    from workbench.instrument import instrument
    from workbench.model.window import Window
    from workbench.report.show import explain, frame, plot

__all__ = ["Bench", "Case", "Window", "contrast", "explain", "frame", "instrument", "open", "plot", "rank_causes"]

_HOMES = {
    "Bench": ("workbench.bench", "Bench"),
    "Case": ("workbench.bench", "Case"),
    "Window": ("workbench.model.window", "Window"),
    "contrast": ("workbench.analysis.contrast", "contrast"),
    "explain": ("workbench.report.show", "explain"),
    "frame": ("workbench.report.show", "frame"),
    "instrument": ("workbench.instrument", "instrument"),
    "open": ("workbench.bench", "open_bench"),
    "plot": ("workbench.report.show", "plot"),
    "rank_causes": ("workbench.analysis.rank", "rank_causes"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that ``import workbench`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}; it has: {', '.join(__all__)}.")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__file__", "__name__"]
