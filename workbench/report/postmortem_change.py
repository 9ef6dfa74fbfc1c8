"""The interval of the symptom's change, and of its parts, recomputed from the frozen series."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.change_interval import ChangeInterval, change_interval
from workbench.analysis.deviation import Scale
from workbench.errors import WorkbenchError
from workbench.model.findings import Finding
from workbench.playbook.steps.scope import RELATIVE_FAMILIES
from workbench.playbook.symptoms import family, history_start, samples, series
from workbench.report.reading_case import CaseReader
from workbench.report.words import number, share


def interval(of: CaseReader, finding: Finding) -> str:
    """Return the 95 % interval of the change that a finding tells, as a sentence; empty where none can be computed."""
    try:
        found = _measured(of, finding)
    except WorkbenchError:
        # The sentence that needs the series says why it cannot be had; a change has no interval then.
        return ""
    return "" if found is None else _told(found, finding, _relative(of))


def _relative(of: CaseReader) -> bool:
    return family(of.symptom.signal) in RELATIVE_FAMILIES


def _measured(of: CaseReader, finding: Finding) -> ChangeInterval | None:
    reading, window = of.reading(), of.symptom.window
    whole = finding.signal == of.symptom.signal
    rows = series(reading).frame if whole else _part(samples(reading).frame, finding)
    if rows is None or rows.empty:
        return None
    begin = history_start(reading) if whole else int(rows["time_ns"].min())
    times, values = rows["time_ns"].to_numpy(), rows["value"].to_numpy(dtype=float)
    scale: Scale = "relative" if _relative(of) else "absolute"
    return change_interval(times, values, (window.start_ns, window.end_ns), begin, scale=scale)


def _part(rows: pd.DataFrame, finding: Finding) -> pd.DataFrame | None:
    """Return the one series whose labels a finding names; None where it names none or several have them."""
    for _, group in rows.groupby("series", sort=True):
        labels = {str(k): str(v) for k, v in dict(group["labels"].iloc[0] or {}).items()}
        named = {k: v for k, v in finding.values.items() if isinstance(v, str)}
        if named and all(labels.get(k) == v for k, v in named.items()):
            return group.sort_values("time_ns")
    return None


def _told(found: ChangeInterval, finding: Finding, relative: bool) -> str:  # noqa: FBT001 - a fact of the family
    rests = "counting the scatter of the stretch and of its baseline"
    if relative:
        usual = finding.values.get("usual")
        absolute = (f", {number(found.low * usual)} to {number(found.high * usual)}"
                    if isinstance(usual, int | float) else "")  # fmt: skip
        return (f" The change has the 95 % interval {_signed(found.low)} to {_signed(found.high)}{absolute}, "
                f"{rests}.")  # fmt: skip
    now, usual = finding.values.get("now"), finding.values.get("usual")
    if all(isinstance(v, int | float) and 0 <= v <= 1 for v in (now, usual)):
        return f" The change has the 95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f} pp, {rests}."
    return f" The change has the 95 % interval {number(found.low)} to {number(found.high)}, {rests}."


def _signed(value: float) -> str:
    return f"+{share(value)}" if value > 0 else share(value)
