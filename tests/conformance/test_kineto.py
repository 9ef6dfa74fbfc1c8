"""Kineto traces: six real files against known counts and Holistic Trace Analysis 0.5.0, and hostile ones."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.analysis import gpu_trace
from workbench.sources import Context, Head
from workbench.sources.kineto import KinetoTrace, read, recognise, trace

CONTEXT = Context("prod", "trace.json", 1_772_366_400_000_000_000)
NS = "ns_resolution_trace_rank-0.Apr_03_18_51_38.1102.pt.trace.json.gz"
FILES = [
    "nccl_parser_config_nccl_data.json.gz", NS, "rank_non_gpu_rank_non_gpu.json.gz",
    "timeline_analysis_sampled_rank-0.json.gz", "trace_diff_control_control.json.gz", "trace_diff_test_test.json.gz",
]  # fmt: skip
IN_DECIMALS = FILES[:2]
KIND_ORDER = ("computation", "communication", "memory")


@pytest.fixture(scope="module")
def traces(data: Path) -> dict[str, KinetoTrace]:
    """Read every file once."""
    return {name: trace(data / "traces/kineto" / name) for name in FILES}


def oracle(data: Path, name: str) -> dict[str, Any]:
    """Return what HTA says of a file: breakdown in µs, overlap, time by kinds, idle by stream."""
    text = (data / "traces/kineto/HTA_0.5.0_ORACLE.txt").read_text()
    part = text.partition(f"== {name}\n")[2].partition("\n== ")[0]
    lines = [line.split() for line in part.splitlines()]
    numbers = [float(x) for x in lines[1][2:]]
    overlap = next(line[2] for line in lines if len(line) == 3 and line[:2] == [lines[1][0], lines[1][1]])
    kinds = re.findall(r"^\d+ +((?:[A-Z]+)(?: overlapping [A-Z]+)*) +(\d+) +[\d.]+$", part, re.M)
    idle = re.findall(r"^\d+ +\d+ +(\d+) +(host_wait|kernel_wait|other) +([\d.]+) +\S+$", part, re.M)
    return {
        "breakdown": numbers, "overlap": float(overlap),
        "kinds": {frozenset(k.lower().split(" overlapping ")): int(v) for k, v in kinds},
        "idle": {(int(s), cause): float(v) for s, cause, v in idle},
    }  # fmt: skip


def as_hta_counts(kernels: pd.DataFrame, base_ns: int) -> pd.DataFrame:
    """Return kernels as HTA holds them: float µs without the trace's base, begins up and ends down to whole µs."""
    # Python divides integers to the nearest float, which is what reading the decimals as a float gives.
    start = np.array([(int(ns) - base_ns) / 1000 for ns in kernels["start_ns"]])
    end = start + np.array([int(ns) / 1000 for ns in kernels["end_ns"] - kernels["start_ns"]])
    return kernels.assign(start_ns=np.ceil(start).astype("int64") * 1000, end_ns=np.floor(end).astype("int64") * 1000)


@pytest.mark.parametrize("name", FILES)
def test_counts_of_real_files(name: str, traces: dict[str, KinetoTrace], truth: dict[str, Any]) -> None:
    """Events, categories, rank, base, streams and times are the known ones; a float's noise is at most 0.1 us."""
    found, known = traces[name], truth[f"traces/kineto/{name}"]
    assert (found.events, dict(found.categories), found.rank, found.base_ns) == (
        known["events"], known["cats"], known["rank"], known["base_ns"],
    )  # fmt: skip
    assert (len(found.device), len(set(found.stream))) == (known["gpu_events"], known["streams"])
    whole = gpu_trace.device_time(gpu_trace.frame(found.columns(), found.steps, window="all"))
    assert whole.kernel_sum_ns == round(known["gpu_sum_us"] * 1000)
    assert whole.busy_ns == pytest.approx(known["gpu_busy_union_us"] * 1000, abs=100)
    assert whole.window_ns == pytest.approx((known["gpu_span_us"] or 0) * 1000, abs=100)
    assert whole.busy_ns <= whole.kernel_sum_ns
    assert found.broken == ()


@pytest.mark.parametrize("name", [f for f in FILES if "non_gpu" not in f])
def test_equal_to_hta(name: str, traces: dict[str, KinetoTrace], data: Path) -> None:
    """Idle, computing, spanned time, shares, overlap and time by kinds equal HTA's where it counts in whole us."""
    found, said = traces[name], oracle(data, name)
    kernels = gpu_trace.frame(found.columns(), found.steps)
    if name in IN_DECIMALS:
        kernels = as_hta_counts(kernels, found.base_ns or 0)
    time = gpu_trace.device_time(kernels)
    idle, computing, other, spanned, idle_share, computing_share, _ = said["breakdown"]
    assert (time.idle_ns, time.computation_ns, time.window_ns) == (idle * 1000, computing * 1000, spanned * 1000)
    assert time.busy_ns - time.computation_ns == other * 1000
    assert (round(time.idle_percent or 0, 2), round(time.computation_percent or 0, 2)) == (idle_share, computing_share)
    share = float("nan") if time.overlap_percent is None else round(time.overlap_percent, 2)
    assert share == pytest.approx(said["overlap"], nan_ok=True)
    assert {frozenset(k): v / 1000 for k, v in gpu_trace.by_kinds(kernels).items()} == said["kinds"]


