"""Write sampled requests as OTLP: JSON lines as the collector's file exporter does, and protobuf bodies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.scenarios.identity import SENDERS, Decisions
from workbench.scenarios.world import stream
from workbench.scenarios.writers import trace_bodies, trace_facts
from workbench.scenarios.writers.rotation import write_parts
from workbench.scenarios.writers.trace_bodies import Body, Sent
from workbench.scenarios.writers.trace_facts import Facts, text
from workbench.scenarios.writers.trace_times import Times, times

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

TRACES_A_LINE = 40
LINES_A_FILE = 30
BODIES_A_FILE = 200
STAGES = ("queue_wait", "forward_pass")


@dataclass(frozen=True)
class Program:
    """Hold what every span of one service says."""

    role: str
    parent: int | None
    operation: str
    named: str
    """JSON text between a span's parent and its begin."""


@dataclass
class Sender:
    """Hold what one incident's senders share while spans are made; lists have one entry a sampled request."""

    incident: Incident
    ids: Decisions
    rng: np.random.Generator
    programs: list[Program]
    child_spans: bool
    """Queue and forward pass as child spans; otherwise as attributes."""
    times: Times
    facts: Facts
    failed: list[list[bool]]
    late: list[bool]
    stages: list[tuple[float, float, float]]
    """Queue, forward pass and both together as the scorer saw them, in ms."""


def write(incident: Incident, out: Path) -> None:
    """Write ``traces/*.otlp.jsonl`` (older parts as ``.gz``) and ``traces/*.otlp.pb``."""
    folder = out / "traces"
    folder.mkdir()
    sender = _sender(incident)
    lines: list[bytes] = []
    bodies: list[Body] = []
    for start in range(0, len(sender.ids.traced), TRACES_A_LINE):
        spans, sent = _batch(sender, range(start, min(start + TRACES_A_LINE, len(sender.ids.traced))))
        bodies += [(_said(incident, key), _scope(key[0]), sent[key]) for key in sorted(sent)]
        line = _line(incident, spans)
        lines += [line, line] if sender.rng.random() < 0.01 else [line]
    starts = range(0, len(lines), LINES_A_FILE)
    parts = [b"\n".join(lines[start : start + LINES_A_FILE]) + b"\n" for start in starts]
    write_parts(folder, [(f"part-{number:04d}.otlp.jsonl", part) for number, part in enumerate(parts)])
    for number, start in enumerate(range(0, len(bodies), BODIES_A_FILE)):
        content = trace_bodies.encode(bodies[start : start + BODIES_A_FILE])
        (folder / f"body-{number:04d}.otlp.pb").write_bytes(content)


def _sender(incident: Incident) -> Sender:
    world, served = incident.world, incident.served
    rng = stream(world.seed, "spans")
    child_spans = bool(rng.random() < 0.5)
    skew_ns = rng.integers(-3_000_000, 3_000_000, len(world.hosts))
    row = incident.ids.row[incident.ids.traced]
    scorer = served.own_ms[row, world.role("scorer")]
    return Sender(
        incident,
        incident.ids,
        rng,
        [
            Program(s.role, s.parent, s.operation, _named(s.operation, 2 if s.role != "back" else 5))
            for s in world.services
        ],
        child_spans,
        times(incident, row, skew_ns),
        trace_facts.gather(incident, row),
        served.failed[row].tolist(),
        served.late[row].tolist(),
        list(zip(*(c.tolist() for c in (served.queue_ms[row], served.forward_ms[row], scorer)), strict=True)),
    )


@cache
def _named(name: str, kind: int) -> str:
    return f'"name":{text(name)},"kind":{kind},"startTimeUnixNano":"'


