"""The guard that would have caught an incident, as a quality rule of an Open Data Contract Standard v3 contract."""

from __future__ import annotations

import json
import re

from workbench.model.entities import split
from workbench.model.findings import Cause, Finding
from workbench.model.window import MINUTE_NS
from workbench.report.guard_trial import Trial
from workbench.report.words import duration

STANDARD = "v3.0.2"
_FIGURED = ("null_rate", "drift", "rows")


def rule(cause: Cause, guard: str, tried: Trial | None = None, written_in: str = "") -> str:
    """Return a contract in YAML with one quality rule where the cause is first seen: a column, feature or data set.

    The limit is the one that was *tried* on the frozen history, else one from the cause's own findings; a rule that
    no figure can be given for is a text rule, which the standard keeps for people. *written_in* is the data set that
    a feature stands in, where the lineage knows it.
    """
    found = tried.finding if tried else next((f for f in cause.evidence_for if f.signal in _FIGURED), None)
    entity = found.entity if tried and found else cause.entity
    kind, name = split(entity)
    table, _, column = name.rpartition(".") if kind == "column" else (name, "", "")
    if kind == "feature":
        table, column = written_in or "features", name
    physical = table.rpartition("/")[2] or table
    named = f"guard-{_slug(f'{physical} {column}')}"
    lines = [f"apiVersion: {STANDARD}", "kind: DataContract", f"id: {_text(named)}",
             "version: 1.0.0", "status: draft", "schema:", f"  - name: {_text(physical.rpartition('.')[2])}",
             "    logicalType: object", f"    physicalName: {_text(physical)}"]  # fmt: skip
    if physical != table:
        lines += ["    customProperties:", "      - property: dataset", f"        value: {_text(table)}"]
    checks = _quality(found, column, physical, guard, tried)
    if column:
        lines += ["    properties:", f"      - name: {_text(column)}", "        quality:"]
        lines += [f"          {line}" for line in checks]
    else:
        lines += ["    quality:", *(f"      {line}" for line in checks)]
    return "\n".join(lines) + "\n"


def _quality(found: Finding | None, column: str, table: str, guard: str, tried: Trial | None) -> list[str]:
    dimension = "completeness" if found is not None and found.signal in ("null_rate", "rows") else "conformity"
    told = f"{guard} Run it on the rows of the newest {duration(tried.every_ns)}." if tried else guard
    described = [f"  dimension: {dimension}", "  severity: error", f"  description: {_text(told)}",
                 *(_schedule(tried) if tried else ())]  # fmt: skip
    checked = None if found is None else _checked(found, column, table, tried)
    if checked is None:
        return ["- type: text", *described]
    query, operator, limit = checked
    return ["- type: sql", f"  query: {_text(query)}", f"  {operator}: {limit:.6g}", *described]


def _checked(found: Finding, column: str, table: str, tried: Trial | None) -> tuple[str, str, float] | None:
    """Return query, operator and limit of a rule; None where no query of the table says it."""
    usual = found.values.get("usual")
    limit = tried.limit if tried else max(2 * usual, 0.001) if isinstance(usual, int | float) else None
    if limit is None or (tried is not None and tried.kind == "gap"):
        return None
    if found.signal == "rows" and not column:
        fewer = tried.side == "below" if tried else True
        least = tried.limit if tried else 0.2 * limit
        return f"SELECT COUNT(*) FROM {_table(table)}", "mustBeGreaterThan" if fewer else "mustBeLessThan", least
    level = str(found.values.get("level") or "").replace("'", "''")
    if not column or (found.signal == "drift" and not level) or found.signal == "rows":
        return None
    met = f"{_name(column)} IS NULL" if found.signal == "null_rate" else f"{_name(column)} = '{level}'"
    query = f"SELECT AVG(CASE WHEN {met} THEN 1.0 ELSE 0.0 END) FROM {_table(table)}"
    return query, "mustBeLessThan", limit


def _schedule(tried: Trial) -> list[str]:
    """Return when the rule is run: at the interval that it was tried with, at least each minute."""
    minutes = max(1, round(tried.every_ns / MINUTE_NS))
    if minutes < 60:
        every = f"*/{minutes} * * * *"
    else:
        hours = min(max(1, round(minutes / 60)), 23)
        every = f"0 */{hours} * * *" if hours > 1 else "0 * * * *"
    return ["  scheduler: cron", f"  schedule: {_text(every)}"]


def _text(text: str) -> str:
    """Return text as a YAML double-quoted scalar, JSON's form, in which no character is markup of a page."""
    written = json.dumps(text)
    for character in "<>`]":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _table(physical: str) -> str:
    """Return a table's name for SQL, each part quoted by itself."""
    return ".".join(_name(part) for part in physical.split("."))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[-60:] or "data"
