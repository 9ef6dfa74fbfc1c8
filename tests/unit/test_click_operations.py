"""What widgets' clicks do to a case: filters, hypotheses, hunches; and conditions as people read them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from workbench.analysis.conditions import joined, met, negated, terms
from workbench.case.case import Case
from workbench.errors import UnknownNameError, UsageError

ROWS = pd.DataFrame({"region": ["c", "a", None, "b and c"], "wait_ms": [70.0, 5.0, None, 60.0]})


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("region = c", [1, 0, 0, 0]),
        ("region = b and c", [0, 0, 0, 1]),
        ("region is null", [0, 0, 1, 0]),
        ("wait_ms >= 60", [1, 0, 0, 1]),
        ("wait_ms in [5, 60)", [0, 1, 0, 0]),
        ("wait_ms in [5, 60]", [0, 1, 0, 1]),
        ("not (region = c)", [0, 1, 1, 1]),
        ("not (region = c and wait_ms >= 60) and wait_ms >= 60", [0, 0, 0, 1]),
        ("wait_ms >= 60 and region = c", [1, 0, 0, 0]),
        ("", [1, 1, 1, 1]),
    ],
)
def test_a_condition_holds_for_the_rows_it_names(condition: str, wanted: list[int]) -> None:
    """Unknown values meet only ``is null``."""
    assert met(ROWS, condition).astype(int).tolist() == wanted


def test_conditions_join_once_and_split_again() -> None:
    """A repeated term is said once; negations stay whole."""
    both = joined("region = c", negated("wait_ms >= 60 and region = a"), "region = c")
    assert both == "region = c and not (wait_ms >= 60 and region = a)"
    assert terms(both) == ["region = c", "not (wait_ms >= 60 and region = a)"]


@pytest.mark.parametrize("wrong", ["region", "wait_ms >= many", "region >= 3", "other = 1", "; drop table spans"])
def test_words_that_are_no_condition_are_refused(wrong: str) -> None:
    """Five kinds of nonsense."""
    with pytest.raises(UsageError):
        met(ROWS, wrong)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a case that has begun, without a store."""
    made = Case.create(tmp_path / "case", case_id="INC-1", clock=lambda: 0)
    made.call("begin", entity="service:a", signal="error_rate", window="2026-02-10T10:00:00Z/2026-02-10T11:00:00Z")
    return made


def test_filter_and_exclude_narrow_the_selection_and_undo_widens_it(case: Case) -> None:
    """Two entries, one filter; taking the second back leaves the first."""
    case.call("filter", condition="region = c")
    case.call("exclude", condition="host = h1")
    assert case.symptom is not None
    assert case.symptom.where == "region = c and not (host = h1)"
    case.call("undo")
    assert case.symptom.where == "region = c"
    assert case.lines()[1] == 'case.filter("region = c")'


def test_a_hypothesis_a_skip_and_a_hunch_are_entries_and_nonsense_is_none(case: Case) -> None:
    """Three entries beside the first; a newer hunch takes the older one's place in the state."""
    case.call("hypothesis", statement="model_version = v42", entity="model:fraud")
    case.call("skip", step="hardware", reason="There is no GPU.")
    case.call("hunch", step="serving")
    case.call("hunch", step="drift")
    assert [e.operation for e in case.state.in_force] == ["begin", "hypothesis", "skip", "hunch"]
    before = case.length()
    for name, arguments in (("hypothesis", {"statement": " "}), ("skip", {"step": "hardware", "reason": ""}),
                            ("filter", {"condition": "nonsense"})):  # fmt: skip
        with pytest.raises(UsageError):
            case.call(name, **arguments)
    with pytest.raises(UnknownNameError):
        case.call("hunch", step="astrology")
    assert case.length() == before


def test_without_spans_contrast_and_trace_say_that_they_could_not_run(case: Case) -> None:
    """The reason is recorded, and the case goes on."""
    for name, arguments in (("contrast", {}), ("trace", {"trace_id": "0" * 32}), ("slower", {"first": "region = c"})):
        assert case.call(name, **arguments).could_not_run
