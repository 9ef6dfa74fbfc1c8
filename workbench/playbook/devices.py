"""Devices and the requests that they serve, on one axis of time: what the steps and verbs about GPUs work with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis import gpu_verdict as gv
from workbench.analysis.latency import split_requests
from workbench.case.reading import Answer, Reading
from workbench.model.findings import Evidence
from workbench.model.window import DAY_NS, MINUTE_NS

BIN_NS = 30 * MINUTE_NS
"""Requests are averaged over so long: single ones are sampled too thinly."""
TRACED_NS = 3 * DAY_NS
MOST_SPANS = 200_000
SPAN_COLUMNS = [
    "trace_id", "span_id", "parent_span_id", "service", "name", "start_ns", "end_ns", "duration_ns", "gpu",
    "queue_wait_ms", "forward_pass_ms", "attributes", "links",
]  # fmt: skip
BINNED = ("start_ns", "n", gv.QUEUE, gv.FORWARD, "total_ms", gv.QUEUE_SHARE, gv.REQUESTS)


@dataclass(frozen=True)
class Requests:
    """Hold one row a request of the services that name a device (or say a split), with its device and parts."""

    frame: pd.DataFrame
    """Columns of ``analysis.latency.split_requests`` and gpu."""
    evidence: tuple[Evidence, ...]

    def binned(self, *, service: str | None = None, gpu: str | None = None) -> pd.DataFrame:
        """Return means over half hours, columns BINNED; the share of queueing is that of all request time."""
        chosen = self.frame
        if service is not None:
            chosen = chosen[chosen["service"] == service]
        if gpu is not None:
            chosen = chosen[chosen["gpu"] == gpu]
        if chosen.empty:
            return pd.DataFrame(columns=list(BINNED))
        known = chosen["queue_wait_ms"].notna()
        work = pd.DataFrame({
            "start_ns": chosen["start_ns"] // BIN_NS * BIN_NS, "n": 1, gv.QUEUE: chosen["queue_wait_ms"].astype(float),
            gv.FORWARD: chosen["forward_pass_ms"].astype(float), "total_ms": chosen["total_ms"].astype(float),
            "_queued": chosen["queue_wait_ms"].where(known).astype(float),
            "_whole": chosen["total_ms"].where(known).astype(float),
        })  # fmt: skip
        by = work.groupby("start_ns", sort=True)
        found = by[[gv.QUEUE, gv.FORWARD, "total_ms"]].mean()
        found["n"] = by["n"].sum()
        found[gv.QUEUE_SHARE] = 100 * by["_queued"].sum(min_count=1) / by["_whole"].sum(min_count=1)
        found[gv.REQUESTS] = found["n"] / (BIN_NS / 1e9)
        return found.reset_index()[list(BINNED)]


def requests(reading: Reading, end_ns: int) -> Requests:
    """Return the split requests of the last days of services whose spans name a GPU, or say queue or forward pass."""
    start = end_ns - TRACED_NS
    places = reading.ask("span_places", start_ns=start, end_ns=end_ns)
    stated = reading.ask("latency_parts", start_ns=start, end_ns=end_ns, every_ns=TRACED_NS)
    on_device = places.frame.dropna(subset=["gpu"])["service"]
    services = sorted({str(s) for s in (*on_device, *stated.frame["service"].dropna())})
    if not services:
        return Requests(pd.DataFrame(columns=["service", "gpu"]), ())
    spans = reading.ask(
        "rows", table="spans", columns=SPAN_COLUMNS, start_ns=start, end_ns=end_ns, equals={"service": services},
        limit=MOST_SPANS,
    )  # fmt: skip
    split = split_requests(spans.frame)
    split = split[split["queue_wait_ms"].notna() | split["forward_pass_ms"].notna()]
    devices = spans.frame[["trace_id", "span_id", "gpu"]]
    return Requests(split.merge(devices, on=["trace_id", "span_id"], how="left"), (spans.evidence,))


def device_samples(reading: Reading, start_ns: int, end_ns: int) -> Answer | None:
    """Return the samples of all devices; None where no device sends any."""
    names = reading.ask("metric_names", start_ns=start_ns, end_ns=end_ns)
    devices = sorted(e for e in names.frame["entity"].unique() if e.startswith("gpu:"))
    return reading.ask("metric_series", start_ns=start_ns, end_ns=end_ns, entity=devices) if devices else None


def aligned(samples: pd.DataFrame, binned: pd.DataFrame) -> pd.DataFrame:
    """Return one row a sample time of one device, columns its figures and those of its requests at that time."""
    own = samples[~samples["metric"].str.startswith("gpu_process_")]
    frame = gv.figures(own)
    total = frame[gv.TOTAL].median() if gv.TOTAL in frame else float("nan")
    foreign = gv.others_memory(samples, float(total))
    if len(foreign):
        frame[gv.OTHERS_MEMORY] = foreign.reindex(frame.index).astype(float)
    if len(binned):
        bins = binned.set_index("start_ns")
        at = frame.index.to_numpy(dtype=np.int64) // BIN_NS * BIN_NS
        for name in (gv.QUEUE, gv.FORWARD, gv.QUEUE_SHARE, gv.REQUESTS):
            frame[name] = bins[name].astype(float).reindex(at).to_numpy()
    return frame
