"""NVML: samples of NVIDIA devices and of the host, live or from the recordings of ``workbench record gpu``.

What a device does not say is null: no permission, not supported, a device that fell off the bus.
"""

from __future__ import annotations

import importlib
import io
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from workbench.errors import SourceError, UsageError
from workbench.model.entities import split
from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._gpu_metrics import device
from workbench.sources._json import canonical
from workbench.sources._rows import Rows, digest

FORMAT = "workbench gpu 1"
Line = dict[str, Any]
UNITS: Mapping[str, tuple[str, str]] = {
    "gpu_utilization_percent": ("%", "gauge"), "gpu_memory_utilization_percent": ("%", "gauge"),
    "gpu_memory_used_bytes": ("By", "gauge"), "gpu_memory_total_bytes": ("By", "gauge"),
    "gpu_memory_free_bytes": ("By", "gauge"), "gpu_memory_reserved_bytes": ("By", "gauge"),
    "gpu_last_xid": ("1", "gauge"), "gpu_temperature_c": ("Cel", "gauge"), "gpu_power_w": ("W", "gauge"),
    "gpu_power_limit_w": ("W", "gauge"), "gpu_sm_clock_mhz": ("MHz", "gauge"), "gpu_memory_clock_mhz": ("MHz", "gauge"),
    "gpu_throttled_percent": ("%", "gauge"), "gpu_throttle_reasons": ("1", "gauge"),
    "gpu_pcie_sent_bytes_per_s": ("By/s", "gauge"), "gpu_pcie_received_bytes_per_s": ("By/s", "gauge"),
    "gpu_pcie_generation": ("1", "gauge"), "gpu_pcie_width": ("1", "gauge"),
    "gpu_nvlink_sent_bytes": ("By", "counter"), "gpu_nvlink_received_bytes": ("By", "counter"),
    "gpu_nvlink_limit_bytes_per_s": ("By/s", "gauge"),
    "gpu_ecc_uncorrected": ("1", "counter"), "gpu_ecc_corrected": ("1", "counter"),
    "gpu_process_memory_bytes": ("By", "gauge"),
    "host_cpu_percent": ("%", "gauge"), "host_memory_used_bytes": ("By", "gauge"),
    "host_memory_total_bytes": ("By", "gauge"), "host_disk_read_bytes": ("By", "counter"),
    "host_disk_written_bytes": ("By", "counter"), "host_network_received_bytes": ("By", "counter"),
    "host_network_sent_bytes": ("By", "counter"),
}  # fmt: skip
"""Metric to unit and type."""
_SLOWED = 0x8 | 0x20 | 0x40 | 0x80
"""Reasons that mean trouble: hardware slowdown, software and hardware thermal, power brake; a power cap is normal."""
_SPEED, _LINKS, _SENT, _RECEIVED = 90, 91, 138, 139
"""Field numbers of NVML: MB/s of a link, number of links, KiB of data sent and received."""
_ALL_LINKS = 0xFFFFFFFF
_MEMBERS = {0: "dVal", 1: "uiVal", 2: "ulVal", 3: "ullVal", 4: "sllVal", 5: "siVal", 6: "usVal"}
"""Type of a field's value to the member that holds it."""
_MOST_LINE = 1 << 20
_ROWS_AT_ONCE = 50_000
_MOST_MIG = 16


def connect(library: Any = None) -> Any:  # the module pynvml, or its stand-in
    """Return NVML, initialised; SourceError with one sentence where there is no driver."""
    try:
        nvml = library if library is not None else importlib.import_module("pynvml")
        nvml.nvmlInit()
    except ImportError as error:
        raise SourceError("nvidia-ml-py is not installed, so no GPU can be sampled; install the package.") from error
    except nvml.NVMLError as error:
        raise SourceError(f"There is no NVIDIA driver to ask ({error}); other sources go on without it.") from error
    return nvml


def disconnect(nvml: Any) -> None:  # the module pynvml, or its stand-in
    """Let go of NVML, so that it can be started anew; one that is gone already is let go."""
    _ask(nvml, nvml.nvmlShutdown)


