"""The practice is measured: stages per case, spread over cases, false alarms, recurrence, coverage and replay rate."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import workbench.bench  # noqa: F401 - attaches the verbs
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.cli import application
from workbench.errors import UsageError
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.window import iso, parse_time_ns
from workbench.report.postmortem import write_postmortem
from workbench.report.practice_metrics import STAGES, Metrics, measure, spread
from workbench.report.practice_page import drawing, write_page
from workbench.report.revisions import revisions

ALERT = parse_time_ns("2026-03-01T13:40:00Z")
MINUTE = 60_000_000_000


def lead_of(reading: Reading, kind: str = "", again: int = 0) -> Outcome:
    """Which lead stands first?"""
    answer = reading.ask("rows")
    finding = Finding("Rows are missing.", "dataset:a/b", "rows", (answer.evidence,), strength=0.9)
    causes = (Cause(1, "dataset:a/b", kind, "Rows are missing.", 0.9, "proven", {}, (finding,)),) if kind else ()
    verdict = "proven" if kind else "none"
    return Outcome((finding,), summary=f"Ranked {again}.", ranking=Ranking(causes, verdict, 0.1, None, (finding,)))


register(operation("lead_of", mode="computed", run=lead_of, doc="Which lead stands first?"))


class Clock:
    """Give the times that a test sets."""

    def __init__(self) -> None:
        self.now = ALERT

    def __call__(self) -> int:
        """Return the time."""
        return self.now


def worked(folder: Path, name: str, kind: str, minutes: tuple[int, int, int, int, int, int]) -> Case:
    """Return a case taken, led, mitigated, verified, resolved and reviewed so many minutes after its alert."""
    clock, (taken, led, mitigated, verified, resolved, published) = Clock(), minutes
    case = Case.create(folder / name, case_id=name, who="ada", clock=clock,
                       ask=lambda *_, **__: pa.table({"time_ns": [ALERT], "value": [1.0]}))  # fmt: skip
    alert = {"name": "Low", "severity": "critical", "fingerprint": "f", "starts_ns": ALERT}
    case.begin("service:s", "error_rate", f"{iso(ALERT)}/{iso(ALERT + 60 * MINUTE)}", alert=alert)
    for minute, act in ((taken, lambda: case.assign("ada")), (led, lambda: case.lead_of(kind)),
                        (mitigated, lambda: case.status("mitigated")), (verified, lambda: case.lead_of(kind, again=1)),
                        (resolved, lambda: case.status("resolved")), (published, lambda: case.review("in review")),
                        (published, lambda: case.review("reviewed"))):  # fmt: skip
        clock.now = ALERT + minute * MINUTE
        act()
    return case


@pytest.fixture
def found(tmp_path: Path) -> Metrics:
    """Return the metrics of three worked cases, one of them changed, and one that never began."""
    store = tmp_path / "cases"
    worked(store, "INC-1", "silent_feed", (5, 10, 30, 31, 60, 600))
    worked(store, "INC-2", "silent_feed", (15, 20, 50, 51, 80, 1200))
    worked(store, "INC-3", "", (25, 30, 70, 71, 100, 1800))
    Case.create(store / "INC-4", case_id="INC-4", who="ada")
    broken = store / "INC-2" / "results" / "000003.json"
    assert broken.exists()
    return measure(sorted(store.glob("INC-*")))


def test_stages_counts_medians_and_spread(found: Metrics) -> None:
    """Acknowledged after 5, 15 and 25 min: median 15 min, quartiles 10 and 20; the case that never began is named."""
    assert [c.case for c in found.cases] == ["INC-1", "INC-2", "INC-3"]
    assert len(found.unreadable) == 1
    taken = found.stages["acknowledged"]
    assert (taken.n, taken.median, taken.low, taken.high) == (3, 900.0, 600.0, 1200.0)
    assert found.stages["mitigated"].median == 50 * 60
    assert found.stages["verified"].least == 31 * 60
    assert found.stages["published"].most == 1800 * 60
    assert found.stages["first_correct_lead"].n == 2
    assert list(found.stages) == list(STAGES[1:])
    assert spread([]).median is None


def test_shares_over_cases(found: Metrics) -> None:
    """One of three closed cases was a false alarm; one signature came back once; all three replay; all is chipped."""
    assert found.false_alarm_share == pytest.approx(1 / 3)
    assert found.recurrence == {"silent_feed": 2}
    assert found.recurrence_share == pytest.approx(1 / 2)
    assert found.evidence_coverage == 1.0
    assert found.replay_rate == 1.0
    assert measure([], recompute=None).false_alarm_share is None


def test_a_changed_case_lowers_the_replay_rate(tmp_path: Path) -> None:
    """Of two cases, one with an edited result: half of them replay."""
    one = worked(tmp_path / "cases", "INC-1", "silent_feed", (5, 10, 30, 31, 60, 600))
    worked(tmp_path / "cases", "INC-2", "silent_feed", (5, 10, 30, 31, 60, 600))
    path = one.path / "results" / "000001.json"
    path.write_bytes(path.read_bytes().replace(b"ada", b"eve"))
    assert measure(sorted((tmp_path / "cases").glob("INC-*"))).replay_rate == 0.5


def test_plot_table_and_json_say_the_same(found: Metrics, tmp_path: Path) -> None:
    """One point a case and stage; the page holds no script and no address; JSON is plain."""
    points = sum(1 for c in found.cases for s in STAGES[1:] if c.seconds(s) is not None)
    assert drawing(found).count('class="point"') == points
    text = write_page(found, tmp_path / "m.html").read_text("utf-8")
    assert "<script" not in text
    assert "15 min" in text
    assert json.loads(json.dumps(found.plain()))["count"] == 3
    assert list(found.frame().columns[:2]) == ["case", "began"]


def test_the_verbs_print_for_people_and_programs(tmp_path: Path) -> None:
    """``metrics --json`` counts two cases; ``revisions`` names the changed status; ``replay`` takes a zip."""
    store = tmp_path / "store"
    from workbench.bench import open_bench

    open_bench(store).close()
    case = worked(store / "cases", "INC-1", "silent_feed", (5, 10, 30, 31, 60, 600))
    worked(store / "cases", "INC-2", "silent_feed", (5, 10, 30, 31, 60, 600))
    answer = CliRunner().invoke(application(), ["metrics", "--store", str(store), "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["count"] == 2
    first = write_postmortem(case, tmp_path / "a").html
    case.review("closed")
    case.note("Closed after 2 weeks.")
    second = write_postmortem(case, tmp_path / "b").html
    answer = CliRunner().invoke(application(), ["revisions", str(first), str(second), "--json"])
    changes = json.loads(answer.stdout)
    assert {"changed", "added"} <= {c["kind"] for c in changes}
    assert ("reviewed", "closed") in {(c["before"], c["after"]) for c in changes}
    assert revisions(first, first) == []
    CliRunner().invoke(application(), ["share", str(case.path), str(tmp_path / "x.zip")])
    answer = CliRunner().invoke(application(), ["replay", str(tmp_path / "x.zip"), "--strict"])
    assert answer.exit_code == 0, answer.output
    assert "match" in answer.output


def test_the_review_goes_through_its_stages(tmp_path: Path) -> None:
    """Draft, in review, reviewed, closed, each in the journal; a leap is refused in words."""
    case = Case.create(tmp_path / "INC-1", case_id="INC-1", who="ada")
    case.begin("service:s", "x", "2026-03-01T13:40Z/2026-03-01T14:40Z")
    with pytest.raises(UsageError, match=r"it is draft, so 'closed' cannot follow\. Next: 'in review'"):
        case.review("closed")
    for status in ("in review", "reviewed", "closed", "in review"):
        case.review(status)
    assert [e.arguments["status"] for e in case.entries[1:]] == ["in review", "reviewed", "closed", "in review"]
    assert case.replay().ok
