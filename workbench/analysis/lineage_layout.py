"""Which part of a lineage graph is drawn, and where: layers from left to right, the rest as counted stubs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from workbench.analysis.lineage import Graph

MOST_DRAWN = 40
MOST_EVER = 200
SWEEPS = 6
Side = Literal["up", "down", "both"]


@dataclass(frozen=True)
class Drawn:
    """One drawn node; *layer* counts from the left, *row* from the top of its layer."""

    name: str
    layer: int
    row: float
    hidden_up: int
    """Direct upstream neighbours that are not drawn."""
    hidden_down: int


@dataclass(frozen=True)
class Drawing:
    """Hold what is drawn: nodes by layer and row, and the edges among them."""

    nodes: tuple[Drawn, ...]
    edges: tuple[tuple[str, str], ...]


def draw(
    graph: Graph, focus: str, *, expanded: Mapping[str, Side] | None = None, first: Iterable[str] = (),
    weight: Mapping[str, float] | None = None, most: int = MOST_DRAWN,
) -> Drawing:  # fmt: skip
    """Return the neighbourhood of *focus*, one hop and what was *expanded* beyond, laid out.

    *first* are drawn before others (a proven path), then those of greater *weight*, then by name; *most* nodes,
    never more than ``MOST_EVER``.
    """
    places = _chosen(graph, focus, {focus: "both", **(expanded or {})}, first, weight or {}, min(most, MOST_EVER))
    kept = np.array(sorted(places))
    inner = graph.forward[kept][:, kept].tocsr()
    sources, targets = inner.nonzero()
    pairs = sorted(zip(sources.tolist(), targets.tolist(), strict=True))
    layer = _layers(inner, pairs)
    rows = _rows([graph.nodes[p] for p in kept], pairs, layer)
    ups, downs = np.diff(graph.backward.indptr), np.diff(graph.forward.indptr)
    drawn_down, drawn_up = np.bincount(sources, minlength=len(kept)), np.bincount(targets, minlength=len(kept))
    nodes = tuple(
        Drawn(graph.nodes[p], layer[i], rows[i], int(ups[p] - drawn_up[i]), int(downs[p] - drawn_down[i]))
        for i, p in enumerate(kept.tolist())
    )
    names = [n.name for n in nodes]
    return Drawing(nodes, tuple((names[a], names[b]) for a, b in pairs))


def _chosen(graph: Graph, focus: str, expanded: Mapping[str, Side], first: Iterable[str],
            weight: Mapping[str, float], most: int) -> set[int]:  # fmt: skip
    chosen: dict[int, None] = {graph.place(focus): None}
    for name in first:
        if name in graph and len(chosen) < most:
            chosen[graph.place(name)] = None
    for name, side in expanded.items():
        if name not in graph:
            continue
        place = graph.place(name)
        near: set[int] = set()
        for matrix, sides in ((graph.backward, ("up", "both")), (graph.forward, ("down", "both"))):
            if side in sides:
                near |= set(matrix.indices[matrix.indptr[place] : matrix.indptr[place + 1]].tolist())
        ranked = sorted(near, key=lambda p: (-weight.get(graph.nodes[p], 0.0), p))
        for each in (place, *ranked):
            if len(chosen) < most:
                chosen[each] = None
    return set(chosen)


def _layers(inner: csr_matrix, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return the layer of each node: the longest way from a source; nodes of one circle share a layer."""
    size = inner.shape[0]
    count, group = connected_components(inner, directed=True, connection="strong")
    between = sorted({(int(group[a]), int(group[b])) for a, b in pairs if group[a] != group[b]})
    level, waiting = np.zeros(count, dtype=int), np.zeros(count, dtype=int)
    below: dict[int, list[int]] = {}
    for a, b in between:
        waiting[b] += 1
        below.setdefault(a, []).append(b)
    ready = [g for g in range(count) if waiting[g] == 0]
    order = []
    while ready:
        here = ready.pop()
        order.append(here)
        for after in below.get(here, ()):
            level[after] = max(level[after], level[here] + 1)
            waiting[after] -= 1
            if waiting[after] == 0:
                ready.append(after)
    for here in reversed(order):
        # Sources stand beside what they feed, not at the far left.
        if below.get(here):
            level[here] = min(level[b] for b in below[here]) - 1
    return [int(level[group[i]]) for i in range(size)]


def _rows(names: Sequence[str], pairs: Sequence[tuple[int, int]], layer: Sequence[int]) -> list[float]:
    """Return the row of each node, layers centred; sweeps of the barycentre rule lessen crossings."""
    layers: dict[int, list[int]] = {}
    for place in sorted(range(len(names)), key=lambda p: names[p]):
        layers.setdefault(layer[place], []).append(place)
    near: dict[int, list[int]] = {p: [] for p in range(len(names))}
    for a, b in pairs:
        near[a].append(b)
        near[b].append(a)
    row = {p: float(at) for members in layers.values() for at, p in enumerate(members)}
    keys = sorted(layers)
    for sweep in range(SWEEPS):
        for key in keys if sweep % 2 == 0 else reversed(keys):
            side = -1 if sweep % 2 == 0 else 1
            members = layers[key]
            wanted = {}
            for p in members:
                fixed = [row[q] for q in near[p] if (layer[q] - key) * side > 0]
                wanted[p] = sum(fixed) / len(fixed) if fixed else row[p]
            members.sort(key=lambda p: (wanted[p], names[p]))
            row.update({p: at - (len(members) - 1) / 2 for at, p in enumerate(members)})
    least = min(row.values(), default=0.0)
    return [row[p] - least for p in range(len(names))]
