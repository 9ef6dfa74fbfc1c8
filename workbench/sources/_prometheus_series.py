"""What a Prometheus series describes: its entity, its figure with unit, and its samples as rows."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from workbench.columnar import build
from workbench.model.entities import entity
from workbench.model.tables import KPIS, METRICS
from workbench.sources import Batch, Context, Rejection
from workbench.sources import _gpu_metrics as gpu
from workbench.sources._json import canonical
from workbench.sources._rows import digest

KPI_PREFIX = "kpi_"
_UUID, _HOST = ("UUID", "uuid", "gpu_uuid"), ("Hostname", "hostname", "host", "node", "instance")
_INDEX, _MIG = ("gpu", "minor_number", "index"), ("GPU_I_ID", "gpu_i_id")
_OF_THE_HOST = ("node_", "windows_", "machine_", "container_", "process_host_")
_GPU_DESCRIPTION = {
    *_UUID, *_HOST, *_INDEX, *_MIG, "device", "modelName", "model_name", "pci_bus_id", "GPU_I_PROFILE", "job",
    "DCGM_FI_DRIVER_VERSION", "DCGM_FI_PROCESS_NAME", "driver_version", "name",
}  # fmt: skip
"""Labels that describe a GPU or its exporter: they drifted between versions and are no part of a series' identity."""
_SPELT_ONE_WAY = {"Hostname": "hostname", "modelName": "model_name", "UUID": "uuid"}
_UNITS = (
    ("_seconds", "s"), ("_bytes", "By"), ("_ratio", "1"), ("_percent", "%"), ("_celsius", "Cel"), ("_watts", "W"),
    ("_joules", "J"), ("_volts", "V"), ("_amperes", "A"), ("_hertz", "Hz"), ("_hz", "Hz"), ("_us", "us"), ("_ms", "ms"),
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """One series as rows need it."""

    entity: str
    metric: str
    labels: Mapping[str, str]
    unit: str | None
    type: str | None
    factor: float
    digest: str
    kpi: str | None = None
    segment: str = ""


def series_of(name: str, labels: Mapping[str, str], kind: str | None, unit: str | None, context: Context) -> Series:
    """Return what a series describes, by the rules of ``docs/sources.md``."""
    figure = gpu.DCGM.get(name) or gpu.NVIDIA_GPU_EXPORTER.get(name)
    on_gpu = figure is not None or name.startswith(("DCGM_FI_", "nvidia_smi_", "nv_gpu_"))
    device = _device(labels) if on_gpu else None
    kpi = name.removeprefix(KPI_PREFIX) if name.startswith(KPI_PREFIX) else None
    about = f"gpu:{device}" if device else f"kpi:{kpi}" if kpi else _entity(name, labels, context)
    kept = {_SPELT_ONE_WAY.get(k, k): v for k, v in labels.items()} if on_gpu else dict(labels)
    identity = {k: v for k, v in labels.items() if not (device and k in _GPU_DESCRIPTION)}
    metric = figure.metric if figure else name
    said = unit or labels.get("unit") if kpi else unit
    return Series(
        about, metric, kept, figure.unit if figure else said or _unit(name), figure.type if figure else kind,
        figure.factor if figure else 1.0, digest(about, metric, canonical(identity)), kpi,
        _segment(labels) if kpi else "",
    )  # fmt: skip


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)


def _device(labels: Mapping[str, str]) -> str | None:
    index = _first(labels, _INDEX) or labels.get("device", "").removeprefix("nvidia") or None
    host = _first(labels, _HOST)
    return gpu.device(_first(labels, _UUID), without_port(host) if host else None, index, _first(labels, _MIG))


def without_port(address: str) -> str:
    """Return the host of ``host:port``, and of ``[v6]:port``."""
    host, colon, port = address.rpartition(":")
    return host.strip("[]") if colon and port.isdigit() and host and (":" not in host or host[0] == "[") else address


def _entity(name: str, labels: Mapping[str, str], context: Context) -> str:
    instance = labels.get("instance") or labels.get("node")
    if name.startswith(_OF_THE_HOST) and instance:
        return entity("host", without_port(instance))
    for kind, names in (("service", ("service", "service_name", "job")), ("model", ("model", "model_name"))):
        found = _first(labels, names)
        if found:
            return entity(kind, found)
    return entity("host", without_port(instance)) if instance else entity("source", context.place or "prometheus")