@pytest.mark.parametrize("name", [f for f in FILES if "non_gpu" not in f])
def test_idle_by_cause_equals_htas_or_answers_where_it_crashes(
    name: str, traces: dict[str, KinetoTrace], data: Path
) -> None:
    """Host wait, kernel wait and other equal HTA's per stream; on two files HTA raises ValueError and we answer."""
    found, said = traces[name], oracle(data, name)["idle"]
    kernels = gpu_trace.frame(found.columns(), found.steps)
    if name in IN_DECIMALS:
        kernels = as_hta_counts(kernels, found.base_ns or 0)
    rows = gpu_trace.idle_by_cause(kernels)
    ours = {(int(s), str(c)): float(ns) / 1000 for s, c, ns in rows.itertuples(index=False)}
    assert ours
    if said and name not in IN_DECIMALS:
        assert ours == {key: value for key, value in said.items() if key in ours}
        assert all(value == 0 for key, value in said.items() if key not in ours)
    assert bool(said) == ("trace_diff" not in name)


def test_decimals_are_exact_where_floats_are_not(traces: dict[str, KinetoTrace]) -> None:
    """1712195495505543.140 us has 19 digits: a float puts it up to 125 ns off; here it is its own ns."""
    assert min(traces[NS].launches.values()) == 1_712_195_495_505_543_140


def test_memory_stays_with_the_chunks_not_the_file(tmp_path: Path) -> None:
    """40 MB of host events in a trace need less than 20 MB: the file is never held whole."""
    import tracemalloc

    event = {"ph": "X", "cat": "cpu_op", "name": "aten::add", "ts": 1.5, "dur": 2, "args": {"pad": "x" * 400}}
    line = json.dumps(event) + ",\n"
    file = tmp_path / "big.json.gz"
    with gzip.open(file, "wt", compresslevel=1) as out:
        out.write('{"traceEvents": [\n' + line * 80_000 + json.dumps(event) + "]}")
    tracemalloc.start()
    found = trace(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.events, found.broken) == (80_001, ())
    assert peak < 20e6


