"""A postmortem: every figure carries a chip, the badge is a replay, and the page tells when it was edited."""

from __future__ import annotations

import hashlib
import math
import random
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import yaml

import workbench.bench  # noqa: F401 - attaches case.postmortem
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.errors import UsageError
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.window import iso, parse_time_ns
from workbench.report.held_numbers import lint_numbers
from workbench.report.postmortem import Postmortem, draft, write_postmortem
from workbench.report.verify_page import verify_page

START = parse_time_ns("2026-03-01T13:40:00Z")
HOUR = 3_600_000_000_000
DAY = 24 * HOUR
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'&{{7*7}}[E1](javascript:alert(1))'
SECTIONS = ["summary", "impact", "detection", "timeline", "causes", "rejected", "model", "response", "mitigation",
            "went", "actions", "lessons", "limits"]  # fmt: skip


def ask(query: str, **_: object) -> pa.Table:
    """Return ten days of a figure that fell."""
    assert query == "rows"
    times = list(range(START - 10 * DAY, START + HOUR, HOUR // 6))
    return pa.table({"time_ns": times, "value": [0.9 + 0.01 * math.sin(t) - 0.2 * (t >= START) for t in times]})


def missing(reading: Reading, label: str = "orders.amount") -> Outcome:
    """How many cells are missing?"""
    answer = reading.ask("rows", table="kpis")
    finding = Finding(f"12 % of {label} is missing, usually 1 %.", f"column:{label}", "null_rate", (answer.evidence,),
                      strength=0.9, values={"usual": 0.01, "now": 0.12}, onset_ns=START)  # fmt: skip
    named = Cause(1, finding.entity, "null_burst", finding.statement, 0.83, "suspected", {}, (finding,), (), START)
    weak = Cause(2, "service:limits", "bad_deploy", "deploy 7 of limits", 0.02, "none", {"explains": 0.1}, (finding,))
    ranking = Ranking((named, weak), "suspected", 0.2, finding.entity, (finding,))
    return Outcome((finding,), {}, {"n": pd.DataFrame({"n": [1]})}, "12 % are missing.", ranking)


register(operation("missing", mode="computed", run=missing, doc="How many cells are missing?"))


def made(folder: Path, label: str = "orders.amount") -> Case:
    """Return a case with a cause, a rejected lead, people's words and an action."""
    case = Case.create(folder / "INC-20", case_id="INC-20", ask=ask, who="ada", clock=lambda: START + 2 * HOUR)
    case.begin("kpi:approval_rate", "approval_rate", f"{iso(START)}/{iso(START + HOUR)}",
               history_start=iso(START - 10 * DAY), alert={"name": label, "starts_ns": START + 10**12})  # fmt: skip
    case.missing(label)
    case.assign(f"team 7 {label}")
    case.note(f"Seen 3 times by {label}.")
    case.lesson("The page came within 2 minutes.", kind="well")
    case.action(f"Guard {label}", owner="ada", due="2026-03-15", verify_by="case.missing()")
    case.review("in review")
    return case


@pytest.fixture
def written(tmp_path: Path) -> tuple[Case, Postmortem]:
    """Return a case and its postmortem."""
    case = made(tmp_path / "cases")
    return case, write_postmortem(case, tmp_path / "out")


def test_every_sentence_with_a_figure_carries_a_chip(tmp_path: Path) -> None:
    """The document is walked: at least 20 numeric sentences, none without evidence, each chip in the index."""
    document = draft(made(tmp_path))
    known = {s.id for s in document.sources}
    numeric = [(name, s) for name, s in document.sentences() if s.numeric]
    assert len(numeric) >= 20
    assert [name for name, s in numeric if not s.evidence] == []
    assert {i for _, s in document.sentences() for i in s.evidence} <= known
    assert [s.name for s in document.sections] == SECTIONS
    assert all(s.sentences or s.rows for s in document.sections)


def test_the_page_is_one_file_with_a_replayed_badge(written: tuple[Case, Postmortem]) -> None:
    """No script, no address, below 5 MB; the badge counts the journal; every chip leads to its row."""
    case, found = written
    text = found.html.read_text(encoding="utf-8")
    assert f"Replayed offline: {case.length()}/{case.length()} match" in text
    assert not re.search(r"<(script|img|link|iframe|form)\b|https?://|\sstyle=|\son\w+=", text)
    assert set(re.findall(r'href="#([EJ]\d+)"', text)) <= set(re.findall(r'<tr id="([EJ]\d+)"', text))
    assert "default-src 'none'" in text
    assert len(text) < 5_000_000
    assert found.seconds < 30
    assert found.markdown.read_text(encoding="utf-8").count("\n## ") == len(SECTIONS) + 1


def test_unknown_is_said_and_the_guard_is_a_rule(written: tuple[Case, Postmortem]) -> None:
    """Money nobody computed is unknown, the timeline begins before the case, and the YAML bounds the null rate."""
    case, found = written
    impact = {s.label: s.text for s in draft(case).sections[1].sentences}
    assert impact["Money (C$)"].startswith("unknown")
    assert draft(case).sections[3].rows[0].cells[0] == "2026-03-01 13:40 UTC"
    contract = yaml.safe_load(found.guard.read_text(encoding="utf-8"))
    column = contract["schema"][0]["properties"][0]
    assert (contract["apiVersion"], contract["kind"], column["name"]) == ("v3.0.2", "DataContract", "amount")
    assert column["quality"][0]["mustBeLessThan"] == pytest.approx(0.02)


def test_an_edited_figure_is_named(written: tuple[Case, Postmortem], tmp_path: Path) -> None:
    """The written page verifies against its case; an edited sentence is named; so is another case's digest."""
    case, found = written
    assert verify_page(found.html, case.path) == []
    edited = tmp_path / "edited.html"
    edited.write_text(found.html.read_text("utf-8").replace("12 % of orders", "21 % of orders", 3), "utf-8")
    problems = verify_page(edited)
    assert any("sentence summary-2 was changed: '21 %" in p for p in problems)
    with pytest.raises(UsageError, match="no postmortem"):
        verify_page(_undigested(tmp_path / "none.html"))


def _undigested(path: Path) -> Path:
    body = b"<p>x</p>\n"
    path.write_bytes(body + f"<!-- workbench-sha256 {hashlib.sha256(body).hexdigest()} -->\n".encode())
    return path


def test_any_flipped_byte_of_the_page_is_noticed(written: tuple[Case, Postmortem], tmp_path: Path) -> None:
    """Of 100 random flips, 100 are reported."""
    content, random_ = written[1].html.read_bytes(), random.Random(5)
    path = tmp_path / "flipped.html"
    for _ in range(100):
        at = random_.randrange(len(content))
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << random_.randrange(8))]) + content[at + 1 :])
        assert verify_page(path) != [], at


