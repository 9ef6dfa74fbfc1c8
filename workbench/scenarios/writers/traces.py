"""Write sampled requests as OTLP: JSON lines as the collector's file exporter does, and protobuf bodies."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from workbench.scenarios.devices import cards
from workbench.scenarios.identity import SENDERS, Decisions
from workbench.scenarios.serving import versions
from workbench.scenarios.world import stream
from workbench.scenarios.writers import trace_facts
from workbench.scenarios.writers.rotation import write_parts
from workbench.scenarios.writers.trace_facts import Facts

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

TRACES_A_LINE = 40
LINES_A_FILE = 30


@dataclass
class Sender:
    """Hold what one incident's senders share while spans are made."""

    incident: Incident
    ids: Decisions
    rng: np.random.Generator
    names: list[str]
    child_spans: bool
    """Queue and forward pass as child spans; otherwise as attributes."""
    skew_ns: np.ndarray
    timelines: list[tuple[list[float], list[str]]]
    facts: Facts


def write(incident: Incident, out: Path) -> None:
    """Write ``traces/*.otlp.jsonl`` (older parts as ``.gz``) and ``traces/*.otlp.pb``."""
    folder = out / "traces"
    folder.mkdir()
    sender = _sender(incident)
    lines: list[bytes] = []
    binary: list[dict[str, Any]] = []
    back = [i for i, s in enumerate(incident.world.services) if s.role == "back"]
    for start in range(0, len(sender.ids.traced), TRACES_A_LINE):
        batch = _batch(sender, sender.ids.traced[start : start + TRACES_A_LINE])
        binary += [_resource(sender, key, batch.pop(key)) for key in sorted(batch) if key[0] in back]
        line = orjson.dumps({"resourceSpans": [_resource(sender, key, batch[key]) for key in sorted(batch)]})
        lines += [line, line] if sender.rng.random() < 0.01 else [line]
    starts = range(0, len(lines), LINES_A_FILE)
    parts = [b"\n".join(lines[start : start + LINES_A_FILE]) + b"\n" for start in starts]
    write_parts(folder, [(f"part-{number:04d}.otlp.jsonl", part) for number, part in enumerate(parts)])
    for number, start in enumerate(range(0, len(binary), 200)):
        (folder / f"body-{number:04d}.otlp.pb").write_bytes(_protobuf(binary[start : start + 200]))


def _sender(incident: Incident) -> Sender:
    world = incident.world
    rng = stream(world.seed, "spans")
    timelines = []
    for i in range(len(world.services)):
        known = versions(world, incident.plan, i)
        timelines.append(([float(t) for t, _ in known], [v for _, v in known]))
    return Sender(
        incident,
        incident.ids,
        rng,
        [s.name for s in world.services],
        bool(rng.random() < 0.5),
        rng.integers(-3_000_000, 3_000_000, len(world.hosts)),
        timelines,
        trace_facts.gather(incident),
    )


def _batch(sender: Sender, positions: np.ndarray) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """Return the spans of some traces, by (service, version): what one exporter sends together."""
    found: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for position in positions.tolist():
        for service, version, span in _trace(sender, position):
            if sender.rng.random() >= 0.004:  # a few spans never arrive
                found.setdefault((service, version), []).append(span)
    for _ in range(2):
        found.setdefault((0, sender.timelines[0][1][0]), []).append(_health_check(sender, int(positions[0])))
    return found


