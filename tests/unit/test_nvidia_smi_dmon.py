"""nvidia-smi dmon: real lines with times put before them, and lines without."""

from __future__ import annotations

import io

from workbench.sources import Context, Head
from workbench.sources.nvidia_smi_dmon import read, recognise

HEADER = "# gpu    pwr  gtemp  mtemp     sm    mem    enc    dec    jpg    ofa   mclk   pclk"
H200 = "    0    630     53     41    100      8      0      0      0      0   3201   1980"
MIG = "    1    438     55     61      -      -      -      -      -      -   2619   1980"


def test_timed_lines_become_samples_and_untimed_ones_are_refused() -> None:
    """630 W at 100 % stay so; a MIG's dashes are null beside its 438 W; a line without a time is refused in words."""
    timed = f"#Date       Time     {HEADER[2:]}\n 20260714 09:00:26 {H200}\n 20260714 09:00:26 {MIG}\n"
    assert recognise(Head("dmon.txt", timed.encode())) == 0.95
    context = Context("prod", "dmon.txt", 5)
    (batch,) = read(io.BytesIO(timed.encode()), context)
    assert batch.rejections == ()
    found = {(r["entity"], r["metric"]): r for r in batch.tables["metric_samples"].to_pylist()}
    assert found["gpu:dmon.txt/0", "gpu_power_w"]["value"] == 630.0
    assert found["gpu:dmon.txt/0", "gpu_utilization_percent"]["value"] == 100.0
    assert found["gpu:dmon.txt/1", "gpu_power_w"]["value"] == 438.0
    assert found["gpu:dmon.txt/1", "gpu_utilization_percent"]["value"] is None
    assert {r["time_ns"] for r in found.values()} == {1784019626 * 10**9}
    (untimed,) = read(io.BytesIO(f"{HEADER}\n{H200}\n".encode()), context)
    assert [r.reason for r in untimed.rejections] == ["no time: record with nvidia-smi dmon -o DT"]
