"""What other systems are told of an incident: OpenLineage, CDEvents, Slack and PagerDuty payloads with a link."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from workbench.case.case import Case
from workbench.case.masked_copy import look
from workbench.case.share_mask import ShareMask
from workbench.model.entities import split
from workbench.model.findings import Cause
from workbench.model.window import iso, parse_time_ns
from workbench.report.html import headline
from workbench.report.postmortem import draft
from workbench.report.reading_case import CaseReader, entry_ns
from workbench.report.share import mask_of

PRODUCER = "https://github.com/incident-workbench/incident-workbench"
_SPACE = uuid.UUID("6f1c3a52-6d2b-5a35-9d0f-5d2f0d1b7c11")
_LINEAGE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_ASSERTIONS = "https://openlineage.io/spec/facets/1-0-1/DataQualityAssertionsDatasetFacet.json"
_TAGS = "https://openlineage.io/spec/facets/1-0-0/TagsDatasetFacet.json"
_SEVERITIES = {"critical": "critical", "error": "error", "warning": "warning", "info": "info"}
_KEPT = ("routing_key", "dedup_key", "runId", "id", "_producer", "_schemaURL", "schemaURL", "producer", "url", "href")
"""Keys of a message whose values are made by us or name what it is about; receivers join by them."""
_LONGEST = {"slack header": 150, "slack text": 2900, "pagerduty": 1024}


@dataclass(frozen=True)
class Payload:
    """One message: its kind (openlineage, cdevents, slack or pagerduty) and its JSON."""

    kind: str
    body: dict[str, Any]


def payloads(
    case: Case, *, link: str = "", audience: str = "responder", mask: str | Iterable[str] = (), key: bytes | None = None
) -> tuple[Payload, ...]:
    """Return everything that can be told of a begun case; *link* is the app's address. PagerDuty's
    routing key is left empty: the outbox puts it in when it sends.

    What leaves is masked as a shared case is, for an *audience* and with further values to *mask*; the patterns
    apply to every audience, since people type into a case what no intake has seen.
    CDEvents and PagerDuty's resolve speak of an end, so they are there only once the case is resolved or closed.
    """
    masking = mask_of(case, audience, mask, key)
    if audience != "responder" or mask:
        look(case.path, masking)
    return tuple(Payload(told.kind, _masked(told.body, masking)) for told in _told(case, link))


def _masked(body: dict[str, Any], masking: ShareMask) -> dict[str, Any]:
    """Return a message with its texts masked; ids and links are made by us, and others join by them."""

    def replaced(node: Any, name: str) -> Any:
        if isinstance(node, dict):
            return {k: replaced(v, k) for k, v in node.items()}
        if isinstance(node, list):
            return [replaced(item, name) for item in node]
        return masking.value(name, node) if isinstance(node, str) and name not in _KEPT else node

    return {name: replaced(node, name) for name, node in body.items()}


def _told(case: Case, link: str) -> tuple[Payload, ...]:
    of = CaseReader(case)
    at = _resolved(of)
    found = [Payload("openlineage", body) for body in _openlineage(of)]
    if at is not None:
        found.append(Payload("cdevents", _cdevents(of, at)))
    found.append(Payload("slack", _slack(of, deep_link(case, link))))
    found.append(Payload("pagerduty", _pagerduty(of, at, deep_link(case, link))))
    return tuple(found)


def deep_link(case: Case, link: str) -> str:
    """Return the address of a case in the app; empty where no address of the app is set."""
    return f"{link.rstrip('/')}/case/{quote(case.id)}" if link else ""


def _resolved(of: CaseReader) -> int | None:
    found = [e for e in (of.status_entry("resolved"), of.status_entry("closed")) if e is not None]
    return min(map(entry_ns, found)) if found and of.case.state.status in ("resolved", "closed") else None


def _newest(of: CaseReader) -> str:
    return iso(entry_ns(of.case.entries[-1]))


def _openlineage(of: CaseReader) -> Iterator[dict[str, Any]]:
    """Yield one event per named cause that lies in data: a failed assertion on it, and the incident as a tag."""
    for cause in of.named:
        dataset, column = _dataset(of, cause)
        if not dataset:
            continue
        namespace, _, name = dataset.rpartition("/")
        failed = {"assertion": cause.kind, "success": False, **({"column": column} if column else {})}
        tags = [{"key": "incident", "value": of.case.id, "source": "WORKBENCH"},
                {"key": "signature", "value": cause.kind, "source": "WORKBENCH"}]  # fmt: skip
        yield {
            "eventTime": _newest(of), "eventType": "COMPLETE", "producer": PRODUCER, "schemaURL": _LINEAGE,
            "run": {"runId": str(uuid.uuid5(_SPACE, f"{of.case.id} {cause.rank} {of.case.state_hash}"))},
            "job": {"namespace": "incident-workbench", "name": of.case.id},
            "inputs": [{
                "namespace": namespace or "unknown", "name": name,
                "facets": {"tags": {"_producer": PRODUCER, "_schemaURL": _TAGS, "tags": tags}},
                "inputFacets": {"dataQualityAssertions": {
                    "_producer": PRODUCER, "_schemaURL": _ASSERTIONS, "assertions": [failed]}},
            }],
            "outputs": [],
        }  # fmt: skip


def _dataset(of: CaseReader, cause: Cause) -> tuple[str, str]:
    """Return data set and column that a cause lies in; both empty where it lies elsewhere.

    A feature is a column of what its first failure or its evidence names.
    """
    origin = of.ranking.first_failure if of.ranking and cause.rank == 1 else None
    entities = [cause.entity, origin or "", *(f.entity for f in cause.evidence_for)]
    for entity in entities:
        kind, _, name = entity.partition(":")
        if kind == "dataset":
            return name, cause.entity.partition(":")[2] if cause.entity.startswith("feature:") else ""
        if kind == "column":
            table, _, column = name.rpartition(".")
            return table, column
    return "", ""


def _cdevents(of: CaseReader, at: int) -> dict[str, Any]:
    kind, name = split(of.symptom.entity)
    content: dict[str, Any] = {"description": headline(of.case), "environment": {"id": of.symptom.environment}}
    if kind in ("service", "model"):
        content["service"] = {"id": name}
    return {
        "context": {"version": "0.4.1", "id": str(uuid.uuid5(_SPACE, f"{of.case.id} resolved {at}")),
                    "source": "/incident-workbench", "type": "dev.cdevents.incident.resolved.0.2.0",
                    "timestamp": iso(at)},
        "subject": {"id": of.case.id, "source": "/incident-workbench", "type": "incident", "content": content},
    }  # fmt: skip


def _slack(of: CaseReader, link: str) -> dict[str, Any]:
    summary = [s.text for s in draft(of.case).sections[0].sentences]
    title = f"{of.case.id}: {headline(of.case)}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, "slack header")}},
        {"type": "section", "text": {"type": "plain_text", "text": _cut("\n".join(summary), "slack text")}},
        {"type": "context", "elements": [{"type": "plain_text", "text": f"{of.case.state.status}, owner "
                                          f"{of.case.state.owner or 'nobody yet'}"}]},
    ]  # fmt: skip
    if link:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open the case"}, "url": link}
        blocks.append({"type": "actions", "elements": [button]})
    return {"text": _cut(title, "slack text"), "blocks": blocks}


def _pagerduty(of: CaseReader, at: int | None, link: str) -> dict[str, Any]:
    alert = of.symptom.alert or {}
    body: dict[str, Any] = {
        "routing_key": "",
        "event_action": "resolve" if at is not None else "trigger",
        # The alert's own fingerprint, so that the page which began the case is the one that ends.
        "dedup_key": str(alert.get("fingerprint") or of.case.id),
        "payload": {
            "summary": _cut(f"{of.case.id}: {headline(of.case)}", "pagerduty"),
            "source": of.symptom.entity,
            "severity": _SEVERITIES.get(str(alert.get("severity")), "error"),
            "timestamp": iso(at if at is not None else parse_time_ns(of.case.entries[0].time)),
            "custom_details": {"status": of.case.state.status, "state": of.case.state_hash},
        },
        "links": [{"href": link, "text": "Open the case"}] if link else [],
    }
    return body


def _cut(text: str, what: str) -> str:
    most = _LONGEST[what]
    return text if len(text) <= most else f"{text[: most - 1]}…"
