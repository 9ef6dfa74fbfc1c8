"""A lead is broken where those that it does not touch moved as much, or where the same thing harmed nobody before."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.analysis.refute import before, untouched

WINDOWS, EACH, BAD = 20, 200, 400
RNG_SEED = 5


def decisions(
    *, touched_before: float, touched_now: float, harm: float, elsewhere: float = 0.0
) -> tuple[Any, Any, Any, Any]:
    """Return outcome, now, quiet window and touched of simulated decisions; the usual outcome is .2."""
    rng = np.random.default_rng(RNG_SEED)
    quiet = np.concatenate([np.repeat(np.arange(WINDOWS), EACH), np.full(BAD, -1)])
    now = quiet < 0
    touched = rng.random(len(now)) < np.where(now, touched_now, touched_before)
    chance = 0.2 + np.where(touched, harm, 0.0) + np.where(now, elsewhere, 0.0)
    return (rng.random(len(now)) < chance).astype(float), now, quiet, touched


def test_without_the_guilty_slice_the_symptom_is_gone() -> None:
    """40 % of the decisions are touched and decided .6 more often; the rest moved by less than a third of it."""
    found = untouched(*decisions(touched_before=0.02, touched_now=0.4, harm=0.6))
    assert found is not None
    assert found.supports
    assert not found.refutes
    assert abs(found.remaining) < 0.35


def test_a_slice_that_grew_beside_a_harm_for_all_is_refuted() -> None:
    """Everybody is decided .3 more often; without the slice just as much is left."""
    found = untouched(*decisions(touched_before=0.02, touched_now=0.4, harm=0.0, elsewhere=0.3))
    assert found is not None
    assert found.refutes
    assert not found.supports


def test_where_everybody_is_touched_nothing_can_be_said() -> None:
    """No untouched decision is left in the bad window."""
    assert untouched(*decisions(touched_before=0.02, touched_now=1.0, harm=0.6)) is None


def test_the_same_growth_on_earlier_days_without_harm_refutes() -> None:
    """On three earlier days the slice was as large as now, and decisions were as usual."""
    outcome, now, quiet, touched = decisions(touched_before=0.02, touched_now=0.4, harm=0.0, elsewhere=0.3)
    rng = np.random.default_rng(1)
    for day in (3, 7, 11):
        touched[quiet == day] = rng.random(EACH) < 0.4
    found = before(outcome, now, quiet, touched)
    assert found is not None
    assert (found.windows, found.harmed) == (3, 0)
    assert found.refutes


def test_harm_on_each_earlier_occurrence_supports() -> None:
    """On two earlier days the slice was as large, and decisions left their range in the same direction."""
    outcome, now, quiet, touched = decisions(touched_before=0.02, touched_now=0.4, harm=0.6)
    rng = np.random.default_rng(1)
    for day in (3, 7):
        touched[quiet == day] = rng.random(EACH) < 0.4
        outcome[quiet == day] = rng.random(EACH) < np.where(touched[quiet == day], 0.8, 0.2)
    found = before(outcome, now, quiet, touched)
    assert found is not None
    assert found.windows == found.harmed == 2
    assert found.supports


def test_what_never_happened_before_says_nothing() -> None:
    """No earlier window went half the way: neither for nor against."""
    found = before(*decisions(touched_before=0.02, touched_now=0.4, harm=0.6))
    assert found is not None
    assert found.windows == 0
    assert not found.refutes
    assert not found.supports
