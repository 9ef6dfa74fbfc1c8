"""How it ended, by the evidence: the alert's own end, and the same check on the newest stretch."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.analysis.deviation import Deviation
from workbench.errors import WorkbenchError
from workbench.model.window import HOUR_NS, Window
from workbench.playbook.steps.scope import measured
from workbench.playbook.symptoms import history_start, series
from workbench.report.document import UNKNOWN, Sentence
from workbench.report.reading_case import CaseReader, entry_ns
from workbench.report.words import clock, number

_BACK_Z = 3.0
"""A stretch within so many spreads of its quiet windows is called usual again."""


def ended(of: CaseReader) -> Iterator[Sentence]:
    """Yield when it was mitigated and resolved: as people said, else as the evidence shows."""
    newest = clock(of.symptom.window.end_ns)
    alert, chips = _alert_end(of)
    for status in ("mitigated", "resolved"):
        entry = of.status_entry(status)
        if entry is not None:
            yield Sentence(clock(entry_ns(entry)), (f"J{entry.seq}",), status.capitalize())
        elif alert:
            yield Sentence(alert, chips, status.capitalize())
        else:
            yield Sentence(f"{UNKNOWN}: nobody has said so by {newest}, and no alert tells.", ("J0",),
                           status.capitalize())  # fmt: skip


def _alert_end(of: CaseReader) -> tuple[str, tuple[str, ...]]:
    """Return what the newest frozen state of the case's alert says about its end."""
    found = of.frame("alerts")
    own = of.symptom.alert or {}
    if found is None or not own:
        return "", ()
    rows = found[0][found[0]["fingerprint"] == own.get("fingerprint")]
    if rows.empty:
        return "", ()
    row = rows.sort_values("updated_ns", kind="stable").iloc[-1]
    ends = row["ends_ns"]
    if isinstance(ends, int) and ends <= of.symptom.window.end_ns:
        return f"alert {row['name']} ended at {clock(int(ends))}; nobody has set the status.", (found[1], "J0")
    newest = f"the newest frozen state of alert {row['name']} is {row['status']}"
    return (f"not by {clock(of.symptom.window.end_ns)}, the end of the evidence: {newest}.",
            (found[1], "J0"))  # fmt: skip


def same_check(of: CaseReader) -> Sentence:
    """Return what the check that found it says of the last hour of the evidence, beside the whole selection."""
    label = "Verified by the same check"
    window = of.symptom.window
    length = min(HOUR_NS, max(window.duration_ns // 4, 1))
    last = Window(window.end_ns - length, window.end_ns)
    try:
        before, after, evidence = _measured(of, window), _measured(of, last), of.scope_evidence
    except WorkbenchError as error:
        return Sentence(f"{UNKNOWN}: the check cannot be run on the frozen evidence: {error}", ("J0",), label)
    if before is None or after is None:
        return Sentence(f"{UNKNOWN}: the last {length / HOUR_NS:.2g} h of the evidence hold no sample.", ("J0",), label)
    side = "usual again" if abs(after.z) < _BACK_Z else "not back to usual"
    text = (f"{of.symptom.signal} is {number(after.now)} in {last.words()}, {number(before.now)} over the whole "
            f"selection, usually {number(after.usual)}: {side} ({after.z:.1f} spreads of {after.quiet} quiet windows; "
            f"usual is within {_BACK_Z:g}).")  # fmt: skip
    return Sentence(text, (*evidence, "J0"), label)


def _measured(of: CaseReader, window: Window) -> Deviation | None:
    """Run the scope's own measure on a window, from frozen evidence alone."""
    reading = of.reading()
    return measured(series(reading), (window.start_ns, window.end_ns), history_start(reading))
