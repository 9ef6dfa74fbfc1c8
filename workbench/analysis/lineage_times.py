"""The lineage graph as of any time, and what changed between two: edges kept as codes, so that each look is quick."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.lineage import EDGE_COLUMNS, Graph, coded, core, levels

Columns = Literal["folded", "shown"]
"""Are columns nodes of their own, or folded into the data set that they stand in?"""
Change = Literal["appeared", "vanished", "changed", ""]


@dataclass(frozen=True)
class Timed:
    """Hold every edge ever seen, with when it was first and last seen."""

    names: tuple[str, ...]
    upstream: NDArray[np.int64]
    downstream: NDArray[np.int64]
    first_ns: NDArray[np.int64]
    last_ns: NDArray[np.int64]

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last time that any edge was seen; (0, 0) without edges."""
        seen = self.first_ns[self.first_ns > 0]
        return (int(seen.min()), int(self.last_ns.max())) if len(seen) else (0, 0)

    @cached_property
    def _owner(self) -> NDArray[np.int64]:
        """Place of what stands for each node once columns are folded: the data set of a column, else itself."""
        place = {name: at for at, name in enumerate(self.names) if name.startswith("dataset:")}
        found = np.arange(len(self.names))
        for at, name in enumerate(self.names):
            if name.startswith("column:"):
                found[at] = place.get("dataset:" + name[7:].rpartition(".")[0], at)
        return found

    def at(self, *times_ns: int, seen_within_ns: int | None = None, columns: Columns = "shown") -> Graph:
        """Return the graph of the edges first seen by a time, and last seen at most so long before it.

        Of several times each edge of any of them is there; without a time every edge.
        """
        kept = np.full(len(self.upstream), not times_ns)
        for time_ns in times_ns:
            kept |= self._kept(time_ns, seen_within_ns)
        up, down = self.upstream[kept], self.downstream[kept]
        if columns == "folded":
            up, down = self._owner[up], self._owner[down]
            apart = up != down
            up, down = up[apart], down[apart]
        return Graph(self.names, core(up, down, len(self.names)), _rows(self.names, up, down))

    def changes(self, before_ns: int, after_ns: int, *, seen_within_ns: int | None = None) -> dict[tuple[str, str],
                                                                                               Change]:  # fmt: skip
        """Return the edges that appeared or vanished between two times."""
        earlier, later = (self._kept(t, seen_within_ns) for t in (before_ns, after_ns))
        differs = np.flatnonzero(earlier != later)
        found: dict[tuple[str, str], Change] = {}
        for at in differs.tolist():
            pair = (self.names[self.upstream[at]], self.names[self.downstream[at]])
            found[pair] = "appeared" if later[at] else "vanished"
        return found

    def _kept(self, time_ns: int, seen_within_ns: int | None) -> NDArray[np.bool_]:
        kept = self.first_ns <= time_ns
        return kept if seen_within_ns is None else kept & (self.last_ns >= time_ns - seen_within_ns)


def _rows(names: tuple[str, ...], up: NDArray[np.int64], down: NDArray[np.int64]) -> pd.DataFrame:
    # Codes until somebody asks: half a million names take longer to write out than the whole look.
    rows = {side: pd.Categorical.from_codes(codes, categories=pd.Index(names), validate=False)
            for side, codes in (("upstream", up), ("downstream", down))}  # fmt: skip
    return pd.DataFrame({**rows, "rule": "seen"})


def timed(edges: pd.DataFrame, nodes: Iterable[str] = ()) -> Timed:
    """Return edges (upstream, downstream, rule, first_ns, last_ns) by code; one never dated was always there."""
    kept = edges.dropna(subset=list(EDGE_COLUMNS))
    kept = kept[kept["upstream"] != kept["downstream"]]
    names, up, down = coded(kept, nodes)
    first, last = (kept[c] if c in kept else pd.Series(np.nan, index=kept.index) for c in ("first_ns", "last_ns"))
    ever = np.iinfo(np.int64).max
    return Timed(names, up, down, _whole(first, 0), _whole(last, ever))


def _whole(values: pd.Series, missing: int) -> NDArray[np.int64]:
    if values.dtype == np.int64:
        return np.asarray(values)
    return np.array([missing if pd.isna(v) else int(v) for v in values], dtype=np.int64)


def versions_changed(versions: pd.DataFrame, before_ns: int, after_ns: int) -> dict[str, tuple[str | None, str]]:
    """Return the entities whose newest version differs between two times, with both.

    *versions* has entity, version and time_ns. None stands for no version before.
    """
    rows = versions.sort_values(["entity", "time_ns"], kind="stable")
    then, now = (rows[rows["time_ns"] <= t].groupby("entity")["version"].last() for t in (before_ns, after_ns))
    return {str(e): (None if e not in then.index else str(then[e]), str(v)) for e, v in now.items()
            if e not in then.index or then[e] != v}  # fmt: skip


def origins(graph: Graph, unwell: Mapping[str, float]) -> dict[str, Literal["own", "inherited"]]:
    """Say of each unwell entity whether something upstream of it is unwell too, or it is the first."""
    found: dict[str, Literal["own", "inherited"]] = {}
    places = {graph.place(name): name for name in unwell if name in graph}
    for place, name in places.items():
        above = levels(graph.backward, place)[1:]
        reached = {p for level in above for p in level.tolist()} if above else set()
        # In a circle everybody is upstream of everybody: what is only reached that way stays its own.
        feeding = [p for p in places if p in reached and place not in _below(graph, place, p)]
        found[name] = "inherited" if feeding else "own"
    return found


def _below(graph: Graph, start: int, end: int) -> set[int]:
    """Return *start* where it can reach *end*: both then stand in one circle."""
    reached = levels(graph.forward, start)
    return {start} if any(end in level for level in reached) else set()
