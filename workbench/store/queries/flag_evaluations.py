"""Evaluations of feature flags, and the requests in which they were made."""

from __future__ import annotations

import pyarrow as pa

from workbench.model.window import HOUR_NS
from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START
from workbench.store.query import Query

_MODERN, _OLDER = "feature_flag.evaluation", "feature_flag"


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
)
