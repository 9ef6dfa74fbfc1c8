"""Devices and the requests that they serve, on one axis of time: what the steps and verbs about GPUs work with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

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
ON_AXIS = (gv.QUEUE, gv.FORWARD, gv.QUEUE_SHARE, gv.REQUESTS, gv.SERVICE_QUEUE, gv.SERVICE_QUEUE_SHARE)
SERVER_WAIT = r"\w*queue_wait\w*_ms"
"""Gauges in which servers say how long all their requests wait, traced or not."""
BINNED = ("start_ns", "n", gv.QUEUE, gv.FORWARD, "total_ms", gv.QUEUE_SHARE, gv.REQUESTS)


@dataclass(frozen=True)
class Requests:
    """Hold one row a request of the services that name a device (or say a split), with its device and parts."""

    frame: pd.DataFrame
    """Columns of ``analysis.latency.split_requests`` and gpu."""
    evidence: tuple[Evidence, ...]
    servers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["start_ns", "service", gv.QUEUE]))
    """Mean waits (ms) over half hours as the services themselves report them, of all their requests."""

    def of_device(self, gpu: str) -> pd.DataFrame:
        """Return the means of the requests of a device; where none was traced, what its service says of all of its own.

        The latter has columns start_ns, SERVICE_QUEUE and SERVICE_QUEUE_SHARE: of the service, not of the device.
        """
        own = self.binned(gpu=gpu)
        services = self.services(gpu)
        if len(own) or len(services) != 1:
            return own
        said = self.servers[self.servers["service"] == services[0]].set_index("start_ns")[gv.QUEUE].astype(float)
        traced = self.binned(service=services[0]).set_index("start_ns").astype(float)
        rest = (traced["total_ms"] - traced[gv.QUEUE]).reindex(said.index)
        return pd.DataFrame({gv.SERVICE_QUEUE: said, gv.SERVICE_QUEUE_SHARE: 100 * said / (said + rest)}).reset_index()

    def services(self, gpu: str) -> list[str]:
        """Return the services that a device serves; of one that no span names, the only one that any device serves."""
        own = self.frame[self.frame["gpu"] == gpu]
        told = own if len(own) else self.frame[self.frame["gpu"].notna()]
        found = sorted({str(s) for s in told["service"].dropna()})
        return found if len(own) or len(found) == 1 else []

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
    return Requests(reading.derive("requests", [spans], lambda: _on_devices(spans.frame)), (spans.evidence,))


def _on_devices(spans: pd.DataFrame) -> pd.DataFrame:
    split = split_requests(spans)
    split = split[split["queue_wait_ms"].notna() | split["forward_pass_ms"].notna()]
    return split.merge(spans[["trace_id", "span_id", "gpu"]], on=["trace_id", "span_id"], how="left")


def with_servers(reading: Reading, served: Requests, devices: Iterable[str], start_ns: int, end_ns: int) -> Requests:
    """Add what services say of all their waits, where a device (``gpu:NAME``) is among *devices* that no span names."""
    traced = {f"gpu:{name}" for name in served.frame["gpu"].dropna()}
    services = {f"service:{s}" for s in served.frame[served.frame["gpu"].notna()]["service"].dropna()}
    if not traced or set(devices) <= traced:
        return served
    names = reading.ask("metric_names", start_ns=end_ns - DAY_NS, end_ns=end_ns).frame
    waits = names[names["entity"].isin(services) & names["metric"].str.fullmatch(SERVER_WAIT)]
    if waits.empty:
        return served
    samples = reading.ask("metric_series", start_ns=start_ns, end_ns=end_ns, metric=sorted(set(waits["metric"])),
                          entity=sorted(set(waits["entity"])))  # fmt: skip
    return replace(served, servers=server_waits(samples.frame), evidence=(*served.evidence, samples.evidence))


def server_waits(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the mean wait (ms) of each service over half hours, from its own gauges, as ``Requests.servers``."""
    own = samples[samples["entity"].str.startswith("service:") & samples["metric"].str.fullmatch(SERVER_WAIT)]
    known = own.dropna(subset=["value"])
    work = pd.DataFrame({
        "start_ns": known["time_ns"] // BIN_NS * BIN_NS, "service": known["entity"].str.partition(":")[2],
        gv.QUEUE: known["value"].astype(float),
    })  # fmt: skip
    return work.groupby(["start_ns", "service"], sort=True)[gv.QUEUE].mean().reset_index()


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
        for name in (c for c in ON_AXIS if c in bins):
            frame[name] = bins[name].astype(float).reindex(at).to_numpy()
    return frame
