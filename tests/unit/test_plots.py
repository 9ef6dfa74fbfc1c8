"""What a step, a cause or a finding says can be drawn: from its own rows, or from the evidence it rests on."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.case.operations import Outcome
from workbench.errors import UsageError
from workbench.model.findings import Evidence, Finding
from workbench.report.charts import narrowed
from workbench.report.show import plot

FINDING = Finding("Slow.", "service:scorer", "p95", (Evidence("E1", "spans()", "evidence/E1.parquet", "0" * 64, 2),))


def test_contributions_are_bars_with_their_sign() -> None:
    """The widest bar is named, and a fall carries its minus in words as in colour."""
    rows = pd.DataFrame({"column": ["a", "b"], "contribution": [0.02, -0.05]})
    drawn = plot(Outcome(frames={"contributions": rows}))
    assert drawn.caption == "contributions: b -0.05, the largest."
    assert "+0.02" in str(drawn)
    assert list(drawn.frame["label"]) == ["b", "a"]


def test_evidence_is_narrowed_to_the_findings_own_service() -> None:
    """Lines of other services are left out; a frame that names none is left whole."""
    rows = pd.DataFrame({"service": ["scorer", "edge"], "value": [1.0, 2.0]})
    assert narrowed(rows, FINDING)["value"].tolist() == [1.0]
    assert len(narrowed(rows[["value"]], FINDING)) == 2


@pytest.mark.parametrize(("drawn", "told"), [(Outcome(summary="All is well."), "no chart"), (FINDING, "case=case")])
def test_what_cannot_be_drawn_says_why(drawn: object, told: str) -> None:
    """A quiet step has nothing to draw; a finding without its case says what is missing."""
    with pytest.raises(UsageError, match=told):
        plot(drawn)
