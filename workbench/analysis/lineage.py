"""The joined graph of what feeds what: union of rules, as of a time, walked as a sparse matrix."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
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
    source: pd.DataFrame
    """The edges that it was built from: columns upstream, downstream, rule and whatever else they carry."""

    @cached_property
    def edges(self) -> pd.DataFrame:
        """Columns upstream, downstream, rule; each once, sorted."""
        rows = self.source[list(EDGE_COLUMNS)].dropna().drop_duplicates()
        return rows.sort_values(list(EDGE_COLUMNS)).reset_index(drop=True)

    @cached_property
    def backward(self) -> csr_matrix:
        """Return the edges turned round."""
        return self.forward.T.tocsr()

    def __contains__(self, node: object) -> bool:
        return isinstance(node, str) and self._found(node) is not None

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
        first, last = self._found(start), self._found(end)
        if first is None or last is None:
            return ()
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

    @cached_property
    def _names(self) -> NDArray[np.object_]:
        return np.array(self.nodes, dtype=object)

    def _reached(self, matrix: csr_matrix, node: str) -> tuple[str, ...]:
        places = np.concatenate([np.empty(0, dtype=np.int64), *levels(matrix, self.place(node))[1:]])
        return tuple(self._names[places].tolist())

    def _next(self, matrix: csr_matrix, node: str) -> tuple[str, ...]:
        place = self.place(node)
        return tuple(self.nodes[p] for p in sorted(matrix.indices[matrix.indptr[place] : matrix.indptr[place + 1]]))

    def place(self, node: str) -> int:
        """Return the row of a node; raise `UnknownNameError` for one that is not in the graph."""
        place = self._found(node)
        if place is None:
            raise UnknownNameError("node of the lineage", node, self.nodes)
        return place

    def _found(self, node: str) -> int | None:
        # Names are sorted: a look-up needs no table of all of them.
        place = bisect_left(self.nodes, node)
        return place if place < len(self.nodes) and self.nodes[place] == node else None


def neighbours(matrix: csr_matrix, places: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Return the columns of some rows, one after the other; shape (edges of these rows,)."""
    starts = matrix.indptr[places].astype(np.int64)
    lengths = matrix.indptr[places + 1] - starts
    offsets = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return np.asarray(matrix.indices[offsets + np.arange(len(offsets))])


def levels(matrix: csr_matrix, start: int, *, most: int | None = None) -> list[NDArray[np.int64]]:
    """Return the places at distance 0, 1, 2 … of *start*, each level ascending; *most* levels beyond the start."""
    seen = np.zeros(matrix.shape[0], dtype=bool)
    seen[start] = True
    found = [np.array([start], dtype=np.int64)]
    while most is None or len(found) <= most:
        fresh = np.zeros(matrix.shape[0], dtype=bool)
        fresh[neighbours(matrix, found[-1])] = True
        fresh &= ~seen
        level = np.flatnonzero(fresh)
        if not len(level):
            break
        seen |= fresh
        found.append(level)
    return found


def core(upstream: NDArray[np.integer[Any]], downstream: NDArray[np.integer[Any]], size: int) -> csr_matrix:
    """Return the ``(size, size)`` matrix of coded edges, repeated ones merged; both of shape (edges,)."""
    matrix = csr_matrix((np.ones(len(upstream), dtype=np.int8), (upstream, downstream)), shape=(size, size))
    matrix.sum_duplicates()
    return matrix


def build(edges: pd.DataFrame, nodes: Iterable[str] = ()) -> Graph:
    """Return the graph of edges (columns upstream, downstream, rule), repeated ones merged."""
    kept = edges.dropna(subset=list(EDGE_COLUMNS))
    kept = kept[kept["upstream"] != kept["downstream"]]
    names, upstream, downstream = coded(kept, nodes)
    alias = np.flatnonzero(kept["rule"].isin(ALIAS_RULES).to_numpy())
    if len(alias):
        upstream, downstream = (
            np.concatenate((upstream, downstream[alias])), np.concatenate((downstream, upstream[alias]))
        )  # fmt: skip
    return Graph(names, core(upstream, downstream, len(names)), edges)


def coded(
    edges: pd.DataFrame, nodes: Iterable[str] = ()
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Return all names, sorted, and the places of upstream and downstream among them; no value may be null."""
    parts = [pa.array(edges[column], pa.large_string()) for column in ("upstream", "downstream")]
    parts.append(pa.array(list(nodes), pa.large_string()))
    flat = pa.concat_arrays([one for part in parts for one in getattr(part, "chunks", [part])])
    found = pc.dictionary_encode(flat)
    order = pc.array_sort_indices(found.dictionary)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    places, n = rank[found.indices.to_numpy()], len(edges)
    return tuple(found.dictionary.take(order).to_pylist()), places[:n], places[n : 2 * n]


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
