"""``case.inspect(condition)``: the requests of the selection that meet a condition, slowest first."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.conditions import checked, met
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.model.findings import Finding
from workbench.playbook.requests import spans_of

MOST = 20


def run(reading: Reading, condition: str) -> Outcome:
    """Count the spans of the selection that meet a condition, and list the traces with the slowest of them."""
    condition = checked(condition)
    answer = spans_of(reading)
    rows = answer.frame[met(answer.frame, condition)]
    failed = int((rows["status"] == "error").sum())
    traces = rows.sort_values(["duration_ns", "trace_id"], ascending=[False, True]).drop_duplicates("trace_id")
    table = pd.DataFrame({name: traces[name] for name in ("trace_id", "service", "name", "start_ns", "duration_ns",
                                                          "status")}).head(MOST).reset_index(drop=True)  # fmt: skip
    text = f"{len(rows):,} spans of {rows['trace_id'].nunique():,} traces meet {condition}; {failed:,} of them failed."
    finding = Finding(text, reading.symptom.entity, "inspect", (answer.evidence,), "clear",
                      values={"spans": len(rows), "errors": failed})  # fmt: skip
    return Outcome((finding,), {"spans": len(rows), "errors": failed}, {"traces": table}, text)


OPERATION = Operation("inspect", "computed", run, run.__doc__ or "")
