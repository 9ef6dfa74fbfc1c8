"""The lineage graph is the union of all rules, merged over job runs, as of a time."""

from __future__ import annotations

import networkx as nx
import pandas as pd
import pytest

from workbench.analysis.lineage import as_of, build, merged_over_job_runs
from workbench.errors import UnknownNameError


def edges(*pairs: tuple[str, str], rule: str = "same_event") -> pd.DataFrame:
    """Return edges between data sets."""
    rows = [(f"dataset:{up}", f"dataset:{down}", rule) for up, down in pairs]
    return pd.DataFrame(rows, columns=["upstream", "downstream", "rule"])


def test_ancestors_come_nearest_first_and_ties_by_name() -> None:
    """Of a diamond with a tail, the four ancestors are listed by distance, then by name."""
    graph = build(edges(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e")))
    assert graph.ancestors("dataset:e") == ("dataset:d", "dataset:b", "dataset:c", "dataset:a")
    assert graph.descendants("dataset:a") == ("dataset:b", "dataset:c", "dataset:d", "dataset:e")
    assert graph.path("dataset:a", "dataset:e") == ("dataset:a", "dataset:b", "dataset:d", "dataset:e")
    assert graph.path("dataset:e", "dataset:a") == ()


def test_a_cycle_ends_and_contains_everybody_but_the_start() -> None:
    """Three data sets in a circle are each other's ancestors."""
    graph = build(edges(("a", "b"), ("b", "c"), ("c", "a")))
    assert set(graph.ancestors("dataset:a")) == {"dataset:b", "dataset:c"}


def test_another_name_of_a_data_set_carries_lineage_in_both_directions() -> None:
    """What feeds the symlink feeds what is made of the other name."""
    graph = build(pd.concat([edges(("raw", "s3")), edges(("s3", "hive"), rule="symlink"), edges(("hive", "mart"))]))
    assert "dataset:raw" in graph.ancestors("dataset:mart")
    assert "dataset:hive" in graph.descendants("dataset:raw")


def test_inputs_and_outputs_of_one_run_in_two_events_are_put_together() -> None:
    """A run that reads in one event and writes in another gives the edge; another run of the job does not."""
    halves = pd.DataFrame(
        [
            ("dataset:a", "job:j", "same_event", "r1"),
            ("job:j", "dataset:b", "same_event", "r1"),
            ("dataset:x", "job:j", "same_event", "r2"),
        ],
        columns=["upstream", "downstream", "rule", "job_run"],
    )
    merged = merged_over_job_runs(halves)
    implied = merged[merged["rule"] == "run_merged"]
    assert implied[["upstream", "downstream"]].to_numpy().tolist() == [["dataset:a", "dataset:b"]]


def test_as_of_a_time_leaves_out_what_came_later_or_was_long_gone() -> None:
    """Of three edges only the one seen before and lately is kept."""
    seen = edges(("old", "m"), ("now", "m"), ("later", "m")).assign(first_ns=[0, 50, 200], last_ns=[10, 90, 210])
    kept = as_of(seen, 100, seen_within_ns=50)
    assert kept["upstream"].tolist() == ["dataset:now"]


def test_networkx_gets_every_edge_with_its_rules() -> None:
    """An edge shown by two rules is one edge with both."""
    both = pd.concat([edges(("a", "b")), edges(("a", "b"), rule="column_implied")])
    exported = build(both).to_networkx()
    assert isinstance(exported, nx.DiGraph)
    assert exported.edges["dataset:a", "dataset:b"]["rules"] == ("column_implied", "same_event")


def test_an_unknown_node_is_refused_with_a_near_name() -> None:
    """A misspelt name is answered with the nearest one."""
    with pytest.raises(UnknownNameError, match="dataset:orders"):
        build(edges(("orders", "mart"))).ancestors("dataset:order")
