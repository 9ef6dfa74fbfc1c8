"""A closed case teaches: a later one that looks like it is told its cause and what helped."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.bench import Bench, open_bench
from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.errors import UsageError
from workbench.model.findings import Cause, Evidence, Finding, Ranking
from workbench.playbook.likeness import alike, likeness

EVIDENCE = (Evidence("E1", "rows()", "evidence/E1.parquet", "0" * 64, 1),)


class Seen(Case):
    """A case whose outcomes are given, so that its picture is known."""

    given: tuple[Finding, ...] = ()
    led: str = ""

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Return what was given as the outcome of one step."""
        return {"serving": Outcome(self.given)}

    @property
    def ranking(self) -> Ranking | None:
        """Return one suspected cause of the given kind."""
        return Ranking((Cause(1, "service:scoring", self.led, "It fails.", 0.8, "suspected"),), "suspected")


def finding(signal: str, entity: str, now: float) -> Finding:
    """Return an unusual figure; .01 is usual."""
    return Finding("It moved.", entity, signal, EVIDENCE, strength=1.0, values={"now": now, "usual": 0.01})


def case(bench: Bench, name: str, led: str, *given: Finding) -> Seen:
    """Begin a case about failing requests and let it have found these."""
    window = "2026-03-01T10:00:00Z/2026-03-01T12:00:00Z"
    bench.case(name, entity="service:scoring", signal="error_rate", window=window)
    made = Seen.open(bench.folder / name, who="ana")
    made.given, made.led = given, led
    assert isinstance(made, Seen)
    return made


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return an empty bench."""
    return open_bench(tmp_path / "store")


def test_the_case_that_looks_alike_is_named_with_what_helped(bench: Bench) -> None:
    """Errors of another service after a release: most of the picture agrees although no name does."""
    old = case(bench, "INC-101", "bad_deploy", finding("error_rate", "service:a", 0.2))
    old.call("close", cause=1, helped="Rolled back to 4.1.0.")
    other = case(bench, "INC-102", "unmapped_category", finding("drift", "feature:kind", 0.4))
    other.call("close", cause=1)
    now = case(bench, "INC-103", "bad_deploy", finding("error_rate", "service:b", 0.3))
    found = alike(now, [other, old])
    assert [(like.case_id, like.cause) for like in found] == [("INC-101", "bad_deploy service:scoring")]
    assert found[0].likeness == 1.0
    assert found[0].words() == (
        "Like INC-101 (1.00): bad deploy of service:scoring. What helped then: Rolled back to 4.1.0."
    )


def test_an_open_case_teaches_nothing(bench: Bench) -> None:
    """What is not closed is no experience yet."""
    still = case(bench, "INC-1", "bad_deploy", finding("error_rate", "service:a", 0.2))
    now = case(bench, "INC-2", "bad_deploy", finding("error_rate", "service:a", 0.2))
    assert alike(now, [still]) == []


def test_closing_is_one_line_and_closes(bench: Bench) -> None:
    """The entry names the cause by kind and entity, and the status is closed; undo opens the case again."""
    made = case(bench, "INC-1", "bad_deploy", finding("error_rate", "service:a", 0.2))
    made.call("close", cause=1, helped="Rolled back.")
    assert made.lines()[-1] == 'case.close("bad_deploy service:scoring", helped="Rolled back.")'
    assert made.state.status == "closed"
    made.call("undo")
    assert made.state.status == "open"


@pytest.mark.parametrize("cause", [7, "the intern", "bad_deploy"])
def test_a_cause_that_is_none_is_refused(bench: Bench, cause: str | int) -> None:
    """A rank that does not exist, or words that are no kind and entity, are no cause."""
    made = case(bench, "INC-1", "bad_deploy", finding("error_rate", "service:a", 0.2))
    with pytest.raises(UsageError):
        made.call("close", cause=cause)


def test_likeness_is_symmetric_and_one_with_itself() -> None:
    """Pictures that share half their weight are .33 alike: the shared part over everything."""
    one, other = {"a": 1.0, "b": 1.0}, {"b": 1.0, "c": 1.0}
    assert likeness(one, one) == 1.0
    assert likeness(one, other) == likeness(other, one) == pytest.approx(1 / 3)
