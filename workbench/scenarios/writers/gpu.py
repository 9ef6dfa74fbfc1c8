"""Write GPU recordings as ``nvidia-smi --query-gpu=... --format=csv -l 300`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.world import DAY_S, SLOT_S, stream

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

RECORDED_DAYS = 3
STEP_S = 300
HEADER = (
    "timestamp, index, name, uuid, utilization.gpu [%], utilization.memory [%], memory.used [MiB], "
    "memory.total [MiB], temperature.gpu, power.draw [W], clocks.current.sm [MHz]"
)


def write(incident: Incident, out: Path) -> None:
    """Write ``gpu/nvidia-smi.csv``: the last days, one row a device every five minutes."""
    folder = out / "gpu"
    folder.mkdir()
    world = incident.world
    rng = stream(world.seed, "gpu")
    lines = [HEADER]
    held = rng.uniform(6_000, 15_000, len(world.gpus))
    end = incident.plan.moment.end_s
    for second in np.arange(end - RECORDED_DAYS * DAY_S, end, STEP_S).tolist():
        busy = float(incident.served.utilisation[int(second // SLOT_S)])
        stamp = world.moment(second).strftime("%Y/%m/%d %H:%M:%S.000")
        for i, (_, uuid) in enumerate(world.gpus):
            use = int(np.clip(100 * busy + rng.normal(0, 4), 0, 100))
            memory = int(held[i] + 300 * busy + rng.normal(0, 25))
            watts = f"{28 + 0.6 * use + rng.normal(0, 2):.2f} W" if rng.random() > 0.01 else "[N/A]"
            lines.append(
                f"{stamp}, {i}, {world.gpu_model}, {uuid}, {use} %, {use // 2} %, {memory} MiB, 23034 MiB, "
                f"{int(34 + 0.35 * use + rng.normal(0, 1))}, {watts}, {1200 + 5 * use} MHz"
            )
    (folder / "nvidia-smi.csv").write_text("\n".join(lines) + "\n")