def test_a_changed_result_turns_the_badge_and_names_the_chip(tmp_path: Path) -> None:
    """An edited result file: the page says so with J1, and its figures are left out."""
    case = made(tmp_path)
    path = case.path / "results" / "000001.json"
    path.write_bytes(path.read_bytes().replace(b"12 %", b"13 %"))
    text = write_postmortem(Case.open(case.path), tmp_path / "out").html.read_text(encoding="utf-8")
    assert "Replay failed" in text
    assert re.search(r"Do not trust the figures of [^<]*J1", text)
    assert "13 % of orders" not in text


def test_nothing_from_telemetry_becomes_markup(tmp_path: Path) -> None:
    """A hostile name stays text in the page and in the Markdown."""
    found = write_postmortem(made(tmp_path, HOSTILE), tmp_path / "out")
    text = found.html.read_text(encoding="utf-8")
    assert not re.search(r"<(script|img)\b", text)
    assert "{{7*7}}" in text
    assert verify_page(found.html) == []
    marked = found.markdown.read_text(encoding="utf-8")
    assert "<script" not in marked
    assert not re.search(r"(?<!\\)\]\(java", marked)


def test_a_figure_that_the_cited_evidence_does_not_hold_is_found_with_its_line(
    written: tuple[Case, Postmortem],
) -> None:
    """The written Markdown is clean; 12 % edited to 13 % is named with its chip and line."""
    case, found = written
    text = found.markdown.read_text("utf-8")
    assert lint_numbers(text, case) == []
    edited = text.replace("12 % of orders", "13 % of orders")
    defects = lint_numbers(edited, case)
    assert len(defects) >= 2
    assert all("says 13, which [E1]" in str(d) and "13 %" in edited.splitlines()[d.line - 1] for d in defects)


def test_the_verb_stands_on_every_case_and_adds_no_entry(tmp_path: Path) -> None:
    """``case.postmortem()`` writes four files and leaves the journal as it is."""
    case = made(tmp_path / "store" / "cases")
    length = case.length()
    found = case.postmortem()
    assert found.html == tmp_path / "store" / "postmortems" / "INC-20" / "INC-20.html"
    assert len(list(found.html.parent.iterdir())) == 4
    assert case.length() == length
