"""One change event as a row of changes: what it names, what kind of change it is, which versions it tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.model.entities import entity
from workbench.sources._json import canonical, mapping, text
from workbench.sources._rows import digest
from workbench.sources._time import iso_ns

_CDEVENTS = re.compile(r"dev\.cdeventsx?\.(?P<subject>[A-Za-z0-9_-]+)\.(?P<predicate>[A-Za-z0-9_-]+)(?:\.\d.*)?")
_WORD = re.compile(r"[A-Za-z0-9]+")
_KINDS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("flag", "flag", frozenset({"featureflag", "featureflags", "flag", "flags", "toggle", "feature_flag"})),
    ("schema", "dataset", frozenset({"schema", "schemas", "table", "dataset", "topic"})),
    ("config", "service", frozenset({"config", "configuration", "configmap", "setting", "settings", "parameter"})),
    ("deploy", "service", frozenset({"service", "deployment", "deploy", "rollout", "release", "deployed"})),
    ("config", "service", frozenset({"environment"})),
    ("commit", "", frozenset({"change"})),
)
"""Kind of change, kind of entity that it changes, and the words of an event's type that name it; the first wins."""
_COMMITS_AT = frozenset({"merged"})
"""A proposed, reviewed or abandoned change takes effect nowhere."""
_TITLE_LENGTH = 200


@dataclass(frozen=True)
class Envelope:
    """Hold an event without its binding: the same for CloudEvents and bare CDEvents."""

    type: str
    id: str
    source: str
    time: object
    name: str | None
    """What the event is about, in the sender's words."""
    subject_type: str
    content: Mapping[str, Any]
    custom: Mapping[str, Any]
    extensions: Mapping[str, Any]


def envelope(event: Mapping[str, Any]) -> Envelope | None:
    """Return what an event says, structured CloudEvents and bare CDEvents alike; None where it is neither."""
    data = mapping(event.get("data")) if "specversion" in event else event
    inner = mapping(data.get("context"))
    outer = event if "specversion" in event else inner
    kind, identity, source = (_said(outer, inner, name) for name in ("type", "id", "source"))
    if kind is None or identity is None or source is None:
        return None
    subject = mapping(data.get("subject"))
    name = text(subject.get("id")) or text(outer.get("subject") if "specversion" in event else None)
    content = mapping(subject.get("content")) if subject else mapping(data)
    known = {"data", "datacontenttype", "dataschema", "id", "source", "specversion", "subject", "time", "type"}
    return Envelope(
        type=kind,
        id=identity,
        source=source,
        time=outer.get("time") or inner.get("timestamp"),
        name=name,
        subject_type=str(subject.get("type") or ""),
        content=content,
        custom=mapping(data.get("customData")),
        extensions={k: v for k, v in event.items() if k not in known} if "specversion" in event else {},
    )


def _said(outer: Mapping[str, Any], inner: Mapping[str, Any], name: str) -> str | None:
    found = outer.get(name) or inner.get(name)
    return found if isinstance(found, str) and found else None


def named_kind(event: Envelope) -> tuple[str, str] | None:
    """Return the kind of change and of entity that the event's type names; None where it names none."""
    found = _CDEVENTS.fullmatch(event.type)
    if found is None:
        words = {w.lower() for w in _WORD.findall(event.type)} | {w.lower() for w in event.type.split(".")}
    else:
        # A custom event is called after its tool: dev.cdeventsx.mytool-featureFlag.enabled.0.1.0.
        words = {found["subject"].rpartition("-")[2].lower()}
        if words == {"change"} and found["predicate"].lower() not in _COMMITS_AT:
            return None
    return next(((kind, of) for kind, of, names in _KINDS if words & names), None)


def row(event: Envelope, kind: tuple[str, str]) -> dict[str, Any] | str:
    """Return the row of a change, or in words why it is none."""
    time_ns = iso_ns(event.time)
    if time_ns is None:
        return "change event without a time"
    content, custom = event.content, event.custom
    before, after = _versions(event)
    name = _name(event, *kind)
    # The specifications say that source and id together name an event, however often it is delivered.
    return {
        "change_id": f"event:{digest(event.source, event.id)}",
        "time_ns": time_ns,
        "kind": kind[0],
        "entity": entity(kind[1], name) if kind[1] and name else None,
        "title": _title(event, name),
        "body": text(content.get("description") or custom.get("description")),
        "diff": text(custom.get("diff") or content.get("diff")),
        "version_before": before,
        "version_after": after,
        "attributes": _attributes(event),
    }


def _name(event: Envelope, kind: str, of: str) -> str | None:
    """Return the name of what is changed: a setting's is its service, everything else's the subject."""
    told = (_named(part, of) for part in (event.content, event.custom))
    if kind == "config":
        return next((name for name in told if name), None)
    return event.name or next((name for name in told if name), None)


def _named(part: Mapping[str, Any], of: str) -> str | None:
    keys = {"flag": ("flag", "key", "flagKey"), "service": ("service", "serviceName", "service.name", "application")}
    for key in keys.get(of, (of,)):
        value = part.get(key)
        found = text(value.get("id") or value.get("name")) if isinstance(value, dict) else text(value)
        if found:
            return found
    return None


def _versions(event: Envelope) -> tuple[str | None, str | None]:
    """Return what was before and what is since, as far as the event tells."""
    parts = (event.content, event.custom)
    before = _first(parts, ("versionBefore", "previousVersion", "previous", "before", "from", "oldValue"))
    after = _first(parts, ("versionAfter", "version", "after", "to", "newValue", "variant", "value", "artifactId"))
    return before, after


def _first(parts: tuple[Mapping[str, Any], ...], names: tuple[str, ...]) -> str | None:
    for name in names:
        for part in parts:
            found = text(part.get(name))
            if found is not None:
                return found
    return None


def _title(event: Envelope, name: str | None) -> str:
    said = _first((event.content, event.custom), ("title", "message", "summary"))
    found = _CDEVENTS.fullmatch(event.type)
    what = f"{found['subject']} {found['predicate']}" if found else event.type
    return (said or f"{what}: {event.name or name or event.id}")[:_TITLE_LENGTH]


def _attributes(event: Envelope) -> dict[str, str | None]:
    """Return everything that was said beside the row's own columns, nested values as JSON under dotted names."""
    said: dict[str, str | None] = {"event.type": event.type, "event.source": event.source, "event.id": event.id}
    if event.subject_type:
        said["subject.type"] = event.subject_type
    if event.name:
        said["subject.id"] = event.name
    for part in (event.content, event.custom, event.extensions):
        for key, value in part.items():
            if isinstance(value, dict) and isinstance(value.get("id"), str):
                said[f"{key}.id"] = value["id"]
            elif isinstance(value, dict | list):
                said[str(key)] = canonical(value)
            else:
                said[str(key)] = text(value)
    return said
