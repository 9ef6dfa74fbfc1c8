"""The playbook as a stepper: what each step asks, how it stands, which one is best next, and one's own hunch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import traitlets

from workbench_widgets.board import Board, module, table

STATES = {"to do": "○", "running": "◔", "clear": "✓", "interesting": "!", "could not run": "✕", "skipped": "–"}
"""How a step stands -> its sign; the word always stands beside it."""


class Stepper(Board):
    """Show the steps of the playbook.

    A step is a dict of name, number, question, why, state (one of ``STATES``),
    summary (one sentence), cost (what running it would read, in words), reason
    (why it was skipped), took (what running it cost, in words; empty where nobody
    knows) and kind: ``step`` runs the operation of its name, ``form`` asks for the
    text of `field` first, ``view`` only shows something.
    `suggested` is a dict of step and why, or empty; `hunch` a step's name.
    """

    _esm = module("stepper")
    actions: ClassVar[tuple[str, ...]] = ("*", "skip", "hunch", "action")
    steps: traitlets.List[Any] = traitlets.List().tag(sync=True)
    suggested = traitlets.Dict().tag(sync=True)
    hunch = traitlets.Unicode("").tag(sync=True)
    running = traitlets.Unicode("").tag(sync=True)

    def __init__(self, steps: Sequence[Mapping[str, Any]], *, suggested: Mapping[str, str] | None = None,
                 hunch: str = "", title: str = "Playbook", caption: str = "") -> None:  # fmt: skip
        super().__init__(steps=[dict(step) for step in steps], suggested=dict(suggested or {}), hunch=hunch,
                         title=title, caption=caption)  # fmt: skip

    def twin(self) -> str:
        """Return the steps as a table."""
        rows = [(s["number"], f"{STATES[s['state']]} {s['state']}", s["question"], s["summary"] or s["reason"],
                 s.get("took", ""), "next" if s["name"] == self.suggested.get("step") else "")
                for s in self.steps]  # fmt: skip
        return super().twin() + table(("Step", "State", "Question", "What it said", "What it cost", ""), rows)
