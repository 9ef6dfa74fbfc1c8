"""The spans of a selection, with the columns that conditions are said of."""

from __future__ import annotations

from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError

MOST_SPANS = 200_000
BY = ("service", "name", "kind", "status", "model", "model_version", "feature_version", "data_version", "host", "gpu",
      "region", "queue_wait_ms", "forward_pass_ms")  # fmt: skip


def spans_of(reading: Reading) -> Answer:
    """Return the spans of the selection, at most ``MOST_SPANS``."""
    window = reading.symptom.window
    columns = ["trace_id", "span_id", "start_ns", "duration_ns", *BY]
    answer = reading.ask("rows", table="spans", start_ns=window.start_ns, end_ns=window.end_ns, columns=columns,
                         limit=MOST_SPANS)  # fmt: skip
    if answer.frame.empty:
        raise CouldNotRunError("no spans are kept for the selection; send traces, or widen it")
    return answer
