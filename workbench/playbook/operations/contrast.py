"""``case.contrast(of=, by=)``: what sets failed, slow or filtered requests of the selection apart."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.conditions import met
from workbench.analysis.contrast import MIN_SUPPORT, contrast
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.model.findings import Finding
from workbench.playbook.requests import BY, spans_of

Of = Literal["", "errors", "slowest"]
SLOWEST = 0.05
NAMED = 5
"""Conditions that become findings."""


def run(reading: Reading, of: Of = "", by: list[str] | None = None) -> Outcome:
    """Rank the conditions that hold more often for some spans of the selection than for its other spans.

    *of* is ``errors`` or ``slowest`` (the slowest twentieth of each operation); by default what the filter
    of the case says, else errors where there are enough, else the slowest. *by* names columns of spans to look at.
    """
    symptom = reading.symptom
    answer = spans_of(reading)
    frame = answer.frame
    chosen, words = _chosen(frame, of, symptom.where)
    used = [c for c in (by or BY) if c in frame and not (c == "status" and words == "errors")]
    found = contrast(frame, chosen, by=used)
    table = found.table.drop(columns=["same_as"]).assign(same_as=found.table["same_as"].map(", ".join))
    findings = tuple(
        Finding(f"{row['condition']}: {row['share_selection']:.3g} of {words}, {row['share_baseline']:.3g} of others "
                f"(lift {row['lift']:.3g}, {row['lift_low']:.3g} to {row['lift_high']:.3g}).",
                symptom.entity, "contrast", (answer.evidence,), strength=float(1 - row["q_value"]),
                values={"lift": float(row["lift"]), "q_value": float(row["q_value"])})
        for row in table.head(NAMED).to_dict("records")
    )  # fmt: skip
    summary = findings[0].statement if findings else f"Nothing sets {words} apart from other requests."
    return Outcome(findings, {"selected": found.selected, "compared": found.compared, "tested": found.tested,
                              "of": words}, {"conditions": table}, summary)  # fmt: skip


def _chosen(frame: pd.DataFrame, of: Of, where: str) -> tuple[NDArray[np.bool_], str]:
    if where and not of:
        return met(frame, where), f"requests where {where}"
    failed = (frame["status"] == "error").to_numpy(dtype=bool)
    if of == "errors" or (not of and failed.sum() >= MIN_SUPPORT):
        return failed, "errors"
    place = frame.groupby(["service", "name"], dropna=False)["duration_ns"].rank(pct=True)
    return (place > 1 - SLOWEST).to_numpy(dtype=bool), "the slowest"


OPERATION = Operation("contrast", "computed", run, run.__doc__ or "")
