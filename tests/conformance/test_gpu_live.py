"""The recorder beside nvidia-smi: on a live device where there is one; the comparison itself everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu_live import DIFFERENCE, OVERHEAD, absent, compared, load_absent, measured

SECONDS = 20.0


@pytest.mark.full
def test_a_live_device_is_recorded_as_nvidia_smi_sees_it(tmp_path: Path) -> None:
    """Under load for 20 s: utilisation within 3 points on average, memory equal, below 1 % of one core."""
    why = absent()
    if why:
        pytest.skip(f"{why} On a machine with one: python -m benchmarks.gpu_live --minutes 5.")
    idle = load_absent(sys.executable)
    spent = measured(SECONDS, tmp_path, None if idle else sys.executable)
    for one in compared(tmp_path):
        assert one.pairs >= SECONDS / 2
        assert one.utilization_points <= DIFFERENCE
        assert one.memory_equal_percent == 100
    assert 100 * spent / SECONDS <= OVERHEAD


def test_without_a_device_the_script_says_so_and_ends_well() -> None:
    """One sentence, no figure, exit code 0; with a device this test has nothing to say."""
    if not absent():
        pytest.skip("There is a live NVIDIA device; the other test measures it.")
    code = [sys.executable, "-m", "benchmarks.gpu_live", "--minutes", "0.01"]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Nothing measured: ")
    assert "recorder:" not in done.stdout


def test_the_comparison_tells_a_difference_of_two_points_and_of_a_mib(tmp_path: Path) -> None:
    """Readings 0.2 s apart, 2 points and in one of four cases 5 MiB off: 2.00 points and 75 % equal."""
    lines, smi = [], ["timestamp, uuid, index, utilization.gpu [%], memory.used [MiB]"]
    for beat in range(4):
        smi.append(f"2026/03/01 12:00:0{beat}.000, GPU-ab, 0, 50 %, 100 MiB")
        memory = (105 if beat == 3 else 100) * 2**20
        lines.append({"recording": "workbench gpu 1", "time_ns": 1_772_366_400_200_000_000 + beat * 10**9,
                      "entity": "gpu:GPU-ab", "labels": {"index": "0"},
                      "figures": {"gpu_utilization_percent": 52.0, "gpu_memory_used_bytes": memory}})  # fmt: skip
    (tmp_path / "smi.csv").write_text("\n".join(smi) + "\n")
    (tmp_path / "recorded.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (one,) = compared(tmp_path)
    assert (one.pairs, one.utilization_points, one.memory_equal_percent) == (4, 2.0, 75.0)
    assert one.memory_worst_mib == pytest.approx(5.0)