def xid_events(nvml: Any) -> Any:  # an event set of NVML
    """Return the set in which every device puts its errors (XID); None where none can (no permission, no support)."""
    events = _ask(nvml, nvml.nvmlEventSetCreate)
    if events is None:
        return None
    heard = False
    for index in range(_ask(nvml, nvml.nvmlDeviceGetCount) or 0):
        handle = _ask(nvml, nvml.nvmlDeviceGetHandleByIndex, index)
        try:
            nvml.nvmlDeviceRegisterEvents(handle, nvml.nvmlEventTypeXidCriticalError, events)
            heard = True
        except nvml.NVMLError:
            continue
    return events if heard else None


def next_xid(nvml: Any, events: Any) -> tuple[str, float] | None:
    """Return the entity and the number of the next error that waits in the set; None where none does."""
    event = _ask(nvml, nvml.nvmlEventSetWait_v2, events, 0)
    if event is None:
        return None
    name = device(_text(_ask(nvml, nvml.nvmlDeviceGetUUID, event.device)), None, None)
    return f"gpu:{name}", float(event.eventData)


def unknown(time_ns: int, entity: str, labels: Mapping[str, str]) -> Line:
    """Return the line of a device that does not answer: every figure null."""
    return _line(time_ns, entity, {**_figures(None, None), "gpu_last_xid": None}, labels)


def sample(nvml: Any, time_ns: int, host: str | None = None) -> list[Line]:
    """Return one line a device, MIG instance and process; figures that a device does not give are null."""
    named = host or socket.gethostname()
    lines: list[Line] = []
    for index in range(_ask(nvml, nvml.nvmlDeviceGetCount) or 0):
        handle = _ask(nvml, nvml.nvmlDeviceGetHandleByIndex, index)
        if handle is None:
            lines.append(_line(time_ns, f"gpu:{named}/{index}", _figures(nvml, None), {"index": str(index)}))
            continue
        name = device(_text(_ask(nvml, nvml.nvmlDeviceGetUUID, handle)), named, str(index))
        labels = {"index": str(index), "hostname": named}
        model = _text(_ask(nvml, nvml.nvmlDeviceGetName, handle))
        described = labels | ({"model_name": model} if model else {})
        lines.append(_line(time_ns, f"gpu:{name}", _figures(nvml, handle), described))
        for process in _ask(nvml, nvml.nvmlDeviceGetComputeRunningProcesses, handle) or ():
            memory = {"gpu_process_memory_bytes": _number(process.usedGpuMemory)}
            lines.append(_line(time_ns, f"gpu:{name}", memory, labels | {"pid": str(process.pid)}))
        lines += _instances(nvml, handle, time_ns, labels)
    return lines


def sample_host(time_ns: int, host: str | None = None) -> Line:
    """Return one line of this machine: CPU share over 0.1 s, memory, disk and network."""
    import psutil

    memory, disk, net = psutil.virtual_memory(), psutil.disk_io_counters(), psutil.net_io_counters()
    figures = {
        "host_cpu_percent": psutil.cpu_percent(0.1), "host_memory_used_bytes": float(memory.used),
        "host_memory_total_bytes": float(memory.total),
        "host_disk_read_bytes": float(disk.read_bytes) if disk else None,
        "host_disk_written_bytes": float(disk.write_bytes) if disk else None,
        "host_network_received_bytes": float(net.bytes_recv) if net else None,
        "host_network_sent_bytes": float(net.bytes_sent) if net else None,
    }  # fmt: skip
    return _line(time_ns, f"host:{host or socket.gethostname()}", figures, {})


