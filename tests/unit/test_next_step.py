"""What a case says to do next, from its ranking alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from workbench.case.case import Case
from workbench.report.next_step import next_step


def case(verdict: str, confidence: float) -> Case:
    """Return what a case's next step is read from."""
    best = SimpleNamespace(kind="bad_deploy", entity="service:export", confidence=confidence, evidence_against=())
    ranking: Any = SimpleNamespace(verdict=verdict, causes=(best,))
    return cast(Case, SimpleNamespace(ranking=ranking, symptom=object(), outcomes={}))


def test_a_lead_believed_to_0_percent_sends_nobody_after_it() -> None:
    said = next_step(case("none", 0.004))
    assert "No lead holds" in said
    assert "service:export" not in said
    assert 'case.select("START/END")' in said


@pytest.mark.parametrize(("verdict", "confidence"), [("none", 0.2), ("suspected", 0.6)])
def test_a_lead_that_is_believed_somewhat_is_to_be_broken(verdict: str, confidence: float) -> None:
    assert "Try to break the best lead, bad deploy of service:export." in next_step(case(verdict, confidence))
