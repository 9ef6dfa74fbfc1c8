"""The lineage explorer: what feeds what, drawn from left to right around one entity, as of any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar

import traitlets

from workbench_widgets.board import Board, module, table

COLUMN_PX, ROW_PX = 190, 44
NODE = {"kind": "", "layer": 0, "row": 0.0, "hidden_up": 0, "hidden_down": 0, "health": "", "origin": "", "change": "",
        "detail": "", "proven": False}  # fmt: skip
"""What a node is besides its name; what is not said is this."""


class Lineage(Board):
    """Draw part of a lineage graph around `focus`; the rest is counted at the nodes that it hangs on.

    A node is a dict of name (``kind:name``), kind, layer and row (where it stands),
    hidden_up and hidden_down (neighbours not drawn), health (a word, empty for
    unknown), origin (own, inherited or empty), change (appeared, vanished, changed
    or empty), detail (a sentence) and proven (on the proven path). An edge is a
    dict of source, target, change, proven and rule. `times` holds start, end, at
    and against in ms since 1970; at and against may be None.

    Clicks that look further set `ask` to what: focus, expand, search, as_of,
    against, columns, overlay, more or profile. Answers are written to the traits.
    """

    _esm = module("lineage")
    actions: ClassVar[tuple[str, ...]] = ("compare", "hypothesis")
    nodes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    edges: traitlets.List[Any] = traitlets.List().tag(sync=True)
    focus = traitlets.Unicode("").tag(sync=True)
    times = traitlets.Dict().tag(sync=True)
    signals: traitlets.List[Any] = traitlets.List().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    found: traitlets.List[Any] = traitlets.List().tag(sync=True)
    profile = traitlets.Dict().tag(sync=True)

    def __init__(self, nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]], *, focus: str,
                 times: Mapping[str, Any] | None = None, signals: Sequence[str] = (), title: str = "Lineage",
                 caption: str = "") -> None:  # fmt: skip
        super().__init__(title=title, caption=caption, focus=focus, times=dict(times or {}), signals=list(signals),
                         shown={"columns": "folded", "signal": "", "most": 40})  # fmt: skip
        self.show(nodes, edges)

    def show(self, nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]]) -> None:
        """Draw these nodes and edges instead, in one step."""
        with self.hold_sync():
            self.nodes = [{**NODE, **node} for node in nodes]
            self.edges = [{"change": "", "proven": False, "rule": "", **edge} for edge in edges]

    def twin(self) -> str:
        """Return the drawn part as SVG and as a table."""
        head = ("Entity", "Kind", "Layer", "Health", "Origin", "Change", "Upstream not drawn", "Downstream not drawn")
        rows = [(n["name"].partition(":")[2] or n["name"], n["kind"], n["layer"], n["health"] or None, n["origin"],
                 n["change"], n["hidden_up"], n["hidden_down"])
                for n in sorted(self.nodes, key=lambda n: (n["layer"], n["row"]))]  # fmt: skip
        links = table(("From", "To", "Rule", "Change"),
                      [(e["source"], e["target"], e["rule"], e["change"]) for e in self.edges])  # fmt: skip
        return super().twin() + self._picture() + table(head, rows) + links

    def _picture(self) -> str:
        place = {n["name"]: (n["layer"] * COLUMN_PX + 6, n["row"] * ROW_PX + 20) for n in self.nodes}
        if not place:
            return ""
        lines = []
        for edge in self.edges:
            if edge["source"] in place and edge["target"] in place:
                (x, y), (u, v) = place[edge["source"]], place[edge["target"]]
                dash = "" if not edge["change"] else " stroke-dasharray='4 3'"
                width = 3 if edge["proven"] else 1
                lines.append(f"<path fill='none' stroke='currentColor' stroke-width='{width}'{dash} "
                             f"d='M{x + 160},{y} C{x + 180},{y} {u - 20},{v} {u},{v}'/>")  # fmt: skip
        for node in self.nodes:
            x, y = place[node["name"]]
            ring = {"own": " stroke-width='3'", "inherited": " stroke-width='2' stroke-dasharray='3 2'"}
            bad = "0.25" if node["health"] not in ("", "well") else "0"
            lines.append(f"<rect x='{x}' y='{y - 13}' width='160' height='26' rx='4' fill='currentColor' "
                         f"fill-opacity='{bad}' stroke='currentColor'{ring.get(node['origin'], '')}/>"
                         f"<text x='{x + 6}' y='{y + 4}' font-size='11' fill='currentColor'>"
                         f"{escape(_short(node['name']))}</text>")  # fmt: skip
        wide = max(x for x, _ in place.values()) + 172
        high = max(y for _, y in place.values()) + 24
        return f"<svg role='img' aria-label='{escape(self.title)}' viewBox='0 0 {wide} {high:g}'>{''.join(lines)}</svg>"


def _short(name: str) -> str:
    text = name.partition(":")[2] or name
    return text if len(text) <= 21 else f"{text[:11]}…{text[-9:]}"
