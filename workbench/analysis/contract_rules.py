"""Rules that a data contract (ODCS v3) or dbt sets, as named policies, and how two windows stand to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.analysis.drift_decision import Breach, Decision, Figure, Policy, column_figures

_BREACHED: Mapping[str, Breach] = {
    ">": "at or below", ">=": "below", "<": "at or above", "<=": "above", "=": "differs", "!=": "equals",
    "between": "outside", "not between": "inside",
}  # fmt: skip
_FIGURES: Mapping[str, tuple[Figure, Figure]] = {
    "nullValues": ("nulls", "null_rate"), "missingValues": ("nulls", "null_rate"), "rowCount": ("rows", "rows"),
    "duplicateValues": ("duplicates", "duplicate_rate"), "rowRatio": ("row_ratio", "row_ratio"), "psi": ("psi", "psi"),
    "ks": ("ks", "ks"), "distinctCount": ("distinct", "distinct"), "freshness": ("age_s", "age_s"),
}  # fmt: skip
"""Metric of the contract: figure counted in rows, and as a share where the rule is in percent."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SHARES = frozenset({"null_rate", "duplicate_rate", "row_ratio"})
_OF_COLUMNS = frozenset({"psi", "ks", "tv", "w1", "null_rate", "nulls"})
State = Literal["held", "broken", "could not be checked"]
COLUMNS = ("policy", "source", "column", "figure", "breached", "limit", "value", "state")


@dataclass(frozen=True)
class Unchecked:
    """A rule that two windows' profiles cannot answer, such as a pattern of values."""

    name: str
    source: str
    column: str


def of_contract(attributes: Mapping[str, Any], title: str) -> tuple[list[Policy], list[Unchecked]]:
    """Return the policies that a kept contract sets, and the rules that profiles cannot answer.

    *attributes* are those of the contract's row of ``changes``: ``rules`` and ``sla`` are JSON.
    """
    policies: list[Policy] = []
    unchecked: list[Unchecked] = []
    for rule in _objects(attributes.get("rules")):
        made = _policy(rule, title)
        name = _name(rule)
        if made is None:
            unchecked.append(Unchecked(name, title, str(rule.get("column") or "")))
        else:
            policies.append(made)
    policies += [p for item in _objects(attributes.get("sla")) if (p := _service(item, title)) is not None]
    return policies, unchecked


def _objects(text: object) -> list[dict[str, Any]]:
    if not isinstance(text, str):
        return []
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _name(rule: Mapping[str, Any]) -> str:
    where = f"{rule['column']}." if rule.get("column") else ""
    unit = " %" if rule.get("unit") == "percent" else ""
    return f"{where}{rule.get('metric')} {rule.get('operator')} {rule.get('limit')}{unit}"


def _policy(rule: Mapping[str, Any], source: str) -> Policy | None:
    known = _FIGURES.get(str(rule.get("metric")))
    percent = rule.get("unit") == "percent"
    operator = str(rule.get("operator"))
    if known is None or operator not in _BREACHED or (percent and known[1] not in _SHARES):
        return None
    figure = known[1] if percent else known[0]
    try:
        limits = [float(part) / (100 if percent else 1) for part in str(rule.get("limit")).split(",")]
    except ValueError:
        return None
    if len(limits) != (2 if "between" in operator else 1):
        return None
    most = limits[-1] if len(limits) == 2 else float("nan")
    return Policy(_name(rule), figure, limits[0], _BREACHED[operator], str(rule.get("column") or ""), source, most)


def _service(item: Mapping[str, Any], source: str) -> Policy | None:
    if str(item.get("property")).casefold() not in {"freshness", "latency", "ly"}:
        return None
    try:
        size = float(str(item.get("value"))) * _SECONDS[str(item.get("unit"))[:1].casefold()]
    except (ValueError, KeyError):
        return None
    return Policy(f"{item['property']} <= {item['value']} {item['unit']}", "age_s", size, "above", "", source)


def chosen(asked: str, practice: Sequence[Policy], contract: Sequence[Policy]) -> list[Policy]:
    """Return the policies that hold: a contract's take the place of those of practice for the figures that it sets.

    *asked* is empty (contract where one is kept), ``contract``, ``practice`` or ``none``.
    """
    if asked == "none":
        return []
    if asked == "practice":
        return list(practice)
    if asked == "contract":
        return list(contract)
    set_for_all = {_family(p.figure) for p in contract if not p.column}
    return [*contract, *(p for p in practice if _family(p.figure) not in set_for_all)]


