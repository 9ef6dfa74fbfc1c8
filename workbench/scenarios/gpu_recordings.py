"""Simulated recordings of a serving GPU: a healthy baseline, and a window with one fault or none."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from workbench.analysis.gpu_links import LANE_BYTES_PER_S

Condition = Literal[
    "healthy", "throttle", "vram_pressure", "noisy_neighbour", "queue_starvation", "data_loader_starvation",
    "stuck_device", "gpu_memory_wait", "pcie_limit", "nvlink_limit",
]  # fmt: skip
CONDITIONS: tuple[Condition, ...] = (
    "healthy", "throttle", "vram_pressure", "noisy_neighbour", "queue_starvation", "data_loader_starvation",
    "stuck_device", "gpu_memory_wait", "pcie_limit", "nvlink_limit",
)  # fmt: skip
_GIB = 2.0**30


def recording(condition: Condition, seed: int, *, baseline_s: int = 900, window_s: int = 300) -> tuple[
    pd.DataFrame, pd.DataFrame
]:  # fmt: skip
    """Return baseline and window, one row a second and a column a figure; load drifts in both, faults vary in size."""
    dice = np.random.default_rng([seed, CONDITIONS.index(condition)])
    level = dice.uniform(35, 75)
    load = np.clip(level * _wander(dice, baseline_s + window_s, 0.12), 5, 95)
    # A healthy window may carry more or less traffic than its baseline: that alone is no fault.
    load[baseline_s:] *= dice.uniform(0.75, 1.25)
    whole = _serve(np.clip(load, 5, 98), dice)
    rest = dice.uniform(5, 60)  # ms that a request spends elsewhere
    baseline, window = whole.iloc[:baseline_s].copy(), whole.iloc[baseline_s:].copy()
    if condition != "healthy":
        _HARM[condition](window, dice)
    for part in (baseline, window):
        whole_ms = part["queue_wait_ms"] + part["forward_pass_ms"] + rest
        part["queue_share_percent"] = 100 * part["queue_wait_ms"] / whole_ms
    window["gpu_utilization_percent"] = window["gpu_utilization_percent"].clip(0, 100).round()
    return baseline, window


def _serve(load: np.ndarray[tuple[int], np.dtype[np.float64]], dice: np.random.Generator) -> pd.DataFrame:
    n = len(load)
    size = dice.choice([16.0, 24.0, 80.0, 141.0]) * _GIB
    forward = dice.uniform(8, 60) * _wander(dice, n, 0.03)
    wait = dice.uniform(0.5, 8.0) * (1 + (load / 100) ** 4) * dice.gamma(8, 1 / 8, n)
    return pd.DataFrame({
        "gpu_utilization_percent": np.clip(load + dice.normal(0, 4, n), 0, 100).round(),
        "gpu_sm_clock_mhz": dice.choice([1410.0, 1755.0, 1980.0]) - 15.0 * dice.integers(0, 3, n),
        "gpu_temperature_c": (40 + 0.3 * load + dice.normal(0, 0.7, n)).round(),
        "gpu_power_w": 70 + 4.2 * load + dice.normal(0, 6, n),
        "gpu_memory_used_bytes": size * (dice.uniform(0.45, 0.8) + dice.normal(0, 0.003, n)),
        "gpu_memory_total_bytes": np.full(n, size),
        "gpu_throttled_percent": np.where(dice.random(n) < 0.01, 100.0, 0.0),
        "gpu_memory_utilization_percent": np.clip(load * dice.uniform(0.3, 0.7) + dice.normal(0, 3, n), 0, 100).round(),
        "gpu_other_processes_percent": np.abs(dice.normal(0, 0.8, n)),
        "requests_per_s": load * dice.uniform(0.8, 3.0) + dice.normal(0, 2, n),
        "queue_wait_ms": wait, "forward_pass_ms": forward, "data_wait_percent": np.abs(dice.normal(2, 1, n)),
        **_links(load, dice.spawn(1)[0]),
    })  # fmt: skip


def _links(load: np.ndarray[tuple[int], np.dtype[np.float64]], dice: np.random.Generator) -> dict[str, object]:
    """Return what moves over PCIe and NVLink: shares of what they carry, that follow the load."""
    n, generation = len(load), int(dice.integers(3, 6))
    width = int(dice.choice([8, 16]))
    pcie, nvlink = width * LANE_BYTES_PER_S[generation], float(dice.choice([12, 18])) * 26.5625e9

    def moved(limit: float, most: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.clip(limit * dice.uniform(0.02, most) * load / 100 * dice.gamma(20, 1 / 20, n), 0, limit)

    return {
        "gpu_pcie_generation": float(generation), "gpu_pcie_width": float(width),
        "gpu_pcie_sent_bytes_per_s": moved(pcie, 0.3), "gpu_pcie_received_bytes_per_s": moved(pcie, 0.4),
        "gpu_nvlink_sent_bytes_per_s": moved(nvlink, 0.4), "gpu_nvlink_received_bytes_per_s": moved(nvlink, 0.4),
        "gpu_nvlink_limit_bytes_per_s": nvlink,
    }  # fmt: skip


def _wander(dice: np.random.Generator, n: int, spread: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a slow factor around 1 of n steps."""
    steps = dice.normal(0, 1, n)
    slow = np.convolve(steps, np.exp(-np.arange(300) / 60), "full")[:n]
    return np.exp(spread * slow / max(float(slow.std()), 1e-9) / 2)


