"""``case.latency(service=)``: where the time of requests goes, with the source of every number."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.latency import PARTS
from workbench.analysis.latency_metrics import METRIC_EXTRACTORS, split_servers
from workbench.case.operations import Operation, Outcome
from workbench.case.reading import Reading
from workbench.errors import CouldNotRunError
from workbench.playbook.devices import requests
from workbench.playbook.splits import split_findings
from workbench.playbook.times import times
from workbench.playbook.words import figure, percent

COUNTERS = sorted({m for e in METRIC_EXTRACTORS for m in (e.sums, e.counts)})
NUMBERS = [f"{p}_ms" for p in PARTS]
COLUMNS = ["service", "requests", "total_ms", *NUMBERS, "residual_ms", "queue_share", "sources", "contradictions"]


def run(reading: Reading, service: str = "") -> Outcome:
    """Split the requests of the selection into queue, preparing, forward pass, finishing and what nobody claims.

    *service* is a service's name; by default all whose spans state a part of their time. Means in ms; null is unknown.
    Counters of model servers (vLLM, SGLang, TorchServe, KServe, Ray Serve) give a table of their own. Sources say
    which sender stated each number, contradictions count requests whose sources disagree.
    """
    t = times(reading)
    served = requests(reading, t.end_ns)
    frame = served.frame
    service = service.removeprefix("service:")
    if service and len(frame):
        frame = frame[frame["service"] == service]
    inside = frame[(frame["start_ns"] >= t.start_ns) & (frame["start_ns"] < t.end_ns)] if len(frame) else frame
    counted = reading.ask("metric_series", start_ns=t.start_ns, end_ns=t.end_ns, metric=COUNTERS)
    servers = split_servers(counted.frame)
    if inside.empty:
        return _of_servers(servers)
    table = pd.DataFrame([_line(str(name), own) for name, own in inside.groupby("service", sort=True)], columns=COLUMNS)
    findings = tuple(f for f in split_findings(served, t) if not service or f.entity == f"service:{service}")
    top = table.sort_values("queue_share", ascending=False, kind="stable", na_position="last").iloc[0]
    waiting = f"{percent(top['queue_share'])} of it queued" if pd.notna(top["queue_share"]) else "queueing unknown"
    summary = f"A request at {top['service']} takes {figure(top['total_ms'])} ms, {waiting}."
    bad = int(table["contradictions"].sum())
    if bad:
        summary += f" In {bad} of {len(inside)} requests two sources contradict each other."
    return Outcome(
        findings, {"requests": len(inside), "contradictions": bad}, {"services": table, "servers": servers}, summary
    )


def _of_servers(servers: pd.DataFrame) -> Outcome:
    """Answer from the counters of model servers alone."""
    if servers.empty:
        raise CouldNotRunError(
            "no request in the selection says how long it waited or computed; send spans that do, or the metrics of "
            "vLLM, SGLang, TorchServe, KServe or Ray Serve"
        )
    first = servers.iloc[0]
    waits = "unknown" if pd.isna(first["queue_wait_ms"]) else f"{figure(first['queue_wait_ms'])} ms"
    summary = f"{first['server']} counts {figure(first['requests'])} requests of {first['model']}; queue wait: {waits}."
    return Outcome(values={"servers": len(servers)}, frames={"servers": servers}, summary=summary)


def _line(service: str, own: pd.DataFrame) -> dict[str, float | int | str | None]:
    means = {c: _mean(own[c]) for c in ("total_ms", *NUMBERS, "residual_ms")}
    said = own.dropna(subset=["queue_wait_ms"])
    whole = float(said["total_ms"].sum())
    sources = sorted({str(s) for p in PARTS for s in own[f"{p}_source"].dropna()})
    return {
        "service": service,
        "requests": len(own),
        **means,
        "queue_share": float(said["queue_wait_ms"].sum()) / whole if whole > 0 else None,
        "sources": "; ".join(sources),
        "contradictions": int(sum(1 for c in own["contradictions"] if len(c))),
    }


def _mean(values: pd.Series) -> float | None:
    known = values.dropna().astype(float)
    return float(known.mean()) if len(known) else None


OPERATION = Operation("latency", "computed", run, run.__doc__ or "")