def test_reading_loads_neither_pandas_nor_arrow() -> None:
    """A trace is read and its device time told in numpy alone: both would cost more memory than the trace."""
    code = ("import io, sys\nfrom workbench.analysis import gpu_trace\nfrom workbench.sources.kineto import trace\n"
            "found = trace(io.BytesIO(b'{\"traceEvents\": []}'))\n"
            "gpu_trace.device_time(gpu_trace.within(found.columns(), found.steps))\n"
            "print({'pandas', 'pyarrow'} & set(sys.modules))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_busiest_kernels_are_those_that_a_groupby_gives(traces: dict[str, KinetoTrace]) -> None:
    """Calls, sum, longest, shortest and mean of every name and kind of three real files equal pandas'."""
    for name in FILES[3:]:
        found = traces[name]
        kernels = gpu_trace.frame(found.columns(), found.steps)
        ours = {(one.name, one.kind): one[2:] for one in gpu_trace.busiest(kernels, found.names, 10**6)}
        rows = kernels.assign(length=kernels["end_ns"] - kernels["start_ns"]).groupby(["name", "kind"])["length"]
        theirs = {(found.names[n], KIND_ORDER[k]): tuple(own) for (n, k), own in
                  rows.agg(["size", "sum", "max", "min", "mean"]).iterrows()}  # fmt: skip
        assert ours == theirs


KERNEL = {"ph": "X", "cat": "kernel", "name": "k", "ts": 10.001, "dur": 5.0005, "args": {"device": 0, "stream": 7}}


def of(*events: Any, head: str = "", tail: str = "") -> KinetoTrace:
    """Read a small trace."""
    text = f'{{{head}"traceEvents": [{",".join(e if isinstance(e, str) else json.dumps(e) for e in events)}]{tail}}}'
    return trace(io.BytesIO(text.encode()))


def test_a_base_after_the_events_moves_every_time() -> None:
    """``baseTimeNanoseconds`` stands at a trace's end: 10.001 us become base + 10,001 ns."""
    found = of(KERNEL, tail=', "baseTimeNanoseconds": 1711964646000000000')
    assert (list(found.start_ns), list(found.end_ns)) == ([1711964646000010001], [1711964646000015001])


def test_a_trace_of_rocm_is_split_as_any_other() -> None:
    """Of 100 µs of an AMD device 30 compute, 20 communicate (half hidden), 5 copy; stream 0 waits 65 for the host."""

    def launch(call: str, ts: float, correlation: int) -> dict[str, Any]:
        args = {"correlation": correlation}
        return {"ph": "X", "cat": "cuda_runtime", "name": call, "ts": ts, "dur": 1, "args": args}

    def on_device(cat: str, name: str, ts: float, dur: float, correlation: int, stream: int = 0) -> dict[str, Any]:
        args = {"device": 2, "stream": stream, "correlation": correlation}
        return {"ph": "X", "cat": cat, "name": name, "ts": ts, "dur": dur, "args": args}

    gemm, gather = "Cijk_Ailk_Bljk_HHS_BH_MT128x128x32_SE_1LDSB0", "ncclDevKernel_AllGather_RING_LL(ncclDevComm*)"
    found = of(
        launch("hipExtModuleLaunchKernel", 90.0, 1), on_device("kernel", gemm, 100.0, 30.0, 1),
        launch("hipLaunchKernel", 91.0, 2), on_device("kernel", gather, 120.0, 20.0, 2, stream=1),
        launch("hipMemcpyAsync", 180.0, 3),
        on_device("gpu_memcpy", "CopyDeviceToHost", 195.0, 5.0, 3),
        head='"deviceProperties": [{"id": 2, "name": "AMD Instinct MI300X"}], ',
    )  # fmt: skip
    assert found.devices == {2: "AMD Instinct MI300X"}
    kernels = gpu_trace.frame(found.columns(), found.steps)
    time = gpu_trace.device_time(kernels)
    assert (time.computation_ns, time.communication_ns, time.memory_ns) == (30_000, 20_000, 5_000)
    assert (time.window_ns, time.busy_ns, time.overlap_ns, time.overlap_percent) == (100_000, 45_000, 10_000, 50.0)
    idle = gpu_trace.idle_by_cause(kernels).to_dict("records")
    assert idle == [{"stream": 0, "cause": "host_wait", "idle_ns": 65_000}]


def test_one_bad_event_costs_only_itself() -> None:
    """Of a number, an event named 7, a kernel without a time and a good one, the good one is kept."""
    found = of("5", {**KERNEL, "name": 7}, {**KERNEL, "ts": "soon"}, {**KERNEL, "ts": float("nan")}, KERNEL)
    assert (len(found.device), len(found.broken)) == (1, 4)


def test_a_cut_trace_gives_what_came_before() -> None:
    """A profiler that was killed leaves half a file: the whole events count, the rest is rejected."""
    text = ('{"traceEvents": [' + json.dumps(KERNEL) + ",\n" + json.dumps(KERNEL)[:40]).encode()
    found = trace(io.BytesIO(text))
    assert len(found.device) == 1
    assert [reason for reason, _ in found.broken] == ["the trace breaks off, or an event is no JSON"]
    deep = trace(io.BytesIO(b'{"traceEvents": [' + b"[" * 100_000))
    assert len(deep.broken) == 1


def test_waits_for_the_next_batch_are_told_as_pytorch_marks_them(data: Path) -> None:
    """Six marks of 102 to some hundred microseconds in Meta's trace; a trace without marks says nothing, not 0."""
    path = data / "traces/kineto/trace_diff_test_test.json.gz"
    with gzip.open(path) as stream:
        events = json.load(stream)["traceEvents"]
    marks = [e for e in events if str(e.get("name", "")).startswith("enumerate(DataLoader)")]
    found = trace(path)
    assert [b - a for a, b in found.waits] == [1000 * e["dur"] for e in marks]
    assert len(found.waits) == 6
    begin, end = min(found.start_ns), max(found.end_ns)
    inside = sum(max(0, min(b, end) - max(a, begin)) for a, b in found.waits)
    (batch,) = read(path, CONTEXT)
    values = {r["metric"]: r["value"] for r in batch.tables["metric_samples"].to_pylist()}
    assert values["data_wait_percent"] == pytest.approx(100 * inside / (end - begin))
    bare = json.dumps({"traceEvents": [KERNEL]}).encode()
    (other,) = read(io.BytesIO(bare), CONTEXT)
    assert "data_wait_percent" not in other.tables["metric_samples"].column("metric").to_pylist()


def test_the_store_gets_a_summary_of_each_device() -> None:
    """Five figures a device; a trace clocked from a machine's start is stamped with the time of receipt."""
    text = json.dumps({"deviceProperties": [{"id": 0, "name": "T4"}],
                       "traceEvents": [KERNEL, {**KERNEL, "ts": 20.001}]}).encode()  # fmt: skip
    assert recognise(Head("t.json", text)) == 0.95
    (batch,) = read(io.BytesIO(text), CONTEXT)
    rows = {row["metric"]: row for row in batch.tables["metric_samples"].to_pylist()}
    assert rows["gpu_trace_busy_percent"]["value"] == pytest.approx(100 * 10 / 15)
    assert rows["gpu_trace_computation_s"]["value"] == pytest.approx(10e-6)
    assert rows["gpu_trace_communication_s"]["value"] == 0.0
    assert {r["time_ns"] for r in rows.values()} == {CONTEXT.received_ns}
    assert dict(rows["gpu_trace_span_s"]["labels"])["clock"] == "received"
    assert {r["entity"] for r in rows.values()} == {"gpu:trace.json/0"}
