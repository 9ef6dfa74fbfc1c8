"""One vocabulary for GPU and host figures, whichever program measured them: name with unit, UCUM unit, factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MIB = 2.0**20
MEGABYTE = 1e6


@dataclass(frozen=True)
class Figure:
    """Say what a sender's figure is here: its name with unit, and what to multiply by."""

    metric: str
    unit: str
    factor: float = 1.0
    type: Literal["gauge", "counter"] = "gauge"


UTILIZATION = Figure("gpu_utilization_percent", "%")
MEMORY_UTILIZATION = Figure("gpu_memory_utilization_percent", "%")
ENCODER_UTILIZATION = Figure("gpu_encoder_utilization_percent", "%")
DECODER_UTILIZATION = Figure("gpu_decoder_utilization_percent", "%")
TEMPERATURE = Figure("gpu_temperature_c", "Cel")
MEMORY_TEMPERATURE = Figure("gpu_memory_temperature_c", "Cel")
POWER = Figure("gpu_power_w", "W")
FAN = Figure("gpu_fan_percent", "%")


def memory_bytes(part: str, factor: float) -> Figure:
    """Return the figure of a part of GPU memory (used, free, total, reserved), sent in units of *factor* bytes."""
    return Figure(f"gpu_memory_{part}_bytes", "By", factor)


def clock(part: str) -> Figure:
    """Return the figure of a GPU clock (sm, memory, graphics, video), sent in MHz."""
    return Figure(f"gpu_{part}_clock_mhz", "MHz")
