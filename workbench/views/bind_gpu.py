"""The timeline of devices over a case: what GPUs said and what their requests waited, out of what is frozen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.analysis import gpu_verdict as gv
from workbench.analysis.gpu_trace import KINDS
from workbench.case.case import Case
from workbench.errors import UsageError
from workbench.model.entities import split
from workbench.model.window import MINUTE_NS
from workbench.sources.kineto import trace as read_trace
from workbench.views.bind import wire
from workbench.views.lane_lines import frozen
from workbench.views.lanes import changes
from workbench_widgets.gpu import GpuTimeline
from workbench_widgets.kernels import Kernels

MIB = 1024**2
MOST_PROGRAMS = 4
THROTTLED_PERCENT = 20.0
"""A sample that says so much slowed time is drawn as a band."""
SAMPLE_NS = MINUTE_NS
_EMPTY = "No device's figures are frozen in this case yet; run the step: case.hardware(), or case.gpu()."
_PROCESS = "gpu_process_memory_bytes"


def gpu(case: Case, trace: str = "") -> GpuTimeline:
    """Return the timeline of a case's devices; the button beside the brush is ``case.select(…)``.

    *trace* may name a file of the PyTorch profiler (Kineto): its kernels are drawn on zoom, down to one microsecond.
    """
    devices, symptom = list(_devices(case)), case.symptom
    windows = [(w.start_ns, w.end_ns) for w in symptom.baseline.windows] if symptom and symptom.baseline else []
    moved = changes(case)
    if trace:
        lanes, clock = kernel_lanes(Path(trace))
        # Times that count from a machine's start share no axis with the case.
        devices, windows, moved = ([*devices, *lanes], windows, moved) if clock == "wall" else (lanes, [], [])
    board = GpuTimeline(devices, changes=moved, baseline=windows, title="Devices", caption=_caption(case, devices))
    if symptom is not None:
        board.selection = [symptom.window.start_ns // 10**6, symptom.window.end_ns // 10**6]

    def refresh() -> None:
        board.caption = _caption(case, devices)

    wire(board, case, refresh)
    return board


def kernel_lanes(path: Path) -> tuple[list[dict[str, Any]], Literal["wall", "machine"]]:
    """Return one device for each of a trace's, with its kernels, copies and fills, and which clock they count by."""
    if not path.is_file():
        raise UsageError(f"There is no file {path}; name a trace of the PyTorch profiler (.json or .json.gz).")
    found = read_trace(path)
    columns = {name: np.array(held, dtype=np.int64) for name, held in found.columns().items()}
    if not len(columns["start_ns"]):
        return [{"name": "kernels", "state": "the trace holds no work of a device"}], "machine"
    lanes = []
    for number in np.unique(columns["device"]).tolist():
        own = columns["device"] == number
        # A copy or a fill has no name of its own: its kind stands for it.
        codes = np.where(columns["name"] >= 0, columns["name"], len(found.names) + columns["kind"])[own]
        held = Kernels(columns["start_ns"][own], columns["end_ns"][own], [*found.names, *KINDS], codes,
                       columns["stream"][own])  # fmt: skip
        lanes.append({"name": f"{found.devices.get(number, 'device')} {number}", "kernels": held})
    return lanes, "wall" if found.has_wall_clock else "machine"


def _caption(case: Case, devices: list[dict[str, Any]]) -> str:
    if not devices:
        return _EMPTY
    said = [case.outcomes[name].summary for name in ("gpu", "hardware") if name in case.outcomes]
    return said[0] if said else f"{len(devices)} devices."


def _devices(case: Case) -> Iterator[dict[str, Any]]:
    """Yield what each device said, with the waits of the requests that it served."""
    samples = frozen(case, "metric_series")
    if samples.empty:
        return
    rows = samples[samples["entity"].str.startswith("gpu:")].drop_duplicates(["entity", "metric", "series", "time_ns"])
    waits = _waits(case)
    for entity, own in rows.groupby("entity", sort=True):
        name = split(str(entity))[1]
        table = own[own["metric"] != _PROCESS].pivot_table(index="time_ns", columns="metric", values="value",
                                                           aggfunc="mean", dropna=False).sort_index()  # fmt: skip
        table = table.astype(float)
        figures = {key: _pair(table[column]) for key, column in _columns(table).items()}
        if not figures:
            yield {"name": name, "state": "it sends no figure that this timeline draws"}
            continue
        yield {"name": name, "figures": figures, "throttled": _bands(table), "waits": waits.get(name),
               "programs": _programs(own[own["metric"] == _PROCESS])}  # fmt: skip


def _columns(table: pd.DataFrame) -> dict[str, str]:
    """Return the column that each drawn figure is read from; the share of memory is computed where it is not sent."""
    if gv.MEMORY not in table and {gv.USED, gv.TOTAL} <= set(table):
        table[gv.MEMORY] = 100 * table[gv.USED] / table[gv.TOTAL]
    named = {"utilization": gv.UTILIZATION, "memory": gv.MEMORY, "temperature": gv.TEMPERATURE, "power": gv.POWER}
    return {key: column for key, column in named.items() if column in table}


def _pair(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    return values.index.to_numpy(dtype=np.int64), values.to_numpy(dtype=float)


def _bands(table: pd.DataFrame) -> list[tuple[int, int, str]]:
    """Return the stretches in which a device says that it is slowed; unknown is no band."""
    times = table.index.to_numpy(dtype=np.int64)
    slowed, why = np.zeros(len(times), bool), "throttled"
    if gv.THROTTLED in table:
        slowed |= table[gv.THROTTLED].to_numpy(dtype=float) >= THROTTLED_PERCENT
    if gv.REASONS in table:
        slowed |= (np.nan_to_num(table[gv.REASONS].to_numpy(dtype=float)).astype(np.int64) & gv.SLOWED) > 0
    if not slowed.any():
        return []
    step = int(np.median(np.diff(times))) if len(times) > 1 else SAMPLE_NS
    edges = np.flatnonzero(np.diff(np.concatenate(([0], slowed.astype(np.int8), [0]))))
    return [(int(times[a]), int(times[b - 1]) + step, why) for a, b in edges.reshape(-1, 2).tolist()]


def _programs(rows: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the memory of the programs that hold most, in MiB."""
    if rows.empty:
        return {}
    named = rows.assign(program=[_program(labels) for labels in rows["labels"]])
    most = named.groupby("program")["value"].max().sort_values(ascending=False).index[:MOST_PROGRAMS]
    return {str(p): _pair(named[named["program"] == p].groupby("time_ns")["value"].sum(min_count=1) / MIB)
            for p in most}  # fmt: skip


def _program(labels: object) -> str:
    held = dict(labels or {})  # type: ignore[call-overload]
    return str(held.get("process") or held.get("process_name") or held.get("pid") or "a program")


def _waits(case: Case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the queue waits (ms) of the requests of each device, by begin."""
    spans = frozen(case, "rows")
    if not {"gpu", "queue_wait_ms", "start_ns"} <= set(spans):
        return {}
    known = spans.dropna(subset=["gpu", "queue_wait_ms", "start_ns"]).drop_duplicates(["trace_id", "span_id"])
    return {str(name): _pair(own.set_index("start_ns")["queue_wait_ms"].sort_index())
            for name, own in known.groupby("gpu", sort=True)}  # fmt: skip
