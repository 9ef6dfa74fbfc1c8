"""Evaluations of feature flags, and the requests in which they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.model.window import HOUR_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_MODERN, _OLDER = "feature_flag.evaluation", "feature_flag"
_MINE = ("trace_id", "span_id", "service", "region", "service_version", "start_ns", "duration_ns", "status")


def _run(session: Session, *, start_ns: int, end_ns: int) -> pa.Table:
    spans = session.relation("spans", start_ns, end_ns)
    # A log record may lag the span in which its flag was asked for.
    logs = session.relation("logs", start_ns, end_ns + HOUR_NS)
    said = (
        "coalesce({0}'feature_flag.result.variant'{1}, {0}'feature_flag.variant'{1}, {0}'feature_flag.result.value'{1})"
    )
    told = "coalesce({0}'feature_flag.provider.name'{1}, {0}'feature_flag.provider_name'{1})"
    event, of_span, of_log = ("event->'attributes'->>", ""), ("map_extract_value(attributes, ", ")"), (
        "map_extract_value(l.attributes, ", ")",
    )  # fmt: skip
    mine = (
        "trace_id, span_id, service, region, map_extract_value(resource, 'service.version') AS service_version, "
        "start_ns, duration_ns, status"
    )
    sql = f"""
        WITH s AS (SELECT {mine}, events, attributes FROM {spans}),
             e AS (SELECT * EXCLUDE (events, attributes), unnest(from_json(events, '["JSON"]')) AS event FROM s
                   WHERE contains(events, '{_OLDER}') AND json_valid(events)),
             found AS (
                SELECT * EXCLUDE (event), event->'attributes'->>'feature_flag.key' AS flag,
                       {said.format(*event)} AS variant, {told.format(*event)} AS provider
                FROM e WHERE event->>'name' IN ('{_MODERN}', '{_OLDER}')
                UNION ALL
                SELECT * EXCLUDE (events, attributes), map_extract_value(attributes, 'feature_flag.key'),
                       {said.format(*of_span)}, {told.format(*of_span)} FROM s
                UNION ALL
                SELECT s.* EXCLUDE (events, attributes), map_extract_value(l.attributes, 'feature_flag.key'),
                       {said.format(*of_log)}, {told.format(*of_log)}
                FROM {logs} l JOIN s ON l.trace_id = s.trace_id AND l.span_id = s.span_id
                WHERE map_extract_value(l.attributes, 'event.name') = '{_MODERN}')
        SELECT DISTINCT * FROM found WHERE flag IS NOT NULL ORDER BY ALL"""
    return session.query(sql)


def _portable(tables: Tables, *, start_ns: int, end_ns: int) -> Any:
    from workbench.store import portable as p

    def said(rows: Any, told: Any) -> Any:
        variants = ("feature_flag.result.variant", "feature_flag.variant", "feature_flag.result.value")
        providers = ("feature_flag.provider.name", "feature_flag.provider_name")
        return rows.select(*_MINE, flag=told.get("feature_flag.key"), variant=p.coalesce(*map(told.get, variants)),
                           provider=p.coalesce(*map(told.get, providers)))  # fmt: skip

    spans = tables.relation("spans", start_ns, end_ns)
    spans = spans.mutate(service_version=spans.resource.get("service.version"))
    events = p.events(spans.filter(spans.events.contains(_OLDER)), _MINE)
    events = events.filter(events.event.isin([_MODERN, _OLDER]))
    # A log record may lag the span in which its flag was asked for.
    logs = tables.relation("logs", start_ns, end_ns + HOUR_NS)
    logs = logs.filter(logs.attributes.get("event.name") == _MODERN)
    logs = logs.select(of_trace=logs.trace_id, of_span=logs.span_id, told=logs.attributes)
    both = spans.select(*_MINE).inner_join(logs, [spans.trace_id == logs.of_trace, spans.span_id == logs.of_span])
    found = p.together([said(events, events.told), said(spans, spans.attributes), said(both, both.told)])
    return p.ordered(found.filter(found.flag.notnull()).distinct(), *found.columns)


QUERY = Query(
    doc="Evaluations of feature flags in spans (events or attributes) and log records, with the request around each.",
    arguments={"start_ns": START, "end_ns": END},
    columns={
        "trace_id": "the request",
        "span_id": "span in which the flag was asked for",
        "service": "service.name",
        "region": "region",
        "service_version": "service.version of the resource",
        "start_ns": "begin of the span",
        "duration_ns": "length of the span",
        "status": "ok, error or unset",
        "flag": "feature_flag.key",
        "variant": "variant, or the value where no variant is said",
        "provider": "who decided on the variant",
    },
    run=_run,
    portable=_portable,
)
