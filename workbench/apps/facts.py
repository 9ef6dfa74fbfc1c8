"""The seven facts of a case that whoever was just paged reads first; what is not known is said to be unknown."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.case.case import Case
from workbench.model.entities import split
from workbench.model.findings import Cause
from workbench.report.next_step import next_step
from workbench.report.words import clock, duration, share, title

URGENCY = ("unknown", "open", "investigating", "mitigated", "resolved", "closed")
"""States of a case, the most urgent first; unknown is a case that cannot be opened."""
_VERDICTS = {"proven": "Cause proven", "suspected": "Suspected", "none": "No cause proven; strongest lead"}


@dataclass(frozen=True)
class Facts:
    """Hold one case in short, each fact a sentence."""

    case_id: str
    status: str
    owner: str | None
    what: str = ""
    severity: str = ""
    """The alert's own word, or empty."""
    ongoing: str = ""
    """Such as ``ONGOING 47 min``; empty where the case is over."""
    since: str = ""
    harm: tuple[str, ...] = ()
    verdict: str = ""
    """Such as ``Suspected (81 %)``; empty before anything was ranked."""
    shape: str = "none"
    lead: str = ""
    lead_kind: str = ""
    next: str = ""
    note: str = ""
    words: str = ""
    """Selection and baseline."""
    problem: str = ""
    """Why the case cannot be opened; empty when it can."""

    @property
    def urgency(self) -> tuple[int, bool, str]:
        """Return the place in the inbox: by state, the unowned first, then by name."""
        return URGENCY.index(self.status), self.owner is not None, self.case_id


def broken(case_id: str, problem: str) -> Facts:
    """Return what can be said of a case that cannot be opened."""
    return Facts(case_id, "unknown", None, what="This case cannot be opened", problem=problem)


def facts(case: Case) -> Facts:
    """Return the facts of a case as its journal has them."""
    state, symptom, ranking = case.state, case.symptom, case.ranking
    if symptom is None:
        return Facts(case.id, state.status, state.owner, what="A case that has not begun", next=next_step(case))
    best = standing_lead(case)
    notes = [e for e in state.in_force if e.operation == "note"]
    return Facts(
        case.id, state.status, state.owner,
        what=f"{_capital(title(symptom.signal))} of {split(symptom.entity)[1]}{_moved(case)}",
        severity=str((symptom.alert or {}).get("severity") or ""),
        ongoing=_ongoing(case),
        since=_since(case, best),
        harm=_harm(case),
        verdict=f"{_VERDICTS[ranking.verdict]} ({share(best.confidence)})" if ranking and best else "",
        shape=ranking.verdict if ranking else "none",
        lead=best.statement if best else _no_lead(case),
        lead_kind=f"{title(best.kind)} of {split(best.entity)[1]}" if best else "",
        next=next_step(case),
        note=f"{notes[-1].arguments['text']} ({notes[-1].who}, {notes[-1].time[11:16]} UTC)" if notes else "",
        words=symptom.words(),
    )  # fmt: skip


def standing_lead(case: Case) -> Cause | None:
    """Return the best cause that nobody rejected."""
    return next((c for c in case.causes if f"{c.kind} {c.entity}" not in case.state.rejected), None)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _no_lead(case: Case) -> str:
    if case.ranking is None:
        return "Not investigated yet: the playbook has not run."
    return "No cause proven, and no lead stands: all were rejected, or none stands out."


def _moved(case: Case) -> str:
    scope = case.outcomes.get("scope")
    change = (scope.values or {}).get("change") if scope else None
    if not isinstance(change, int | float) or change == 0:
        return ""
    return " is down" if change < 0 else " is up"


def _ongoing(case: Case) -> str:
    symptom = case.symptom
    if symptom is None or case.state.status in ("mitigated", "resolved", "closed"):
        return ""
    if not symptom.alert or symptom.alert.get("ends_ns"):
        return ""
    start = _onset(case) or int(symptom.alert["starts_ns"])
    return f"ONGOING {duration(symptom.window.end_ns - start)} at the newest data"


def _onset(case: Case) -> int | None:
    scope = case.outcomes.get("scope")
    found = (scope.values or {}).get("onset_ns") if scope else None
    return int(found) if isinstance(found, int | float) else None


def _since(case: Case, best: Cause | None) -> str:
    symptom, onset = case.symptom, _onset(case)
    alert = symptom.alert if symptom else None
    parts = [f"Symptom since {clock(onset)}" if onset else "Onset of the symptom unknown"]
    if alert and alert.get("starts_ns"):
        starts = int(alert["starts_ns"])
        side = "after" if onset is None or starts >= onset else "before"
        gap = "" if onset is None else f" ({duration(abs(starts - onset))} {side} it)"
        parts.append(f"alert {clock(starts)}{gap}")
    if best is not None and best.onset_ns is not None:
        parts.append(f"best lead since {clock(best.onset_ns)}")
    return "; ".join(parts) + "."


def _harm(case: Case) -> tuple[str, ...]:
    ranking = case.ranking
    found = [f.statement for f in ranking.impact] if ranking else []
    if not found and (scope := case.outcomes.get("scope")):
        found = [scope.summary]
    if not found:
        return ("Unknown: nothing has measured the harm yet.",)
    if ranking and ranking.unexplained is not None:
        found.append(f"{share(ranking.unexplained)} of it stays unexplained.")
    return tuple(found)
