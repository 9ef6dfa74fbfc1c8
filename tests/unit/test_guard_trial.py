"""The guard is tried on frozen history, and written out as a contract that can be pasted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

import workbench.bench  # noqa: F401 - attaches the verbs
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, iso, parse_time_ns
from workbench.report.document import Document
from workbench.report.guard import rule
from workbench.report.guard_trial import trial
from workbench.report.lint import lint
from workbench.report.postmortem import draft
from workbench.report.reading_case import CaseReader

START = parse_time_ns("2026-03-11T12:00:00Z")
TABLE = "postgres://dwh.example.internal:5432/dwh.orders"
HOURS = 10 * 24


def history(query: str, **_: Any) -> pa.Table:
    """Return ten days by the hour, and six hours in which half the cells, rows or writes are gone."""
    starts = START - 10 * DAY_NS + np.arange(HOURS + 6, dtype=np.int64) * HOUR_NS
    bad = starts >= START
    chance = np.random.default_rng(4)
    if query == "null_history":
        rows = np.full(len(starts), 200)
        return pa.table({"entity": [f"dataset:{TABLE}"] * len(starts), "origin": ["table_rows"] * len(starts),
                         "column": ["amount"] * len(starts), "start_ns": starts, "rows": rows,
                         "nulls": np.where(bad, 100, chance.integers(0, 4, len(starts)))})  # fmt: skip
    if query == "volume_history":
        kept = ~bad if "gap" in _.get("entity", "") else np.ones(len(starts), dtype=bool)
        rows = np.where(bad, 20, chance.integers(180, 220, len(starts)))
        return pa.table({"entity": [f"dataset:{TABLE}"] * int(kept.sum()), "origin": ["table_rows"] * int(kept.sum()),
                         "start_ns": starts[kept], "rows": rows[kept]})  # fmt: skip
    every = 2 * MINUTE_NS
    times = START - 10 * DAY_NS + np.arange((HOURS + 6) * 30, dtype=np.int64) * every
    known = chance.random(len(times)) > np.where(times >= START, 0.6, 0.01)
    return pa.table({"prediction_id": [f"p{n}" for n in range(len(times))], "time_ns": times,
                     "texts.0": ["c"] * len(times), "texts.1": np.where(known, "a", "unknown")})  # fmt: skip


SIGNALS = {
    "null_rate": ("null_burst", f"column:{TABLE}.amount", "null_history", {},
                  {"usual": 0.0075, "now": 0.5, "of": f"dataset:{TABLE}", "column": "amount", "origin": "table_rows"}),
    "rows": ("silent_feed", f"dataset:{TABLE}", "volume_history", {},
             {"usual": 200.0, "now": 20.0, "origin": "table_rows"}),
    "write_gap": ("silent_feed", f"dataset:{TABLE}", "volume_history", {"entity": "gap"},
                  {"gap_s": 21600.0, "usual_s": 3600.0}),
    "drift": ("unmapped_category", "feature:sector", "prediction_sample", {"texts": ["region", "sector"]},
              {"usual": 0.01, "now": 0.6, "level": "unknown"}),
    "skew": ("calibration_slip", "feature:sector", "prediction_sample", {}, {"usual": 0.0, "now": 0.4}),
}  # fmt: skip


def found_by(reading: Reading, signal: str = "null_rate") -> Outcome:
    """Which figure left its range?"""
    kind, entity, query, asked, values = SIGNALS[signal]
    answer = reading.ask(query, **asked)
    finding = Finding("It left its range.", entity, signal, (answer.evidence,), strength=0.9, values=values,
                      onset_ns=START)  # fmt: skip
    cause = Cause(1, entity, kind, "It left its range.", 0.9, "proven", {}, (finding,), (), START)
    return Outcome((finding,), summary="Found.", ranking=Ranking((cause,), "proven", 0.1, entity, (finding,)))


register(operation("found_by", mode="computed", run=found_by, doc="Which figure left its range?"))


def made(folder: Path, signal: str, alert_after_ns: int) -> Case:
    """Return a case with one proven cause, told by an alert so long after its onset."""
    case = Case.create(folder / signal, case_id="INC-1", ask=history, who="ada", clock=lambda: START + 7 * HOUR_NS)
    alert = {"name": "Low", "severity": "critical", "fingerprint": "f", "starts_ns": START + alert_after_ns}
    case.begin("kpi:approval_rate", "approval_rate", f"{iso(START)}/{iso(START + 6 * HOUR_NS)}",
               history_start=iso(START - 10 * DAY_NS), alert=alert)  # fmt: skip
    case.found_by(signal)
    return case


def lead(document: Document) -> str:
    """Return what the document says of the lead time."""
    detection = next(s for s in document.sections if s.name == "detection")
    return next(s.text for s in detection.sentences if s.label.startswith("Lead time"))


@pytest.mark.parametrize("signal", ["null_rate", "rows", "drift"])
def test_a_guard_fires_at_the_end_of_the_first_bad_hour(tmp_path: Path, signal: str) -> None:
    """The onset is at 12:00 and the alert at 17:00: checked hourly, 4 h earlier; false alarms at most 2 in 10 days."""
    case = made(tmp_path, signal, 5 * HOUR_NS)
    of = CaseReader(case)
    tried = trial(of, of.named[0])
    assert tried is not None
    assert tried.fired_ns == START + HOUR_NS
    assert (tried.every_ns, tried.side) == (HOUR_NS, "below" if signal == "rows" else "above")
    assert tried.alarms <= 2
    assert tried.intervals >= 200
    text = lead(draft(case))
    assert text.startswith("4.0 h: checked every 60 min against ")
    assert "the guard fires at 2026-03-11 13:00 UTC, before the alert" in text
    assert "On the 10 days before it " in text
    # What the workbench writes itself passes its own lints, that of hindsight too.
    assert lint(f"## Detection\n\n- {text} [J0]\n\n## Evidence index\n\n- [J0] journal.jsonl") == []


def test_a_silent_feed_is_noticed_after_two_missed_writes(tmp_path: Path) -> None:
    """Writes every hour, the last begun at 11:00: at 14:00 the newest is 3 h old, more than the 2 h allowed."""
    case = made(tmp_path, "write_gap", 5 * HOUR_NS)
    text = lead(draft(case))
    assert text.startswith("3.0 h: checked every 60 min against a newest write 2.0 h old")
    assert "14:00 UTC, before the alert" in text


def test_an_alert_before_the_check_leaves_nothing_to_gain(tmp_path: Path) -> None:
    """The alert came 5 min after the onset, the hourly check after 60: none, and how much later is said."""
    text = lead(draft(made(tmp_path, "null_rate", 5 * MINUTE_NS)))
    assert text.startswith("none: checked every 60 min")
    assert "55 min after the alert" in text


def test_what_no_series_holds_is_a_bound_and_said_so(tmp_path: Path) -> None:
    """Skew has no series that a guard would watch: up to 5.0 h, with the interval of the check still to take off."""
    text = lead(draft(made(tmp_path, "skew", 5 * HOUR_NS)))
    assert text.startswith("up to 5.0 h")
    assert "no frozen series holds what it would watch" in text


def test_the_limit_of_the_trial_stands_in_the_contract(tmp_path: Path) -> None:
    """Table, column, SQL, limit and hourly schedule: what was tried is what can be pasted."""
    of = CaseReader(made(tmp_path, "null_rate", 5 * HOUR_NS))
    tried = trial(of, of.named[0])
    assert tried is not None
    contract = yaml.safe_load(rule(of.named[0], "Alert on nulls.", tried))
    table = contract["schema"][0]
    assert (table["name"], table["physicalName"]) == ("orders", "dwh.orders")
    check = table["properties"][0]["quality"][0]
    assert check["mustBeLessThan"] == pytest.approx(tried.limit, rel=1e-5)
    assert 0.015 <= tried.limit <= 0.02
    assert check["query"].endswith('FROM "dwh"."orders"')
    assert (check["scheduler"], check["schedule"]) == ("cron", "0 * * * *")
