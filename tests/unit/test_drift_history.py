"""A column is judged by its own history: hours of the week where weeks matter, and what wanders by how it wanders."""

import pytest

from benchmarks.drift_power import decided, table
from benchmarks.drift_tables import Kind, Plant
from workbench.analysis.drift_baseline import usual

SEED = 43_000
"""A tuning seed: the drift bench reports others."""


@pytest.mark.parametrize(("kind", "rule"), [
    ("daily", "same hours, last 28 days"), ("weekly", "same hours of the week, last 4 weeks"),
    ("independent", "same hours, last 28 days"), ("autocorrelated", "same hours, last 28 days"),
])  # fmt: skip
def test_hours_of_the_week_are_compared_only_where_weeks_matter(kind: Kind, rule: str) -> None:
    history, current = table(kind, 20_000, SEED)
    assert usual(history, current[0]).rule == rule


@pytest.mark.full
def test_what_lies_far_out_of_wandering_columns_raises_no_alarm() -> None:
    """10 quiet wandering tables of 100,000 rows; both ends' square roots together had named 4 of them."""
    assert sum(bool(decided("autocorrelated", 100_000, SEED + i).drifted) for i in range(28, 38)) <= 2


@pytest.mark.parametrize("effect", ["shift", "scale", "tail", "nulls"])
def test_an_effect_beyond_what_a_column_wanders_is_still_named(effect: str) -> None:
    """Levels wander by 0.2 of a deviation; a shift or a scale of 1.2, 30 % far out and 30 % nulls stand out."""
    drifted = decided("autocorrelated", 100_000, SEED, Plant(2, effect, 1.2)).drifted
    assert drifted == ("c02",)
