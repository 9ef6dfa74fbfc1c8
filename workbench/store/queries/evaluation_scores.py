"""Scores that judges gave to what models wrote, with the prompt that it was written by."""

from __future__ import annotations

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START
from workbench.store.query import Query

_EVENT = "gen_ai.evaluation.result"


def _run(session: Session, *, start_ns: int, end_ns: int) -> pa.Table:
    sql = f"""
        WITH s AS (SELECT trace_id, span_id, service, start_ns, attributes, events
                   FROM {session.relation("spans", start_ns, end_ns)}
                   WHERE contains(events, '{_EVENT}') AND json_valid(events)),
             e AS (SELECT *, unnest(from_json(events, '["JSON"]')) AS event FROM s)
        SELECT trace_id, span_id, service, start_ns, event->'attributes'->>'gen_ai.evaluation.name' AS evaluation,
               TRY_CAST(event->'attributes'->>'gen_ai.evaluation.score.value' AS DOUBLE) AS score,
               map_extract_value(attributes, 'gen_ai.prompt.name') AS prompt,
               coalesce(event->'attributes'->>'gen_ai.prompt.version',
                        map_extract_value(attributes, 'gen_ai.prompt.version')) AS prompt_version
        FROM e WHERE event->>'name' = '{_EVENT}' ORDER BY ALL"""
    return session.query(sql)


QUERY = Query(
    doc="Judges' scores (OTel's gen_ai.evaluation.result), with the prompt and its version.",
    arguments={"start_ns": START, "end_ns": END},
    columns={
        "trace_id": "the request",
        "span_id": "span that was judged",
        "service": "service.name",
        "start_ns": "begin of the span",
        "evaluation": "what was judged, such as groundedness",
        "score": "the score; null where none was given",
        "prompt": "gen_ai.prompt.name",
        "prompt_version": "its version",
    },
    run=_run,
)
