"""The trace view: spans as a waterfall with the critical path, own times and logs, alone or beside another trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar

import traitlets

from workbench_widgets.board import Board, module, table

MOST_DRAWN = 1000
"""Rows that are drawn; of longer traces the rest is counted."""


class Waterfall(Board):
    """Show one trace, in tree order.

    A span is a dict of id, depth, service, name, start and duration and self (ms
    from the trace's begin), critical (pairs of ms), status, queue and forward (ms
    or None), flags (sentences), logs (dicts of at, severity, body) and links
    (entities). `operations` are rows of service, name, a, b, more, low, high (ms;
    low and high None without an interval), which compare with `against`, a trace
    or a cohort in words.
    """

    _esm = module("waterfall")
    actions: ClassVar[tuple[str, ...]] = ("trace", "slower", "hypothesis")
    trace = traitlets.Unicode("").tag(sync=True)
    spans: traitlets.List[Any] = traitlets.List().tag(sync=True)
    left_out = traitlets.Int(0).tag(sync=True)
    against = traitlets.Unicode("").tag(sync=True)
    operations: traitlets.List[Any] = traitlets.List().tag(sync=True)
    traces: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, spans: Sequence[Mapping[str, Any]], *, trace: str = "", against: str = "",
                 operations: Sequence[Mapping[str, Any]] = (), traces: Sequence[str] = (), title: str = "Trace",
                 caption: str = "") -> None:  # fmt: skip
        super().__init__(title=title, caption=caption, trace=trace, traces=list(traces))
        self.show(spans, against=against, operations=operations)

    def show(self, spans: Sequence[Mapping[str, Any]], *, against: str = "",
             operations: Sequence[Mapping[str, Any]] = ()) -> None:  # fmt: skip
        """Show another trace, or another comparison, in one step."""
        with self.hold_sync():
            self.spans = [dict(span) for span in spans[:MOST_DRAWN]]
            self.left_out = max(0, len(spans) - MOST_DRAWN)
            self.operations, self.against = [dict(row) for row in operations], against

    def twin(self) -> str:
        """Return the spans as SVG and as a table, and the comparison as a table."""
        head = ("Service", "Operation", "Begin, ms", "Duration, ms", "Own, ms", "On critical path, ms", "Queue, ms",
                "Forward pass, ms", "Status", "Flags")  # fmt: skip
        rows = [("  " * s["depth"] + str(s["service"]), s["name"], s["start"], s["duration"], s["self"],
                 float(sum(b - a for a, b in s["critical"])), s["queue"], s["forward"], s["status"],
                 "; ".join(s["flags"])) for s in self.spans]  # fmt: skip
        rest = f"<p>{self.left_out} more spans are not shown.</p>" if self.left_out else ""
        compared = ""
        if self.operations:
            compared = f"<p>Against {escape(self.against)}</p>" + table(
                ("Service", "Operation", "A, ms", "B, ms", "More, ms", "From", "To"),
                [[row[n] for n in ("service", "name", "a", "b", "more", "low", "high")] for row in self.operations],
            )
        return super().twin() + self._picture() + table(head, rows) + rest + compared

    def _picture(self) -> str:
        if not self.spans:
            return ""
        begin = min(s["start"] for s in self.spans)
        whole = max(s["start"] + s["duration"] for s in self.spans) - begin or 1.0
        parts = []
        for at, span in enumerate(self.spans[:60]):
            x, who = 260 + 630 * (span["start"] - begin) / whole, f"{span['service']} {span['name']}"[:38]
            parts.append(f"<text x='{4 + 8 * min(span['depth'], 12)}' y='{18 * at + 13}' font-size='11' "
                         f"fill='currentColor'>{escape(who)}</text>"
                         f"<rect x='{x:.1f}' y='{18 * at + 3}' width='{max(1, 630 * span['duration'] / whole):.1f}' "
                         "height='11' fill='none' stroke='currentColor'/>")  # fmt: skip
            for a, b in span["critical"]:
                parts.append(f"<rect x='{260 + 630 * (a - begin) / whole:.1f}' y='{18 * at + 3}' fill='currentColor' "
                             f"width='{max(0.5, 630 * (b - a) / whole):.1f}' height='11'/>")  # fmt: skip
        size = 18 * min(len(self.spans), 60) + 4
        return f"<svg role='img' aria-label='{escape(self.title)}' viewBox='0 0 900 {size}'>{''.join(parts)}</svg>"
