"""Signals of the compared table and its policies: what is asked of the store, and what is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis import contract_rules, quality, table_signals
from workbench.analysis.deviation import strength
from workbench.analysis.drift_decision import POLICIES, Decision, Policy
from workbench.analysis.profile_history import History, Windows
from workbench.case.reading import Answer, Reading
from workbench.errors import UsageError
from workbench.model.entities import split
from workbench.model.findings import Evidence, Finding
from workbench.model.window import DAY_NS, HOUR_NS, Window, iso
from workbench.playbook.compared_rows import columns_of

ASKED = ("", "contract", "practice", "none")


@dataclass(frozen=True)
class Rules:
    """The policies of a comparison, where they come from in words, and those that nobody can check here."""

    policies: tuple[Policy, ...]
    unchecked: tuple[contract_rules.Unchecked, ...]
    words: str
    evidence: Evidence | None


def rules(reading: Reading, entity: str, window: Window, asked: str) -> Rules:
    """Return the policies that hold: those of the table's newest contract beside, or instead of, those of practice."""
    if asked not in ASKED:
        raise UsageError(f"policies is empty, 'contract', 'practice' or 'none'; got {asked!r}.")
    if asked in {"practice", "none"}:
        words = "rules of practice" if asked == "practice" else "no rules"
        return Rules(tuple(contract_rules.chosen(asked, POLICIES, [])), (), words, None)
    kept = reading.ask("rows", table="changes", equals={"entity": entity, "kind": "config"})
    frame = kept.frame[kept.frame["time_ns"] < window.end_ns] if len(kept.frame) else kept.frame
    held = [row for row in frame.sort_values("time_ns").to_dict("records") if "rules" in dict(row["attributes"] or {})]
    if not held:
        words = "rules of practice" if not asked else "no contract is kept, so no rules"
        return Rules(tuple(contract_rules.chosen(asked, POLICIES, [])), (), words, None)
    newest = held[-1]
    attributes = dict(newest["attributes"])
    title = f"contract {attributes.get('contract') or entity} {newest['version_after'] or ''}".strip()
    policies, unchecked = contract_rules.of_contract(attributes, title)
    chosen = contract_rules.chosen(asked, POLICIES, policies)
    beside = any(p.source == "practice" for p in chosen)
    words = f"{title} ({len(policies)} rules checked)" + (", else rules of practice" if beside else "")
    return Rules(tuple(chosen), tuple(unchecked), words, kept.evidence)


@dataclass(frozen=True)
class Signals:
    """All signals of the table, their history, and what they were counted from."""

    table: pd.DataFrame
    history: pd.DataFrame
    evidence: Mapping[str, Evidence]
    """Evidence by signal; those that are missing rest on the profiles."""


def signals(
    reading: Reading, entity: str, history: History, windows: Windows, window: Window, decision: Decision
) -> Signals:
    """Return rows, nulls, freshness, schema, cardinality, duplicates and duplicate delivery with their verdicts."""
    span = (window.start_ns, window.end_ns)
    quiet = table_signals.quiet_windows(windows, window.end_ns - window.start_ns)
    series = [table_signals.freshness(history, quiet, span), *table_signals.cardinality(history, quiet, [span])]
    start = min(s for s, _ in windows)
    repeated = reading.ask("row_repeats", entity=entity, start_ns=start - DAY_NS, end_ns=window.end_ns,
                           every_ns=_every(history))  # fmt: skip
    evidence: dict[str, Evidence] = {}
    if len(repeated.frame):
        series += table_signals.repeats(repeated.frame, quiet, [span])
        evidence |= dict.fromkeys(("duplicates", "duplicate delivery"), repeated.evidence)
    changed, used = _schema(reading, entity, history, start, window)
    if used is not None:
        evidence["schema"] = used
    parts = [table_signals.stated(decision), table_signals.table_of(series), pd.DataFrame([changed])]
    table = pd.concat(
        [p.astype({"now": float, "usual": float, "p_value": float, "q_value": float}) for p in parts if len(p)],
        ignore_index=True,
    )
    if decision.rows_verdict == "silent":
        table.loc[table["signal"] == "freshness", "verdict"] = "silent"
    return Signals(_nothing_kept(table, len(repeated.frame)), table_signals.history_of(series), evidence)


def _nothing_kept(table: pd.DataFrame, buckets: int) -> pd.DataFrame:
    if buckets:
        return table
    rows = [{"signal": name, "column": "", "now": float("nan"), "usual": float("nan"), "unit": "share of rows",
             "p_value": float("nan"), "q_value": float("nan"), "quiet": 0, "verdict": "no data",
             "words": f"{name}: no data (profiles hold counts, no rows)"}
            for name in ("duplicates", "duplicate delivery")]  # fmt: skip
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True)


def _every(history: History) -> int:
    return int(min(HOUR_NS, (history.ends - history.starts).min()))


