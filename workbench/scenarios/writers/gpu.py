"""Write GPU recordings as ``nvidia-smi --query-gpu=...`` and ``--query-compute-apps=... --format=csv -l 300`` do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios import devices
from workbench.scenarios.mechanisms_gpu import Allocate
from workbench.scenarios.world import DAY_S, SLOT_S, stream

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

RECORDED_DAYS = 3
STEP_S = 300
HEADER = (
    "timestamp, index, name, uuid, utilization.gpu [%], utilization.memory [%], memory.used [MiB], "
    "memory.total [MiB], temperature.gpu, power.draw [W], clocks.current.sm [MHz], clocks_event_reasons.active"
)
PROGRAMS = "timestamp, gpu_uuid, pid, process_name, used_gpu_memory [MiB]"
SERVER, FOREIGN = "/opt/server/bin/serve", "/usr/bin/python3"
FULL_CLOCK = 1200


@dataclass(frozen=True)
class Row:
    """One device at one moment."""

    stamp: str
    index: int
    uuid: str
    memory_mib: int
    foreign_mib: int
    line: str


def write(incident: Incident, out: Path) -> None:
    """Write ``gpu/nvidia-smi.csv`` and ``gpu/compute-apps.csv``: the last days, every five minutes."""
    folder = out / "gpu"
    folder.mkdir()
    rng = stream(incident.world.seed, "programs")
    pids = {uuid: int(rng.integers(900, 30_000)) for _, uuid in incident.world.gpus}
    lines, programs = [HEADER], [PROGRAMS]
    for row in _rows(incident):
        lines.append(row.line)
        pid = pids.get(row.uuid, 1000 + row.index)
        own = max(row.memory_mib - row.foreign_mib - 420, 0)
        programs.append(f"{row.stamp}, {row.uuid}, {pid}, {SERVER}, {own} MiB")
        if row.foreign_mib:
            programs.append(f"{row.stamp}, {row.uuid}, {pid + 31_000}, {FOREIGN}, {row.foreign_mib} MiB")
    (folder / "nvidia-smi.csv").write_text("\n".join(lines) + "\n")
    (folder / "compute-apps.csv").write_text("\n".join(programs) + "\n")


def _rows(incident: Incident) -> Iterator[Row]:
    world, plan = incident.world, incident.plan
    rng = stream(world.seed, "gpu")
    held = rng.uniform(6_000, 15_000, len(world.gpus)).tolist()
    end = plan.moment.end_s
    came = devices.reached(world, incident.rows, incident.served.late)
    for second in np.arange(end - RECORDED_DAYS * DAY_S, end, STEP_S).tolist():
        slot = int(second // SLOT_S)
        usual = float(incident.served.utilisation[slot])
        stamp = world.moment(second).strftime("%Y/%m/%d %H:%M:%S.000")
        for i, (_, uuid) in enumerate(world.gpus):
            state = devices.shown(world, plan, i, second, usual, float(came[slot]))
            use = int(min(max(100 * state.busy + rng.normal(0, 4), 0), 100))
            memory = held[i] + 300 * state.busy + rng.normal(0, 25) + state.foreign_mib
            memory = int(memory if state.memory_mib is None else state.memory_mib + (memory - held[i]) * 0.1)
            # Power follows work done: at half the clock a busy device draws half.
            watts = f"{28 + 0.6 * use * state.clock + rng.normal(0, 2):.2f} W" if rng.random() > 0.01 else "[N/A]"
            controller = use // 2 if state.controller is None else int(100 * state.controller) - use % 5
            warm = int(34 + 0.35 * use + rng.normal(0, 1) + state.hotter_c)
            clock = int((FULL_CLOCK + 5 * use) * state.clock)
            reasons = state.reasons | (devices.IDLE if use == 0 else 0)
            yield Row(
                stamp,
                i,
                uuid,
                memory,
                int(state.foreign_mib),
                f"{stamp}, {i}, {world.gpu_model}, {uuid}, {use} %, {controller} %, {memory} MiB, "
                f"{devices.MEMORY_MIB} MiB, {warm}, {watts}, {clock} MHz, 0x{reasons:016x}",
            )
        for k in range(sum(e.devices for e in plan.of(Allocate) if e.start_s <= second)):
            yield _rented(incident, stamp, k)


def _rented(incident: Incident, stamp: str, number: int) -> Row:
    """Return one more device of the same kind, which does nothing."""
    world = incident.world
    digest = stream(world.seed, f"rented {number}").bytes(16).hex()
    uuid = f"GPU-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
    index = len(world.gpus) + number
    line = (
        f"{stamp}, {index}, {world.gpu_model}, {uuid}, 0 %, 0 %, 1460 MiB, {devices.MEMORY_MIB} MiB, 31, 27.50 W, "
        f"{FULL_CLOCK} MHz, 0x{devices.IDLE:016x}"
    )
    return Row(stamp, index, uuid, 1460, 0, line)
