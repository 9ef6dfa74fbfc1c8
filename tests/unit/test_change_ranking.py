"""Changes ranked by what they touch against what the evidence shows; recency decides nothing."""

from __future__ import annotations

import dataclasses

import pytest

from workbench.analysis.change_ranking import Change, Shown, guilty, rank_changes
from workbench.analysis.words import rarity, tokens

DIFF = "-max_connections = 50\n+max_connections = 5"
GUILTY = Change("a1", 10.0, "Lower the pool size of the ledger", ("ledger/pool.py",), DIFF)
RECENT = Change("b2", 19.0, "Rename the banner", ("web/banner.py",), "-title = 'Sale'\n+title = 'Spring'")
OTHERS = [Change(f"c{i}", float(i), f"Tidy module n{i}", (f"web/part{i}.py",), f"+colour{i} = 1") for i in range(6)]
SHOWN = [Shown("ledger: timed out waiting for a connection from the pool, max_connections reached", 1.0, "ledger")]


def test_the_change_that_touches_what_broke_is_first_and_may_be_named() -> None:
    """Pool, ledger and max_connections speak for it; the newest change shares nothing."""
    found = rank_changes([RECENT, *OTHERS, GUILTY], SHOWN, onset=20.0)
    assert found[0].change.id == "a1"
    assert guilty(found)
    assert {"pool", "ledger", "max_connections"} <= set(found[0].words)
    assert found[-1].score == 0.0


def test_a_change_after_the_onset_is_left_out() -> None:
    """What came later caused nothing."""
    found = rank_changes([dataclasses.replace(GUILTY, time=21.0), RECENT], SHOWN, onset=20.0)
    assert [s.change.id for s in found] == ["b2"]


def test_no_change_explains_this_is_an_answer() -> None:
    """Without the guilty change nobody is named, and without any change neither."""
    assert not guilty(rank_changes([RECENT, *OTHERS], SHOWN, onset=20.0))
    assert not guilty(rank_changes([], SHOWN, onset=20.0))


@pytest.mark.parametrize(("change", "factor"), [
    (dataclasses.replace(GUILTY, files=("docs/ledger/pool.md",)), 0.3),
    (dataclasses.replace(GUILTY, deployed=False), 0.5),
    (dataclasses.replace(GUILTY, service="search"), 0.7),
])  # fmt: skip
def test_documents_what_was_not_deployed_and_other_services_count_for_less(change: Change, factor: float) -> None:
    """The share is cut by the stated factor."""
    plain = dataclasses.replace(change, files=GUILTY.files, deployed=True, service="")
    words = rank_changes([plain, *OTHERS], SHOWN, onset=20.0)[0]
    cut = rank_changes([change, *OTHERS], SHOWN, onset=20.0)
    mine = next(s for s in cut if s.change.id == "a1")
    assert mine.share == pytest.approx(factor * words.share, rel=0.25)
    assert mine.score < words.score


def test_order_and_repetition_of_the_evidence_prove_nothing_more() -> None:
    """A thousand equal error lines weigh as one; changes in any order give one ranking."""
    once = rank_changes([GUILTY, RECENT, *OTHERS], SHOWN, onset=20.0)
    often = rank_changes([*OTHERS, RECENT, GUILTY], SHOWN * 1000, onset=20.0)
    assert [(s.change.id, s.score, s.share) for s in once] == [(s.change.id, s.score, s.share) for s in often]


def test_identifiers_are_taken_apart() -> None:
    """camelCase and snake_case give the whole and its parts; common words give nothing."""
    assert set(tokens("maxRetries")) == {"maxretries", "max", "retries", "retr"}
    assert set(tokens("the new error is in main")) == set()


def test_a_word_in_every_change_tells_less_than_one_in_a_single_change() -> None:
    """ln(4 / 3.5) against ln(4 / 1.5), for three documents."""
    weights = rarity([{"pool": 1, "web": 1}, {"web": 1}, {"web": 1}])
    assert weights["pool"] == pytest.approx(0.980829, abs=1e-6)
    assert weights["web"] == pytest.approx(0.133531, abs=1e-6)
