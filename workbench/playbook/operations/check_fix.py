"""``case.check_fix(since)``: the check that found the symptom, on windows after a fix, until so many are clean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pandas as pd

from workbench.case.operations import Operation, Outcome, Standing
from workbench.case.reading import Answer, Reading
from workbench.case.symptom import Symptom
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.findings import Finding
from workbench.model.window import Window, iso, parse_duration_ns, parse_time_ns
from workbench.playbook.steps.scope import measured
from workbench.playbook.symptoms import history_start, series
from workbench.playbook.times import times
from workbench.playbook.words import clock, count, figure

CLEAN_BELOW = 0.9
"""Strength below which a window is like the quiet ones: the bar that made the symptom interesting."""
MOST_WINDOWS = 24


class _Until:
    """A reading whose selection ends later, so that the symptom's own check sees what came after."""

    def __init__(self, reading: Reading, end_ns: int) -> None:
        self._reading = reading
        self._end_ns = end_ns

    @property
    def symptom(self) -> Symptom:
        found = self._reading.symptom
        return replace(found, window=Window(found.window.start_ns, self._end_ns))

    def ask(self, query: str, **arguments: Any) -> Answer:
        return self._reading.ask(query, **arguments)

    def earlier(self, name: str) -> Outcome | None:
        return self._reading.earlier(name)


def run(reading: Reading, since: str, windows: int = 3, every: str = "15m") -> Outcome:
    """Measure the symptom in *windows* windows of *every* after *since*, against its quiet windows.

    Verified when each of them is clean; what lies between onset and *since* teaches nothing.
    """
    start, length = parse_time_ns(since), parse_duration_ns(every)
    end = start + windows * length
    own = series(cast("Reading", _Until(reading, end)))
    bad_from = times(reading).start_ns
    held = own.frame[(own.frame["time_ns"] < bad_from) | (own.frame["time_ns"] >= start)]
    taught = replace(own, frame=held.reset_index(drop=True))
    newest = int(own.frame["time_ns"].max()) if len(own.frame) else 0
    rows, findings = [], []
    for number in range(windows):
        window = (start + number * length, start + (number + 1) * length)
        found = measured(taught, window, history_start(reading))
        if found is None:
            rows.append({"start_ns": window[0], "now": float("nan"), "usual": float("nan"), "strength": float("nan"),
                         "state": "no data"})  # fmt: skip
            continue
        state = "clean" if found.strength < CLEAN_BELOW else "not clean"
        rows.append({"start_ns": window[0], "now": found.now, "usual": found.usual, "strength": found.strength,
                     "state": state})  # fmt: skip
        text = f"{clock(window[0])}: {figure(found.now)}, usually {figure(found.usual)}: {state}."
        findings.append(Finding(text, reading.symptom.entity, "after the fix", (own.evidence,),
                                "clear" if state == "clean" else "interesting", strength=found.strength,
                                values={"now": found.now, "usual": found.usual}))  # fmt: skip
    return _outcome(pd.DataFrame(rows), tuple(findings), newest, end)


def _outcome(table: pd.DataFrame, findings: tuple[Finding, ...], newest: int, end: int) -> Outcome:
    clean = int((table["state"] == "clean").sum())
    silent = int((table["state"] == "no data").sum())
    if silent == len(table):
        raise CouldNotRunError(f"no sample of the symptom lies after the fix yet; the newest is of {iso(newest)}, the "
                               f"windows end at {iso(end)}")  # fmt: skip
    verified = clean == len(table)
    word = "Verified" if verified else "Not verified"
    gaps = f", {count(silent)} without data" if silent else ""
    values = {"verified": verified, "clean": clean, "windows": len(table), "silent": silent}
    summary = f"{word}: {clean} of {len(table)} windows after the fix are clean{gaps}."
    return Outcome(findings, values, {"windows": table}, summary)


def _settle(_: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    if not 1 <= arguments["windows"] <= MOST_WINDOWS:
        raise UsageError(f"Verify over 1 to {MOST_WINDOWS} windows; got {arguments['windows']}.")
    parse_duration_ns(arguments["every"])
    return {**arguments, "since": iso(parse_time_ns(arguments["since"]))}


def _slot(arguments: Mapping[str, Any]) -> str:
    return f"check_fix:{arguments['since']}"


OPERATION = Operation("check_fix", "computed", run, run.__doc__ or "", settle=_settle, slot=_slot)
