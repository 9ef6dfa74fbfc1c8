"""Lints speak while people write: below a note, a lesson or an action in a notebook, and when a postmortem is made."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench.bench  # noqa: F401 - attaches the verbs and the rich forms
from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.model.findings import Evidence, Finding
from workbench.report.lint_said import lint_said


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a begun case."""
    case = Case.create(tmp_path / "INC-1", case_id="INC-1", who="ada")
    case.begin("kpi:approval_rate", "approval_rate", "2026-03-01T13:40Z/2026-03-01T14:40Z")
    return case


def test_what_was_just_written_is_linted_and_says_how_to_mend_it(case: Case) -> None:
    """An action without owner, due and check: one defect naming them; blame and hindsight: one each; clean: none."""
    bare = case.action("Guard the feed")
    assert [d.rule for d in lint_said(bare)] == ["incomplete action"]
    assert all(d.fix for d in lint_said(bare))
    assert [d.rule for d in lint_said(case.lesson("It was human error."))] == ["human error"]
    assert [d.rule for d in lint_said(case.note("Somebody should have looked at the feed."))] == ["should have"]
    full = case.action("Guard the feed | twice", owner="payments", due="2026-03-15", verify_by="case.quality()")
    assert lint_said(full) == []
    assert lint_said(case.note("The mapping was put back at 14:05 UTC.")) == []


def test_a_notebook_shows_the_lint_below_the_cell(case: Case) -> None:
    """The output of the cell holds rule and fix, escaped; that of a clean note holds neither."""
    shown = case.note("<b>x</b>: the on-call should have seen it.")._repr_html_()
    assert "should have" in shown
    assert 'title="to mend"' in shown
    assert "<b>x</b>" not in shown
    assert "to mend" not in case.note("All is well.")._repr_html_()


def test_what_was_computed_is_not_linted_as_words() -> None:
    """A finding may quote a log that says human error; it is evidence, not somebody's claim."""
    finding = Finding("It says: human error.", "service:s", "log", (Evidence("E1", "rows()", "f", "0" * 64, 1),))
    assert lint_said(Outcome((finding,), summary="human error")) == []
    assert lint_said(Outcome(could_not_run="no data", summary="should have")) == []


def test_a_postmortem_says_what_is_left_to_mend(case: Case) -> None:
    """The result counts the defects of its Markdown and shows them with line and fix."""
    case.action("Guard the feed")
    written = case.postmortem()
    assert {d.rule for d in written.defects} >= {"incomplete action"}
    shown = written._repr_html_()
    assert "To mend" in shown
    assert f"line {written.defects[0].line}: " in shown
    assert len(written.files) == 3
