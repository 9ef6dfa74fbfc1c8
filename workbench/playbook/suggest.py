"""The next best step of a case, by what kind of harm it shows and what its steps have said so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.playbook.runner import steps
from workbench.playbook.symptoms import Family, family

HARM: Mapping[Family, str] = {
    "outcome": "decisions changed", "volume": "volume changed", "latency": "answers are slow",
    "errors": "requests fail", "quality": "answers got worse", "cost": "costs rose",
}  # fmt: skip
"""How a suggestion names each kind of harm."""
LOOKS: Mapping[Family, tuple[str, ...]] = {
    "outcome": (
        "drift",
        "quality",
        "changes",
        "telemetry",
        "serving",
        "model",
        "traffic",
        "hardware",
        "upkeep",
        "lineage",
    ),
    "volume": (
        "quality",
        "serving",
        "changes",
        "telemetry",
        "upkeep",
        "drift",
        "traffic",
        "model",
        "hardware",
        "lineage",
    ),
    "latency": (
        "serving",
        "hardware",
        "traffic",
        "changes",
        "telemetry",
        "upkeep",
        "quality",
        "model",
        "drift",
        "lineage",
    ),
    "errors": (
        "serving",
        "changes",
        "traffic",
        "quality",
        "telemetry",
        "upkeep",
        "hardware",
        "model",
        "drift",
        "lineage",
    ),
    "quality": (
        "model",
        "quality",
        "drift",
        "changes",
        "telemetry",
        "upkeep",
        "serving",
        "traffic",
        "hardware",
        "lineage",
    ),
    "cost": (
        "serving",
        "hardware",
        "traffic",
        "changes",
        "telemetry",
        "model",
        "quality",
        "drift",
        "upkeep",
        "lineage",
    ),
}
"""Where each kind of harm is looked for, most telling first; written from what the steps measure, not fitted."""
RESTS_ON = 3
"""Steps besides the scope that have said something before causes are ranked."""
StepState = Literal["to do", "clear", "interesting", "could not run", "skipped"]


@dataclass(frozen=True)
class Suggestion:
    """Name the next best step and say why it is."""

    step: str
    why: str


def states(case: Case) -> dict[str, StepState]:
    """Return how each step of the playbook stands, for the present selection, in the order of their numbers."""
    found: dict[str, StepState] = {}
    for name, _ in steps():
        entry, skipped = case.state.earlier(name), _skipped(case, name)
        if entry is None:
            found[name] = "skipped" if skipped else "to do"
        else:
            found[name] = case.outcome(entry.seq).state
    return found


def skip_reason(case: Case, step: str) -> str:
    """Return why a step was skipped, or an empty text."""
    return _skipped(case, step) or ""


def suggest(case: Case) -> Suggestion | None:
    """Return the next best step, or None where there is none: a cause is proven, or all steps have run.

    The scope comes first; then a person's hunch; then what is most telling for the kind of harm; then the
    ranking, as soon as enough of what it rests on has spoken, and again after each step that found something.
    """
    if case.symptom is None:
        return None
    standing = states(case)
    if standing.get("scope") == "to do":
        return Suggestion("scope", "The onset decides what can be a cause.")
    hunch = case.state.newest("hunch")
    if (
        hunch is not None
        and standing.get(str(hunch.arguments["step"])) == "to do"
        and hunch.arguments["step"] != "rank"
    ):
        return Suggestion(str(hunch.arguments["step"]), "It is your hunch.")
    kind = family(case.symptom.signal)
    left = [name for name in LOOKS[kind] if standing.get(name) == "to do"]
    left += [name for name, state in standing.items() if state == "to do" and name not in (*left, "rank")]
    said = [n for n, state in standing.items() if state in ("clear", "interesting") and n not in ("scope", "rank")]
    ranked = case.state.earlier("rank")
    last = _ranking(case)
    if last is not None and ranked is not None and last.ranking is not None:
        if last.ranking.verdict == "proven" and _newest(case, said) < ranked.seq:
            return None
        unseen = [name for name in said if standing[name] == "interesting" or not left]
        if _newest(case, unseen) > ranked.seq:
            return Suggestion("rank", "There is evidence that the ranking has not seen.")
    elif (len(said) >= RESTS_ON and _telling(case, said)) or (said and not left):
        return Suggestion("rank", "What was found so far can be weighed.")
    if not left:
        return None
    return Suggestion(left[0], f"It is the most telling step left where {HARM[kind]}.")


def _skipped(case: Case, step: str) -> str | None:
    entry = next((e for e in reversed(case.state.in_force)
                  if e.operation == "skip" and e.arguments["step"] == step), None)  # fmt: skip
    return str(entry.arguments["reason"]) if entry is not None else None


def _ranking(case: Case) -> Outcome | None:
    entry = case.state.earlier("rank")
    return case.outcome(entry.seq) if entry is not None else None


def _newest(case: Case, names: list[str]) -> int:
    entries = [case.state.earlier(name) for name in names]
    return max((e.seq for e in entries if e is not None), default=-1)


def _telling(case: Case, names: list[str]) -> bool:
    """Say whether any step found something unusual; without that a ranking has nothing to weigh."""
    entries = [case.state.earlier(name) for name in names]
    return any(case.outcome(e.seq).state == "interesting" for e in entries if e is not None)
