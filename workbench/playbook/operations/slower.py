"""``case.slower(service=)``: which operations take longer in the selection than in the baseline, with interval."""

from __future__ import annotations

from workbench.analysis.conditions import met
from workbench.analysis.trace_compare import compare_cohorts, compared_words
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding

MOST_SPANS = 100_000
COLUMNS = ["trace_id", "span_id", "parent_span_id", "service", "name", "start_ns", "duration_ns", "status", "host",
           "gpu", "region", "model", "model_version", "queue_wait_ms", "forward_pass_ms"]  # fmt: skip


def run(reading: Reading, first: str = "", second: str = "") -> Outcome:
    """Compare two cohorts of traces by the own time of their operations, with 95 % intervals.

    *first* and *second* are conditions on spans of the selection, such as ``model_version = 41``; a trace belongs to
    a cohort with any span that meets it. Without them the last baseline window is compared with the selection.
    """
    symptom = reading.symptom
    if bool(first) != bool(second):
        raise CouldNotRunError("two cohorts need two conditions; only one was given")
    now = _spans(reading, symptom.window.start_ns, symptom.window.end_ns)
    if first:
        sides = [now.frame[now.frame["trace_id"].isin(now.frame.loc[met(now.frame, c), "trace_id"])]
                 for c in (first, second)]  # fmt: skip
        used, words = [now.evidence], f"{second} against {first}"
    else:
        if symptom.baseline is None:
            raise CouldNotRunError("there is no baseline; pin one, or give two conditions")
        before = _spans(reading, symptom.baseline.windows[-1].start_ns, symptom.baseline.windows[-1].end_ns)
        sides, used, words = [before.frame, now.frame], [before.evidence, now.evidence], "selection against baseline"
    table = compare_cohorts(*sides)
    text = f"{words}: {compared_words(table)}"
    sure = int(((table["q_value"] <= 0.05) & (table["more_ms"] > 0)).sum())
    finding = Finding(text, symptom.entity, "own_time", tuple(used), "interesting" if sure else "clear",
                      strength=float(1 - table["q_value"].min()), values={"slower": sure})  # fmt: skip
    return Outcome((finding,), {"slower": sure, "operations": len(table)}, {"operations": table}, text)


def _spans(reading: Reading, start_ns: int, end_ns: int) -> Answer:
    return reading.ask("rows", table="spans", start_ns=start_ns, end_ns=end_ns, columns=COLUMNS, limit=MOST_SPANS)


OPERATION = Operation("slower", "computed", run, run.__doc__ or "")
