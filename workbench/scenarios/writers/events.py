"""Write what flag and configuration systems tell of their changes: CloudEvents, one a line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from workbench.scenarios.mechanisms_service import Setting, Toggle
from workbench.scenarios.service_effects import flags
from workbench.scenarios.world import World

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


def write(incident: Incident, out: Path) -> None:
    """Write ``changes/events.ndjson``, oldest first."""
    world, end = incident.world, incident.plan.moment.end_s
    found: list[tuple[float, dict[str, Any]]] = []
    known = flags(world)
    for toggle in incident.plan.of(Toggle):
        where = {} if toggle.region is None else {"region": world.regions[toggle.region]}
        for second, before, after in ((toggle.start_s, "off", "on"), (toggle.end_s, "on", "off")):
            if second > end:
                continue
            said = {"before": before, "after": after, **where}
            found.append((second, _event(world, "featureFlag", known[toggle.flag].key, second, said)))
    for setting in incident.plan.of(Setting):
        said = {
            "service": world.services[setting.service].name, "before": setting.before, "after": setting.after,
        }  # fmt: skip
        found.append((setting.start_s, _event(world, "setting", setting.name, setting.start_s, said)))
    kept = sorted((f for f in found if f[0] <= end), key=lambda f: f[0])
    (out / "changes" / "events.ndjson").write_bytes(b"".join(orjson.dumps(event) + b"\n" for _, event in kept))


def _event(world: World, what: str, name: str, second: float, said: dict[str, str]) -> dict[str, Any]:
    """Return one event: as CDEvents' custom events in half of the systems, as a CloudEvent of its own in the others."""
    text = f"{world.seed}|{what}|{name}|{second:.3f}|{said}"
    identity = hashlib.sha256(text.encode()).hexdigest()[:32]
    source = f"//{world.company}.example/{'flagd' if what == 'featureFlag' else 'config'}"
    time = world.moment(second).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    envelope = {"specversion": "1.0", "id": identity, "source": source, "time": time, "subject": name,
                "datacontenttype": "application/json"}  # fmt: skip
    if world.seed % 2:
        kind = "flag.updated" if what == "featureFlag" else "setting.changed"
        return {**envelope, "type": f"example.{world.company}.{kind}", "data": said}
    kind = f"dev.cdeventsx.{world.company}-{what}.updated.0.1.0"
    context = {"version": "0.4.1", "id": identity, "source": source, "type": kind, "timestamp": time}
    return {**envelope, "type": kind, "data": {
        "context": context, "subject": {"id": name, "source": source, "type": what, "content": said}}}  # fmt: skip