def _unit(name: str) -> str | None:
    plain = name
    for ending in ("_total", "_sum", "_bucket"):
        plain = plain.removesuffix(ending)
    if name.endswith("_count"):
        return "1"
    return next((unit for ending, unit in _UNITS if plain.endswith(ending)), None)


def _segment(labels: Mapping[str, str]) -> str:
    """Return the part of the business: the label ``segment``, else all labels that are not the scrape's own."""
    if "segment" in labels:
        return labels["segment"]
    own = sorted((k, v) for k, v in labels.items() if k not in ("job", "instance", "unit"))
    return ",".join(f"{k}={v}" for k, v in own)


class Samples:
    """Gather samples of many series as columns."""

    def __init__(self, context: Context) -> None:
        """Stamp rows with *context*."""
        self._context = context
        self._series: list[Series] = []
        self._codes: dict[object, int] = {}
        self._code, self._time, self._value = array("i"), array("q"), array("d")
        self.rejections: list[Rejection] = []

    def __len__(self) -> int:
        return len(self._code)

    def code(self, key: object) -> int | None:
        """Return the code of a series seen before under *key*."""
        return self._codes.get(key)

    def begin(self, key: object, series: Series) -> int:
        """Take up a series under *key* and return its code."""
        self._series.append(series)
        self._codes[key] = len(self._series) - 1
        return self._codes[key]

    def add(self, code: int, time_ns: int, value: float) -> None:
        """Add one sample; NaN is unknown."""
        self._code.append(code)
        self._time.append(time_ns)
        self._value.append(value)

    def extend(self, codes: np.ndarray, times_ns: np.ndarray, values: np.ndarray) -> None:
        """Add samples (int32, int64 and float64, each (n,)); NaN is unknown."""
        self._code.frombytes(codes.astype(np.int32).tobytes())
        self._time.frombytes(times_ns.astype(np.int64).tobytes())
        self._value.frombytes(values.astype(np.float64).tobytes())

    def batch(self) -> Batch:
        """Return the samples gathered, and begin anew; the series stay known."""
        codes = np.frombuffer(self._code, dtype=np.int32).copy() if self._code else np.empty(0, np.int32)
        times = np.frombuffer(self._time, dtype=np.int64).copy() if self._time else np.empty(0, np.int64)
        values = np.frombuffer(self._value, dtype=np.float64).copy() if self._value else np.empty(0, np.float64)
        self._code, self._time, self._value = array("i"), array("q"), array("d")
        rejections, self.rejections = tuple(self.rejections), []
        metrics, kpis = self._metrics(codes, times, values), self._kpis(codes, times, values)
        return Batch({METRICS.name: metrics, KPIS.name: kpis}, rejections)

    def _metrics(self, codes: np.ndarray, times: np.ndarray, values: np.ndarray) -> pa.Table:
        at = pa.array(codes)
        maps = pa.array([sorted(s.labels.items()) for s in self._series], pa.map_(pa.string(), pa.string()))
        said = ("entity", "metric", "unit", "type")
        given = {name: pa.array([getattr(s, name) for s in self._series], pa.string()).take(at) for name in said}
        given["series"] = pa.array([s.digest for s in self._series], pa.string()).take(at)
        factors = np.array([s.factor for s in self._series], dtype=np.float64)
        scaled = values * factors[codes] if len(codes) else values
        figures = {"labels": maps.take(at), "time_ns": pa.array(times), "value": _known(scaled)}
        return build(METRICS, given | figures | self._stamp(len(codes)))

    def _kpis(self, codes: np.ndarray, times: np.ndarray, values: np.ndarray) -> pa.Table:
        """Return business figures a second time, as what they are."""
        ours = np.array([s.kpi is not None for s in self._series], dtype=bool)
        mask = ours[codes] if len(codes) else np.zeros(0, dtype=bool)
        at = pa.array(codes[mask])
        given = {
            "kpi": pa.array([s.kpi or "" for s in self._series], pa.string()).take(at),
            "segment": pa.array([s.segment for s in self._series], pa.string()).take(at),
            "unit": pa.array([s.unit for s in self._series], pa.string()).take(at),
            "time_ns": pa.array(times[mask]),
            "value": _known(values[mask]),
        }
        return build(KPIS, given | self._stamp(len(at)))

    def _stamp(self, rows: int) -> dict[str, pa.Array]:
        context = self._context
        said = {
            "environment": context.environment, "source": "prometheus", "place": context.place,
            "received_ns": context.received_ns,
        }  # fmt: skip
        return {name: pa.repeat(pa.scalar(value), rows) for name, value in said.items()}


def _known(values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
