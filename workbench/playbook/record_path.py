"""The path of one record: from a decision over its request and row, through join keys and windows, to its origin.

Only ids that senders supply are followed: nothing is matched by likeness. A row is written ``row:dataset/id``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa

from workbench.analysis.linkage import RECORD_RULES
from workbench.errors import UsageError
from workbench.model.show import html
from workbench.model.window import parse_time_ns

Ask = Callable[..., pa.Table]
MOST_STEPS = 500
"""Links after which a walk stops and says so."""
MOST_MEMBERS = 200
"""Rows of one window, or of one id, that are followed."""
_KEY_COLUMN = re.compile(r"(?:.*_)?(?:id|ids|key|ref|uuid)", re.I)
_WINDOW = (("window_start", "window_end"), ("window_start_ns", "window_end_ns"), ("window.start", "window.end"))
"""Columns in which a row states the stretch of time that it sums up, half-open."""
_COLUMNS = ["hop", "left", "right", "rule", "via", "time_ns"]


@dataclass(frozen=True)
class RecordPath:
    """Say through what a record came."""

    start: str
    steps: pd.DataFrame
    """In the order of the walk: hop (1, 2, …), left, right, rule, via (column or table), time_ns of the right end."""
    cut: bool
    """True where more than ``MOST_STEPS`` links would follow."""

    def __str__(self) -> str:
        if self.steps.empty:
            return f"No sender supplies an id that leads on from {self.start}."
        lines = [
            f"{'  ' * s.hop}{s.left} -> {s.right}  ({RECORD_RULES[s.rule]}; {s.via})" for s in self.steps.itertuples()
        ]
        return "\n".join([self.start, *lines, *(["and more"] if self.cut else [])])

    def _repr_html_(self) -> str:
        return html(self)


@html.register
def _(path: RecordPath) -> str:
    return f"<pre>{escape(str(path))}</pre>"


def record_path(ask: Ask, start: str, *, hops: int = 6) -> RecordPath:
    """Walk from ``prediction:id``, ``trace:id`` or ``row:dataset/id`` along the ids that senders supply.

    Each entity is visited once, nearest first; UsageError where *start* is none of the three.
    """
    if start.partition(":")[0] not in _NEXT or not start.partition(":")[2]:
        raise UsageError(f"A path begins at prediction:ID, trace:ID or row:DATASET/ID; got {start!r}.")
    walker = _Walker(ask)
    rows: list[tuple[Any, ...]] = []
    seen, edge = {start}, [start]
    for hop in range(1, hops + 1):
        following = []
        for left in edge:
            for right, rule, via, time_ns in walker.onward(left):
                if right in seen:
                    continue
                if len(rows) >= MOST_STEPS:
                    return RecordPath(start, _frame(rows), cut=True)
                seen.add(right)
                following.append(right)
                rows.append((hop, left, right, rule, via, time_ns))
        edge = following
    return RecordPath(start, _frame(rows), cut=False)


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"hop": "int64", "time_ns": "Int64"})


Link = tuple[str, str, str, int | None]
"""Right end, rule, via, time of the right end."""


class _Walker:
    """Ask a store for the neighbours of records; each question is answered from an id."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._upstream: dict[str, list[str]] | None = None

    def onward(self, entity: str) -> Iterator[Link]:
        """Yield the links that leave an entity, in a fixed order."""
        kind, _, name = entity.partition(":")
        if kind in _NEXT:
            yield from _NEXT[kind](self, name)

    def of_prediction(self, name: str) -> Iterator[Link]:
        """Yield the request of a decision, and the row it was made from."""
        for row in self._rows("predictions", prediction_id=name):
            if row["trace_id"]:
                yield f"trace:{row['trace_id']}", "trace_id", "predictions.trace_id", row["time_ns"]
            if row["row_ref"]:
                yield from self._row_named(row["row_ref"], "row_ref", "predictions.row_ref", but="")
        for span in self._rows("spans", prediction_id=name):
            yield f"trace:{span['trace_id']}", "prediction_id", "spans.prediction_id", span["start_ns"]

    def of_trace(self, name: str) -> Iterator[Link]:
        """Yield the traces that a request's spans link to, its retrievals of features, and its decisions."""
        spans = self._rows("spans", trace_id=name)
        for span in spans:
            for other in _linked(span["links"]):
                yield f"trace:{other}", "span_link", "spans.links", None
        for got in self._rows("features", retrieval_id=name):
            yield f"feature:{got['feature']}", "retrieval", "features.retrieval_id", got["time_ns"]
        for decided in self._rows("predictions", trace_id=name):
            yield f"prediction:{decided['prediction_id']}", "trace_id", "predictions.trace_id", decided["time_ns"]
        for span in spans:
            if span["prediction_id"]:
                yield f"prediction:{span['prediction_id']}", "prediction_id", "spans.prediction_id", span["start_ns"]

    def of_row(self, name: str) -> Iterator[Link]:
        """Yield the rows that a row names by a join key, and those that its window sums up."""
        dataset, _, row_id = name.rpartition("/")
        for row in self._rows("table_rows", dataset=dataset, row_id=row_id):
            cells = {**dict(row["numbers"] or ()), **dict(row["texts"] or ())}
            keys = {c: v for c, v in sorted(cells.items()) if isinstance(v, str) and v and _KEY_COLUMN.fullmatch(c)}
            for column, value in keys.items():
                yield from self._row_named(value, "join_key", f"{dataset}.{column}", but=dataset)
            window = _window(cells)
            if window is not None:
                yield from self._members(dataset, keys, window)

    def _row_named(self, row_id: str, rule: str, via: str, *, but: str) -> Iterator[Link]:
        for row in self._rows("table_rows", row_id=row_id):
            if row["dataset"] != but:
                yield f"row:{row['dataset']}/{row['row_id']}", rule, via, row["time_ns"]

    def _members(self, dataset: str, keys: Mapping[str, str], window: tuple[int, int]) -> Iterator[Link]:
        """Yield rows upstream of a data set within a window, of the same key where both state one."""
        for upstream in self._above(dataset):
            found = self._rows("table_rows", window=window, dataset=upstream)
            for row in found:
                own = dict(row["texts"] or ())
                shared = [c for c in keys if c in own]
                if all(own[c] == keys[c] for c in shared):
                    via = ", ".join([f"{dataset} window", *shared])
                    yield f"row:{upstream}/{row['row_id']}", "window", via, row["time_ns"]

    def _above(self, dataset: str) -> list[str]:
        if self._upstream is None:
            edges = self._ask("lineage_edges").to_pylist()
            self._upstream = {}
            for edge in edges:
                up, down = edge["upstream"], edge["downstream"]
                if up.startswith("dataset:") and down.startswith("dataset:"):
                    self._upstream.setdefault(down.removeprefix("dataset:"), []).append(up.removeprefix("dataset:"))
        return sorted(set(self._upstream.get(dataset, ())))

    def _rows(self, table: str, *, window: tuple[int, int] | None = None, **equals: str) -> list[dict[str, Any]]:
        start_ns, end_ns = window or (None, None)
        found = self._ask("rows", table=table, start_ns=start_ns, end_ns=end_ns, equals=equals, limit=MOST_MEMBERS)
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows


