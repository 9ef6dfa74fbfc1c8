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


PMON = "# gpu         pid   type     sm    mem    enc    dec    jpg    ofa    command "
BURN = "    0      10309     C     99      7      -      -      -      -    gpu_burn       "


def test_programs_of_pmon_are_told_apart_by_their_pid() -> None:
    """99 % of a real line stay so, dashes are null, an idle device gives no program, a name keeps its spaces."""
    lines = [f"#Date       Time     {PMON[2:]}", "#YYYYMMDD   HH:MM:SS Idx # C/G % % % % % % name",
             f" 20260714 09:00:26 {BURN}", f" 20260714 09:00:26 {BURN.replace('10309', '7').replace('99', ' -')} two",
             " 20260714 09:00:27    0          -     -      -      -      -      -      -      -    -  "]  # fmt: skip
    text = "\n".join(lines).encode()
    assert recognise(Head("pmon.txt", text)) == 0.95
    (batch,) = read(io.BytesIO(text), Context("prod", "pmon.txt", 5))
    assert batch.rejections == ()
    rows = batch.tables["metric_samples"].to_pylist()
    found = {(dict(r["labels"])["pid"], r["metric"]): r for r in rows}
    assert len(found) == len(rows) == 8
    assert found["10309", "gpu_process_utilization_percent"]["value"] == 99.0
    assert found["10309", "gpu_process_encoder_utilization_percent"]["value"] is None
    assert found["7", "gpu_process_utilization_percent"]["value"] is None
    assert dict(found["7", "gpu_process_utilization_percent"]["labels"])["process_name"] == "gpu_burn two"
    assert len({r["series"] for r in rows}) == 8


def test_memory_of_programs_is_in_bytes_and_untimed_lines_are_refused() -> None:
    """``-s um`` adds MiB: 512 are 536,870,912 bytes; a line without a time names the option that it lacks."""
    context = Context("prod", "pmon.txt", 5)
    head = "#Date Time gpu pid type sm mem enc dec jpg ofa fb ccpm command"
    (batch,) = read(io.BytesIO(f"{head}\n 20260714 09:00:26 0 42 C 3 1 - - - - 512 0 serve\n".encode()), context)
    values = {r["metric"]: r["value"] for r in batch.tables["metric_samples"].to_pylist()}
    assert values["gpu_process_memory_bytes"] == 512 * 2**20
    (untimed,) = read(io.BytesIO(f"{PMON}\n{BURN}\n".encode()), context)
    assert [r.reason for r in untimed.rejections] == ["no time: record with nvidia-smi pmon -o DT"]
