"""Log records over time, by service, severity and pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.store.engines.duckdb import Session
from workbench.store.queries._conditions import END, EVERY, START, Conditions, bucket
from workbench.store.query import Query

if TYPE_CHECKING:
    from workbench.store.portable import Tables

_LONGEST = 200
# Ids, numbers and quoted parts vary from record to record; what is left is the sentence that the code writes.
_IDS = r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0x[0-9a-fA-F]+|\b[0-9a-fA-F]{12,}\b"
_NUMBERS = "[0-9]+([.,:][0-9]+)*"
_PATTERN = f"regexp_replace(regexp_replace(left(body, 1000), '{_IDS}', '#', 'g'), '{_NUMBERS}', '#', 'g')"


def _run(
    session: Session,
    *,
    start_ns: int,
    end_ns: int,
    every_ns: int,
    service: Any = None,
    severity: Any = None,
) -> pa.Table:
    asked = Conditions().equal("service", service).equal("severity", severity)
    sql = f"""
        SELECT {bucket("time_ns", every_ns)} AS start_ns, service, severity, left({_PATTERN}, {_LONGEST}) AS pattern,
               count(*) AS n, min(body) AS example, count(trace_id) AS with_trace
        FROM {session.relation("logs", start_ns, end_ns)} {asked.where}
        GROUP BY ALL ORDER BY start_ns, service NULLS FIRST, severity NULLS FIRST, n DESC, pattern NULLS FIRST"""
    return session.query(sql, asked.values)


def _portable(
    tables: Tables, *, start_ns: int, end_ns: int, every_ns: int, service: Any = None, severity: Any = None,
) -> Any:  # fmt: skip
    from workbench.store import portable as p

    rows = p.equal(tables.relation("logs", start_ns, end_ns), "service", service)
    rows = p.equal(rows, "severity", severity)
    pattern = rows.body.substr(0, 1000).re_replace(_IDS, "#").re_replace(_NUMBERS, "#").substr(0, _LONGEST)
    by = {"start_ns": p.begin(rows.time_ns, every_ns), "service": rows.service, "severity": rows.severity}
    found = rows.group_by(**by, pattern=pattern).agg(
        n=rows.count(), example=rows.body.min(), with_trace=rows.trace_id.count()
    )
    return found.order_by([
        p.nulls_last(found.start_ns), p.nulls_first(found.service), p.nulls_first(found.severity), found.n.desc(),
        p.nulls_first(found.pattern),
    ])  # fmt: skip


QUERY = Query(
    doc="Log records per bucket, service, severity and pattern (numbers and ids as #).",
    arguments={
        "start_ns": START,
        "end_ns": END,
        "every_ns": EVERY,
        "service": "optional: service, or a list",
        "severity": "optional: severity, or a list",
    },
    columns={
        "start_ns": "begin of the bucket",
        "service": "service.name",
        "severity": "severity",
        "pattern": "body with numbers and ids replaced by #, at most 200 characters",
        "n": "records",
        "example": "one body",
        "with_trace": "records that name a trace",
    },
    run=_run,
    portable=_portable,
)