def _batch(sender: Sender, places: range) -> tuple[dict[tuple[int, str], list[str]], dict[tuple[int, str], list[Sent]]]:
    """Return the spans of some traces by (service, version), what one exporter sends together: as JSON, as bodies."""
    spans: dict[tuple[int, str], list[str]] = {}
    sent: dict[tuple[int, str], list[Sent]] = {}
    arrives = sender.rng.random
    for at in places:
        for key, span in _trace(sender, at):
            if arrives() < 0.004:  # a few spans never arrive
                continue
            if isinstance(span, str):
                spans.setdefault(key, []).append(span)
            else:
                sent.setdefault(key, []).append(span)
    major, minor, patch = sender.incident.world.services[0].version
    for _ in range(2):
        spans.setdefault((0, f"{major}.{minor}.{patch}"), []).append(_health_check(sender, places[0]))
    return spans, sent


def _trace(sender: Sender, at: int) -> Iterator[tuple[tuple[int, str], str | Sent]]:
    """Yield the spans of one trace in the order of their ends, each with the service and version that sends it."""
    facts, ids = sender.facts, sender.rng.bytes(8 * (len(sender.programs) + 2)).hex()
    trace = sender.ids.trace_id[int(sender.ids.traced[at])]
    begins, ends, failed = sender.times.begin_ns[at], sender.times.end_ns[at], sender.failed[at]
    region = facts.region[at]
    for i, program in enumerate(sender.programs):
        key = (i, sender.times.versions[at][i])
        own = ids[16 * i : 16 * i + 16]
        parent = "" if program.parent is None else ids[16 * program.parent : 16 * program.parent + 16]
        begin, end = begins[i], ends[i]
        if program.role == "back":
            sent = Sent(trace, own, parent, program.operation, begin, end, facts.place[at])
            yield from ((key, sent.again(*other)) for other in _given_up(sender, at, i, begin))
            yield key, sent.failing(trace_facts.ERRORS["failed"][1]) if failed[i] else sent
            continue
        said = region
        if program.role == "orchestrator":
            said += "," + facts.decided[at]
        elif program.role == "scorer":
            said += "," + _model_said(sender, at)
        head, middle = f'{{"traceId":"{trace}","spanId":"', f'","parentSpanId":"{parent}",{program.named}'
        for span_id, begun, ended in _given_up(sender, at, i, begin):
            times_said = f'{begun}","endTimeUnixNano":"{ended}","attributes":[{region}],"status":{{}},"events":[]}}'
            yield key, f"{head}{span_id}{middle}{times_said}"
        if program.role == "scorer":
            if sender.child_spans:
                yield from ((key, child) for child in _children(sender, at, head, own, begin, ids[-32:]))
            else:
                said += _stages(sender, at)
        rest = _rest(sender, at, i, failed[i], begin, end)
        yield key, f'{head}{own}{middle}{begin}","endTimeUnixNano":"{end}","attributes":[{said}],"status":{rest}}}'


def _given_up(sender: Sender, at: int, service: int, begin_ns: int) -> Iterator[tuple[str, int, int]]:
    """Yield id, begin and end of the calls that the caller gave up on, one after the other before the last one."""
    if service not in sender.times.given_up:
        return
    lasted = [sender.incident.served.met.timeout_ms[service]] * sender.times.given_up[service][at]
    begin_ns -= int(sum(lasted) * 1e6)
    for ms in lasted:
        end_ns = begin_ns + int(ms * 1e6)
        yield sender.rng.bytes(8).hex(), begin_ns, end_ns
        begin_ns = end_ns


def _model_said(sender: Sender, at: int) -> str:
    """Return what the scorer says of the model: right, wrong, unknown, or nothing."""
    facts, incident = sender.facts, sender.incident
    knows = SENDERS[int(sender.ids.knows[sender.ids.traced[at]])][0]
    if knows in ("table_only", "nothing"):
        return facts.device[at]
    run = facts.run[at]
    if knows == "unknown_run":
        run = sender.rng.bytes(16).hex()
    elif knows == "wrong_run":
        champion = int(incident.scored.champion[sender.ids.row[sender.ids.traced[at]]])
        others = [t.training.run_id for i, t in enumerate(incident.trained) if i != champion]
        run = others[int(sender.rng.integers(len(others)))]
    named = "" if knows == "no_run" else f',{{"key":"mlflow.run_id","value":{{"stringValue":"{run}"}}}}'
    return f"{facts.device[at]},{facts.model[at]}{named}"


