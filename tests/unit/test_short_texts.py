"""What a terminal shows of an outcome and of what was found is one short line, and ``case.`` completes to verbs."""

from __future__ import annotations

import rlcompleter
from pathlib import Path

import pandas as pd

from workbench import plugins
from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.model.findings import Evidence, Finding
from workbench.playbook.find import Found


def test_an_outcome_of_a_thousand_rows_and_a_long_summary_is_one_line_of_at_most_240_characters() -> None:
    """State, summary, how many findings, how many rows; no frame is written out."""
    finding = Finding("It rose.", "service:a", "p95_ms", (Evidence("E1", "q()", "f", "0" * 64, 1),))
    text = repr(Outcome((finding,), {}, {"spans": pd.DataFrame({"a": range(1000)})}, "Waits rose. " * 40))
    assert text.startswith("<Outcome interesting: Waits rose.")
    assert text.endswith("[1 findings, spans: 1,000 rows]>")
    assert "\n" not in text
    assert len(text) <= 240
    assert repr(Outcome(summary="All is well.")) == "<Outcome clear: All is well.>"
    assert repr(Outcome(could_not_run="no spans", summary="could not run: no spans")).startswith("<Outcome could not")


def test_what_was_found_is_one_line() -> None:
    """Counts, not tables."""
    links = pd.DataFrame({"left": ["trace:1"], "right": ["run:2"], "rule": ["stated_run"]})
    found = Found("1", ("trace:1",), pd.DataFrame({"table": ["spans"]}), links, pd.DataFrame())
    assert repr(found) == "<Found '1': 1 entities, 1 places, 1 links>"


def test_case_completes_to_every_step_and_operation(tmp_path: Path) -> None:
    """All names are offered by ``dir`` and by the interpreter's own completion, and each has its signature."""
    case = Case.create(tmp_path / "case", case_id="INC-1")
    wanted = {*plugins.names("step"), *plugins.names("operation"), "note", "reject", "undo"}
    assert wanted <= set(dir(case))
    completer = rlcompleter.Completer({"case": case})
    assert completer.complete("case.hyp", 0) == "case.hypothesis("
    offered = {(completer.complete("case.s", n) or "").rstrip("()") for n in range(30)}
    assert {"case.scope", "case.skip", "case.select"} <= offered
