"""The peers that are written anew follow their papers' formulas, by hand on small cases."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from benchmarks import board, peers_patterns, peers_petshop, peers_slices
from benchmarks.sets import nezha

TARGET = {"node": "shop", "metric": "latency", "agg": "Average"}


def table(**values: list[float]) -> pd.DataFrame:
    """Return a metric table of latencies, one node a column."""
    columns = pd.MultiIndex.from_tuples([(node, "latency", "Average") for node in values])
    return pd.DataFrame(np.array(list(values.values())).T, columns=columns)


def test_anomalies_are_judged_at_the_first_row_at_which_the_target_is_one() -> None:
    """Median 10, scaled deviation 1 / .6745: 30 is 13.49 away; the trigger's own row is still as usual."""
    usual = [9.0, 11.0] * 6
    score = peers_petshop.anomalies(
        table(shop=usual, db=usual, fixed=[5.0] * 12),
        table(shop=[10, 10, 10, 30, 10], db=[10, 10, 90, 10, 10], fixed=[5, 5, 5, 5.5, 5]),
        TARGET,
    )
    assert score == pytest.approx({"shop": 20 * 0.6744897501960817, "fixed": 0.5})
    assert peers_petshop.anomalies(table(shop=usual), table(shop=[10] * 5), TARGET) == {}


def test_traversal_ends_at_anomalous_nodes_without_anomalous_callees() -> None:
    """Paths shop-a-b (1+2+3) and shop-c (1+4): b before c; d deviates but no anomalous path leads to it."""
    graph = nx.DiGraph([("shop", "a"), ("a", "b"), ("shop", "c"), ("shop", "quiet"), ("quiet", "d")])
    score = {"shop": 1.0, "a": 2.0, "b": 3.0, "c": 4.0, "d": 9.0}
    assert peers_petshop.traversal(graph, "shop", score) == ["b", "c"]
    assert peers_petshop.traversal(graph, "shop", {"a": 2.0}) == []
    graph.add_edge("b", "shop")
    assert peers_petshop.traversal(graph, "shop", score) == []


def test_ranked_correlation_ranks_anomalous_nodes_by_their_p_value() -> None:
    """b moves exactly with the target, a roughly, the calm one is not anomalous."""
    rows = table(shop=[1, 2, 3, 4, 5], a=[1, 2, 4, 3, 5], b=[2, 4, 6, 8, 10], calm=[1, 2, 3, 4, 5])
    found = peers_petshop.ranked_correlation(rows, TARGET, {"shop": 9.0, "a": 9.0, "b": 9.0})
    assert found == ["b", "a"]


def sessions(bad_in_c: int) -> pd.DataFrame:
    """Return five minutes of two attributes; in the last, level c of the region has more bad sessions."""
    rows = [
        {"min": str(60 * minute), "region": region, "platform": platform, "value": 10.0, "cnt": 500.0}
        for minute in range(5)
        for region in "cdef"
        for platform in "xyz"
    ]
    found = pd.DataFrame(rows).astype({"min": "int64"})
    found.loc[(found["min"] == 240) & (found["region"] == "c"), "value"] = float(bad_in_c)
    return found


def test_robustspot_and_adtributor_find_a_planted_level() -> None:
    """A fifth of the sessions of one region turn bad, on every platform."""
    assert peers_slices.robustspot(sessions(100), 240)[0] == "region=c"
    assert peers_slices.adtributor(sessions(100), 240)[0] == "region=c"


def test_the_two_indicators_of_robustspot_by_hand() -> None:
    """Rates .02 to .2 in three cells of twelve; one of them alone lifts the whole rate from .02 to .035."""
    cells = peers_slices.forecast(sessions(100), 240, ["platform", "region"])
    hit = (cells["region"] == "c").to_numpy()
    others = 2 * 0.18 / 11
    assert peers_slices.influence_degree(cells)[hit] == pytest.approx([1 - 1 / (0.18 / others + 1)] * 3)
    assert peers_slices.contribution_ability(cells)[hit] == pytest.approx([0.75] * 3)
    assert peers_slices.contribution_ability(cells)[~hit] == pytest.approx([0.0] * 9)


def test_patterns_that_the_faulty_minute_lacks_are_ranked_deeper_first() -> None:
    """Lost in both b and c, c lies deeper; what starts at a lost event is left out; what is seen six times counts."""
    a, b, c, d, e = [(name, f"{name} start") for name in "abcde"]
    normal = peers_patterns.Patterns(
        Counter({(b, a): 10, (c, a): 10, (a, e): 10, (d, b): 5}), {a: 2, b: 1, c: 3, d: 9, e: 1}
    )
    now = peers_patterns.Patterns(Counter({(b, a): 1, (c, a): 1, (a, e): 1}))
    assert peers_patterns.ranked(normal, now, set()) == ["c", "b"]


def test_a_tail_share_counts_the_window_itself() -> None:
    """Of 9 quiet windows 2 are at least as bad: 3 of 10."""
    assert nezha.tail_share(3.0, np.array([1.0] * 7 + [3.0, 4.0])) == pytest.approx(0.3)


def test_a_bar_that_is_missed_is_printed_as_such() -> None:
    """Right in one of two cases: .5 is below .65, and below the peer's 1.0."""
    labels = {"one": board.Label(frozenset(["a"]), "g"), "two": board.Label(frozenset(["b"]), "g")}
    made = [board.Prediction(case, ("a", "b"), "suspected", 1.0, 0.05) for case in labels]
    by = {board.OURS: {"one": ["a", "b"], "two": ["a", "b"]}, "RobustSpot": {"one": ["a"], "two": ["b"]}}
    told = list(board.against_bars("robustspot", labels, by, made, 0.04))
    assert sum("MISSED" in line for line in told) == 2
    assert "0.500  bar >= 1.000 of RobustSpot  MISSED" in told[1]
    assert told[-1].endswith("met on the clock, met by the processor")
