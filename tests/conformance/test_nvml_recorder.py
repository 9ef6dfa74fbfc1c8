"""The GPU recorder against a stand-in NVML that replays real captures, and against devices and drivers that vanish."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pynvml
import pytest

from workbench.analysis.gpu_links import NVLINK_BUSY, PCIE_BUSY, with_links
from workbench.analysis.gpu_verdict import figures
from workbench.errors import SourceError
from workbench.sources import Context
from workbench.sources.nvidia_smi import read as read_smi
from workbench.sources.nvml import connect, read, sample, sample_host

NOW = 1_772_366_400_000_000_000
CONTEXT = Context("prod", "gpu.jsonl", NOW)
FILES = [
    "nvidia-geforce-rtx-4080-super__595.71.05", "nvidia-h100-mig__590.48.01", "nvidia-h200__590.48.01",
    "nvidia-l40s__595.80",
]  # fmt: skip


class NVMLError(Exception):
    """What NVML raises."""


class StandIn:
    """Answer like pynvml with the figures of a capture; a figure that the capture does not know raises."""

    NVMLError = NVMLError

    def __init__(self, figures: Mapping[str, float | None], uuid: str = "GPU-1", mig: int = 0) -> None:
        self.figures, self.uuid, self.mig, self.lost = figures, uuid, mig, False

    def _get(self, metric: str, factor: float = 1.0) -> float:
        value = self.figures.get(metric)
        if value is None or self.lost:
            raise NVMLError("Not Supported")
        return round(value * factor)

    def nvmlInit(self) -> None:  # noqa: N802
        """Start."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """Return the number of devices."""
        return 1

    def __getattr__(self, name: str) -> Any:
        def pair(**metrics: str) -> SimpleNamespace:
            return SimpleNamespace(**{k: self._get(v) for k, v in metrics.items()})

        part = {p: f"gpu_memory_{p}_bytes" for p in ("used", "total", "free")}
        answers = {
            "nvmlDeviceGetHandleByIndex": lambda i: self._lost(i),
            "nvmlDeviceGetUUID": lambda h: f"MIG-{h}" if isinstance(h, str) else self.uuid,
            "nvmlDeviceGetName": lambda _: b"NVIDIA Stand-In",
            "nvmlDeviceGetUtilizationRates": lambda _: pair(
                gpu="gpu_utilization_percent", memory="gpu_memory_utilization_percent"
            ),
            "nvmlMemory_v2": 33554472,
            "nvmlDeviceGetMemoryInfo": lambda _, version=0: pair(
                **part, **({"reserved": "gpu_memory_reserved_bytes"} if version else {})
            ),
            "nvmlDeviceGetTemperature": lambda *_: self._get("gpu_temperature_c"),
            "nvmlDeviceGetPowerUsage": lambda _: self._get("gpu_power_w", 1000),
            "nvmlDeviceGetEnforcedPowerLimit": lambda _: self._get("gpu_power_limit_w", 1000),
            "nvmlDeviceGetClockInfo": lambda _, k: self._get(["", "gpu_sm_clock_mhz", "gpu_memory_clock_mhz"][k]),
            "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _: self._get("gpu_throttle_reasons"),
            "nvmlDeviceGetPcieThroughput": lambda *_: self._get("pcie"),
            "nvmlDeviceGetCurrPcieLinkGeneration": lambda _: self._get("gpu_pcie_generation"),
            "nvmlDeviceGetCurrPcieLinkWidth": lambda _: self._get("gpu_pcie_width"),
            "nvmlDeviceGetFieldValues": lambda _, asked: [self._field(*one) for one in asked],
            "nvmlDeviceGetTotalEccErrors": lambda _, k, __: self._get(["gpu_ecc_corrected", "gpu_ecc_uncorrected"][k]),
            "nvmlDeviceGetComputeRunningProcesses": lambda _: [SimpleNamespace(pid=7, usedGpuMemory=None)],
            "nvmlDeviceGetMigMode": lambda _: (int(self.mig > 0), 0),
            "nvmlDeviceGetMigDeviceHandleByIndex": lambda _, i: self._instance(i),
        }
        if name not in answers:
            raise AttributeError(name)
        return answers[name]

    def _field(self, number: int, scope: int) -> Any:
        """Return a field value of the real binding; one that nobody knows is refused, as on devices without NVLink."""
        found = pynvml.c_nvmlFieldValue_t(fieldId=number, scopeId=scope, nvmlReturn=pynvml.NVML_ERROR_NOT_SUPPORTED)
        value = self.figures.get(f"field {number}")
        if value is not None and not self.lost:
            found.nvmlReturn, found.valueType = 0, pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG
            found.value.ullVal = int(value)
        return found

    def _lost(self, index: int) -> int:
        if self.lost:
            raise NVMLError("GPU is lost")
        return index

    def _instance(self, index: int) -> str:
        if index >= self.mig:
            raise NVMLError("Not Found")
        return str(index)


@pytest.mark.parametrize("name", FILES)
def test_a_replayed_capture_is_recorded_as_it_was(name: str, data: Path) -> None:
    """Idle and load of four devices: every figure that both know is equal, what nvidia-smi calls [N/A] is null."""
    capture = data / f"gpu/smi/linux-x86_64__{name}.txt"
    rows = [r for b in read_smi(capture, CONTEXT) for r in b.tables["metric_samples"].to_pylist()]
    for time_ns in sorted({r["time_ns"] for r in rows}):
        said = {
            r["metric"]: r["value"] for r in rows if r["time_ns"] == time_ns and "pid" not in dict(r["labels"] or {})
        }
        if not said:  # a table of programs
            continue
        lines = sample(connect(StandIn(said)), NOW, "n1")
        found = lines[0]["figures"]
        shared = set(found) & set(said)
        assert len(shared) >= 12
        for metric in shared:
            assert found[metric] == (None if said[metric] is None else pytest.approx(said[metric], abs=0.001))
        if "mig" in name and found["gpu_power_w"] > 290:
            assert found["gpu_utilization_percent"] is None


def test_a_lost_device_is_null_and_comes_back() -> None:
    """While a device is off the bus every figure is null and its place host/index; afterwards it answers again."""
    nvml = StandIn({"gpu_power_w": 71.5, "gpu_throttle_reasons": 0x40})
    (before, process) = sample(nvml, NOW, "n1")
    assert (before["entity"], before["figures"]["gpu_throttled_percent"]) == ("gpu:GPU-1", 100.0)
    assert (process["labels"]["pid"], process["figures"]) == ("7", {"gpu_process_memory_bytes": None})
    nvml.lost = True
    (during,) = sample(nvml, NOW, "n1")
    assert (during["entity"], set(during["figures"].values())) == ("gpu:n1/0", {None})
    nvml.lost = False
    assert sample(nvml, NOW, "n1")[0] == before


def test_links_are_recorded_with_what_they_carry() -> None:
    """18 NVLinks of 26,562 MB/s that moved 239.058 GB in a second are half full; PCIe 5.0 x16 with 6.3 GB/s a tenth."""
    said = {"field 90": 26_562, "field 91": 18, "field 138": 10**9, "field 139": 0}
    lanes = {"gpu_pcie_generation": 5.0, "gpu_pcie_width": 16.0, "pcie": 6_154_000.0}
    first = sample(StandIn(said | lanes), NOW, "n1")[0]["figures"]
    said["field 138"] += 233_455_078  # KiB
    second = sample(StandIn(said | lanes), NOW + 10**9, "n1")[0]["figures"]
    rows = [(NOW + beat * 10**9, k, v) for beat, f in enumerate((first, second)) for k, v in f.items()]
    busy = with_links(figures(pd.DataFrame(rows, columns=["time_ns", "metric", "value"]).astype({"value": float})))
    assert busy[NVLINK_BUSY].tolist() == [pytest.approx(float("nan"), nan_ok=True), pytest.approx(50.0, abs=0.01)]
    assert busy[PCIE_BUSY].tolist() == pytest.approx([10.0, 10.0], abs=0.01)
    assert sample(StandIn(lanes), NOW, "n1")[0]["figures"]["gpu_nvlink_sent_bytes"] is None


def test_instances_of_a_mig_are_devices_of_their_own() -> None:
    """Two instances are two entities with memory and without a utilisation."""
    figures = {f"gpu_memory_{p}_bytes": 2.0**30 for p in ("used", "total", "free")}
    lines = sample(StandIn(figures, mig=2), NOW, "n1")
    mig = {line["entity"]: line["figures"] for line in lines if "MIG" in line["entity"]}
    assert set(mig) == {"gpu:MIG-0", "gpu:MIG-1"}
    assert all("gpu_utilization_percent" not in f and f["gpu_memory_used_bytes"] == 2.0**30 for f in mig.values())


def test_no_driver_is_one_sentence() -> None:
    """An NVML that cannot start is a SourceError in one sentence; the host is sampled all the same."""

    def no_driver() -> None:
        raise NVMLError("Driver Not Loaded")

    with pytest.raises(SourceError, match=r"no NVIDIA driver to ask \(Driver Not Loaded\)"):
        connect(SimpleNamespace(nvmlInit=no_driver, NVMLError=NVMLError))
    assert sample_host(NOW, "n1")["figures"]["host_memory_total_bytes"] > 0


def test_a_recording_reads_back_as_the_series_of_other_sources() -> None:
    """Lines become samples with the series digest of nvidia-smi's; a broken line costs only itself."""
    used = {"gpu_utilization_percent": 45.0, "gpu_memory_utilization_percent": 5.0}
    lines = sample(StandIn(used, uuid="GPU-20c5"), NOW, "n1")
    text = "\n".join([json.dumps(lines[0]), "{", '{"recording": "workbench gpu 1"}', json.dumps(lines[1])]).encode()
    (batch,) = read(io.BytesIO(text), CONTEXT)
    assert len(batch.rejections) == 2
    ours = {(r["entity"], r["metric"]): r for r in batch.tables["metric_samples"].to_pylist()}
    smi = b"timestamp, uuid, utilization.gpu [%]\n2026/03/01 12:00:00.000, GPU-20c5, 45 %\n"
    (theirs,) = next(iter(read_smi(io.BytesIO(smi), CONTEXT))).tables["metric_samples"].to_pylist()
    own = ours["gpu:GPU-20c5", "gpu_utilization_percent"]
    assert [own[k] for k in ("series", "value", "unit", "time_ns")] == [
        theirs[k] for k in ("series", "value", "unit", "time_ns")
    ]
    assert ours["gpu:GPU-20c5", "gpu_power_w"]["value"] is None
