"""Excess attribution on graphs of a few entities, small enough to count by hand."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from workbench.analysis.attribution import attribute, infer_edges
from workbench.errors import UsageError


def series(**values: float) -> dict[str, np.ndarray]:
    """Return one moment of excess per entity."""
    return {name: np.array([value]) for name, value in values.items()}


def parts(excess: dict[str, np.ndarray], edges: list[tuple[str, str]], target: str) -> dict[str, float]:
    """Return each entity's own part."""
    return dict(attribute(excess, nx.DiGraph(edges), target).ranking())


def test_what_the_callees_suffered_is_theirs_and_the_rest_is_the_targets() -> None:
    """Of 10 extra seconds 6 and 3 happened below: 1 is left."""
    found = parts(series(shop=10.0, pay=6.0, stock=3.0), [("shop", "pay"), ("shop", "stock")], "shop")
    assert found == pytest.approx({"pay": 6.0, "stock": 3.0, "shop": 1.0})


def test_harm_moves_down_a_chain_to_where_it_began() -> None:
    """Each caller only passed on the 10 seconds of the database."""
    found = parts(series(shop=10.0, pay=10.0, db=10.0), [("shop", "pay"), ("pay", "db")], "shop")
    assert found == pytest.approx({"db": 10.0, "shop": 0.0, "pay": 0.0})


def test_a_callee_that_suffers_more_elsewhere_explains_no_more_than_its_caller_suffered() -> None:
    """The database lost 80 seconds, of which the shop felt 5."""
    found = parts(series(shop=5.0, db=80.0), [("shop", "db")], "shop")
    assert found == pytest.approx({"db": 5.0, "shop": 0.0})


def test_two_callees_share_what_both_more_than_explain_by_their_volume() -> None:
    """30 and 10 below a harm of 20 take 15 and 5."""
    found = parts(series(shop=20.0, a=30.0, b=10.0), [("shop", "a"), ("shop", "b")], "shop")
    assert found == pytest.approx({"a": 15.0, "b": 5.0, "shop": 0.0})


def test_an_entity_without_a_series_passes_on_what_lies_below_it() -> None:
    """A proxy that reports nothing is not the end of the path."""
    found = parts(series(shop=4.0, db=4.0), [("shop", "proxy"), ("proxy", "db")], "shop")
    assert found == pytest.approx({"db": 4.0, "proxy": 0.0, "shop": 0.0})


def test_moments_are_explained_one_by_one() -> None:
    """An excess at another time explains nothing, however large."""
    excess = {"shop": np.array([0.0, 8.0]), "db": np.array([99.0, 2.0])}
    found = attribute(excess, nx.DiGraph([("shop", "db")]), "shop")
    assert found.own["shop"] == pytest.approx([0.0, 6.0])
    assert found.own["db"] == pytest.approx([0.0, 2.0])
    assert found.unexplained("shop") == pytest.approx(0.75)


def test_entities_off_the_path_are_not_ranked() -> None:
    """A louder neighbour that the target does not depend on is left out."""
    assert "noisy" not in parts(series(shop=5.0, db=5.0, noisy=900.0), [("shop", "db"), ("noisy", "db")], "shop")


def test_ties_go_by_name() -> None:
    """Equal parts do not depend on the order of edges."""
    found = attribute(series(shop=6.0, b=3.0, a=3.0), nx.DiGraph([("shop", "b"), ("shop", "a")]), "shop")
    assert [name for name, _ in found.ranking()] == ["a", "b", "shop"]


def test_a_cycle_loses_no_harm() -> None:
    """The shop calls a, a calls the shop back: the 10 seconds stay 10."""
    found = parts(series(shop=10.0, a=4.0), [("shop", "a"), ("a", "shop")], "shop")
    assert found == pytest.approx({"shop": 6.0, "a": 4.0})


def test_a_missing_edge_is_inferred_from_equal_volumes_and_named() -> None:
    """The pay service's 10 seconds have no known callee; the orphaned database lost the same at the same moments."""
    rise = np.array([0.0, 4.0, 6.0])
    excess = {"shop": rise, "pay": rise, "db": rise, "other": np.array([6.0, 0.0, 0.0])}
    graph = nx.DiGraph([("shop", "pay")])
    full, added = infer_edges(excess, graph, "shop")
    assert [(edge.caller, edge.callee, edge.match) for edge in added] == [("pay", "db", pytest.approx(1.0))]
    assert attribute(excess, full, "shop").ranking()[0][0] == "db"
    assert not graph.has_edge("pay", "db"), "the caller's graph stays as it was"


def test_no_edge_is_inferred_to_what_has_a_caller_that_suffered_it() -> None:
    """The database's loss went to the reports service, which calls it: there is no surplus left."""
    excess = series(shop=10.0, db=10.0, reports=10.0)
    graph = nx.DiGraph([("reports", "db")])
    graph.add_node("shop")
    assert ("shop", "db") not in infer_edges(excess, graph, "shop")[0].edges


def test_nothing_is_inferred_where_volumes_differ_fivefold() -> None:
    """A loss of 2 covers a fifth of 10: too little for an edge."""
    assert infer_edges(series(shop=10.0, db=2.0), nx.DiGraph(), "shop")[1] == []


def test_a_target_without_a_series_is_refused_in_words() -> None:
    """The message says who was asked for and how many there are."""
    with pytest.raises(UsageError, match="'web' has no excess series; entities with one: 1"):
        attribute(series(shop=1.0), nx.DiGraph(), "web")
