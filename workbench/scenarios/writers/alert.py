"""Write the alert as Alertmanager's webhook (version 4) sends it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.scenarios.symptom import Firing

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


def write(incident: Incident, out: Path) -> None:
    """Write ``alert.json``: one notification with every rule that fires."""
    alerts = [_alert(incident, fired) for fired in incident.firing]
    labels = {"environment": "prod", "team": incident.world.domain.key}
    first = alerts[0]["labels"]["alertname"] if len(alerts) == 1 else ""
    common = labels | ({"alertname": first} if first else {})
    body = {
        "receiver": "workbench",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": labels,
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": f"http://alertmanager.{incident.world.company}.internal:9093",
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f'{k}="{v}"' for k, v in labels.items()) + "}",
        "truncatedAlerts": 0,
    }
    (out / "alert.json").write_text(json.dumps(body, indent=1) + "\n")


def _alert(incident: Incident, fired: Firing) -> dict[str, Any]:
    world = incident.world
    metric = fired.figure.metric
    words = "".join(part.title() for part in metric.removeprefix("kpi_").split("_"))
    side = "above" if fired.above else "below"
    labels = {
        "alertname": f"{words}{side.title()}Limit",
        "environment": "prod",
        "metric": metric,
        "severity": ("warning", "critical")[int(fired.deviation > 8)],
        "team": world.domain.key,
    }
    labels |= {"kpi": metric.removeprefix("kpi_")} if metric.startswith("kpi_") else fired.figure.labels
    sign = ">" if fired.above else "<"
    expression = f"avg_over_time({metric}[1h])%20{sign}%20{fired.threshold:.4g}"
    return {
        "status": "firing",
        "labels": dict(sorted(labels.items())),
        "annotations": {
            "summary": f"{metric} is {side} its limit",
            "description": f"Mean over the last hour {fired.value:.4g}, limit {fired.threshold:.4g}.",
        },
        "startsAt": world.moment(fired.starts_s).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": f"http://prometheus.{world.company}.internal:9090/graph?g0.expr={expression}&g0.tab=1",
        "fingerprint": hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16],
    }