def _stages(sender: Sender, at: int) -> str:
    """Return queue wait and forward pass as further attributes of the scorer's span."""
    lasted = [ms for ms in sender.stages[at][:2] if not math.isnan(ms)]
    return "".join(
        f',{{"key":"{name}_ms","value":{{"doubleValue":{round(ms, 3)!r}}}}}'
        for name, ms in zip(STAGES, lasted, strict=False)
    )


def _children(sender: Sender, at: int, head: str, parent: str, begin_ns: int, ids: str) -> Iterator[str]:
    """Yield queue wait and forward pass as spans below the scorer's."""
    queue, forward, whole = sender.stages[at]
    edges = [0.0, min(queue, whole), min(queue + forward, whole)][: 2 if math.isnan(forward) else 3]
    moments = [begin_ns + int(edge * 1e6) for edge in edges]
    for k, (begun, ended) in enumerate(pairwise(moments)):
        named = f'{ids[16 * k : 16 * k + 16]}","parentSpanId":"{parent}",{_named(STAGES[k], 1)}'
        yield f'{head}{named}{begun}","endTimeUnixNano":"{ended}","attributes":[],"status":{{}}}}'


def _rest(sender: Sender, at: int, service: int, failed: bool, begin_ns: int, end_ns: int) -> str:  # noqa: FBT001
    """Return a span's status and its events: the error, flags asked for, the judge's word on the explanation."""
    facts, role = sender.facts, sender.programs[service].role
    status, events = "{}", []
    if failed:
        kind, message = trace_facts.ERRORS["late" if role == "scorer" and sender.late[at] else "failed"]
        status = f'{{"code":2,"message":{text(message)}}}'
        said = trace_facts.attributes({"exception.type": kind, "exception.message": message})
        events.append(trace_facts.event('"exception"', end_ns, said))
    asked = facts.flags.get(service, ())
    events += [trace_facts.event(facts.flag_event, begin_ns, flag.said[flag.on[at]]) for flag in asked]
    if role == "orchestrator" and facts.judged[at]:
        events.append(trace_facts.event('"gen_ai.evaluation.result"', begin_ns, facts.judged[at]))
    return f'{status},"events":[{",".join(events)}]' if events else status


def _health_check(sender: Sender, at: int) -> str:
    """Return a span that belongs to no decision."""
    start = sender.incident.world.epoch_ns(sender.times.second[at]) + int(sender.rng.integers(10**9))
    head = f'{{"traceId":"{sender.rng.bytes(16).hex()}","spanId":"{sender.rng.bytes(8).hex()}",'
    end = start + int(sender.rng.integers(10**5, 10**6))
    named = _named("GET /healthz", 2)
    return f'{head}{named}{start}","endTimeUnixNano":"{end}","attributes":[],"status":{{}}}}'


def _line(incident: Incident, spans: dict[tuple[int, str], list[str]]) -> bytes:
    """Return what the exporters send of one batch, as one line."""
    found = [
        f'{{"resource":{{"attributes":[{trace_facts.attributes(_said(incident, key))}]}},'
        f'"scopeSpans":[{{"scope":{{"name":{text(_scope(key[0]))}}},"spans":[{",".join(spans[key])}]}}]}}'
        for key in sorted(spans)
    ]
    return f'{{"resourceSpans":[{",".join(found)}]}}'.encode()


def _said(incident: Incident, key: tuple[int, str]) -> dict[str, str]:
    """Return what a service says of itself."""
    service, version = key
    world = incident.world
    return {
        "service.name": world.services[service].name,
        "service.version": version,
        "host.name": world.hosts[world.services[service].host],
        "deployment.environment.name": "prod",
        "telemetry.sdk.language": ("python", "go", "java")[service % 3],
    }


def _scope(service: int) -> str:
    return f"opentelemetry.instrumentation.{('fastapi', 'grpc', 'asgi')[service % 3]}"
