"""What a hook would do against a cause, settled before anybody is asked to approve it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from workbench.config import ActSettings, HookSettings, secret
from workbench.errors import SourceError, UsageError
from workbench.hooks import Kind, Plan
from workbench.model.entities import split
from workbench.sources._http import Peer

API = "/api/2.0/mlflow"
MOST_ARGUMENT = 300
"""Longer names from telemetry are refused as arguments."""


def offered(hooks: Sequence[HookSettings], kind: str) -> list[HookSettings]:
    """Return the hooks that the owner offers for a failure signature."""
    return [hook for hook in hooks if kind in hook.signatures]


def forbidden(act: ActSettings, kind: str, entity: str) -> str:
    """Return why nothing is ever run against a cause; empty where something may be."""
    for rule in act.never:
        if rule == kind or fnmatchcase(entity, rule):
            return f"The settings say never to run anything against {rule}; do it by hand."
    return ""


def plan(hook: HookSettings, act: ActSettings, *, case_id: str, kind: str, entity: str) -> Plan:
    """Return exactly what *hook* would do against the cause *kind* of *entity*.

    Asks the registry where an alias stands; `UsageError` where the hook is not for this
    cause or must not run, `SourceError` where the registry does not answer.
    """
    if kind not in hook.signatures:
        raise UsageError(f"The hook {hook.name!r} is for {', '.join(hook.signatures)}, not for {kind}.")
    if why := forbidden(act, kind, entity):
        raise UsageError(why)
    values = {"{entity}": entity, "{name}": split(entity)[1], "{kind}": kind, "{case}": case_id}
    if hook.kind == "command":
        steps = tuple(_argument(values[a]) if a in values else a for a in hook.command)
    elif hook.kind == "http":
        body = {name: values.get(value, value) for name, value in sorted(hook.body.items())}
        steps = ("POST", hook.uri, json.dumps(body, sort_keys=True))
    elif hook.kind == "mlflow_alias":
        now, then = _versions(hook)
        steps = ("move alias", hook.model, hook.alias, now, then, hook.uri)
    else:
        asked = {"workbench.retrain": "requested", "workbench.case": case_id, "workbench.cause": f"{kind} {entity}"}
        steps = ("request run", hook.model, hook.experiment, json.dumps(asked, sort_keys=True), hook.uri)
    return Plan(hook.name, cast("Kind", hook.kind), f"{kind} {entity}", steps)


def _argument(value: str) -> str:
    """Return a name from telemetry as one argument; refuse what a program could read as an option or a control."""
    if value.startswith("-") or len(value) > MOST_ARGUMENT or any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise UsageError(f"{value[:60]!r} cannot be an argument: it begins with a dash, holds a control character or "
                         f"is longer than {MOST_ARGUMENT} characters. Run it by hand.")  # fmt: skip
    return value


def peer(hook: HookSettings) -> Peer:
    """Return the configured MLflow, asked without its client, so that nothing else is contacted."""
    return Peer("MLflow", {"url": hook.uri, "token": secret(hook.token) if hook.token else ""})


def alias_version(asked: Peer, model: str, alias: str) -> str:
    """Return the version that an alias points to."""
    found = asked.get(f"{API}/registered-models/alias", {"name": model, "alias": alias})
    return str(_mapping(found, "model_version")["version"])


def _versions(hook: HookSettings) -> tuple[str, str]:
    """Return the version that the alias has now and the one it will have."""
    asked = peer(hook)
    now = alias_version(asked, hook.model, hook.alias)
    if hook.version:
        return now, hook.version
    quoted = hook.model.replace("'", "''")
    answer = asked.get(f"{API}/model-versions/search", {"filter": f"name='{quoted}'", "max_results": 1000})
    listed = answer.get("model_versions") or [] if isinstance(answer, dict) else []
    versions = sorted(int(v["version"]) for v in listed if v.get("status", "READY") == "READY")
    before = [v for v in versions if v < int(now)]
    if not before:
        raise UsageError(f"{hook.model} has no version before {now} that {hook.alias} could go back to.")
    return now, str(before[-1])


def _mapping(answer: Any, name: str) -> dict[str, Any]:  # whatever the registry answers
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise SourceError(f"MLflow's answer holds no {name}; is its address right?")
    return found
