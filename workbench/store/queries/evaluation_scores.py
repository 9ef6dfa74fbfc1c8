"""Scores that judges gave to what models wrote, with the prompt that it was written by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, START
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables

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


def _portable(tables: Tables, *, start_ns: int, end_ns: int) -> Any:
    from workbench.store import portable as p

    spans = tables.relation("spans", start_ns, end_ns)
    found = p.events(spans.filter(spans.events.contains(_EVENT)), ("trace_id", "span_id", "service", "start_ns"),
                     prompt=spans.attributes.get("gen_ai.prompt.name"),
                     spans_version=spans.attributes.get("gen_ai.prompt.version"))  # fmt: skip
    said = found.filter(found.event == _EVENT)
    answer = said.select(
        "trace_id", "span_id", "service", "start_ns", evaluation=said.told.get("gen_ai.evaluation.name"),
        score=said.told.get("gen_ai.evaluation.score.value").try_cast("float64"), prompt=said.prompt,
        prompt_version=p.coalesce(said.told.get("gen_ai.prompt.version"), said.spans_version),
    )  # fmt: skip
    return p.ordered(answer, *answer.columns)


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
    portable=_portable,
)