def _schema(
    reading: Reading, entity: str, history: History, start_ns: int, window: Window
) -> tuple[dict[str, object], Evidence | None]:
    """Return the schema's signal, from rows where they are kept, else from what writers said, else from profiles."""
    kind, name = split(entity)
    told = reading.ask("schema_history", dataset=name, end_ns=window.end_ns) if kind == "dataset" else None
    changes = told.frame.dropna(subset=["previous_digest"]) if told is not None and len(told.frame) else pd.DataFrame()
    earlier = int((changes["time_ns"] < window.start_ns).sum()) if len(changes) else 0
    before = columns_of(reading, entity, (start_ns, window.start_ns))
    now = columns_of(reading, entity, (window.start_ns, window.end_ns))
    if not before and told is not None and len(told.frame):
        before, now = _written(told, window)
    if not before:
        before, now = (_held(history, w) for w in ([(start_ns, window.start_ns)], [(window.start_ns, window.end_ns)]))
    found = table_signals.schema(before, now, earlier)
    inside = quality.schema_changes(changes[changes["time_ns"] >= window.start_ns]) if len(changes) else []
    if inside and told is not None and found["verdict"] in {"ok", "no data"}:
        change = inside[-1]
        types = json.loads(str(changes.iloc[-1]["previous_schema"]))
        was = {str(c.get("name")): str(c.get("type")) for c in types}
        is_ = {str(c.get("name")): str(c.get("type")) for c in json.loads(str(changes.iloc[-1]["schema"]))}
        found = table_signals.schema(was, is_, earlier)
        found["words"] = f"{found['words']}, as its writer said at {iso(change.time_ns)}"
    return found, told.evidence if told is not None else None


def _written(told: Answer, window: Window) -> tuple[dict[str, str], dict[str, str]]:
    def at(moment_ns: int) -> dict[str, str]:
        known = told.frame[told.frame["time_ns"] < moment_ns]
        held = json.loads(str(known.iloc[-1]["schema"])) if len(known) else []
        return {str(c.get("name")): str(c.get("type")) for c in held}

    return at(window.start_ns), at(window.end_ns)


def _held(history: History, windows: Windows) -> dict[str, str]:
    rows = history.figures(windows, "rows")
    kinds = np.where(history.columns.numeric, "number", "text")
    return {n: str(k) for n, k, r in zip(history.columns.names, kinds, rows, strict=True) if r > 0}


def standing(reading: Reading, entity: str, chosen: Rules, decision: Decision, found: Signals, window: Window
             ) -> tuple[pd.DataFrame, Evidence | None]:  # fmt: skip
    """Return how the window stands to the policies and to the checks that dbt and others ran themselves."""
    table = contract_rules.standing(chosen.policies, chosen.unchecked, decision, found.table)
    kind, name = split(entity)
    if kind != "dataset":
        return table, chosen.evidence
    ran = reading.ask(
        "rows", table="assertions", start_ns=window.start_ns - DAY_NS, end_ns=window.end_ns, equals={"dataset": name}
    )
    if ran.frame.empty:
        return table, chosen.evidence
    checks = contract_rules.of_checks(ran.frame)
    return pd.concat([t for t in (checks, table) if len(t)], ignore_index=True), ran.evidence


def findings_of(entity: str, found: Signals, profiles: Evidence) -> list[Finding]:
    """Return a finding a signal that drifted or fell silent; rows and nulls have theirs already."""
    out = []
    kind, name = split(entity)
    for row in found.table.to_dict("records"):
        if row["signal"] in {"rows", "nulls"} or row["verdict"] not in {"drifted", "silent"}:
            continue
        about = f"column:{name}.{row['column']}" if row["signal"] == "cardinality" and kind == "dataset" else entity
        chance = row["p_value"]
        out.append(Finding(
            f"{row['words'][0].upper()}{row['words'][1:]}.", about, str(row["signal"]).replace(" ", "_"),
            (found.evidence.get(str(row["signal"]), profiles),),
            strength=1.0 if np.isnan(chance) else strength(10.0, float(chance)),
            values={k: None if np.isnan(row[k]) else float(row[k]) for k in ("now", "usual", "p_value")},
        ))  # fmt: skip
    return out


def policy_findings(entity: str, table: pd.DataFrame, evidence: Evidence) -> list[Finding]:
    """Return a finding for each broken rule that a contract or a check sets."""
    broken = table[(table["state"] == "broken") & (table["source"] != "practice")]
    name = split(entity)[1]
    out = []
    for row in broken.to_dict("records"):
        where = f"{name}.{row['column']}" if row["column"] else name
        said = f"{row['value']:.4g}" if np.isfinite(row["value"]) else row["breached"]
        seen = f": {said}" if said else ""
        text = f"{where} breaks {row['policy']} ({row['source']}){seen}."
        out.append(Finding(text, f"column:{where}" if row["column"] else entity, "policy", (evidence,), strength=1.0,
                           values={"value": row["value"] if np.isfinite(row["value"]) else None}))  # fmt: skip
    return out
