"""Contrast and traces over a case: ranked conditions of its requests, and single requests as waterfalls."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.views.bind import wire
from workbench_widgets.contrast import Contrast
from workbench_widgets.waterfall import Waterfall

NS_PER_MS = 1e6


def contrast(case: Case) -> Contrast:
    """Return the contrast table of a case; the first look asks ``case.contrast()``, each click is an entry."""
    board = Contrast(_conditions(case), caption=_contrasted(case))

    def refresh() -> None:
        board.rows, board.caption = _conditions(case), _contrasted(case)

    wire(board, case, refresh)
    return board


def waterfall(case: Case, trace_id: str = "", against: str = "") -> Waterfall:
    """Return the trace view of a case: *trace_id* if given, else the newest trace that it looked at."""
    if trace_id:
        case.call("trace", trace_id=trace_id, against=against)
    board = Waterfall([], traces=_known(case))

    def refresh() -> None:
        _show(board, case)

    refresh()
    wire(board, case, refresh)
    return board


def _newest(case: Case, *names: str) -> tuple[str, Outcome, dict[str, Any]] | None:
    for entry in reversed(case.state.in_force):
        if entry.operation in names:
            return entry.operation, case.outcome(entry.seq), dict(entry.arguments)
    return None


def _conditions(case: Case) -> list[dict[str, Any]]:
    found = _newest(case, "contrast")
    if found is None or "conditions" not in found[1].frames:
        return []
    rows = found[1].frames["conditions"].head(60).to_dict("records")
    return [{"condition": r["condition"], "share_in": r["share_selection"], "share_out": r["share_baseline"],
             "lift": r["lift"], "lift_low": r["lift_low"], "lift_high": r["lift_high"],
             "support": r["in_selection"], "q": r["q_value"]} for r in rows]  # fmt: skip


def _contrasted(case: Case) -> str:
    found = _newest(case, "contrast")
    where = f" Selection where {case.symptom.where}." if case.symptom and case.symptom.where else ""
    return (found[1].summary if found else "Nothing was contrasted yet: case.contrast().") + where


def _known(case: Case) -> list[str]:
    found = _newest(case, "inspect")
    return [str(t) for t in found[1].frames["traces"]["trace_id"]] if found and "traces" in found[1].frames else []


def _show(board: Waterfall, case: Case) -> None:
    """Draw the newest trace, and beside it the newest comparison."""
    clicked = board.action.get("operation")
    shown = _newest(case, "trace")
    compared = _newest(case, str(clicked)) if clicked in ("trace", "slower") else _newest(case, "trace", "slower")
    spans: list[dict[str, Any]] = []
    if shown is not None and "spans" in shown[1].frames:
        spans = drawn(shown[1].frames["spans"], shown[1].frames["logs"])
        board.trace = str(shown[2]["trace_id"])
    rows, against = _operations(compared)
    board.caption = " ".join(dict.fromkeys(f[1].summary for f in (shown, compared) if f))
    board.traces = _known(case)
    board.show(spans, against=against, operations=rows)


def _operations(found: tuple[str, Outcome, dict[str, Any]] | None) -> tuple[list[dict[str, Any]], str]:
    if found is None or "operations" not in found[1].frames:
        return [], ""
    name, outcome, arguments = found
    alone = name == "trace"
    a, b = ("self_a_ms", "self_b_ms") if alone else ("mean_a_ms", "mean_b_ms")
    rows = [{"service": r["service"], "name": r["name"], "a": r[a], "b": r[b], "more": r["more_ms"],
             "low": None if alone else r["low_ms"], "high": None if alone else r["high_ms"]}
            for r in outcome.frames["operations"].head(60).to_dict("records")]  # fmt: skip
    first, second = arguments.get("first"), arguments.get("second")
    return rows, str(arguments["against"]) if alone else f"{second} against {first}" if first else "the baseline"


def drawn(spans: pd.DataFrame, logs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return arranged spans (``case.trace``) as the widget draws them: ms from the trace's begin."""
    begin = int(spans["start_ns"].min()) if len(spans) else 0
    said: dict[str, list[dict[str, Any]]] = {}
    for log in logs.to_dict("records"):
        at = (log["time_ns"] - begin) / NS_PER_MS
        one = {"at": at, "severity": _text(log["severity"]), "body": _text(log["body"])}
        said.setdefault(str(log["span_id"]), []).append(one)
    found = []
    for row in spans.to_dict("records"):
        pieces = [[(a - begin) / NS_PER_MS, (b - begin) / NS_PER_MS] for a, b in json.loads(row["critical"])]
        found.append({
            "id": row["span_id"], "depth": int(row["depth"]), "service": _text(row["service"]) or "unknown",
            "name": _text(row["name"]) or "unknown", "start": (row["start_ns"] - begin) / NS_PER_MS,
            "duration": row["duration_ns"] / NS_PER_MS, "self": row["self_ns"] / NS_PER_MS, "critical": pieces,
            "status": _text(row["status"]) or "unset", "queue": _known_number(row["queue_wait_ms"]),
            "forward": _known_number(row["forward_pass_ms"]), "flags": [f for f in row["flags"].split("; ") if f],
            "logs": said.get(str(row["span_id"]), []), "links": _links(row)})  # fmt: skip
    return found


def _links(row: dict[str, Any]) -> list[str]:
    version = f"model_version:{row['model']}/{row['model_version']}" if _text(row.get("model")) else ""
    named = [f"{kind}:{_text(row.get(column))}" for kind, column in
             (("run", "run_id"), ("prediction", "prediction_id"), ("host", "host"), ("gpu", "gpu"),
              ("data_version", "data_version")) if _text(row.get(column))]  # fmt: skip
    return ([version] if version else []) + named


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _known_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None
