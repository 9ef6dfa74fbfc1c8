"""Write the sealed truth: what was planted, and the true links. Only the scorer reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.scenarios.identity import SENDERS

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

LINKS = 800


def write(incident: Incident, out: Path) -> None:
    """Write ``truth.json``."""
    world, plan = incident.world, incident.plan
    ids = incident.ids
    links: dict[str, str] = {}
    unlinked: list[str] = []
    step = max(1, len(ids.traced) // LINKS)
    for position in ids.traced[::step].tolist():
        if SENDERS[int(ids.knows[position])][0] == "nothing":
            unlinked.append(ids.trace_id[position])
        else:
            champion = int(incident.scored.champion[ids.row[position]])
            links[ids.trace_id[position]] = incident.trained[champion].training.run_id
    first = min(plan.sources, key=lambda s: s.onset_s, default=None)
    fired = incident.firing[0]
    truth: dict[str, Any] = {
        "fault": incident.name,
        "variant": incident.variant,
        "causes": [
            {"entity": s.entity, "also": list(s.also), "kind": s.kind, "onset": _iso(incident, s.onset_s)}
            for s in plan.sources
        ],
        "decoys": list(plan.decoys),
        "symptom": {
            "metric": fired.figure.metric,
            "labels": fired.figure.labels,
            "starts": _iso(incident, fired.starts_s),
            "deviation": round(fired.deviation, 3),
        },
        "first_failure": first.first_failure if first else None,
        "onset": _iso(incident, plan.moment.onset_s),
        "end": _iso(incident, plan.moment.end_s),
        "links": links,
        "unlinked": unlinked,
        "run_data": {
            t.training.run_id: f"{world.names.training}@{t.training.snapshot}"
            for t in incident.trained
            if t.training.end_s < plan.moment.end_s
        },
        "topology_id": world.topology_id,
        "seed": world.seed,
        "sample": world.sample,
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def _iso(incident: Incident, second: float) -> str:
    return incident.world.moment(second).isoformat(timespec="seconds").replace("+00:00", "Z")
