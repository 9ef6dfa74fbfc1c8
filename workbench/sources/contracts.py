"""Data contracts of the Open Data Contract Standard v3 (ODCS): what a table promises, and which rules it sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from workbench.model.tables import CHANGES
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._json import canonical, figure, mapping, objects, text
from workbench.sources._rows import Rows, digest
from workbench.sources._time import iso_ns

_KIND = re.compile(rb"""^\s*["']?kind["']?\s*:\s*["']?DataContract\b""", re.M)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_BYTES = 16 * 2**20
_LIMITS = {
    "mustBeGreaterThan": ">",
    "mustBeGreaterOrEqualTo": ">=",
    "mustBeLessThan": "<",
    "mustBeLessOrEqualTo": "<=",
    "mustBe": "=",
    "mustNotBe": "!=",
    "mustBeBetween": "between",
    "mustNotBeBetween": "not between",
}
_OLD_NAMES = {"rowCount": "rowCount", "duplicateCount": "duplicateValues", "nullCheck": "nullValues"}


@dataclass(frozen=True)
class Rule:
    """One rule of a contract: ``metric operator limit``, such as ``nullValues = 0``."""

    dataset: str
    column: str
    """Empty for the whole table."""
    metric: str
    operator: str
    limit: str
    """As text; two numbers, comma-separated, for a range."""
    unit: str
    """rows or percent."""
    severity: str


def recognise(head: Head) -> float:
    """Recognise ``kind: DataContract``, in YAML or JSON, with the standard's version beside it."""
    return 1.0 if _KIND.search(head.start) and b"apiVersion" in head.start else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield one row a table of the contract: what it promises took effect at that version."""
    import yaml

    content = what.read_bytes() if isinstance(what, Path) else what.read(_MOST_BYTES)
    rows = Rows("contracts", context, (CHANGES,))
    if not content.strip():
        return
    try:
        contract = mapping(_loaded(content))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        rows.reject(Rejection.of(f"not YAML: {' '.join(str(error).split())[:200]}", context.place, content))
        yield rows.batch()
        return
    if contract.get("kind") != "DataContract":
        rows.reject(Rejection.of("no data contract: kind is not DataContract", context.place, content))
    else:
        for row in _rows(contract, context):
            rows.add(CHANGES, row)
    if len(rows):
        yield rows.batch()


def _loaded(content: bytes) -> Any:
    import yaml

    if b"&" in content and re.search(rb"(?m)[:\-]\s*&\w+", content):
        raise ValueError("anchors are not read: they can stand for more than memory holds")
    return yaml.load(content.decode("utf-8"), Loader=yaml.SafeLoader)


def _rows(contract: Mapping[str, Any], context: Context) -> Iterator[dict[str, Any]]:
    name = (
        _words(contract.get("name")) or _words(contract.get("dataProduct")) or _words(contract.get("id")) or "contract"
    )
    version = _words(contract.get("version"))
    when = iso_ns(_words(contract.get("contractCreatedTs"))) or context.received_ns
    for table in objects(contract.get("schema")):
        dataset = _words(table.get("physicalName")) or _words(table.get("name"))
        if dataset is None:
            continue
        held = [asdict(rule) for rule in rules(table, dataset)]
        fields = [
            {"name": column, "type": _words(p.get("physicalType")) or _words(p.get("logicalType"))}
            for column, p in _columns(table)
        ]
        yield {
            "change_id": digest("contract", name, version or "", dataset),
            "time_ns": when,
            "kind": "config",
            "entity": f"dataset:{dataset}",
            "title": f"data contract {name} {version or ''}: {dataset}".strip(),
            "body": _words(table.get("description")),
            "version_after": version,
            "attributes": {
                "contract": name,
                "status": _words(contract.get("status")),
                "rules": canonical(held),
                "schema": canonical(fields),
                "sla": canonical(_sla(contract)),
            },
        }


def rules(table: Mapping[str, Any], dataset: str) -> Iterator[Rule]:
    """Yield a table's rules: those of the library, ``required`` and ``unique`` of its columns; free text sets none."""
    yield from _quality(table, dataset, "")
    for column, described in _columns(table):
        yield from _quality(described, dataset, column)
        for flag, metric in (
            ("required", "nullValues"),
            ("unique", "duplicateValues"),
            ("primaryKey", "duplicateValues"),
        ):
            if described.get(flag) is True:
                yield Rule(dataset, column, metric, "=", "0", "rows", "error")


def _quality(described: Mapping[str, Any], dataset: str, column: str) -> Iterator[Rule]:
    for rule in objects(described.get("quality")):
        metric = _words(rule.get("metric")) or _words(rule.get("rule"))
        for key, operator in _LIMITS.items():
            limit = rule.get(key)
            if metric and (figure(limit) is not None or isinstance(limit, list)):
                numbers = [figure(v) for v in (limit if isinstance(limit, list) else [limit])]
                if all(n is not None for n in numbers):
                    yield Rule(
                        dataset,
                        column,
                        _OLD_NAMES.get(metric, metric),
                        operator,
                        ",".join(f"{n:g}" for n in numbers),
                        _words(rule.get("unit")) or "rows",
                        _words(rule.get("severity")) or "error",
                    )


def _columns(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for described in objects(table.get("properties")):
        name = _words(described.get("physicalName")) or _words(described.get("name"))
        if name is not None:
            yield prefix + name, described


def _sla(contract: Mapping[str, Any]) -> list[dict[str, str | None]]:
    wanted = ("property", "value", "valueExt", "unit", "element")
    return [{key: _words(item.get(key)) for key in wanted} for item in objects(contract.get("slaProperties"))]


def _words(value: object) -> str | None:
    if value is None or isinstance(value, dict | list):
        return None
    return text(_SURROGATE.sub("\ufffd", str(value)))


SOURCE = Source(
    name="contracts",
    title="Data contracts (ODCS v3)",
    doc="Contracts of the Open Data Contract Standard: columns, rules of quality and service levels of tables.",
    reads=("changes",),
    recognise=recognise,
    read=read,
)