def _figures(nvml: Any, handle: Any) -> dict[str, float | None]:
    """Ask a device for everything; None for a handle is a device that was lost."""

    def ask(function: str, *more: Any) -> Any:
        return None if handle is None else _ask(nvml, getattr(nvml, function), handle, *more)

    used = ask("nvmlDeviceGetUtilizationRates")
    # The second version, as nvidia-smi, leaves out of what is used what the driver keeps for itself; the first adds it.
    second = getattr(nvml, "nvmlMemory_v2", None)
    newer = None if second is None else ask("nvmlDeviceGetMemoryInfo", second)
    memory = newer if newer is not None else ask("nvmlDeviceGetMemoryInfo")
    reasons = _number(ask("nvmlDeviceGetCurrentClocksThrottleReasons"))
    found: dict[str, float | None] = {
        "gpu_utilization_percent": _number(getattr(used, "gpu", None)),
        "gpu_memory_utilization_percent": _number(getattr(used, "memory", None)),
        **{f"gpu_memory_{part}_bytes": _number(getattr(memory, part, None)) for part in ("used", "total", "free")},
        "gpu_memory_reserved_bytes": _number(getattr(newer, "reserved", None)),
        "gpu_temperature_c": _number(ask("nvmlDeviceGetTemperature", 0)),
        "gpu_power_w": _number(ask("nvmlDeviceGetPowerUsage"), 1e-3),
        "gpu_power_limit_w": _number(ask("nvmlDeviceGetEnforcedPowerLimit"), 1e-3),
        "gpu_sm_clock_mhz": _number(ask("nvmlDeviceGetClockInfo", 1)),
        "gpu_memory_clock_mhz": _number(ask("nvmlDeviceGetClockInfo", 2)),
        "gpu_throttle_reasons": reasons,
        "gpu_throttled_percent": None if reasons is None else 100.0 if int(reasons) & _SLOWED else 0.0,
        "gpu_pcie_sent_bytes_per_s": _number(ask("nvmlDeviceGetPcieThroughput", 0), 1024.0),
        "gpu_pcie_received_bytes_per_s": _number(ask("nvmlDeviceGetPcieThroughput", 1), 1024.0),
        "gpu_pcie_generation": _number(ask("nvmlDeviceGetCurrPcieLinkGeneration")),
        "gpu_pcie_width": _number(ask("nvmlDeviceGetCurrPcieLinkWidth")),
        **_nvlink(nvml, handle),
        "gpu_ecc_corrected": _number(ask("nvmlDeviceGetTotalEccErrors", 0, 0)),
        "gpu_ecc_uncorrected": _number(ask("nvmlDeviceGetTotalEccErrors", 1, 0)),
    }
    return found


def _nvlink(nvml: Any, handle: Any) -> dict[str, float | None]:
    """Return bytes over all NVLinks since the driver was loaded, and what they carry a second, one way."""
    asked = [(_SPEED, 0), (_LINKS, 0), (_SENT, _ALL_LINKS), (_RECEIVED, _ALL_LINKS)]
    said = None if handle is None else _ask(nvml, nvml.nvmlDeviceGetFieldValues, handle, asked)
    speed, links, sent, received = (_field(value) for value in said) if said is not None else [None] * 4
    return {
        "gpu_nvlink_sent_bytes": None if sent is None else 1024.0 * sent,
        "gpu_nvlink_received_bytes": None if received is None else 1024.0 * received,
        "gpu_nvlink_limit_bytes_per_s": 1e6 * speed * links if speed and links else None,
    }


def _field(said: Any) -> float | None:  # one field value of NVML
    """Return the number that a field value holds, in whichever member its type names; None where it was refused."""
    member = _MEMBERS.get(said.valueType) if said.nvmlReturn == 0 else None
    return None if member is None else _number(getattr(said.value, member))


