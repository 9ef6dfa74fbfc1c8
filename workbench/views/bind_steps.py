"""The playbook's stepper over a case: running, skipping and hunches are entries; the suggestion follows them."""

from __future__ import annotations

from typing import Any

from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.case.timings import Took
from workbench.playbook.runner import steps
from workbench.playbook.suggest import skip_reason, states, suggest
from workbench.playbook.words import seconds
from workbench.views.bind import wire
from workbench_widgets.stepper import Stepper

ACT = {"name": "action", "number": 11, "question": "What is done about it, by whom, and how is it verified?", "why":
       "An action without a check is a hope.", "kind": "form", "field": "What will be done?"}  # fmt: skip
DRAFT = {"name": "postmortem", "number": 12, "question": "What will others learn from it?", "why":
         "The draft is written from the case alone; people add what only they know.", "kind": "view"}  # fmt: skip


def stepper(case: Case) -> Stepper:
    """Return the stepper of a case: 13 questions from freezing evidence to the draft of the postmortem."""
    board = Stepper(_steps(case), suggested=_suggested(case), hunch=_hunch(case), caption=_caption(case))

    def refresh() -> None:
        with board.hold_sync():
            board.steps, board.suggested, board.hunch = _steps(case), _suggested(case), _hunch(case)
            board.caption, board.running = _caption(case), ""

    wire(board, case, refresh)

    def look(asked: Any) -> None:
        if asked.get("what") == "view" and asked.get("name") == "postmortem":
            board.said = {"line": "case.postmortem()", "text": "Run the cell: it writes notebook and page.",
                          "serial": int(board.said.get("serial", 0)) + 1}  # fmt: skip

    board.on_ask(look)
    return board


def _steps(case: Case) -> list[dict[str, Any]]:
    standing = states(case)
    begun = case.symptom
    frozen = {"name": "begin", "number": 0, "question": "What went wrong, when, and against what?", "kind": "view",
              "why": "Every answer is frozen, so that it can be computed again.", "cost": "", "reason": "",
              "state": "clear" if begun else "to do",
              "summary": f"{begun.signal} of {begun.entity}, {begun.words()}." if begun else ""}  # fmt: skip
    rows = [frozen]
    for name, step in steps():
        entry = case.state.earlier(name)
        rows.append({"name": name, "number": step.number, "question": step.question, "why": step.why, "kind": "step",
                     "state": standing[name], "summary": case.outcome(entry.seq).summary if entry else "",
                     "reason": skip_reason(case, name) if entry is None else "",
                     "cost": _cost(case, name, step.needs), "took": _took(case, entry)})  # fmt: skip
    for row in (ACT, DRAFT):
        entry = case.state.newest(str(row["name"]))
        rows.append({"cost": "", "reason": "", "summary": case.outcome(entry.seq).summary if entry else "",
                     "state": "clear" if entry else "to do", **row})  # fmt: skip
    hunch = _hunch(case)
    first = [row for row in rows if row["name"] == hunch and row["state"] == "to do"]
    return first + [row for row in sorted(rows, key=lambda r: (r["number"], r["name"])) if row not in first]


def _suggested(case: Case) -> dict[str, str]:
    found = suggest(case)
    if found is not None:
        return {"step": found.step, "why": found.why}
    if case.symptom is None:
        return {"why": "Begin the case: case.begin(entity, signal, window)."}
    proven = case.ranking is not None and case.ranking.verdict == "proven"
    return {"why": "A cause is proven: act on it, then verify by the same check." if proven else
            "No step is left to run; widen the selection, or look at what could not run."}  # fmt: skip


def _cost(case: Case, name: str, needs: tuple[str, ...]) -> str:
    """Say what a step would read, and what it cost when it last ran."""
    reads = f"It reads {', '.join(needs)}." if needs else "It reads only what was found."
    last = case.last_took(name)
    return f"{reads} Last time: {seconds(last.seconds)}, {_rows(last)}." if last else reads


def _took(case: Case, entry: Entry | None) -> str:
    """Say how long a step took and how much it read; nothing where it has not run, or was computed elsewhere."""
    found = case.took(entry.seq) if entry else None
    return f"Took {seconds(found.seconds)}, read {_rows(found)}." if found else ""


def _rows(took: Took) -> str:
    if not took.answers:
        return "nothing but what was found"
    return f"{took.rows:,} rows of {took.answers} {'query' if took.answers == 1 else 'queries'}"


def _hunch(case: Case) -> str:
    entry = case.state.newest("hunch")
    return str(entry.arguments["step"]) if entry is not None else ""


def _caption(case: Case) -> str:
    standing = list(states(case).values())
    done = sum(state not in ("to do", "skipped") for state in standing)
    best = f" Best lead: {case.causes[0].statement}" if case.causes else ""
    return f"{done} of {len(standing)} steps have run, {standing.count('skipped')} are left out.{best}"
