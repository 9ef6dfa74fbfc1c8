"""Every capture of a device that is at hand, against the figures that stand in it: a truth table, MIG included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.sources import Batch, Context, nvidia_smi, prometheus

CONTEXT = Context("prod", "capture", 1_772_366_400_000_000_000)
MIB, NA = 2.0**20, None
FIGURES = (
    "gpu_utilization_percent", "gpu_memory_utilization_percent", "gpu_memory_used_bytes", "gpu_memory_total_bytes",
    "gpu_memory_reserved_bytes", "gpu_temperature_c", "gpu_memory_temperature_c", "gpu_power_w", "gpu_sm_clock_mhz",
    "gpu_memory_clock_mhz", "gpu_throttle_reasons",
)  # fmt: skip
TRUTH: dict[tuple[str, str], tuple[float | None, ...]] = {
    ("nvidia-geforce-rtx-4080-super__595.71.05", "idle"): (0, 23, 596, 16_376, 434, 43, NA, 26.20, 210, 405, 1),
    ("nvidia-geforce-rtx-4080-super__595.71.05", "load"): (7, 2, 1_474, 16_376, 434, 46, NA, 84.24, 2_805, 11_251, 0),
    ("nvidia-h100-mig__590.48.01", "idle"): (NA, NA, 59, 81_559, 479, 42, 48, 71.15, 345, 2_619, 1),
    ("nvidia-h100-mig__590.48.01", "load"): (NA, NA, 11_125, 81_559, 479, 53, 59, 433.78, 1_980, 2_619, 0),
    ("nvidia-h200__590.48.01", "idle"): (0, 0, 0, 143_771, 614, 28, 32, 77.71, 345, 3_201, 1),
    ("nvidia-h200__590.48.01", "load"): (100, 7, 32_362, 143_771, 614, 52, 40, 627.40, 1_980, 3_201, 0),
    ("nvidia-l40s__595.80", "idle"): (100, 9, 0, 46_068, 609, 63, NA, 144.97, 2_520, 9_001, 0),
    ("nvidia-l40s__595.80", "load"): (9, 2, 1_235, 46_068, 609, 54, NA, 110.23, 2_520, 9_001, 0),
}
"""As nvidia-smi wrote them: MiB, degrees, W, MHz; the L40S was not at rest when its idle table was taken."""
PROGRAMS = {
    "nvidia-geforce-rtx-4080-super__595.71.05": {"5021": 360, "5022": 503},
    "nvidia-h100-mig__590.48.01": {"21180": 2_296, "21181": 1_272, "21198": 7_484},
    "nvidia-h200__590.48.01": {"10291": 2_566, "10293": 1_542, "10309": 28_234},
    "nvidia-l40s__595.80": {"20037": 538, "20038": 681},
}
"""Memory of some programs under load, MiB, by pid."""
EXPORTED = [key for key in TRUTH if "h100" in key[0] or "h200" in key[0]]


def samples(read: Callable[..., Iterator[Batch]], file: Path) -> list[dict[str, Any]]:
    """Return all samples of a capture, in which nothing may be refused."""
    batches = list(read(file, CONTEXT))
    assert [b.rejections for b in batches if b.rejections] == []
    return [row for batch in batches for row in batch.tables["metric_samples"].to_pylist()]


def expected(name: str, state: str) -> dict[str, float | None]:
    """Return the truth in the units of the store."""
    said = dict(zip(FIGURES, TRUTH[name, state], strict=True))
    return {k: v * MIB if v is not None and k.endswith("_bytes") else v for k, v in said.items()}


@pytest.mark.parametrize(("name", "state"), TRUTH)
def test_a_table_of_nvidia_smi_is_read_to_its_figures(name: str, state: str, data: Path) -> None:
    """Eleven figures of four devices, idle and under load: equal, and null where the table says [N/A]."""
    found = samples(nvidia_smi.read, data / f"gpu/smi/linux-x86_64__{name}.txt")
    device = [s for s in found if "pid" not in dict(s["labels"])]
    time_ns = sorted({s["time_ns"] for s in device})[("idle", "load").index(state)]
    values = {s["metric"]: s["value"] for s in device if s["time_ns"] == time_ns}
    assert {k: values[k] for k in FIGURES} == pytest.approx(expected(name, state))
    assert {s["entity"] for s in device} == {"gpu:GPU-00000000-0000-0000-0000-000000000000"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_memory_of_programs_is_that_of_the_table(name: str, data: Path) -> None:
    """Each program's MiB under load, by its pid."""
    found = samples(nvidia_smi.read, data / f"gpu/smi/linux-x86_64__{name}.txt")
    held = {dict(s["labels"])["pid"]: s["value"] for s in found if s["metric"] == "gpu_process_memory_bytes"}
    assert {pid: held[pid] for pid in PROGRAMS[name]} == {pid: mib * MIB for pid, mib in PROGRAMS[name].items()}


@pytest.mark.parametrize(("name", "state"), EXPORTED)
def test_an_exporters_scrape_of_the_same_moment_gives_the_same_figures(name: str, state: str, data: Path) -> None:
    """Hz, bytes, shares and reasons of nvidia_gpu_exporter become what nvidia-smi's table says; absent is not 0."""
    found = samples(prometheus.read, data / f"gpu/prom/linux-x86_64__{name}__{state}.metrics")
    values = {s["metric"]: s["value"] for s in found}
    known = {k: v for k, v in expected(name, state).items() if v is not None}
    assert len(known) >= 9
    assert {k: values[k] for k in known} == pytest.approx(known)
    assert not [k for k, v in expected(name, state).items() if v is None and values.get(k) is not None]


def test_dcgm_of_a_t4(data: Path) -> None:
    """The T4 at rest: 0 % busy, no error, MiB in use and free as bytes, under the device key of its UUID."""
    found = samples(prometheus.read, data / "gpu/prom/dcgm_exporter_T4_datadog.prom")
    values = {s["metric"]: s["value"] for s in found if s["entity"] == "gpu:GPU-20c56d28-0da5-6d26-a36a-e7af1ce2586e"}
    assert {k: values[k] for k in ("gpu_utilization_percent", "gpu_memory_utilization_percent", "gpu_last_xid",
                                   "gpu_memory_used_bytes", "gpu_memory_free_bytes")} == {
        "gpu_utilization_percent": 0.0, "gpu_memory_utilization_percent": 0.0, "gpu_last_xid": 0.0,
        "gpu_memory_used_bytes": 0.0, "gpu_memory_free_bytes": 15_109 * MIB,
    }  # fmt: skip
