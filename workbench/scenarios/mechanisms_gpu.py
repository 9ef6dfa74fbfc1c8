"""What can act on the devices that a model is served from, and on what serving costs: frozen facts, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heat:
    """Let a device run hot; it keeps *clock* of its clock (1: hot, yet at full clock)."""

    device: int
    start_s: float
    end_s: float
    clock: float


@dataclass(frozen=True)
class Fill:
    """Let a device's memory fill up to *used* of it; requests wait for room and some fail for want of it."""

    device: int
    start_s: float
    end_s: float
    used: float
    wait: float = 0.0
    """Mean wait for room, in usual forward passes; 0 where memory is only reserved."""
    errors: float = 0.0
    """Share of the device's requests that run out of memory."""


@dataclass(frozen=True)
class Neighbour:
    """Let another program on the device take *share* of its time and *memory_mib* of its memory."""

    device: int
    start_s: float
    end_s: float
    share: float
    memory_mib: float
    slower: float
    """Factor on our forward passes; 1 where the device had room for both."""


@dataclass(frozen=True)
class Starve:
    """Let what feeds the devices hand requests over late: they wait in front of devices that idle."""

    start_s: float
    end_s: float
    wait: float
    """Mean wait in usual forward passes."""


@dataclass(frozen=True)
class Lighten:
    """Let a request need less of a device's time, as better batches do; nobody waits longer."""

    start_s: float
    end_s: float
    factor: float


@dataclass(frozen=True)
class MemoryWait:
    """Let kernels of one device wait for its memory: they are resident, so the device calls itself busy."""

    device: int
    start_s: float
    end_s: float
    busy: float
    """Share of time that kernels are resident: what utilisation shows."""
    controller: float
    """Share of time that memory is read or written."""
    wait: float = 0.0
    """Mean wait of a request, in usual forward passes; 0 where nothing waits."""


@dataclass(frozen=True)
class Tokens:
    """Let every request carry so many times its usual tokens."""

    start_s: float
    factor: float


@dataclass(frozen=True)
class Allocate:
    """Rent so many more devices than usual; they idle."""

    start_s: float
    devices: int


GpuEffect = Heat | Fill | Neighbour | Starve | Lighten | MemoryWait | Tokens | Allocate