def _family(figure: str) -> str:
    return {"nulls": "null_rate", "duplicates": "duplicate_rate"}.get(figure, figure)


def standing(
    policies: Iterable[Policy], unchecked: Iterable[Unchecked], decision: Decision, signals: pd.DataFrame
) -> pd.DataFrame:
    """Return how the current window stands to each policy, columns ``COLUMNS``, broken ones first.

    A policy for all columns names the column that is furthest beyond it.
    """
    rows = [row for policy in policies for row in _rows(policy, decision, signals)]
    nothing = {"figure": "", "breached": "", "limit": float("nan"), "value": float("nan")}
    rows += [{"policy": u.name, "source": u.source, "column": u.column, **nothing, "state": "could not be checked"}
             for u in unchecked]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    rank = table["state"].map({state: i for i, state in enumerate(("broken", "could not be checked", "held"))})
    return table.assign(_rank=rank).sort_values("_rank", kind="stable").drop(columns="_rank").reset_index(drop=True)


def _rows(policy: Policy, decision: Decision, signals: pd.DataFrame) -> list[dict[str, Any]]:
    values = _values(policy, decision, signals)
    known = {c: v for c, v in values.items() if np.isfinite(v)}
    if not known:
        return [_row(policy, policy.column, float("nan"), "could not be checked")]
    broken = {c: v for c, v in known.items() if policy.broken(v)}
    if broken:
        return [_row(policy, c, v, "broken") for c, v in broken.items()]
    worst = min(known, key=lambda c: abs(known[c] - policy.limit))
    return [_row(policy, worst, known[worst], "held")]


def _row(policy: Policy, column: str, value: float, state: State) -> dict[str, Any]:
    return {"policy": policy.name, "source": policy.source, "column": column, "figure": policy.figure,
            "breached": policy.breached, "limit": policy.limit, "value": value, "state": state}  # fmt: skip


def _values(policy: Policy, decision: Decision, signals: pd.DataFrame) -> dict[str, float]:
    """Return the figure that a policy speaks of, by column; the table's own stands under an empty name."""
    columns = decision.columns
    records = [row for row in columns.to_dict("records") if policy.speaks_of(str(row["column"]))]
    if policy.figure in _OF_COLUMNS:
        return {str(row["column"]): column_figures(row)[policy.figure] for row in records}
    if policy.figure == "distinct":
        held = signals[(signals["signal"] == "cardinality") & signals["column"].map(policy.speaks_of)]
        return dict(zip(held["column"].astype(str), held["now"].astype(float), strict=True))
    rows_now = float(columns["rows_now"].max()) if len(columns) else float("nan")
    if policy.figure == "rows":
        return {"": rows_now}
    if policy.figure == "row_ratio":
        return {"": decision.rows_now / decision.rows_before if decision.rows_before else float("nan")}
    if policy.figure == "age_s":
        return {"": _now(signals, "freshness")}
    if policy.column:
        # What a column holds twice is known where its levels are counted.
        distinct = signals[(signals["signal"] == "cardinality") & (signals["column"] == policy.column)]["now"]
        filled = sum(float(r["rows_now"] * (1 - r["null_rate_now"])) for r in records)
        again = filled - float(distinct.iloc[0]) if len(distinct) else float("nan")
    else:
        again = _now(signals, "duplicates") * rows_now
    return {policy.column: again if policy.figure == "duplicates" else again / rows_now if rows_now else float("nan")}


def _now(signals: pd.DataFrame, name: str) -> float:
    held = signals.loc[signals["signal"] == name, "now"]
    return float(held.iloc[0]) if len(held) else float("nan")


def of_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Return the newest outcome of each check that dbt, Evidently or a pipeline ran itself, columns ``COLUMNS``.

    *checks* has source, column, assertion, time_ns, success, expected, actual.
    """
    keys = ["source", "column", "assertion"]
    newest = checks.sort_values("time_ns", kind="stable").drop_duplicates(keys, keep="last")
    rows = [{"policy": str(c.assertion), "source": str(c.source), "column": str(c.column), "figure": "",
             "breached": "" if c.success else str(c.actual or ""), "limit": float("nan"), "value": float("nan"),
             "state": "held" if c.success else "broken"} for c in newest.itertuples()]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
