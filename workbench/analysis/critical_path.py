"""One trace taken apart: its tree, each span's own time, the critical path, and what is missing or cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.model.intervals import total

SKEW_NS = 1_000_000
"""A child that begins or ends so much outside its parent is said to be off: clocks differ, or it went on alone."""

OVERLAP = 0.1
"""Share of a span that may overlap the next one on the critical path."""


@dataclass
class Node:
    """One span in its tree; times in ns."""

    span_id: str
    start_ns: int
    end_ns: int
    row: Mapping[str, Any]
    children: list[Node] = field(default_factory=list)
    depth: int = 0
    self_ns: int = 0
    critical: list[tuple[int, int]] = field(default_factory=list)
    """Stretches in which this span, and none below it, holds the trace up."""
    flags: list[str] = field(default_factory=list)


COLUMNS = ("span_id", "parent_span_id", "depth", "service", "name", "start_ns", "duration_ns", "self_ns",
           "critical_ns", "critical", "status", "queue_wait_ms", "forward_pass_ms", "run_id", "model",
           "model_version", "prediction_id", "data_version", "host", "gpu", "flags")  # fmt: skip


def arrange(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the spans of one trace in tree order, the earliest root first; columns ``COLUMNS``.

    *spans*: rows of the table spans. *critical* is a list of ``[start_ns, end_ns]``; over all spans of a root
    they cover its time once. *flags* is a list of words: a missing parent, a circle, a clock that is off.
    """
    roots = tree(spans)
    for root in roots:
        _walk_back(root, root.end_ns)
    found = []
    for node in _in_order(roots):
        node.critical.sort()
        spent = sum(end - start for start, end in node.critical)
        found.append({**{name: node.row.get(name) for name in COLUMNS}, "span_id": node.span_id, "depth": node.depth,
                      "start_ns": node.start_ns, "duration_ns": node.end_ns - node.start_ns, "self_ns": node.self_ns,
                      "critical_ns": spent, "critical": [list(pair) for pair in node.critical],
                      "flags": node.flags})  # fmt: skip
    return pd.DataFrame(found, columns=list(COLUMNS))


def tree(spans: pd.DataFrame) -> list[Node]:
    """Return the roots of a trace with their children by begin, own times and flags set."""
    nodes: dict[str, Node] = {}
    for row in spans.to_dict("records"):
        start = int(row["start_ns"])
        end = start + max(0, int(row["duration_ns"]))
        nodes.setdefault(
            str(row["span_id"]), Node(str(row["span_id"]), start, end, {str(k): v for k, v in row.items()})
        )
    parents = {key: _parent(node, nodes) for key, node in nodes.items()}
    circle = _in_circles(parents)
    roots = []
    for key, node in sorted(nodes.items(), key=lambda item: (item[1].start_ns, item[0])):
        parent = parents[key]
        named = node.row.get("parent_span_id")
        if parent is None or key in circle:
            roots.append(node)
            if key in circle:
                node.flags.append("its parents form a circle")
            elif isinstance(named, str) and named:
                node.flags.append("its parent span is missing")
        else:
            parent.children.append(node)
    for node in _in_order(roots):
        _measure(node)
    return roots


def _parent(node: Node, nodes: Mapping[str, Node]) -> Node | None:
    named = node.row.get("parent_span_id")
    return nodes.get(named) if isinstance(named, str) else None


def _in_circles(parents: Mapping[str, Node | None]) -> set[str]:
    """Return one span of each circle of parents, the least by id: it is made a root, so that the rest hangs on it."""
    found: set[str] = set()
    done: set[str] = set()
    for start in sorted(parents):
        way: list[str] = []
        at: str | None = start
        while at is not None and at not in done and at not in way:
            way.append(at)
            above = parents[at]
            at = above.span_id if above is not None else None
        if at is not None and at in way:
            found.add(min(way[way.index(at) :]))
        done.update(way)
    return found


def _in_order(roots: Iterable[Node]) -> Iterable[Node]:
    waiting = list(reversed(list(roots)))
    while waiting:
        node = waiting.pop()
        yield node
        for child in reversed(node.children):
            child.depth = node.depth + 1
            waiting.append(child)


def _measure(node: Node) -> None:
    inside = [(max(c.start_ns, node.start_ns), min(c.end_ns, node.end_ns)) for c in node.children]
    node.self_ns = node.end_ns - node.start_ns - round(total([pair for pair in inside if pair[0] < pair[1]]))
    for child in node.children:
        early, late = node.start_ns - child.start_ns, child.end_ns - node.end_ns
        if early > SKEW_NS:
            child.flags.append(f"begins {early / 1e6:.3g} ms before its parent: clocks differ")
        if late > SKEW_NS:
            child.flags.append(f"ends {late / 1e6:.3g} ms after its parent: it went on alone, or clocks differ")


def _walk_back(root: Node, until_ns: int) -> None:
    """Mark the critical path of a root: from its end back, always into the child that ended last before."""
    waiting = [(root, until_ns)]
    while waiting:
        node, at = waiting.pop()
        limit = at = min(at, node.end_ns)
        for child in sorted(node.children, key=lambda c: (-c.end_ns, c.start_ns, c.span_id)):
            start, end = max(child.start_ns, node.start_ns), min(child.end_ns, limit)
            # A little overlap is clocks that differ; more of it ran beside, and held nothing up.
            if end <= start or start >= at or end - at > OVERLAP * (end - start):
                continue
            end = min(end, at)
            if at > end:
                node.critical.append((end, at))
            waiting.append((child, end))
            at = start
        if at > node.start_ns:
            node.critical.append((node.start_ns, at))
