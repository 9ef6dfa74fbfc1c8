"""What spans say beside their times, as JSON text: regions, flags asked for, prompts and models, errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from workbench.scenarios import service_effects
from workbench.scenarios.devices import cards
from workbench.scenarios.identity import SENDERS
from workbench.scenarios.world import World

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

ERRORS = {
    "late": ("DeadlineExceeded", "deadline exceeded"),
    "failed": ("InternalError", "internal error"),
}


@dataclass(frozen=True)
class Asked:
    """A flag that a service asks for: by request whether it was on, and what its event says when off and on."""

    on: list[bool]
    said: tuple[str, str]


@dataclass(frozen=True)
class Facts:
    """Hold what one incident's spans say: lists have one entry a sampled request, texts are JSON."""

    place: list[str]
    """The region's name, as it is."""
    region: list[str]
    """The attribute that names it."""
    decided: list[str]
    """Attributes of the deciding service's span, after the region's."""
    device: list[str]
    model: list[str]
    """Attributes that name the model behind a decision, its run apart."""
    run: list[str]
    """The run that decided; the sender may say another, or none."""
    judged: list[str]
    """The judge's event about the explanation, after its time; empty where there is none."""
    flags: dict[int, list[Asked]]
    """Service → the flags that it asks for."""
    flag_event: str


def gather(incident: Incident, row: np.ndarray) -> Facts:
    """Return the facts of the sampled requests, which are in *row*."""
    world, rows = incident.world, incident.rows
    modern = world.seed % 2 == 0
    flags: dict[int, list[Asked]] = {}
    for k, flag in enumerate(service_effects.flags(world)):
        said = (_evaluation(flag.key, "off", modern), _evaluation(flag.key, "on", modern))
        flags.setdefault(flag.service, []).append(Asked(incident.served.met.on[k][row].tolist(), said))
    own = cards(world)
    devices = [_device(world, card) for card in own]
    champion = incident.scored.champion[row].tolist()
    models = [_model(incident, k) for k in range(len(incident.trained))]
    runs = [t.training.run_id for t in incident.trained]
    regions = [attributes({"cloud.region": region}) for region in world.regions]
    place = rows.region[row].tolist()
    return Facts(
        [world.regions[k] for k in place],
        [regions[k] for k in place],
        _decided(incident, row),
        [devices[k] for k in (row % len(own)).tolist()],
        [models[k] for k in champion],
        [runs[k] for k in champion],
        _judged(incident, row),
        flags,
        text("feature_flag.evaluation" if modern else "feature_flag"),
    )


def prompt_name(world: World) -> str:
    """Return the name of the prompt that words the explanations of decisions."""
    return f"explain-{world.domain.event.replace('_', '-')}"


def text(said: str) -> str:
    """Return a string as JSON writes it."""
    return orjson.dumps(said).decode()


def attributes(said: dict[str, str]) -> str:
    """Return attributes as OTLP's JSON lists them, without the brackets."""
    return ",".join(f'{{"key":{text(key)},"value":{{"stringValue":{text(value)}}}}}' for key, value in said.items())


def event(name: str, time_ns: int, said: str) -> str:
    """Return a span's event; *name* and the attributes *said* are JSON."""
    return f'{{"name":{name},"timeUnixNano":"{time_ns}","attributes":[{said}]}}'


def _decided(incident: Incident, row: np.ndarray) -> list[str]:
    """Return what the deciding service says of each decision, and which prompt worded its explanation."""
    world, ids = incident.world, incident.ids
    version = service_effects.prompt_version(incident.plan, incident.rows.second[row])
    shared = {"gen_ai.prompt.name": prompt_name(world)}
    prompts = {v: attributes({**shared, "gen_ai.prompt.version": str(v)}) for v in np.unique(version).tolist()}
    partners = [attributes({world.domain.provider: provider}) for provider in world.providers]
    status = attributes({"http.response.status_code": "200"})
    fell = ("", "," + attributes({"decision.fallback": "true"}))
    found = []
    columns = (ids.traced, ids.knows[ids.traced], incident.rows.provider[row], version, incident.served.fallback[row])
    for position, knows, partner, prompt, fallback in zip(*(c.tolist() for c in columns), strict=True):
        known = SENDERS[knows][0] != "nothing"
        named = f",{attributes({'prediction.id': ids.prediction_id[position]})}" if known else ""
        found.append(f"{status}{named},{partners[partner]},{prompts[prompt]}{fell[fallback]}")
    return found


def _judged(incident: Incident, row: np.ndarray) -> list[str]:
    """Return the judge's word on every other explanation."""
    version = service_effects.prompt_version(incident.plan, incident.rows.second[row])
    named = {"gen_ai.evaluation.name": "groundedness"}
    heads = {v: attributes({**named, "gen_ai.prompt.version": str(v)}) for v in np.unique(version).tolist()}
    scores = incident.groundedness[row].tolist()
    score = '{"key":"gen_ai.evaluation.score.value","value":{"doubleValue":'
    return [
        "" if odd else f"{heads[v]},{score}{round(grounded, 3)!r}}}}}"
        for odd, v, grounded in zip((row % 2).tolist(), version.tolist(), scores, strict=True)
    ]


def _device(world: World, card: int) -> str:
    host = world.hosts[world.services[world.role("scorer")].host]
    return attributes({"host.name": host, "gpu.uuid": world.gpus[card][1]})


def _model(incident: Incident, trained: int) -> str:
    world, training = incident.world, incident.trained[trained].training
    said = {
        "mlflow.model.name": world.model,
        "mlflow.model.version": str(training.version),
        "data.version": training.snapshot,
        "feature.version": f"v{1 + world.seed % 7}",
    }
    return attributes(said)


def _evaluation(key: str, variant: str, modern: bool) -> str:  # noqa: FBT001 - a fact of the SDK
    """Return what the evaluation of a flag says, as newer or as older SDKs name its attributes."""
    if modern:
        said = {"feature_flag.key": key, "feature_flag.result.variant": variant, "feature_flag.provider.name": "flagd"}
        return attributes(said)
    return attributes({"feature_flag.key": key, "feature_flag.variant": variant, "feature_flag.provider_name": "flagd"})
