"""Recorder beside a run: lines carry the run and trace, a missing driver is said, eight devices cost under 1 %."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from benchmarks.gpu_recorder import StandIn, cost_s
from workbench.errors import UsageError
from workbench.recording import Recorder, context
from workbench.sources import Context, nvml


def test_eight_devices_at_one_hertz_take_less_than_one_percent_of_a_core() -> None:
    """Sampling and writing 8 devices with two programs each, and the host, costs below 10 ms of processor time."""
    devices, host = cost_s(8, 10)
    assert devices + host < 0.010


def test_samples_carry_run_and_trace_and_read_back(tmp_path: Path) -> None:
    """Every line of two devices and the host names run r-1 and the span around the block; the reader keeps both."""
    from opentelemetry.sdk.trace import TracerProvider

    out = tmp_path / "gpu.jsonl"
    with TracerProvider().get_tracer("t").start_as_current_span("train") as span:
        with Recorder(out, interval="50ms", run_id="r-1", library=StandIn(2)) as recorder:
            time.sleep(0.5)
        trace_id = f"{span.get_span_context().trace_id:032x}"
    assert recorder.samples >= 2
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == recorder.samples * (2 * 3 + 1)
    assert {(line["labels"]["run_id"], line["labels"]["trace_id"]) for line in lines} == {("r-1", trace_id)}
    (batch,) = nvml.SOURCE.read(io.BytesIO(out.read_bytes()), Context("prod", "gpu.jsonl", 0))
    assert not batch.rejections
    kept = [dict(pairs) for pairs in batch.tables["metric_samples"]["labels"].to_pylist()]
    assert {pairs["run_id"] for pairs in kept} == {"r-1"}


def test_without_a_driver_the_host_is_recorded_and_the_work_goes_on(tmp_path: Path) -> None:
    """NVML that cannot start leaves one line a sample, of the host, and one sentence."""

    class Absent(StandIn):
        def __getattr__(self, name: str) -> object:
            def fail() -> None:
                raise self.NVMLError("Driver Not Loaded")

            return fail if name == "nvmlInit" else super().__getattr__(name)

    recorder = Recorder(tmp_path / "gpu.jsonl", interval="50ms", library=Absent(1)).start()
    with pytest.raises(UsageError, match="runs already"):
        recorder.start()
    time.sleep(0.3)
    assert recorder.stop() >= 1
    assert "no NVIDIA driver" in recorder.trouble
    lines = [json.loads(line) for line in (tmp_path / "gpu.jsonl").read_text().splitlines()]
    assert all(line["entity"].startswith("host:") for line in lines)


def test_nothing_active_gives_no_labels() -> None:
    """Outside of a run and a span there is nothing to stamp; a run named by hand is."""
    assert "trace_id" not in context()
    assert context("abc")["run_id"] == "abc"
