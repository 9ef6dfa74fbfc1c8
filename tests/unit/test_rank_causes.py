"""Causes ranked from plain frames: the planted one is first, quiet windows name nobody."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from workbench.analysis import excess
from workbench.analysis.rank import rank_causes
from workbench.errors import CouldNotRunError, UnknownNameError, UsageError
from workbench.model.findings import Ranking

GRAPH = nx.DiGraph([("web", "cart"), ("web", "pay"), ("pay", "db")])


def frame(seed: int, *, extra_ms: float) -> pd.DataFrame:
    """Return 125 minutes of latency and requests; in the last 5 the database and its callers take *extra_ms* longer."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(125)
    late = np.where(minutes >= 120, extra_ms, 0.0)
    levels = {"web": 200.0, "cart": 50.0, "pay": 90.0, "db": 20.0}
    rows = []
    for entity, level in levels.items():
        values = level * (1 + 0.03 * rng.standard_normal(125)) + (late if entity != "cart" else 0.0)
        rows.append(pd.DataFrame({"time": minutes, "entity": entity, "metric": "latency", "value": values}))
        rows.append(pd.DataFrame({"time": minutes, "entity": entity, "metric": "requests", "value": 100.0}))
    return pd.concat(rows, ignore_index=True)


def ranked(seed: int, extra_ms: float) -> Ranking:
    """Rank the last five minutes against the first 120."""
    rows = frame(seed, extra_ms=extra_ms)
    return rank_causes(rows, GRAPH, ("web", "latency"), incident=(120, 125), baseline=(0, 120))


def test_the_planted_database_is_named_on_20_seeds_with_its_path_and_share() -> None:
    """80 ms below a page of 200 ms: first, suspected, by way of pay."""
    for seed in range(20):
        found = ranked(seed, 80.0)
        assert (found.causes[0].entity, found.verdict) == ("db", "suspected")
        assert found.causes[0].path == ("db", "pay", "web")
        assert found.causes[0].factors["share"] > 0.7
        assert found.first_failure == "db"


def test_quiet_windows_name_nobody_on_at_least_38_of_40_seeds() -> None:
    """Nothing was planted: a lead is still ranked first, but not named."""
    found = [ranked(seed, 0.0) for seed in range(40)]
    assert sum(r.verdict == "none" for r in found) >= 38
    assert all(len(r.causes) == 4 for r in found)


def test_rows_in_any_order_give_the_same_ranking() -> None:
    """The order of a frame's rows says nothing."""
    rows = frame(1, extra_ms=30.0)
    mixed = rows.sample(frac=1.0, random_state=3)
    both = [rank_causes(r, GRAPH, "web", incident=(120, 125), baseline=(0, 120)) for r in (rows, mixed)]
    first, second = ([(c.entity, round(c.confidence, 12)) for c in r] for r in both)
    assert first == second


def test_an_unknown_target_metric_and_an_empty_incident_are_refused() -> None:
    """Each in its own words."""
    rows = frame(1, extra_ms=0.0)
    with pytest.raises(UsageError, match="'shop' has no metric"):
        rank_causes(rows, GRAPH, "shop", incident=(120, 125), baseline=(0, 120))
    with pytest.raises(UnknownNameError, match="latencies"):
        rank_causes(rows, GRAPH, ("web", "latencies"), incident=(120, 125), baseline=(0, 120))
    with pytest.raises(CouldNotRunError, match="widen the window"):
        rank_causes(rows, GRAPH, "web", incident=(500, 510), baseline=(0, 120))


def test_availability_counts_downwards_and_in_failed_shares() -> None:
    """99 % usually and 90 % now are 9 points more of failures; up is no harm."""
    values = pd.DataFrame({"web": [99.0, 99.0, 90.0, 100.0]})
    worse = excess.deviations(values, np.array([True, True, False, False]), "availability")
    assert worse["web"].tolist() == pytest.approx([0.0, 0.0, 0.09, 0.0])
    assert excess.direction("availability") == "down is worse"
    assert excess.direction("latency_p95") == "up is worse"


def test_volume_is_deviation_times_use_and_unknown_use_is_none() -> None:
    """0.5 s more on 30 requests are 15 s; where use is unknown nothing is counted."""
    worse = pd.DataFrame({"db": [0.5, 0.5], "pay": [1.0, 1.0]})
    used = pd.DataFrame({"db": [30.0, np.nan]})
    found = excess.volumes(worse, used)
    assert found["db"].tolist() == [15.0, 0.0]
    assert found["pay"].tolist() == [0.0, 0.0]
