"""Which baseline a comparison takes, read from one line of text, and how it is stated."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from workbench.analysis.drift_baseline import usual
from workbench.analysis.drift_null import Spread, spread
from workbench.analysis.profile_history import History, Windows
from workbench.case.operations import Standing
from workbench.case.symptom import Symptom, parse_baseline
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.window import DAY_NS, Window, parse_duration_ns

LEARNED_DAYS = 30
SHORT_BASELINE_DAYS = 7
"""A baseline of fewer days is said to be short."""
_SAME = re.compile(r"same hours( of the week)?(?:\s*,\s*(\d+)\s*(?:d|days))?")
_FIRST = re.compile(r"first\s+(\d+)\s*(?:d|days)(,\s*hours of the week)?")
_OTHER = re.compile(r"(version|environment)\s+(\S.*)|(training)")
WAYS = (
    "'same hours, 30 d', 'same hours of the week, 30 d', 'first 30 d', 'first 30 d, hours of the week', 'pinned', "
    "'version NAME', 'environment NAME', 'training', or START/END, START/END"
)


@dataclass(frozen=True)
class Against:
    """Windows of the table's own history, and the rule that chose them in words."""

    windows: Windows
    learned: Spread | None
    rule: str
    kind: Literal["learned", "pinned", "chosen"]


def other(text: str) -> tuple[str, str] | None:
    """Return what else than history is compared with: version, environment or training, and its name."""
    found = _OTHER.fullmatch(text.strip())
    if found is None:
        return None
    return (found[1], found[2].strip()) if found[1] else ("training", "")


def key(symptom: Symptom, profiles: str, window: Window, text: str) -> tuple[str, ...]:
    """Return what `against` depends on: the digest of the *profiles* that were read, the windows and the text."""
    return ("compared against", profiles, str(window), text, str(symptom.plain()["baseline"]))


def against(symptom: Symptom, history: History, window: Window, text: str) -> Against:
    """Return the windows that a line of text asks for and how they scatter.

    Nothing asks for the case's pinned baseline, else the usual one.
    """
    found = _against(symptom, history, window, text)
    if found.learned is not None:
        return found
    return replace(found, learned=spread(history, [found.windows], window.duration_ns))


def _against(symptom: Symptom, history: History, window: Window, text: str) -> Against:
    asked = text.strip()
    same, first = _SAME.fullmatch(asked), _FIRST.fullmatch(asked)
    start_ns, span = int(history.starts[0]), (window.start_ns, window.end_ns)
    if first:
        until = min(start_ns + int(first[1]) * DAY_NS, window.start_ns)
        found = usual(history, span, until_ns=until, by="week" if first[2] else "steadier")
        kept = (until - start_ns) / DAY_NS
        cut = "" if kept >= int(first[1]) else f", of {first[1]} asked for"
        rule = f"{found.rule.partition(', ')[0]} in the first {kept:.3g} days kept{cut}"
        return Against(found.windows, found.learned, rule, "learned")
    if same or (not asked and not symptom.pinned):
        days = int(same[2] or LEARNED_DAYS) if same else LEARNED_DAYS
        found = usual(history, span, days=days, by="week" if same and same[1] else "steadier")
        return Against(found.windows, found.learned, found.rule, "learned")
    if asked == "pinned" and not symptom.pinned:
        raise CouldNotRunError("no baseline is pinned in this case; pin one, or name another: " + WAYS)
    chosen = symptom.baseline if asked in {"", "pinned"} else parse_baseline(asked)
    if chosen is None:
        raise CouldNotRunError(f"there is no baseline; name one: {WAYS}")
    windows = [(w.start_ns, w.end_ns) for w in chosen.windows]
    if asked in {"", "pinned"}:
        return Against(windows, None, f"the pinned {chosen.rule}", "pinned")
    return Against(windows, None, chosen.rule, "chosen")


def short(windows: Windows, window: Window) -> str:
    """Return how long a baseline reaches back where that is less than a week, else nothing."""
    days = (window.start_ns - min(start for start, _ in windows)) / DAY_NS
    return f" (short: {days:.2g} days)" if days < SHORT_BASELINE_DAYS else ""


def spelt(text: str) -> str:
    """Return a baseline as it is journaled: durations in days."""
    days = re.fullmatch(r"(.*same hours(?: of the week)?)\s*,\s*(.+)", text.strip())
    return f"{days[1].strip()}, {parse_duration_ns(days[2]) // DAY_NS} d" if days else text.strip()


def settled(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a comparison as they are journaled: both windows in full, durations in days."""
    symptom = case.state.symptom
    if symptom is None:
        raise UsageError("The case has no symptom yet; begin it first: case.begin(entity, signal, window).")
    current = arguments["current"]
    chosen = str(Window.parse(current, day_of=symptom.window.start_ns) if current else symptom.window)
    return {**arguments, "current": chosen, "baseline": spelt(arguments["baseline"])}