def _trace(sender: Sender, position: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    incident, world = sender.incident, sender.incident.world
    row = int(sender.ids.row[position])
    second = float(incident.rows.second[row])
    served = incident.served
    total, own = served.total_ms[row].tolist(), served.own_ms[row].tolist()
    failed = served.failed[row].tolist()
    begin = [0.0] * len(total)
    cursor = [0.0] * len(total)
    span_ids = sender.rng.bytes(8 * (len(total) + 2)).hex()
    start_ns = world.epoch_ns(second)
    for i, service in enumerate(world.services):
        if service.parent is not None:
            given_up = trace_facts.given_up_ms(incident, row, i)
            begin[i] = cursor[service.parent] + sum(given_up)
            cursor[service.parent] += total[i] + 0.05 + sum(given_up)
        cursor[i] = begin[i] + own[i] * 0.4
        begin_ns = start_ns + int(begin[i] * 1e6) + int(sender.skew_ns[service.host])
        begin_ns += trace_facts.clock_ns(sender.facts, service.host, second)
        parent = span_ids[16 * service.parent : 16 * service.parent + 16] if service.parent is not None else ""
        attributes = {"cloud.region": world.regions[int(incident.rows.region[row])]}
        if service.role == "orchestrator":
            attributes |= _said(sender, position, row) | trace_facts.prompt(sender.facts, row)
            if served.fallback[row]:
                attributes["decision.fallback"] = "true"
        if service.role == "scorer":
            attributes |= _model_said(sender, position, row)
        span: dict[str, Any] = {
            "traceId": sender.ids.trace_id[position],
            "spanId": span_ids[16 * i : 16 * i + 16],
            "parentSpanId": parent,
            "name": service.operation,
            "kind": 2 if service.role != "back" else 5,
            "startTimeUnixNano": str(begin_ns),
            "endTimeUnixNano": str(begin_ns + int(total[i] * 1e6)),
            "attributes": _attributes(attributes),
            "status": {},
        }
        if failed[i]:
            _fail(span, service.role, bool(served.late[row]), begin_ns + int(total[i] * 1e6))
        times, names = sender.timelines[i]
        version = names[bisect_right(times, second) - 1]
        version = trace_facts.reached(incident, row, i, version)
        trace_facts.add_events(sender.facts, span, row, i, begin_ns)
        if i in served.met.repeats:
            yield from ((i, version, s) for s in trace_facts.attempts(sender.rng, incident, span, row, i))
        if service.role == "scorer":
            yield from ((i, version, child) for child in _stages(sender, span, row, begin_ns, span_ids[-32:]))
        yield i, version, span


def _said(sender: Sender, position: int, row: int) -> dict[str, str]:
    """Return what the deciding service says of the decision."""
    knows = SENDERS[int(sender.ids.knows[position])][0]
    said = {"http.response.status_code": "200"}
    if knows != "nothing":
        said["prediction.id"] = sender.ids.prediction_id[position]
    provider = sender.incident.world.providers[int(sender.incident.rows.provider[row])]
    return said | {sender.incident.world.domain.provider: provider}


def _model_said(sender: Sender, position: int, row: int) -> dict[str, str]:
    """Return what the scorer says of the model: right, wrong, unknown, or nothing."""
    incident, world = sender.incident, sender.incident.world
    knows = SENDERS[int(sender.ids.knows[position])][0]
    said = {"host.name": world.hosts[world.services[world.role("scorer")].host]}
    own = cards(world)
    said["gpu.uuid"] = world.gpus[own[row % len(own)]][1]
    if knows in ("table_only", "nothing"):
        return said
    champion = int(incident.scored.champion[row])
    training = incident.trained[champion].training
    run = training.run_id
    if knows == "unknown_run":
        run = sender.rng.bytes(16).hex()
    elif knows == "wrong_run":
        others = [t.training.run_id for i, t in enumerate(incident.trained) if i != champion]
        run = others[int(sender.rng.integers(len(others)))]
    said |= {
        "mlflow.model.name": world.model,
        "mlflow.model.version": str(training.version),
        "data.version": training.snapshot,
        "feature.version": f"v{1 + world.seed % 7}",
    }
    return said if knows == "no_run" else said | {"mlflow.run_id": run}


def _stages(sender: Sender, span: dict[str, Any], row: int, begin_ns: int, ids: str) -> Iterator[dict[str, Any]]:
    """Tell queue wait and forward pass: as two child spans, or as attributes of the span."""
    served = sender.incident.served
    queue, forward = float(served.queue_ms[row]), float(served.forward_ms[row])
    stages = [("queue_wait", queue), ("forward_pass", forward)][: 1 if math.isnan(forward) else 2]
    if not sender.child_spans:
        span["attributes"] += [{"key": f"{k}_ms", "value": {"doubleValue": round(ms, 3)}} for k, ms in stages]
        return
    edges = np.minimum(
        np.cumsum([0.0, *(ms for _, ms in stages)]), float(served.own_ms[row, sender.incident.world.role("scorer")])
    )
    for k, (name, _) in enumerate(stages):
        yield {
            "traceId": span["traceId"],
            "spanId": ids[16 * k : 16 * k + 16],
            "parentSpanId": span["spanId"],
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(begin_ns + int(edges[k] * 1e6)),
            "endTimeUnixNano": str(begin_ns + int(edges[k + 1] * 1e6)),
            "attributes": [],
            "status": {},
        }


def _fail(span: dict[str, Any], role: str, late: bool, end_ns: int) -> None:  # noqa: FBT001 - a fact of the span
    timed_out = role == "scorer" and late
    kind, message = ("DeadlineExceeded", "deadline exceeded") if timed_out else ("InternalError", "internal error")
    span["status"] = {"code": 2, "message": message}
    span["events"] = [
        {
            "name": "exception",
            "timeUnixNano": str(end_ns),
            "attributes": _attributes({"exception.type": kind, "exception.message": message}),
        }
    ]


def _health_check(sender: Sender, position: int) -> dict[str, Any]:
    """Return a span that belongs to no decision."""
    start = sender.incident.world.epoch_ns(float(sender.incident.rows.second[sender.ids.row[position]]))
    start += int(sender.rng.integers(10**9))
    return {
        "traceId": sender.rng.bytes(16).hex(),
        "spanId": sender.rng.bytes(8).hex(),
        "name": "GET /healthz",
        "kind": 2,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(sender.rng.integers(10**5, 10**6))),
        "attributes": [],
        "status": {},
    }


