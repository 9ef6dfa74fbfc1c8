"""What people do to a case: begin it, select, note, reject, assign, undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from workbench.case import practice
from workbench.case.operations import Operation, Outcome, Standing
from workbench.case.state import State
from workbench.case.symptom import Symptom, default_baseline, parse_baseline
from workbench.errors import UsageError
from workbench.model.findings import Cause
from workbench.model.window import Window, iso, parse_time_ns

Status = Literal["open", "investigating", "mitigated", "resolved", "closed"]


def cause_key(cause: Cause) -> str:
    """Return how a cause is named when it is rejected: its kind and its entity."""
    return f"{cause.kind} {cause.entity}"


def begin(
    _: object, entity: str, signal: str, window: str | Window, environment: str = "prod",
    baseline: str | None = None, history_start: str | None = None, alert: Mapping[str, Any] | None = None,
) -> Outcome:  # fmt: skip
    """Say what the case is about: the entity and signal that went wrong, when, and compared with what.

    *window* is ``START/END``; *baseline* one or more such windows, by default the
    same hours of the trailing 30 days since *history_start*; *alert* the alert as
    it was received.
    """
    about = f"{signal} of {entity}, {Window.parse(str(window)).words()}, {environment}"
    origin = "from an alert" if alert else "as described"
    against = baseline or f"same hours since {history_start or 'history begins'}"
    return Outcome(summary=f"{about}, {origin}, compared with {against}.")


def _settle_begin(_: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    window = Window.parse(arguments["window"])
    start = arguments["history_start"]
    settled = {**arguments, "window": str(window), "history_start": start and iso(parse_time_ns(start))}
    if arguments["baseline"]:
        settled["baseline"] = _settled_baseline(arguments["baseline"], window)
    _apply_begin(State(), settled)
    return settled


def _apply_begin(state: State, arguments: Mapping[str, Any]) -> State:
    window = Window.parse(arguments["window"])
    start = arguments["history_start"] and parse_time_ns(arguments["history_start"])
    pinned = bool(arguments["baseline"])
    baseline = parse_baseline(arguments["baseline"]) if pinned else default_baseline(window, start)
    return replace(state, symptom=Symptom(
        arguments["entity"], arguments["signal"], window, baseline, arguments["environment"], arguments["alert"],
        history_start_ns=start, pinned=pinned,
    ))  # fmt: skip


def select(_: object, window: str | Window, where: str = "") -> Outcome:
    """Select a stretch of time, ``START/END`` or clock times such as ``13:40/14:25``, and a filter."""
    return Outcome(summary=f"Selected {Window.parse(str(window)).words()}{f' where {where}' if where else ''}.")


def _settle_select(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    day = _symptom(case.state).window.start_ns
    return {**arguments, "window": str(Window.parse(arguments["window"], day_of=day))}


def _apply_select(state: State, arguments: Mapping[str, Any]) -> State:
    chosen = _symptom(state).selecting(Window.parse(arguments["window"]), arguments["where"])
    return replace(state, symptom=chosen)


def pin_baseline(_: object, windows: str | Window) -> Outcome:
    """Pin what the selection is compared with: one or more windows, ``START/END, START/END``."""
    return Outcome(summary=f"Compared with {parse_baseline(str(windows)).rule}.")


def _settle_pin(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    return {**arguments, "windows": _settled_baseline(arguments["windows"], _symptom(case.state).window)}


def _apply_pin(state: State, arguments: Mapping[str, Any]) -> State:
    symptom = replace(_symptom(state), baseline=parse_baseline(arguments["windows"]), pinned=True)
    return replace(state, symptom=symptom)


def _settled_baseline(text: str, window: Window) -> str:
    baseline = parse_baseline(text)
    if baseline.end_ns > window.start_ns:
        raise UsageError(f"A baseline ends before the incident begins; {iso(baseline.end_ns)} is after "
                         f"{iso(window.start_ns)}.")  # fmt: skip
    return ", ".join(str(w) for w in baseline.windows)


def note(_: object, text: str) -> Outcome:
    """Write a note into the case."""
    if not text.strip():
        raise UsageError("A note needs text; an empty one was given.")
    return Outcome(summary=text)


def reject(_: object, cause: str | int, reason: str) -> Outcome:
    """Reject a cause, named by its rank or as ``kind entity``, with the reason; it stays in the case."""
    if not reason.strip():
        raise UsageError(f"Rejecting {cause!r} needs a reason; it stays in the case for others to read.")
    return Outcome(summary=f"Rejected {cause}: {reason}")


def _settle_reject(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    cause = arguments["cause"]
    if isinstance(cause, str):
        return arguments
    ranks = {c.rank: c for c in case.ranking or ()}
    if cause not in ranks:
        raise UsageError(f"No cause has rank {cause}; ranks: {', '.join(map(str, sorted(ranks))) or 'none yet'}.")
    return {**arguments, "cause": cause_key(ranks[cause])}


def assign(_: object, owner: str) -> Outcome:
    """Say who owns the case."""
    return Outcome(summary=f"Owner: {owner}.")


def status(_: object, status: Status) -> Outcome:
    """Set the status of the case."""
    return Outcome(summary=f"Status: {status}.")


def undo(_: object, seq: int | None = None) -> Outcome:
    """Take back entry *seq*, by default the newest one; an undo can be undone too."""
    return Outcome(summary=f"Took back entry {seq}.")


def _settle_undo(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    last = case.last_undoable() if arguments["seq"] is None else arguments["seq"]
    if not 0 < last < case.length():
        raise UsageError(f"Entry {last} cannot be undone; entries 1 to {case.length() - 1} can.")
    return {"seq": last}


def _human(
    run: Callable[..., Outcome],
    *,
    slot: Callable[[Mapping[str, Any]], str] | None = None,
    settle: Callable[[Standing, dict[str, Any]], dict[str, Any]] | None = None,
    apply: Callable[[State, Mapping[str, Any]], State] | None = None,
) -> Operation:
    return Operation(run.__name__, "human", run, run.__doc__ or "", settle, apply, slot)


def _symptom(state: State) -> Symptom:
    if state.symptom is None:
        raise UsageError("The case has no symptom yet; begin it first: case.begin(entity, signal, window).")
    return state.symptom


OPERATIONS = (
    _human(begin, slot=lambda _: "begin", settle=_settle_begin, apply=_apply_begin),
    _human(select, slot=lambda _: "select", settle=_settle_select, apply=_apply_select),
    _human(pin_baseline, slot=lambda _: "pin_baseline", settle=_settle_pin, apply=_apply_pin),
    _human(note, apply=lambda state, a: replace(state, notes=(*state.notes, a["text"]))),
    _human(
        reject,
        slot=lambda a: f"reject:{a['cause']}",
        settle=_settle_reject,
        apply=lambda state, a: replace(state, rejected={**state.rejected, a["cause"]: a["reason"]}),
    ),
    _human(assign, slot=lambda _: "assign", apply=lambda state, a: replace(state, owner=a["owner"])),
    _human(status, slot=lambda _: "status", apply=lambda state, a: replace(state, status=a["status"])),
    _human(undo, settle=_settle_undo),
    *practice.OPERATIONS,
)
"""Registered by `workbench.case.case`, so that every case has them."""
