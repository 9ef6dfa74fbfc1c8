"""Excess attribution on graphs: whose own harm is it, and whose did it only pass on?

Every harm is an additive volume in its own unit (extra seconds, failed requests,
rows lost), one series of shape ``(t,)`` per entity. Going from the target along
"depends on" edges, each entity's excess is explained first by the excess of what it
depends on; what is left is its own. An edge can pass on no more than the entity
above it suffered at that moment, so a noisy neighbour off the path cannot win.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from workbench.errors import UsageError

Series = NDArray[np.float64]
Excess = Mapping[str, Series]
"""Entity -> excess volume per moment, shape (t,), never negative, in the unit of the harm."""

MIN_SHARE = 0.2
"""An entity's unexplained part below this share of the target's harm is left unexplained."""
MIN_COVER = 0.5
"""An inferred edge must explain at least this share of what was unexplained."""
MIN_OVERLAP = 0.2
"""... and at least this share of the candidate's own surplus must fall on it."""
_TINY = 1e-12


@dataclass(frozen=True)
class Attribution:
    """Say how the target's harm divides over the entities it depends on."""

    own: dict[str, Series]
    """Entity -> its own part of the target's harm per moment, shape (t,); they sum to the harm."""
    harm: Series
    """The target's excess per moment, shape (t,)."""

    def ranking(self) -> list[tuple[str, float]]:
        """Return (entity, own part summed over time), largest first, ties by name."""
        sums = ((entity, float(part.sum())) for entity, part in self.own.items())
        return sorted(sums, key=lambda item: (-round(item[1], 9), item[0]))

    def unexplained(self, target: str) -> float:
        """Return the share of the harm that stays with the target itself, 0..1."""
        total = float(self.harm.sum())
        return float(self.own[target].sum()) / total if total > 0 else 0.0


@dataclass(frozen=True)
class InferredEdge:
    """Name an edge that the graph lacks but the volumes show."""

    caller: str
    callee: str
    match: float
    """Harmonic mean of cover and overlap of the two volumes, 0..1."""


def attribute(excess: Excess, graph: nx.DiGraph, target: str) -> Attribution:
    """Divide the target's excess over everything that it depends on.

    *graph* has an edge from each entity to what it depends on (caller to callee,
    output to input). Inside a cycle the entities nearest to the target come first, by
    name among equals, and nothing is passed back, so the parts always sum to the harm.
    """
    if target not in excess:
        raise UsageError(f"The target {target!r} has no excess series; entities with one: {len(excess)}.")
    zero = np.zeros_like(excess[target])
    order = _from_target(graph, target)
    below = _callees(graph, order)
    shown = _filled(excess, below, order, zero)
    arrived: dict[str, Series] = {target: excess[target].astype(float)}
    own: dict[str, Series] = {}
    for entity in order:
        suffered = arrived.get(entity, zero)
        from_below = sum((shown[w] for w in below[entity]), zero)
        total = np.maximum(np.where(shown[entity] > 0, shown[entity], from_below), _TINY)
        factor = np.minimum(1.0, total / np.maximum(from_below, _TINY)) / total * suffered
        for w in below[entity]:
            arrived[w] = arrived.get(w, zero) + shown[w] * factor
        own[entity] = np.maximum(suffered - from_below * factor, 0.0)
    return Attribution(own, excess[target])


def _callees(graph: nx.DiGraph, order: list[str]) -> dict[str, list[str]]:
    """Return what each entity passes harm on to: those it depends on that come later in *order*."""
    place = {entity: position for position, entity in enumerate(order)}
    return {
        e: sorted(w for w in graph.successors(e) if place[w] > place[e]) if e in graph else [] for e in order
    }


def _filled(excess: Excess, below: dict[str, list[str]], order: list[str], zero: Series) -> dict[str, Series]:
    """Return each entity's excess; one that has no series at all shows what lies below it, as a silent proxy would."""
    shown: dict[str, Series] = {}
    for entity in reversed(order):
        shown[entity] = excess[entity] if entity in excess else sum((shown[w] for w in below[entity]), zero)
    return shown


def infer_edges(
    excess: Excess, graph: nx.DiGraph, target: str, *, rounds: int = 8
) -> tuple[nx.DiGraph, list[InferredEdge]]:
    """Add edges that the graph lacks where an unexplained volume matches an orphaned one.

    The unexplained part of one entity is matched with the *surplus* of another: its
    excess less that of its known callers, to whom it must have gone otherwise. Of
    the candidates the one that no other candidate leads to is taken.
    """
    graph, added = graph.copy(), []
    for _ in range(rounds):
        edge = _best_missing_edge(excess, graph, target)
        if edge is None:
            break
        graph.add_edge(edge.caller, edge.callee)
        added.append(edge)
    return graph, added


def _best_missing_edge(excess: Excess, graph: nx.DiGraph, target: str) -> InferredEdge | None:
    found = attribute(excess, graph, target)
    least = max(MIN_SHARE * float(found.harm.sum()), _TINY)
    for caller, part in found.ranking():
        if part < least:
            return None
        zero = np.zeros_like(found.harm)
        callees = set(graph.successors(caller)) if caller in graph else set()
        explained = sum((excess.get(w, zero) for w in callees), zero)
        left = np.maximum(excess.get(caller, zero) - explained, 0.0)
        above = nx.ancestors(graph, caller) | {caller} if caller in graph else {caller}
        matches = {
            w: match
            for w in sorted(set(excess) - above - callees)
            if (match := _match(left, _surplus(excess, graph, w))) is not None
        }
        top = [w for w in matches if w not in graph or not nx.ancestors(graph, w) & set(matches)]
        if top:
            best = min(top, key=lambda w: (-round(matches[w], 9), w))
            return InferredEdge(caller, best, matches[best])
    return None


def _surplus(excess: Excess, graph: nx.DiGraph, entity: str) -> Series:
    callers = graph.predecessors(entity) if entity in graph else ()
    zero = np.zeros_like(excess[entity])
    return np.maximum(excess[entity] - sum((excess.get(u, zero) for u in callers), zero), 0.0)


def _match(left: Series, surplus: Series) -> float | None:
    if left.sum() <= 0 or surplus.sum() <= 0:
        return None
    common = float(np.minimum(left, surplus).sum())
    cover, overlap = common / float(left.sum()), common / float(surplus.sum())
    if cover < MIN_COVER or overlap < MIN_OVERLAP:
        return None
    return 2 * cover * overlap / (cover + overlap)


def _from_target(graph: nx.DiGraph, target: str) -> list[str]:
    """Order the target and all it depends on so that callers come before callees."""
    if target not in graph:
        return [target]
    below = graph.subgraph(nx.descendants(graph, target) | {target})
    components = nx.condensation(below)
    first_name = {c: min(components.nodes[c]["members"]) for c in components}
    order = nx.lexicographical_topological_sort(components, key=lambda c: first_name[c])
    steps = nx.single_source_shortest_path_length(graph, target)
    return [e for c in order for e in sorted(components.nodes[c]["members"], key=lambda e: (steps[e], e))]