_NEXT: Mapping[str, Callable[[_Walker, str], Iterator[Link]]] = {
    "prediction": _Walker.of_prediction, "trace": _Walker.of_trace, "row": _Walker.of_row,
}  # fmt: skip


def _linked(links: str | None) -> list[str]:
    """Return the trace ids of a span's links; what is no list of links holds none."""
    try:
        stated = orjson.loads(links) if links else []
    except orjson.JSONDecodeError:
        return []
    told = [each.get("trace_id") for each in stated if isinstance(each, dict)] if isinstance(stated, list) else []
    return [each for each in told if isinstance(each, str)]


def _window(cells: Mapping[str, Any]) -> tuple[int, int] | None:
    for start, end in _WINDOW:
        if cells.get(start) is not None and cells.get(end) is not None:
            bounds = _time_ns(cells[start]), _time_ns(cells[end])
            if bounds[0] is not None and bounds[1] is not None and bounds[0] < bounds[1]:
                return bounds[0], bounds[1]
    return None


def _time_ns(stated: Any) -> int | None:
    """Return a stated time: ISO text, or a number since 1970 in s, ms, us or ns by its size."""
    if isinstance(stated, str):
        try:
            return parse_time_ns(stated)
        except UsageError:
            return None
    if not isinstance(stated, int | float) or stated != stated or abs(stated) >= 2**63:
        return None
    factor = next((f for most, f in ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3)) if abs(stated) < most), 1)
    return int(stated * factor)
