"""Run the playbook's automatic steps on a case, in order."""

from __future__ import annotations

from collections.abc import Callable

from workbench import plugins
from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.playbook import Step

Progress = Callable[[str, int, int], None]
"""Called with the step that comes next, how many are done, and how many there are."""


def steps() -> tuple[tuple[str, Step], ...]:
    """Return the automatic steps by name, in the order in which they are asked; ties by name."""
    found = plugins.load_all("step").items()
    return tuple(sorted(found, key=lambda pair: (pair[1].number, pair[0])))


def order(named: tuple[tuple[str, Step], ...]) -> tuple[str, ...]:
    """Return the names in the order in which they run: the scope first, since the others look at its onset."""
    names = [name for name, _ in named]
    first = [name for name in ("scope",) if name in names]
    return (*first, *(name for name in names if name not in first))


def investigate(case: Case, progress: Progress | None = None) -> dict[str, Outcome]:
    """Run every automatic step and return the outcomes by name.

    A step without its sources says so and the others go on.
    """
    names = order(steps())
    outcomes: dict[str, Outcome] = {}
    for place, name in enumerate(names):
        if progress is not None:
            progress(name, place, len(names))
        outcomes[name] = case.call(name)
    if progress is not None:
        progress("done", len(names), len(names))
    return outcomes
