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
THROTTLE_REASONS = Figure("gpu_throttle_reasons", "1")
PROCESS_MEMORY = Figure("gpu_process_memory_bytes", "By", MIB)
PROCESS_UTILIZATION = Figure("gpu_process_utilization_percent", "%")


def memory_bytes(part: str, factor: float) -> Figure:
    """Return the figure of a part of GPU memory (used, free, total, reserved), sent in units of *factor* bytes."""
    return Figure(f"gpu_memory_{part}_bytes", "By", factor)


def clock(part: str) -> Figure:
    """Return the figure of a GPU clock (sm, memory, graphics, video), sent in MHz."""
    return Figure(f"gpu_{part}_clock_mhz", "MHz")


DCGM: dict[str, Figure] = {
    "DCGM_FI_DEV_GPU_UTIL": UTILIZATION,
    "DCGM_FI_DEV_MEM_COPY_UTIL": MEMORY_UTILIZATION,
    "DCGM_FI_DEV_ENC_UTIL": ENCODER_UTILIZATION,
    "DCGM_FI_DEV_DEC_UTIL": DECODER_UTILIZATION,
    "DCGM_FI_DEV_GPU_TEMP": TEMPERATURE,
    "DCGM_FI_DEV_MEMORY_TEMP": MEMORY_TEMPERATURE,
    "DCGM_FI_DEV_POWER_USAGE": POWER,
    "DCGM_FI_DEV_POWER_MGMT_LIMIT": Figure("gpu_power_limit_w", "W"),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": Figure("gpu_energy_j", "J", 1e-3, "counter"),
    "DCGM_FI_DEV_SM_CLOCK": clock("sm"),
    "DCGM_FI_DEV_MEM_CLOCK": clock("memory"),
    "DCGM_FI_DEV_FB_USED": memory_bytes("used", MIB),
    "DCGM_FI_DEV_FB_FREE": memory_bytes("free", MIB),
    "DCGM_FI_DEV_FB_TOTAL": memory_bytes("total", MIB),
    "DCGM_FI_DEV_FB_RESERVED": memory_bytes("reserved", MIB),
    "DCGM_FI_DEV_FB_USED_PERCENT": Figure("gpu_memory_used_percent", "%", 100.0),
    "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS": THROTTLE_REASONS,
    "DCGM_FI_DEV_XID_ERRORS": Figure("gpu_last_xid", "1"),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": Figure("gpu_pcie_replays", "1", 1.0, "counter"),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": Figure("gpu_engine_active_percent", "%", 100.0),
    "DCGM_FI_PROF_SM_ACTIVE": Figure("gpu_sm_active_percent", "%", 100.0),
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": Figure("gpu_tensor_active_percent", "%", 100.0),
    "DCGM_FI_PROF_DRAM_ACTIVE": Figure("gpu_dram_active_percent", "%", 100.0),
    "DCGM_FI_PROF_PCIE_TX_BYTES": Figure("gpu_pcie_sent_bytes_per_s", "By/s"),
    "DCGM_FI_PROF_PCIE_RX_BYTES": Figure("gpu_pcie_received_bytes_per_s", "By/s"),
    "DCGM_FI_PROF_NVLINK_TX_BYTES": Figure("gpu_nvlink_sent_bytes_per_s", "By/s"),
    "DCGM_FI_PROF_NVLINK_RX_BYTES": Figure("gpu_nvlink_received_bytes_per_s", "By/s"),
    "DCGM_FI_DEV_PCIE_LINK_GEN": Figure("gpu_pcie_generation", "1"),
    "DCGM_FI_DEV_PCIE_LINK_WIDTH": Figure("gpu_pcie_width", "1"),
}
"""DCGM exporter: units mix percent, shares of 1, MiB and mJ; the last XID is a value, not a count."""

