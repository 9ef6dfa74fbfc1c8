"""The guard that would have caught an incident, as a quality rule of an Open Data Contract Standard v3 contract."""

from __future__ import annotations

import json
import re

from workbench.model.entities import split
from workbench.model.findings import Cause, Finding

STANDARD = "v3.0.2"


def rule(cause: Cause, guard: str) -> str:
    """Return a contract in YAML with one quality rule for the cause's column, feature or data set.

    Figures come from the cause's own findings; a rule that no figure can be given
    for is a text rule, which the standard keeps for people.
    """
    kind, name = split(cause.entity)
    table, _, column = name.rpartition(".") if kind == "column" else (name, "", "")
    if kind == "feature":
        table, column = "features", name
    found = next((f for f in cause.evidence_for if f.signal in ("null_rate", "drift", "rows")), None)
    lines = [f"apiVersion: {STANDARD}", "kind: DataContract", f"id: {_text(f'guard-{_slug(name)}')}",
             "version: 1.0.0", "status: draft", "schema:", f"  - name: {_text(table)}",
             "    logicalType: object"]  # fmt: skip
    checks = _quality(found, column, table, guard)
    if column:
        lines += ["    properties:", f"      - name: {_text(column)}", "        quality:"]
        lines += [f"          {line}" for line in checks]
    else:
        lines += ["    quality:", *(f"      {line}" for line in checks)]
    return "\n".join(lines) + "\n"


def _quality(found: Finding | None, column: str, table: str, guard: str) -> list[str]:
    described = ["  dimension: completeness" if found is not None and found.signal in ("null_rate", "rows")
                 else "  dimension: conformity", "  severity: error", f"  description: {_text(guard)}"]  # fmt: skip
    usual = found.values.get("usual") if found is not None else None
    if found is None or not isinstance(usual, int | float) or (not column and found.signal != "rows"):
        return ["- type: text", *described]
    if found.signal == "null_rate":
        query = f"SELECT AVG(CASE WHEN {_name(column)} IS NULL THEN 1.0 ELSE 0.0 END) FROM {_name(table)}"
        return ["- type: sql", f"  query: {_text(query)}", f"  mustBeLessThan: {max(2 * usual, 0.001):.6g}", *described]
    if found.signal == "rows":
        query = f"SELECT COUNT(*) FROM {_name(table)}"
        return ["- type: sql", f"  query: {_text(query)}", f"  mustBeGreaterThan: {0.4 * usual:.6g}", *described]
    level = str(found.values.get("level") or "").replace("'", "''")
    if not level:
        return ["- type: text", *described]
    query = f"SELECT AVG(CASE WHEN {_name(column)} = '{level}' THEN 1.0 ELSE 0.0 END) FROM {_name(table)}"
    return ["- type: sql", f"  query: {_text(query)}", f"  mustBeLessThan: {max(2 * usual, 0.001):.6g}", *described]


def _text(text: str) -> str:
    """Return text as a YAML double-quoted scalar, JSON's form, in which no character is markup of a page."""
    written = json.dumps(text)
    for character in "<>`]":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[-60:] or "data"
