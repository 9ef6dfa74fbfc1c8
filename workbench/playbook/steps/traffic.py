"""What requests say beside their times: flags, calls made again, waiting, and the clocks that stamped them."""

from __future__ import annotations

from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS, HOUR_NS
from workbench.playbook import Step, traffic
from workbench.playbook.devices import requests
from workbench.playbook.times import times

TRACED_NS = 3 * DAY_NS


def run(reading: Reading) -> Outcome:
    """Compare variants of flags, calls per request, waiting and clocks with the hours before."""
    t = times(reading)
    span = {"start_ns": t.start_ns - TRACED_NS, "end_ns": t.end_ns}
    edges = reading.ask("service_edges", **span, every_ns=HOUR_NS)
    flags = reading.ask("flag_evaluations", **span)
    offsets = reading.ask("span_offsets", **span, every_ns=HOUR_NS)
    if edges.frame.empty and flags.frame.empty and offsets.frame.empty:
        raise CouldNotRunError("no traces that lead through several services are kept; send spans")
    counts = reading.ask("span_percentiles", **span, every_ns=HOUR_NS)
    findings: list[Finding] = [
        *traffic.flag_mixes(flags, t),
        *traffic.flag_errors(flags, t),
        *traffic.repeated_calls(edges, counts, t),
        *traffic.waiting(requests(reading, t.end_ns), t),
        *traffic.clocks(offsets, t),
    ]
    findings.sort(key=lambda f: (-round(f.strength, 9), f.entity, f.signal))
    summary = findings[0].statement if findings else "Flags, calls per request, waiting and clocks are as usual."
    return Outcome(tuple(findings), {"flags": int(flags.frame["flag"].nunique())}, summary=summary)


STEP = Step(
    number=8,
    question="Do failing or waiting requests share a flag, a repeated call, a queue or a wrong clock?",
    why="A service may be slow or failing because of what its callers do, of a flag, or only by the clock.",
    needs=("spans", "logs"),
    run=run,
)