NVIDIA_SMI: dict[str, Figure] = {
    "utilization.gpu": UTILIZATION,
    "utilization.memory": MEMORY_UTILIZATION,
    "utilization.encoder": ENCODER_UTILIZATION,
    "utilization.decoder": DECODER_UTILIZATION,
    "temperature.gpu": TEMPERATURE,
    "temperature.memory": MEMORY_TEMPERATURE,
    "power.draw": POWER,
    "power.limit": Figure("gpu_power_limit_w", "W"),
    "fan.speed": FAN,
    "memory.used": memory_bytes("used", MIB),
    "memory.free": memory_bytes("free", MIB),
    "memory.total": memory_bytes("total", MIB),
    "memory.reserved": memory_bytes("reserved", MIB),
    "clocks.current.sm": clock("sm"),
    "clocks.sm": clock("sm"),
    "clocks.current.memory": clock("memory"),
    "clocks.mem": clock("memory"),
    "clocks.current.graphics": clock("graphics"),
    "clocks.gr": clock("graphics"),
    "clocks.current.video": clock("video"),
    "clocks.video": clock("video"),
    "ecc.errors.corrected.volatile.total": Figure("gpu_ecc_corrected", "1", 1.0, "counter"),
    "ecc.errors.uncorrected.volatile.total": Figure("gpu_ecc_uncorrected", "1", 1.0, "counter"),
    "pcie.link.gen.current": Figure("gpu_pcie_generation", "1"),
    "pcie.link.width.current": Figure("gpu_pcie_width", "1"),
    "clocks_event_reasons.active": THROTTLE_REASONS,
    "clocks_throttle_reasons.active": THROTTLE_REASONS,
    "used_gpu_memory": PROCESS_MEMORY,
    "used_memory": PROCESS_MEMORY,
}
"""Fields of ``nvidia-smi --query-gpu`` and ``--query-compute-apps``: MiB, MHz, W, percent, degrees, bits."""

NVIDIA_GPU_EXPORTER: dict[str, Figure] = {
    "nvidia_smi_utilization_gpu_ratio": Figure(UTILIZATION.metric, "%", 100.0),
    "nvidia_smi_utilization_memory_ratio": Figure(MEMORY_UTILIZATION.metric, "%", 100.0),
    "nvidia_smi_utilization_encoder_ratio": Figure(ENCODER_UTILIZATION.metric, "%", 100.0),
    "nvidia_smi_utilization_decoder_ratio": Figure(DECODER_UTILIZATION.metric, "%", 100.0),
    "nvidia_smi_temperature_gpu": TEMPERATURE,
    "nvidia_smi_temperature_memory": MEMORY_TEMPERATURE,
    "nvidia_smi_power_draw_watts": POWER,
    "nvidia_smi_power_limit_watts": Figure("gpu_power_limit_w", "W"),
    "nvidia_smi_fan_speed_ratio": Figure(FAN.metric, "%", 100.0),
    "nvidia_smi_memory_used_bytes": memory_bytes("used", 1.0),
    "nvidia_smi_memory_free_bytes": memory_bytes("free", 1.0),
    "nvidia_smi_memory_total_bytes": memory_bytes("total", 1.0),
    "nvidia_smi_memory_reserved_bytes": memory_bytes("reserved", 1.0),
    "nvidia_smi_clocks_current_sm_clock_hz": Figure("gpu_sm_clock_mhz", "MHz", 1e-6),
    "nvidia_smi_clocks_current_memory_clock_hz": Figure("gpu_memory_clock_mhz", "MHz", 1e-6),
    "nvidia_smi_clocks_event_reasons_active": THROTTLE_REASONS,
    "nvidia_smi_clocks_throttle_reasons_active": THROTTLE_REASONS,
    "nvidia_smi_pcie_link_gen_current": Figure("gpu_pcie_generation", "1"),
    "nvidia_smi_pcie_link_width_current": Figure("gpu_pcie_width", "1"),
    "nvidia_smi_clocks_current_graphics_clock_hz": Figure("gpu_graphics_clock_mhz", "MHz", 1e-6),
}
"""nvidia_gpu_exporter: the same figures in base units."""


def device(uuid: str | None, host: str | None, index: str | None, mig: str | None = None) -> str | None:
    """Return the one name of a GPU: its UUID with ``GPU-`` (a MIG instance behind a slash), else host/index."""
    if uuid:
        bare = uuid.lower().removeprefix("gpu-")
        name = uuid if uuid.startswith("MIG-") else f"GPU-{bare}"
    elif host and index is not None:
        name = f"{host}/{index}"
    else:
        return None
    return f"{name}/mig-{mig}" if mig else name
