"""nvidia-smi: eight real captures of four devices, recordings with and without units, and what is not known."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.sources import Context, Head
from workbench.sources.nvidia_smi import read, recognise

CONTEXT = Context("prod", "smi.csv", 1_772_366_400_000_000_000)
FILES = [
    "nvidia-geforce-rtx-4080-super__595.71.05", "nvidia-h100-mig__590.48.01", "nvidia-h200__590.48.01",
    "nvidia-l40s__595.80",
]  # fmt: skip
HEADER = "timestamp, index, uuid, hostname, utilization.gpu [%], memory.used [MiB], power.draw [W], temperature.gpu"
ROW = "2026/03/01 12:00:00.250, 0, GPU-20c5, n1, 45 %, 1024 MiB, 71.15 W, 53"


def samples(text: str | Path) -> list[dict[str, Any]]:
    """Return the samples of a recording in which everything can be read."""
    batches = list(read(text if isinstance(text, Path) else io.BytesIO(text.encode()), CONTEXT))
    assert [b.rejections for b in batches if b.rejections] == []
    found: list[dict[str, Any]] = pa.concat_tables([b.tables["metric_samples"] for b in batches]).to_pylist()
    return found


@pytest.mark.parametrize("name", FILES)
def test_idle_and_load_of_a_real_capture(name: str, data: Path) -> None:
    """Each capture holds one table idle and one under load: two times, 22 figures of the device each, more memory used.

    The programs on the device stand beside it, each with its pid and the memory that it holds.
    """
    file = data / f"gpu/smi/linux-x86_64__{name}.txt"
    assert recognise(Head(file.name, file.read_bytes()[:65536])) == 0.9
    every = samples(file)
    found = [s for s in every if "pid" not in dict(s["labels"])]
    times = sorted({s["time_ns"] for s in found})
    assert (len(times), len(found)) == (2, 44)
    programs = [s for s in every if "pid" in dict(s["labels"])]
    assert {s["metric"] for s in programs} <= {"gpu_process_memory_bytes"}
    idle, load = ({s["metric"]: s["value"] for s in found if s["time_ns"] == t} for t in times)
    assert load["gpu_memory_used_bytes"] > idle["gpu_memory_used_bytes"]


def test_a_mig_under_load_has_no_known_utilisation(data: Path) -> None:
    """At more than 290 W the H100 in MIG mode reports [N/A]: null, never 0."""
    found = samples(data / "gpu/smi/linux-x86_64__nvidia-h100-mig__590.48.01.txt")
    found = [s for s in found if "pid" not in dict(s["labels"])]
    load = {s["metric"]: s["value"] for s in found if s["time_ns"] == max(s["time_ns"] for s in found)}
    assert load["gpu_utilization_percent"] is None
    assert load["gpu_memory_utilization_percent"] is None
    assert load["gpu_power_w"] > 290


@pytest.mark.parametrize("units", ["with", "without"])
def test_units_may_be_left_out(units: str) -> None:
    """45 %, 1024 MiB and 71.15 W are the same figures with --format=csv,nounits."""
    row = ROW if units == "with" else ROW.replace(" %", "").replace(" MiB", "").replace(" W", "")
    assert recognise(Head("smi.csv", f"{HEADER}\n{row}\n".encode())) == 0.95
    found = samples(f"{HEADER}\n{row}\n")
    assert {(s["metric"], s["value"], s["unit"]) for s in found} == {
        ("gpu_utilization_percent", 45.0, "%"), ("gpu_memory_used_bytes", 1024 * 2.0**20, "By"),
        ("gpu_power_w", 71.15, "W"), ("gpu_temperature_c", 53.0, "Cel"),
    }  # fmt: skip
    assert {(s["entity"], s["time_ns"]) for s in found} == {("gpu:GPU-20c5", CONTEXT.received_ns + 250_000_000)}
    assert dict(found[0]["labels"]) == {"hostname": "n1", "index": "0"}


DEPRECATED = "[Requested functionality has been deprecated]"
NOTHING = ["[N/A]", "N/A", "[Not Supported]", "[Unknown Error]", DEPRECATED, "ERR!", ""]


@pytest.mark.parametrize("cell", NOTHING)
def test_what_is_not_known_is_null(cell: str) -> None:
    """Seven ways of saying nothing are null: a zero would look like an idle device."""
    found = samples(f"{HEADER}\n{ROW.replace('45 %', cell)}\n")
    assert next(s["value"] for s in found if s["metric"] == "gpu_utilization_percent") is None


def test_the_same_series_as_the_exporters() -> None:
    """A recording and a DCGM scrape of one device name the same entity, metric and series."""
    from workbench.sources.prometheus import read as scrape

    line = b'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-20c5",Hostname="n1"} 45\n'
    (batch,) = scrape(io.BytesIO(line), CONTEXT)
    (theirs,) = batch.tables["metric_samples"].to_pylist()
    ours = next(s for s in samples(f"{HEADER}\n{ROW}\n") if s["metric"] == "gpu_utilization_percent")
    assert [ours[k] for k in ("entity", "metric", "series", "value", "unit")] == [
        theirs[k] for k in ("entity", "metric", "series", "value", "unit")
    ]


def test_a_broken_row_is_refused_alone() -> None:
    """A cut row, one without a device and one without a time are refused; a header in between begins anew."""
    unnamed, undated = ROW.replace("GPU-20c5", "[N/A]").replace(" 0,", " [N/A],"), ROW.replace("2026/", "")
    text = "\n".join([HEADER, ROW, ROW[:40], unnamed, undated, "index, memory.used [MiB]", "1, 5 MiB"])
    batches = list(read(io.BytesIO(text.encode()), CONTEXT))
    found = pa.concat_tables([b.tables["metric_samples"] for b in batches]).to_pylist()
    assert {s["entity"] for s in found} == {"gpu:GPU-20c5", "gpu:smi.csv/1"}
    assert [r.reason for b in batches for r in b.rejections] == [
        "4 cells, not 8", "no uuid or index: which GPU is it?", "no timestamp that can be read",
    ]  # fmt: skip


def test_other_tables_are_not_ours() -> None:
    """A table with a column named index, or prose about nvidia-smi, is none of its recordings."""
    for start in (b"index,amount\n1,2\n", b"Run nvidia-smi --query-gpu to see.\n", b"", b"name,value\n"):
        assert recognise(Head("x", start)) == 0.0
