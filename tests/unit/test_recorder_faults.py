"""The recorder outlives its drivers: lost devices, resets, missing permissions, no driver; errors (XID) are told."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.gpu_recorder import NVMLError, StandIn
from workbench.recording import RECONNECT_NS, Recorder, Sampler
from workbench.sources import nvml

NOW = 1_772_366_400_000_000_000
SECOND = 10**9


class Driver(StandIn):
    """A driver of two devices that can be told to fail, and counts how often it was started."""

    def __init__(self) -> None:
        super().__init__(2)
        self.gone, self.refused, self.lost, self.started = False, set[str](), set[int](), 0
        self.xids: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        plain = super().__getattr__(name)
        if not callable(plain):
            return plain

        def call(*arguments: Any) -> Any:
            if name == "nvmlEventSetWait_v2" and self.xids:
                handle, number = self.xids.pop(0)
                return SimpleNamespace(device=handle, eventData=number)
            if self.gone or name in self.refused or (arguments and arguments[0] in self.lost and "Device" in name):
                raise NVMLError("Driver Not Loaded")
            if name == "nvmlInit":
                self.started += 1
            return plain(*arguments)

        return call


def figures(lines: list[nvml.Line]) -> dict[str, dict[str, float | None]]:
    """Return figures by entity, programs left out."""
    return {line["entity"]: line["figures"] for line in lines if "pid" not in line["labels"]}


def test_a_reset_driver_is_null_and_then_started_anew() -> None:
    """While the driver is away both devices are null; after ten seconds it is asked again, and answers as before."""
    driver = Driver()
    sampler = Sampler(driver)
    before = figures(sampler.devices(NOW))
    assert (len(before), driver.started, sampler.trouble) == (2, 1, "")
    driver.gone = True
    during = figures(sampler.devices(NOW + SECOND))
    assert set(during) == set(before)
    assert {v for own in during.values() for v in own.values()} == {None}
    assert "no longer answers" in sampler.trouble
    assert figures(sampler.devices(NOW + SECOND + RECONNECT_NS))
    assert "no NVIDIA driver to ask" in sampler.trouble
    driver.gone = False
    assert set(figures(sampler.devices(NOW + 2 * SECOND + RECONNECT_NS))) == set(before)
    assert figures(sampler.devices(NOW + 2 * (SECOND + RECONNECT_NS))) == before
    assert (driver.started, sampler.trouble) == (2, "")


def test_a_driver_that_is_away_is_not_asked_at_every_sample() -> None:
    """In a minute at 1 Hz without a driver it is asked six times."""
    asked = []

    class Absent(Driver):
        def __getattr__(self, name: str) -> Any:
            if name == "nvmlInit":
                asked.append(name)
            return super().__getattr__(name)

    driver = Absent()
    driver.gone = True
    sampler = Sampler(driver)
    for beat in range(60):
        assert sampler.devices(NOW + beat * SECOND) == []
    assert len(asked) == 6


def test_one_lost_device_of_two_costs_only_itself() -> None:
    """The device that fell off the bus is null, the other goes on."""
    driver = Driver()
    driver.lost = {1}
    found = [line["figures"] for line in Sampler(driver).devices(NOW) if "pid" not in line["labels"]]
    assert found[0]["gpu_utilization_percent"] == 75.0
    assert {v for k, v in found[1].items() if k != "gpu_last_xid"} == {None}


def test_a_missing_permission_leaves_its_figures_null() -> None:
    """Who may not read programs, ECC, throughput or errors gets everything else; programs have no lines."""
    driver = Driver()
    driver.refused = {"nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetTotalEccErrors", "nvmlEventSetCreate",
                      "nvmlDeviceGetPcieThroughput"}  # fmt: skip
    lines = Sampler(driver).devices(NOW)
    assert len(lines) == 2
    known = lines[0]["figures"]
    assert [known[k] for k in ("gpu_ecc_corrected", "gpu_pcie_sent_bytes_per_s", "gpu_last_xid")] == [None] * 3
    assert known["gpu_power_w"] == 512.0


def test_an_error_of_a_device_is_told_from_its_sample_on() -> None:
    """XID 79 of the second device stands on its lines, and stays; the first device has had none, which is 0."""
    driver = Driver()
    sampler = Sampler(driver)
    assert {own["gpu_last_xid"] for own in figures(sampler.devices(NOW)).values()} == {0.0}
    driver.xids = [(1, 79)]
    for beat in (1, 2):
        told = [own["gpu_last_xid"] for own in figures(sampler.devices(NOW + beat * SECOND)).values()]
        assert told == [0.0, 79.0]


def test_every_sample_holds_the_host_whatever_the_driver_does(tmp_path: Path) -> None:
    """CPU, memory, disk and network of the host go on through a driver that leaves and comes back."""
    driver, out = Driver(), tmp_path / "gpu.jsonl"
    with Recorder(out, interval="50ms", library=driver) as recorder:
        time.sleep(0.4)
        driver.gone = True
        time.sleep(0.4)
    hosts = [line for line in map(json.loads, out.read_text().splitlines()) if line["entity"].startswith("host:")]
    assert len(hosts) == recorder.samples >= 2
    names = {"host_cpu_percent", "host_memory_used_bytes", "host_disk_read_bytes", "host_disk_written_bytes",
             "host_network_received_bytes", "host_network_sent_bytes"}  # fmt: skip
    assert all(names <= set(line["figures"]) for line in hosts)
    assert all(line["figures"]["host_network_received_bytes"] is not None for line in hosts)


def test_a_companion_of_an_mlflow_run_names_the_run_that_is_active(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within ``mlflow.start_run()`` no id is given: every line carries the active run's; outside there is none."""
    import sys

    active = SimpleNamespace(info=SimpleNamespace(run_id="0af7651916cd43dd"))
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(active_run=lambda: active))
    out = tmp_path / "gpu.jsonl"
    with Recorder(out, interval="50ms", library=StandIn(1)):
        time.sleep(0.2)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines
    assert {line["labels"]["run_id"] for line in lines} == {"0af7651916cd43dd"}


def test_a_notebook_samples_beside_its_cells_and_stops_at_a_word(tmp_path: Path) -> None:
    """``start()`` returns at once, samples are taken while a cell computes, ``stop()`` ends them; it starts again."""
    recorder = Recorder(tmp_path / "gpu.jsonl", interval="50ms", library=StandIn(1))
    begun = time.perf_counter()
    recorder.start()
    assert time.perf_counter() - begun < 1.0
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        sum(range(1000))
    first = recorder.stop()
    assert first >= 2
    time.sleep(0.15)
    assert recorder.samples == first
    recorder.start()
    time.sleep(0.2)
    assert recorder.stop() > first
