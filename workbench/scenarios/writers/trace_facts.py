"""What spans say beside their times: flags asked for, prompts and what judges made of them, calls given up on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.scenarios import service_effects
from workbench.scenarios.mechanisms_service import SkewClock
from workbench.scenarios.service_effects import Flag
from workbench.scenarios.world import World

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


@dataclass(frozen=True)
class Facts:
    """Hold what one incident's spans say, by row."""

    incident: Incident
    flags: tuple[Flag, ...]
    prompt: str
    version: np.ndarray
    groundedness: np.ndarray
    orchestrator: int
    skews: tuple[SkewClock, ...]


def gather(incident: Incident) -> Facts:
    """Return the facts of every row of an incident."""
    world, second = incident.world, incident.rows.second
    return Facts(
        incident,
        service_effects.flags(world),
        prompt_name(world),
        service_effects.prompt_version(incident.plan, second),
        service_effects.groundedness(world, incident.plan, second),
        world.role("orchestrator"),
        tuple(incident.plan.of(SkewClock)),
    )


def prompt_name(world: World) -> str:
    """Return the name of the prompt that words the explanations of decisions."""
    return f"explain-{world.domain.event.replace('_', '-')}"


def prompt(facts: Facts, row: int) -> dict[str, str]:
    """Return which prompt worded the explanation of a decision."""
    return {"gen_ai.prompt.name": facts.prompt, "gen_ai.prompt.version": str(facts.version[row])}


def clock_ns(facts: Facts, host: int, second: float) -> int:
    """Return by how much a machine's clock is ahead, beyond the few milliseconds that all of them are off."""
    return round(sum(s.offset_s for s in facts.skews if s.host == host and second >= s.start_s) * 1e9)


def reached(incident: Incident, row: int, service: int, version: str) -> str:
    """Return the version that served a request: the next one, where it is a canary's."""
    canary = incident.served.met.canary.get(service)
    if canary is None or not canary[row]:
        return version
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0-rc.1"


def given_up_ms(incident: Incident, row: int, service: int) -> list[float]:
    """Return how long each call lasted that the caller gave up on, before the one that it waited for."""
    met = incident.served.met
    repeats = met.repeats.get(service)
    return [] if repeats is None else [met.timeout_ms[service]] * int(repeats[row])


def attempts(
    rng: np.random.Generator, incident: Incident, span: dict[str, Any], row: int, service: int
) -> Iterator[dict[str, Any]]:
    """Yield the spans of the calls that the caller gave up on, one after the other before the last one."""
    lasted = given_up_ms(incident, row, service)
    begin_ns = int(span["startTimeUnixNano"]) - int(sum(lasted) * 1e6)
    for ms in lasted:
        yield {
            **span,
            "spanId": rng.bytes(8).hex(),
            "startTimeUnixNano": str(begin_ns),
            "endTimeUnixNano": str(begin_ns + int(ms * 1e6)),
            "attributes": span["attributes"][:1],
            "status": {},
            "events": [],
        }
        begin_ns += int(ms * 1e6)


def add_events(facts: Facts, span: dict[str, Any], row: int, service: int, begin_ns: int) -> None:
    """Add the flags that the service asked for, and the judge's word on the explanation."""
    found = []
    met, modern = facts.incident.served.met, facts.incident.world.seed % 2 == 0
    for k, flag in enumerate(facts.flags):
        if flag.service == service:
            found.append(_evaluation(flag.key, "on" if met.on[k][row] else "off", begin_ns, modern))
    if service == facts.orchestrator and row % 2 == 0:
        said = {"gen_ai.evaluation.name": "groundedness", "gen_ai.prompt.version": str(facts.version[row])}
        event = _event("gen_ai.evaluation.result", begin_ns, said)
        score = {"doubleValue": round(float(facts.groundedness[row]), 3)}
        event["attributes"].append({"key": "gen_ai.evaluation.score.value", "value": score})
        found.append(event)
    if found:
        span["events"] = [*span.get("events", []), *found]


def _evaluation(key: str, variant: str, time_ns: int, modern: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact of the SDK
    """Return the evaluation of a flag, as newer or as older SDKs name its attributes."""
    if modern:
        said = {"feature_flag.key": key, "feature_flag.result.variant": variant, "feature_flag.provider.name": "flagd"}
        return _event("feature_flag.evaluation", time_ns, said)
    said = {"feature_flag.key": key, "feature_flag.variant": variant, "feature_flag.provider_name": "flagd"}
    return _event("feature_flag", time_ns, said)


def _event(name: str, time_ns: int, said: dict[str, str]) -> dict[str, Any]:
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in said.items()]
    return {"name": name, "timeUnixNano": str(time_ns), "attributes": attributes}
