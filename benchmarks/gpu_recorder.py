"""GPU recorder bench: what one sample of eight devices costs, against a stand-in NVML.

    python -m benchmarks.gpu_recorder [--devices 8] [--beats 60]

Prints processor time a sample, and its share of one core at one sample a second. The stand-in answers at
once: the time that a real driver takes inside its calls is not in the figure.
"""

from __future__ import annotations

import argparse
import json
import time
from types import SimpleNamespace

from workbench.recording import Sampler
from workbench.sources import nvml


class NVMLError(Exception):
    """What NVML raises."""


class StandIn:
    """Answer like pynvml for *devices* devices under load, each with two programs."""

    NVMLError = NVMLError

    def __init__(self, devices: int) -> None:
        self.devices = devices
        self._answers = {
            "nvmlDeviceGetCount": devices,
            "nvmlDeviceGetName": b"NVIDIA Stand-In",
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=75, memory=61),
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=70 * 2**30, total=80 * 2**30, free=10 * 2**30),
            "nvmlDeviceGetTemperature": 61,
            "nvmlDeviceGetPowerUsage": 512_000,
            "nvmlDeviceGetEnforcedPowerLimit": 700_000,
            "nvmlDeviceGetClockInfo": 1980,
            "nvmlDeviceGetCurrentClocksThrottleReasons": 4,
            "nvmlDeviceGetPcieThroughput": 51_200,
            "nvmlDeviceGetCurrPcieLinkGeneration": 5,
            "nvmlDeviceGetCurrPcieLinkWidth": 16,
            "nvmlDeviceGetFieldValues": [
                SimpleNamespace(nvmlReturn=0, valueType=3, value=SimpleNamespace(ullVal=said))
                for said in (26_562, 18, 10**12, 10**12)
            ],
            "nvmlDeviceGetTotalEccErrors": 0,
            "nvmlDeviceGetComputeRunningProcesses": [SimpleNamespace(pid=p, usedGpuMemory=2**30) for p in (7, 8)],
            "nvmlDeviceGetMigMode": (0, 0),
            "nvmlEventSetCreate": 1,
            "nvmlDeviceRegisterEvents": None,
        }

    def _quiet(self, *_: object) -> None:
        raise NVMLError("Timeout")

    def __getattr__(self, name: str) -> object:
        if not name.startswith("nvml") or name == "nvmlMemory_v2":
            raise AttributeError(name)
        if name in ("nvmlInit", "nvmlShutdown"):
            return lambda: None
        if name == "nvmlEventTypeXidCriticalError":
            return 8
        if name == "nvmlEventSetWait_v2":
            return self._quiet
        if name == "nvmlDeviceGetHandleByIndex":
            return lambda index: index
        if name == "nvmlDeviceGetUUID":
            return lambda handle: f"GPU-{handle:08d}-0000-0000-0000-000000000000"
        return lambda *_: self._answers[name]


def cost_s(devices: int, beats: int) -> tuple[float, float]:
    """Return processor seconds a sample: of the devices, and of the host beside them."""
    sampler = Sampler(StandIn(devices))
    begun = time.process_time()
    for _ in range(beats):
        for line in sampler.devices(time.time_ns()):
            json.dumps(line)
    of_devices = (time.process_time() - begun) / beats
    begun = time.process_time()
    for _ in range(min(beats, 20)):
        json.dumps(nvml.sample_host(time.time_ns(), "bench"))
    return of_devices, (time.process_time() - begun) / min(beats, 20)


def main() -> None:
    """Print the cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--beats", type=int, default=60)
    asked = parser.parse_args()
    devices, host = cost_s(asked.devices, asked.beats)
    print(f"{asked.devices} devices: {1e3 * devices:.3f} ms a sample; host: {1e3 * host:.3f} ms a sample")
    print(f"at 1 Hz: {100 * (devices + host):.3f} % of one core (bar: 1 %)")


if __name__ == "__main__":
    main()