def _resource(sender: Sender, key: tuple[int, str], spans: list[dict[str, Any]]) -> dict[str, Any]:
    service, version = key
    world = sender.incident.world
    named = world.services[service]
    said = {
        "service.name": named.name,
        "service.version": version,
        "host.name": world.hosts[named.host],
        "deployment.environment.name": "prod",
        "telemetry.sdk.language": ("python", "go", "java")[service % 3],
    }
    scope = {"name": f"opentelemetry.instrumentation.{('fastapi', 'grpc', 'asgi')[service % 3]}"}
    return {"resource": {"attributes": _attributes(said)}, "scopeSpans": [{"scope": scope, "spans": spans}]}


def _attributes(said: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": text}} for key, text in said.items()]


def _protobuf(resources: list[dict[str, Any]]) -> bytes:
    """Encode resource spans, given as JSON-like mappings, as one export request."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    for one in resources:
        target = request.resource_spans.add()
        for pair in one["resource"]["attributes"]:
            target.resource.attributes.add(key=pair["key"]).value.string_value = pair["value"]["stringValue"]
        scope = target.scope_spans.add()
        scope.scope.name = one["scopeSpans"][0]["scope"]["name"]
        for span in one["scopeSpans"][0]["spans"]:
            added = scope.spans.add(
                trace_id=bytes.fromhex(span["traceId"]),
                span_id=bytes.fromhex(span["spanId"]),
                parent_span_id=bytes.fromhex(span.get("parentSpanId", "")),
                name=span["name"],
                kind=span["kind"],
                start_time_unix_nano=int(span["startTimeUnixNano"]),
                end_time_unix_nano=int(span["endTimeUnixNano"]),
            )
            for pair in span["attributes"]:
                added.attributes.add(key=pair["key"]).value.string_value = pair["value"]["stringValue"]
            if span["status"]:
                added.status.code, added.status.message = span["status"]["code"], span["status"]["message"]
    content: bytes = request.SerializeToString(deterministic=True)
    return content
