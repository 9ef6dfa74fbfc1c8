"""What steps of one case share: computed once per evidence, a copy for each, never more than a few kept."""

from __future__ import annotations

from typing import NoReturn

import pandas as pd

from workbench.case.derived import Derived
from workbench.case.reading import Answer, Reading
from workbench.case.state import State
from workbench.model.findings import Evidence


def answer(sha256: str) -> Answer:
    """Return an answer whose evidence has this digest."""
    return Answer(pd.DataFrame({"n": [1, 2]}), Evidence("E1", "rows()", "evidence/E1.parquet", sha256, 2))


def reading(derived: Derived) -> Reading:
    """Return what one step sees; it asks nothing."""

    def unasked(*given: object) -> NoReturn:
        raise AssertionError(f"nothing is to be asked, yet {given} was")

    return Reading(State(), unasked, unasked, derived)


def test_two_steps_share_one_computation_and_neither_sees_the_others_changes() -> None:
    """Three calls over two digests compute twice; a changed copy leaves the kept frame as it was."""
    computed: list[int] = []

    def compute() -> pd.DataFrame:
        computed.append(1)
        return pd.DataFrame({"n": [3, 4]})

    derived = Derived()
    first = reading(derived).derive("sums", [answer("a")], compute)
    first.loc[0, "n"] = 99
    second = reading(derived).derive("sums", [answer("a")], compute)
    assert second["n"].tolist() == [3, 4]
    assert len(computed) == 1
    reading(derived).derive("sums", [answer("b")], compute)
    assert len(computed) == 2


def test_only_the_last_used_are_kept() -> None:
    """Of three results with room for two, the one not used longest is computed anew."""
    derived = Derived(most=2)
    for name in ("a", "b", "a", "c"):
        derived.of((name,), lambda: name)  # noqa: B023
    computed: list[str] = []
    derived.of(("a",), lambda: computed.append("a"))
    derived.of(("b",), lambda: computed.append("b"))
    assert computed == ["b"]