def _throttle(w: pd.DataFrame, dice: np.random.Generator) -> None:
    kept = dice.uniform(0.5, 0.85)
    w["gpu_sm_clock_mhz"] *= kept
    w["gpu_temperature_c"] += dice.uniform(8, 25)
    w["gpu_throttled_percent"] = np.where(dice.random(len(w)) < dice.uniform(0.6, 1.0), 100.0, 0.0)
    w["forward_pass_ms"] /= kept
    w["gpu_utilization_percent"] += dice.uniform(0, 20)
    w["queue_wait_ms"] *= dice.uniform(1.2, 8)


def _vram(w: pd.DataFrame, dice: np.random.Generator) -> None:
    share = dice.uniform(0.94, 0.99) + dice.normal(0, 0.002, len(w))
    w["gpu_memory_used_bytes"] = w["gpu_memory_total_bytes"] * share
    w["queue_wait_ms"] *= dice.uniform(2.5, 12)
    w["gpu_utilization_percent"] *= dice.uniform(0.6, 1.05)
    w["forward_pass_ms"] *= dice.uniform(1.0, 1.3)


def _neighbour(w: pd.DataFrame, dice: np.random.Generator) -> None:
    taken = dice.uniform(18, 60)
    w["gpu_other_processes_percent"] += taken * dice.uniform(0.7, 1.3, len(w))
    w["gpu_utilization_percent"] += 0.8 * taken
    w["gpu_power_w"] += 2 * taken
    w["forward_pass_ms"] *= 1 + taken / 100 * dice.uniform(1, 2)
    w["queue_wait_ms"] *= dice.uniform(1.2, 5)
    w["gpu_memory_used_bytes"] += w["gpu_memory_total_bytes"] * dice.uniform(0.02, 0.12)


def _queue(w: pd.DataFrame, dice: np.random.Generator) -> None:
    kept = dice.uniform(0.15, 0.5)
    w["gpu_utilization_percent"] *= kept
    w["gpu_power_w"] = 70 + (w["gpu_power_w"] - 70) * kept
    w["queue_wait_ms"] *= dice.uniform(3, 30)


def _loader(w: pd.DataFrame, dice: np.random.Generator) -> None:
    kept = dice.uniform(0.15, 0.5)
    w["gpu_utilization_percent"] *= kept
    w["gpu_power_w"] = 70 + (w["gpu_power_w"] - 70) * kept
    w["data_wait_percent"] += 100 * (1 - kept) * dice.uniform(0.6, 1.0)


def _stuck(w: pd.DataFrame, dice: np.random.Generator) -> None:
    w["gpu_utilization_percent"] = 100.0
    w["gpu_power_w"] = 75 + dice.normal(0, 3, len(w))
    w["requests_per_s"] = 0.0
    w["queue_wait_ms"] *= dice.uniform(20, 200)


def _memory_wait(w: pd.DataFrame, dice: np.random.Generator) -> None:
    w["gpu_utilization_percent"] = dice.uniform(68, 82) + dice.normal(0, 3, len(w))
    w["gpu_memory_utilization_percent"] = np.clip(dice.uniform(84, 97) + dice.normal(0, 3, len(w)), 0, 100).round()
    whole = w["forward_pass_ms"] * dice.uniform(1.0, 1.2)
    w["queue_wait_ms"] = (whole + 60) * dice.uniform(1.2, 2.5) * dice.gamma(8, 1 / 8, len(w))


def _pcie(w: pd.DataFrame, dice: np.random.Generator) -> None:
    limit = LANE_BYTES_PER_S[int(w["gpu_pcie_generation"].iloc[0])] * w["gpu_pcie_width"]
    w["gpu_pcie_received_bytes_per_s"] = limit * dice.uniform(0.78, 0.92) * dice.normal(1, 0.03, len(w))
    _slowed(w, dice)


def _nvlink(w: pd.DataFrame, dice: np.random.Generator) -> None:
    share = dice.uniform(0.78, 0.95)
    for way in ("sent", "received"):
        busy = share * dice.normal(1, 0.03, len(w))
        w[f"gpu_nvlink_{way}_bytes_per_s"] = w["gpu_nvlink_limit_bytes_per_s"] * busy
    _slowed(w, dice)


def _slowed(w: pd.DataFrame, dice: np.random.Generator) -> None:
    w["forward_pass_ms"] *= dice.uniform(1.3, 3)
    w["queue_wait_ms"] *= dice.uniform(1.2, 3)
    w["gpu_utilization_percent"] *= dice.uniform(0.7, 1.0)


_HARM = {"throttle": _throttle, "vram_pressure": _vram, "noisy_neighbour": _neighbour, "queue_starvation": _queue,
         "data_loader_starvation": _loader, "stuck_device": _stuck,
         "gpu_memory_wait": _memory_wait, "pcie_limit": _pcie, "nvlink_limit": _nvlink}  # fmt: skip
