"""Alertmanager: webhook v4 (Grafana's is a superset of it) and the alerts of its API, as occurrences of alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from workbench.errors import UnknownNameError, UsageError
from workbench.model.entities import entity, split
from workbench.model.tables import ALERTS
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._events import decode_events, read_events
from workbench.sources._gpu_metrics import device
from workbench.sources._json import canonical, integer, mapping, objects, text, texts
from workbench.sources._rows import Rows, digest
from workbench.sources._time import iso_ns

ENTITY_LABELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kpi", ("kpi",)), ("gpu", ("UUID", "uuid", "gpu_uuid")), ("feature", ("feature",)),
    ("dataset", ("dataset", "table")), ("service", ("service", "service_name")), ("model", ("model", "model_name")),
    ("service", ("job",)), ("host", ("host", "Hostname", "hostname", "node", "pod", "instance")),
)  # fmt: skip
"""Kind of entity and the labels that name one, in the order in which they are looked for."""
SIGNAL_LABELS = ("signal", "metric", "kpi")
_NOT_METRICS = re.compile(
    r"(?:sum|min|max|avg|count|rate|irate|increase|delta|vector|time|by|without|on|and|or|unless|offset|bool|le|"
    r"abs|absent|histogram_quantile|\w+_over_time|label_replace|group_left|group_right|ignoring|topk|clamp_\w+)"
)
_EXPRESSION_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\{[^}]*\}|\[[^\]]*\]|[a-zA-Z_:][\w:]*')


def recognise(head: Head) -> float:
    """Recognise alerts by their fingerprint and start beside labels."""
    if head.start.lstrip()[:1] not in (b"{", b"["):
        return 0.0
    signs = (b'"fingerprint"', b'"startsAt"', b'"labels"')
    return 1.0 if all(sign in head.start for sign in signs) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the rows of a file of webhook bodies, or of the API's alerts."""
    yield from read_events(what, context, Rows("alertmanager", context, (ALERTS,)), _take)


def decode(body: bytes, context: Context) -> Batch:
    """Return the rows of one webhook body; one that is none gives rejections and no table (answer 400)."""
    return decode_events(body, context, Rows("alertmanager", context, (ALERTS,)), _take)


def _take(document: tuple[str, Any] | Rejection, rows: Rows) -> bool:
    """Add a body's alerts and return True, or what is wrong with it and return False."""
    if isinstance(document, Rejection):
        rows.reject(document)
        return False
    place, sent = document
    group = mapping(sent)
    alerts = objects(group.get("alerts")) if "alerts" in group else [group] if "labels" in group else None
    if alerts is None:
        rows.refuse("not a webhook of Alertmanager: no alerts", place, canonical(sent).encode())
        return False
    for alert in alerts:
        row = _row(alert, text(group.get("groupKey")))
        if row is None:
            rows.refuse("alert without labels or a start", place, canonical(alert).encode())
        else:
            rows.add(ALERTS, row, place)
    left_out = integer(group.get("truncatedAlerts")) or 0
    if left_out:
        rows.reject(Rejection.of(f"the sender left out {left_out} more alerts of this group", place, b""))
    return True


def _row(alert: Mapping[str, Any], group_key: str | None) -> dict[str, Any] | None:
    """Return one occurrence.

    Neither now nor the time of receipt plays a part, so that order and repetition
    change nothing: a firing alert was last spoken of when it began (or ``updatedAt``),
    a resolved one when it ended, and therefore wins.
    """
    labels, annotations = texts(alert.get("labels")), texts(alert.get("annotations"))
    starts = iso_ns(alert.get("startsAt"))
    if not labels or starts is None:
        return None
    state = mapping(alert.get("status")).get("state") if isinstance(alert.get("status"), dict) else alert.get("status")
    ends = _ended(alert.get("endsAt"))
    resolved = state == "resolved" and ends is not None
    updated = iso_ns(alert.get("updatedAt")) or starts
    fingerprint = text(alert.get("fingerprint")) or digest(canonical(labels))[:16]
    values = text(alert.get("valueString"))
    return {
        "fingerprint": fingerprint, "starts_ns": starts, "ends_ns": ends if resolved else None,
        "updated_ns": max(updated, ends, starts + 1) if resolved and ends is not None else updated,
        "status": "resolved" if resolved or state == "resolved" else "firing", "name": labels.get("alertname"),
        "severity": labels.get("severity"), "entity": entity_of(labels, fingerprint),
        "signal": signal_of(labels, annotations, text(alert.get("generatorURL"))),
        "summary": annotations.get("summary") or annotations.get("description"), "labels": labels,
        "annotations": annotations | ({"valueString": values} if values else {}), "group_key": group_key,
    }  # fmt: skip


def _ended(sent: object) -> int | None:
    """Return when an alert ended; ``0001-01-01`` is Go's zero time and means: not yet."""
    return None if isinstance(sent, str) and sent.startswith("0001-01-01") else iso_ns(sent)


def entity_of(labels: Mapping[str, str | None], fingerprint: str) -> str:
    """Return what an alert is about: its label ``entity`` (kind:name), else the first of ENTITY_LABELS, else itself."""
    named = labels.get("entity")
    if named:
        try:
            return entity(*split(named))
        except (UsageError, UnknownNameError):
            pass
    for kind, names in ENTITY_LABELS:
        found = next((labels[name] for name in names if labels.get(name)), None)
        if found:
            return entity(kind, (device(found, None, None) or found) if kind == "gpu" else found)
    return entity("alert", fingerprint)


def signal_of(
    labels: Mapping[str, str | None], annotations: Mapping[str, str | None], generator_url: str | None
) -> str | None:
    """Return what an alert watches: a label or annotation that says so, the first metric of its rule, or its name."""
    for said in (labels, annotations):
        found = next((said[name] for name in SIGNAL_LABELS if said.get(name)), None)
        if found:
            return found
    return _metric_of(generator_url) or labels.get("alertname")


def _metric_of(generator_url: str | None) -> str | None:
    """Return the first metric of the rule's expression, which stands in the address; nothing is fetched."""
    try:
        expression = parse_qs(urlsplit(generator_url or "").query).get("g0.expr", [""])[0]
    except ValueError:
        return None
    words = (word for word in _EXPRESSION_WORD.findall(expression[:2000]) if word[0] not in '"{[')
    return next((word for word in words if not _NOT_METRICS.fullmatch(word)), None)


SOURCE = Source(
    name="alertmanager",
    title="Alertmanager and Grafana alerts",
    doc="Webhook bodies and API answers: each occurrence of an alert, firing or resolved.",
    reads=(ALERTS.name,),
    recognise=recognise,
    read=read,
)