def _instances(nvml: Any, handle: Any, time_ns: int, labels: Mapping[str, str]) -> list[Line]:
    """Return one line a MIG instance; only its memory is known."""
    mode = _ask(nvml, nvml.nvmlDeviceGetMigMode, handle)
    found = []
    for number in range(_MOST_MIG if mode and mode[0] else 0):
        instance = _ask(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
        uuid = None if instance is None else _text(_ask(nvml, nvml.nvmlDeviceGetUUID, instance))
        if uuid is None:
            continue
        memory = _ask(nvml, nvml.nvmlDeviceGetMemoryInfo, instance)
        figures = {f"gpu_memory_{p}_bytes": _number(getattr(memory, p, None)) for p in ("used", "total", "free")}
        found.append(_line(time_ns, f"gpu:{uuid}", figures, labels))
    return found


def _line(time_ns: int, entity: str, figures: Mapping[str, float | None], labels: Mapping[str, str]) -> Line:
    return {"recording": FORMAT, "time_ns": time_ns, "entity": entity, "figures": dict(figures), "labels": dict(labels)}


def _ask(nvml: Any, function: Callable[..., Any], *arguments: Any) -> Any:  # whatever NVML answers
    """Return what NVML answers, or None where it answers with an error, whichever."""
    try:
        return function(*arguments)
    except nvml.NVMLError:
        return None


def _number(value: Any, factor: float = 1.0) -> float | None:
    return float(value) * factor if isinstance(value, int | float) else None


def _text(value: Any) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else None


def recognise(head: Head) -> float:
    """Recognise the lines of ``workbench record gpu``."""
    return 0.98 if head.start.lstrip().startswith(b'{"recording": "workbench gpu ') else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the samples of a recording, one JSON object a line; a bad line costs only itself."""
    if isinstance(what, Path):
        with what.open("rb") as stream:
            yield from read(stream, context)
        return
    rows = Rows("nvml", context, (METRICS,))
    for number, raw in enumerate(iter(lambda: what.readline(_MOST_LINE), b""), 1):
        place = f"{context.place}:{number}"
        try:
            line = json.loads(raw)
            _take(line, rows, place)
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            rows.reject(Rejection.of("no line of a GPU recording", place, raw))
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch()
    if len(rows):
        yield rows.batch()


def _take(line: Any, rows: Rows, place: str) -> None:  # a line as JSON holds it
    """Add a line's figures; raise where it is none."""
    if line["recording"] != FORMAT:
        raise UsageError(f"A recording says {FORMAT!r}.")
    entity, time_ns, labels = line["entity"], line["time_ns"], line["labels"]
    split(entity)
    entity.encode("utf-8")
    if type(time_ns) is not int or abs(time_ns) >= 2**63 or not isinstance(labels, dict):
        raise UsageError("A recording's line needs time_ns and labels.")
    kept = {str(k).encode("utf-8", "replace").decode(): str(v).encode("utf-8", "replace").decode()
            for k, v in labels.items()}  # fmt: skip
    identity = {"pid": kept["pid"]} if "pid" in kept else {}
    made = []
    for metric, value in line["figures"].items():
        unit, kind = UNITS[metric]
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise UsageError("A figure is a number or null.")
        made.append({"series": digest(entity, metric, canonical(identity)), "time_ns": time_ns, "entity": entity,
                     "metric": metric, "value": None if value is None else float(value), "unit": unit, "type": kind,
                     "labels": kept})  # fmt: skip
    for row in made:
        rows.add(METRICS, row, place)


def pull(settings: Mapping[str, Any], cursor: str | None, context: Context) -> Iterator[tuple[Batch, str]]:
    """Yield one batch of samples taken now; the cursor is its time."""
    del settings, cursor  # nothing to set, and the past cannot be asked for
    now = time.time_ns()
    lines = [*sample(connect(), now), sample_host(now)]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    for batch in read(io.BytesIO(text), context):
        yield batch, str(now)


def check(settings: Mapping[str, Any]) -> str:
    """Return how many devices answer."""
    del settings
    nvml = connect()
    return f"{_ask(nvml, nvml.nvmlDeviceGetCount) or 0} NVIDIA devices answer"


SOURCE = Source(
    name="nvml",
    title="NVIDIA devices, live",
    doc="Live samples of NVIDIA devices through NVML and of their host, and recordings of workbench record gpu.",
    reads=(METRICS.name,),
    recognise=recognise,
    read=read,
    pull=pull,
    check=check,
)
