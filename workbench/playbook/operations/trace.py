"""``case.trace(trace_id, against=)``: one request as a waterfall, alone or beside another one."""

from __future__ import annotations

import json

import pandas as pd

from workbench.analysis.critical_path import arrange
from workbench.analysis.trace_compare import compare_traces, compared_words
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding


def run(reading: Reading, trace_id: str, against: str = "") -> Outcome:
    """Take one trace apart: critical path, own times, queue and forward pass, errors, missing spans, skewed clocks.

    *against* is another trace; the operations that make the first one longer are then listed.
    """
    answer = _spans(reading, trace_id)
    rows = arrange(answer.frame)
    held = rows.groupby(rows["service"].fillna("unknown"))["critical_ns"].sum().sort_values(ascending=False)
    whole = float(rows.loc[rows["depth"] == 0, "duration_ns"].sum())
    share = held.iloc[0] / whole if whole else 0.0
    text = (f"Trace {trace_id[:8]} took {whole / 1e6:.3g} ms; {share:.0%} of its critical path is {held.index[0]}, "
            f"{int((rows['status'] == 'error').sum())} of {len(rows)} spans failed.")  # fmt: skip
    frames, evidence = {"spans": _plain(rows)}, [answer.evidence]
    logs = reading.ask("rows", table="logs", equals={"trace_id": trace_id.lower()}, limit=1000,
                       columns=["time_ns", "service", "severity", "body", "span_id"])  # fmt: skip
    frames["logs"] = logs.frame
    if against:
        other = _spans(reading, against)
        frames |= {"operations": compare_traces(other.frame, answer.frame), "against": _plain(arrange(other.frame))}
        evidence.append(other.evidence)
        text += f" Against {against[:8]}: {compared_words(frames['operations'])}"
    flagged = int(rows["flags"].map(bool).sum())
    finding = Finding(text, f"trace:{trace_id}", "trace", tuple(evidence), "clear",
                      values={"spans": len(rows), "flagged": flagged})  # fmt: skip
    return Outcome((finding,), {"spans": len(rows), "flagged": flagged}, frames, text)


def _spans(reading: Reading, trace_id: str) -> Answer:
    answer = reading.ask("trace", trace_id=trace_id)
    if answer.frame.empty:
        raise CouldNotRunError(f"no span of trace {trace_id} is kept; case.inspect(…) lists traces of the selection")
    return answer


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with their lists as JSON text: frames of a case hold plain values."""
    return rows.assign(critical=rows["critical"].map(json.dumps), flags=rows["flags"].map("; ".join))


OPERATION = Operation("trace", "computed", run, run.__doc__ or "")
