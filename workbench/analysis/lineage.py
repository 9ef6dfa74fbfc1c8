"""The joined graph of what feeds what: union of rules, as of a time, walked as a sparse matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order

from workbench.errors import UnknownNameError

EDGE_COLUMNS = ("upstream", "downstream", "rule")
ALIAS_RULES = frozenset({"symlink"})
"""Rules that say two names are one thing, so that what reaches the one reaches the other."""


@dataclass(frozen=True)
class Graph:
    """Directed edges from what is read to what is made of it."""

    nodes: tuple[str, ...]
    """Sorted ``kind:name``."""
    forward: csr_matrix
    """``(n, n)``; row feeds column."""
    edges: pd.DataFrame
    """Columns upstream, downstream, rule, sorted."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Place of each node."""
        return {name: place for place, name in enumerate(self.nodes)}

    @cached_property
    def backward(self) -> csr_matrix:
        """Return the edges turned round."""
        return self.forward.T.tocsr()

    def __contains__(self, node: object) -> bool:
        return node in self.index

    def ancestors(self, node: str) -> tuple[str, ...]:
        """Return everything upstream of a node, nearest first; equal distances by name."""
        return self._reached(self.backward, node)

    def descendants(self, node: str) -> tuple[str, ...]:
        """Return everything downstream of a node, nearest first; equal distances by name."""
        return self._reached(self.forward, node)

    def upstream_of(self, node: str) -> tuple[str, ...]:
        """Return what a node is made of directly."""
        return self._next(self.backward, node)

    def downstream_of(self, node: str) -> tuple[str, ...]:
        """Return what is made of a node directly."""
        return self._next(self.forward, node)

    def path(self, start: str, end: str) -> tuple[str, ...]:
        """Return one shortest path, both ends included; empty where none leads there. Ties go by name."""
        if start not in self.index or end not in self.index:
            return ()
        first, last = self.index[start], self.index[end]
        _, before = breadth_first_order(self.forward, first, return_predecessors=True)
        if first != last and before[last] < 0:
            return ()
        walk = [last]
        while walk[-1] != first:
            walk.append(int(before[walk[-1]]))
        return tuple(self.nodes[place] for place in reversed(walk))

    def to_networkx(self) -> nx.DiGraph:
        """Return the graph with the rules of each edge as an attribute ``rules``."""
        result = nx.DiGraph()
        result.add_nodes_from(self.nodes)
        for (upstream, downstream), rules in self.edges.groupby(["upstream", "downstream"])["rule"]:
            result.add_edge(upstream, downstream, rules=tuple(sorted(set(rules))))
        return result

    def _reached(self, matrix: csr_matrix, node: str) -> tuple[str, ...]:
        order, before = breadth_first_order(matrix, self._place(node), return_predecessors=True)
        depth = np.zeros(len(self.nodes), dtype=int)
        for place in order[1:]:
            depth[place] = depth[before[place]] + 1
        return tuple(self.nodes[p] for p in sorted(order[1:].tolist(), key=lambda p: (depth[p], p)))

    def _next(self, matrix: csr_matrix, node: str) -> tuple[str, ...]:
        place = self._place(node)
        return tuple(self.nodes[p] for p in sorted(matrix.indices[matrix.indptr[place] : matrix.indptr[place + 1]]))

    def _place(self, node: str) -> int:
        if node not in self.index:
            raise UnknownNameError("node of the lineage", node, self.nodes)
        return self.index[node]


def build(edges: pd.DataFrame, nodes: Iterable[str] = ()) -> Graph:
    """Return the graph of edges (columns upstream, downstream, rule), repeated ones merged."""
    kept = edges[list(EDGE_COLUMNS)].dropna().drop_duplicates().sort_values(list(EDGE_COLUMNS)).reset_index(drop=True)
    alias = kept[kept["rule"].isin(ALIAS_RULES)]
    both = pd.concat([kept, alias.rename(columns={"upstream": "downstream", "downstream": "upstream"})])
    both = both[both["upstream"] != both["downstream"]]
    names = tuple(sorted({*both["upstream"], *both["downstream"], *nodes}))
    place = pd.Series(range(len(names)), index=pd.Index(names, dtype="object"), dtype="int64")
    rows, columns = (place.reindex(both[c]).to_numpy(dtype=int) for c in ("upstream", "downstream"))
    matrix = csr_matrix((np.ones(len(both), dtype=np.int8), (rows, columns)), shape=(len(names), len(names)))
    matrix.sum_duplicates()
    return Graph(names, matrix, kept)


def as_of(edges: pd.DataFrame, time_ns: int, *, seen_within_ns: int | None = None) -> pd.DataFrame:
    """Return the edges first seen by a time, and last seen at most so long before it.

    *edges* has first_ns and last_ns beside the edge columns.
    """
    kept = edges[edges["first_ns"] <= time_ns]
    return kept if seen_within_ns is None else kept[kept["last_ns"] >= time_ns - seen_within_ns]


def merged_over_job_runs(edges: pd.DataFrame) -> pd.DataFrame:
    """Add the edges that show only when inputs and outputs of one job run are put together.

    *edges* has upstream, downstream, rule and job_run. A run that says what it reads in
    one event and what it writes in another shows no edge in either; rows through the
    run's job (``dataset → job`` and ``job → dataset``) are such halves.
    """
    reads = edges[edges["downstream"].str.startswith("job:") & edges["job_run"].ne("")]
    writes = edges[edges["upstream"].str.startswith("job:") & edges["job_run"].ne("")]
    joined = reads.merge(writes, left_on=["downstream", "job_run"], right_on=["upstream", "job_run"])
    implied = pd.DataFrame(
        {
            "upstream": joined["upstream_x"],
            "downstream": joined["downstream_y"],
            "rule": "run_merged",
            "job_run": joined["job_run"],
        }
    )
    kept = edges[["upstream", "downstream", "rule", "job_run"]]
    return pd.concat([kept, implied], ignore_index=True).drop_duplicates().reset_index(drop=True)


def column_edges(edges: pd.DataFrame) -> pd.DataFrame:
    """Return column lineage as edges between ``column:dataset.column`` entities, and of columns with their data set."""
    rows = []
    for side in ("upstream", "downstream"):
        dataset, column = edges[f"{side}_dataset"], edges[f"{side}_column"]
        name = "column:" + dataset + "." + column
        pair = ("dataset:" + dataset, name) if side == "upstream" else (name, "dataset:" + dataset)
        rows.append(pd.DataFrame({"upstream": pair[0], "downstream": pair[1], "rule": "column_of"}))
    between = pd.DataFrame(
        {
            "upstream": "column:" + edges["upstream_dataset"] + "." + edges["upstream_column"],
            "downstream": "column:" + edges["downstream_dataset"] + "." + edges["downstream_column"],
            "rule": "column_lineage",
        }
    )
    return pd.concat([between, *rows], ignore_index=True).drop_duplicates().reset_index(drop=True)
