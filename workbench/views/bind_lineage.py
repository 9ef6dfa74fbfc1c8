"""The lineage explorer over a case: the joined graph that its steps froze, as of any time, with what they found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pandas as pd

from workbench.analysis.lineage import Graph
from workbench.analysis.lineage_layout import MOST_DRAWN, Side, draw
from workbench.analysis.lineage_times import Columns, Timed, origins, timed, versions_changed
from workbench.case.case import Case
from workbench.model.entities import split
from workbench.model.findings import Finding
from workbench.model.window import DAY_NS
from workbench.playbook.joined import QUERIES, edges
from workbench.views.bind import wire
from workbench_widgets.lineage import Lineage

STALE_NS = 3 * DAY_NS
"""An edge not seen for so long before a time is not there at that time."""
NS_PER_MS = 1_000_000
MOST_HITS = 12
_PAIRS = (("usual", "now", ""), ("null_rate_before", "null_rate_now", "share of nulls"),
          ("mean_before", "mean_now", "mean"))  # fmt: skip


@dataclass
class Look:
    """What is looked at: an entity, what was drawn beyond it, and when."""

    focus: str
    expanded: dict[str, Side] = field(default_factory=dict)
    at_ns: int | None = None
    against_ns: int | None = None
    columns: Columns = "folded"
    signal: str = ""
    most: int = MOST_DRAWN


def lineage(case: Case, focus: str = "") -> Lineage:
    """Return the lineage explorer of a case, around *focus* or the entity that shows the symptom."""
    return Explorer(case, focus).board


def frozen_graph(case: Case) -> tuple[Timed, pd.DataFrame] | None:
    """Return the joined graph and the model versions that the newest step froze; None before one did."""
    newest: dict[str, str] = {}
    for item in case.evidence.values():
        newest[item.query.partition("(")[0]] = item.id
    if case.symptom is None or not set(QUERIES.values()) <= newest.keys():
        return None
    frames = {part: case.frame(newest[query]) for part, query in QUERIES.items()}
    return timed(edges(frames, case.symptom.entity), (case.symptom.entity,)), frames["versions"]


class Explorer:
    """Answer what a lineage board asks for; each answer draws it anew."""

    def __init__(self, case: Case, focus: str = "") -> None:
        self._case = case
        self.look = Look(focus or (case.symptom.entity if case.symptom else ""))
        self._start = self.look.focus
        self._held = frozen_graph(case)
        start, end = self._held[0].span_ns if self._held else (0, 0)
        times = {"start": start // NS_PER_MS, "end": end // NS_PER_MS, "at": None, "against": None}
        self.board = Lineage([], [], focus=self.look.focus, times=times)
        wire(self.board, case, self.redraw)
        self.board.on_ask(self.answer)
        self.redraw()

    def answer(self, asked: Mapping[str, Any]) -> None:
        """Look where a click asks to look; what is unknown changes nothing."""
        what, name, look = asked.get("what"), str(asked.get("name", "")), self.look
        if what == "focus" and self._held and name in set(self._held[0].names):
            look.focus, look.expanded, self.board.found = name, {}, []
        elif what == "expand":
            side: Side = "up" if asked.get("side") == "up" else "down" if asked.get("side") == "down" else "both"
            look.expanded[name] = side if look.expanded.get(name, side) == side else "both"
        elif what == "hop":
            look.expanded |= {str(n["name"]): "both" for n in self.board.nodes}
        elif what == "reset":
            self.look = Look(self._start)
        elif what == "columns":
            look.columns = "shown" if asked.get("columns") == "shown" else "folded"
        elif what == "overlay":
            look.signal = str(asked.get("signal", ""))
        elif what == "more":
            look.most = int(asked.get("most", MOST_DRAWN))
        elif what in ("as_of", "against"):
            at = None if asked.get("at") is None else int(asked["at"]) * NS_PER_MS
            look.at_ns, look.against_ns = (at, look.against_ns) if what == "as_of" else (look.at_ns, at)
        elif what == "search":
            self.board.found = self._search(str(asked.get("text", "")))
            return
        elif what == "profile":
            self.board.profile = self._profile(name)
            return
        self.redraw()

    def redraw(self) -> None:
        """Draw what is looked at, from the case as it stands."""
        self._held = self._held or frozen_graph(self._case)
        if self._held is None:
            self.board.caption = "No lineage is frozen in this case yet; run the step: case.lineage()."
            return
        held, look = self._held[0], self.look
        findings = self._findings()
        times = [t for t in (look.at_ns, look.against_ns) if t is not None]
        if look.against_ns is not None and look.at_ns is None:
            times.append(held.span_ns[1])
        graph = held.at(*times, seen_within_ns=STALE_NS, columns=look.columns)
        if look.focus not in graph:
            look.focus = self._start
        unwell = {name: max(f.strength for f in own) for name, own in findings.items()}
        path = self._path(graph)
        drawing = draw(graph, look.focus, expanded=look.expanded, first=path, weight=unwell, most=look.most)
        kinds = origins(graph, {n.name: unwell[n.name] for n in drawing.nodes if n.name in unwell})
        sides = self._sides()
        moved = self._moved()
        steps = set(pairwise(path))
        nodes = [{**vars(n), "kind": split(n.name)[0], "health": _health(findings.get(n.name, [])),
                  "origin": kinds.get(n.name, ""), "change": _node_change(sides, n.name, moved),
                  "detail": _detail(findings.get(n.name, []), moved.get(n.name)),
                  "proven": n.name in path} for n in drawing.nodes]  # fmt: skip
        lines = [{"source": a, "target": b, "proven": (a, b) in steps, "change": _edge_change(sides, a, b)}
                 for a, b in drawing.edges]  # fmt: skip
        with self.board.hold_sync():
            self.board.focus = look.focus
            self.board.shown = {"columns": look.columns, "signal": look.signal, "most": look.most}
            self.board.times = {**self.board.times, "at": _ms(look.at_ns), "against": _ms(look.against_ns)}
            self.board.signals = sorted({f.signal for own in self._said().values() for f in own})
            self.board.caption = _caption(drawing.nodes, graph, findings, path)
            self.board.show(nodes, lines)

    def _said(self) -> dict[str, list[Finding]]:
        found: dict[str, list[Finding]] = {}
        for outcome in self._case.outcomes.values():
            for finding in outcome.findings:
                if finding.state == "interesting" and finding.supports and finding.signal != "change":
                    found.setdefault(finding.entity, []).append(finding)
        return found

    def _findings(self) -> dict[str, list[Finding]]:
        """Return what was found by drawn name: of the chosen signal, columns folded into their data set."""
        found: dict[str, list[Finding]] = {}
        for entity, own in self._said().items():
            kept = [f for f in own if self.look.signal in ("", f.signal)]
            if kept:
                found.setdefault(self._folded(entity), []).extend(kept)
        return found

    def _folded(self, entity: str) -> str:
        kind, name = split(entity)
        return f"dataset:{name.rpartition('.')[0]}" if kind == "column" and self.look.columns == "folded" else entity

    def _path(self, graph: Graph) -> tuple[str, ...]:
        best = next((c for c in self._case.causes if c.verdict == "proven"), None)
        folded = dict.fromkeys(self._folded(name) for name in best.path) if best else {}
        return tuple(name for name in folded if name in graph)

    def _sides(self) -> tuple[Graph, Graph] | None:
        """Return the graph at the earlier and at the later of two times; None where one time is looked at."""
        held, look = self._held, self.look
        if held is None or look.against_ns is None:
            return None
        pair = sorted((look.against_ns, look.at_ns if look.at_ns is not None else held[0].span_ns[1]))
        first, second = (held[0].at(t, seen_within_ns=STALE_NS, columns=look.columns) for t in pair)
        return first, second

    def _moved(self) -> dict[str, tuple[str | None, str]]:
        held, look = self._held, self.look
        if held is None or look.against_ns is None or held[1].empty:
            return {}
        pair = sorted((look.against_ns, look.at_ns if look.at_ns is not None else held[0].span_ns[1]))
        rows = pd.DataFrame({"entity": "model:" + held[1]["model"], "version": held[1]["version"],
                             "time_ns": held[1]["created_ns"]}).dropna()  # fmt: skip
        return versions_changed(rows, *pair)

    def _search(self, text: str) -> list[str]:
        if not text.strip() or self._held is None:
            return []
        wanted = text.strip().lower()
        found = [name for name in self._held[0].names if wanted in name.lower()]
        return sorted(found, key=lambda n: (not split(n)[1].lower().startswith(wanted), len(n), n))[:MOST_HITS]

    def _profile(self, name: str) -> dict[str, Any]:
        """Return what is known of an entity before and in the selection, from the findings about it."""
        rows, own = [], self._findings().get(name, [])
        for finding in own:
            for before, now, what in _PAIRS:
                if finding.values.get(now) is not None or finding.values.get(before) is not None:
                    about = split(finding.entity)[1].rpartition(".")[2]
                    pair = {"before": _figure(finding.values.get(before)), "after": _figure(finding.values.get(now))}
                    rows.append({"what": f"{what or finding.signal} of {about}", **pair})
        text = own[0].statement if own else "No step has found anything unusual here."
        return {"name": name, "text": text, "rows": rows[:40]}


def _health(own: list[Finding]) -> str:
    worst = max(own, key=lambda f: f.strength, default=None)
    return "" if worst is None else f"{worst.signal.replace('_', ' ')} ({worst.strength:.2f})"


def _detail(own: list[Finding], moved: tuple[str | None, str] | None) -> str:
    said = [max(own, key=lambda f: f.strength).statement] if own else []
    return " ".join([*said, *([f"Version {moved[0] or 'none'} → {moved[1]}."] if moved else [])])


def _edge_change(sides: tuple[Graph, Graph] | None, source: str, target: str) -> str:
    if sides is None:
        return ""
    before, after = (target in graph.downstream_of(source) for graph in sides)
    return "" if before == after else "appeared" if after else "vanished"


def _node_change(sides: tuple[Graph, Graph] | None, name: str, moved: Mapping[str, Any]) -> str:
    if sides is None:
        return ""
    before, after = (bool(graph.downstream_of(name) or graph.upstream_of(name)) for graph in sides)
    if before != after:
        return "appeared" if after else "vanished"
    return "changed" if name in moved else ""


def _caption(nodes: Any, graph: Graph, findings: Mapping[str, Any], path: tuple[str, ...]) -> str:
    hidden = len(graph.nodes) - len(nodes)
    bad = sum(n.name in findings for n in nodes)
    proven = f" The proven path has {len(path)} stations." if path else ""
    return f"{len(nodes)} of {len(graph.nodes):,} entities are drawn ({hidden:,} are not); {bad} deviate.{proven}"


def _ms(time_ns: int | None) -> int | None:
    return None if time_ns is None else time_ns // NS_PER_MS


def _figure(value: object) -> str:
    if value is None or value != value:
        return "unknown"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
