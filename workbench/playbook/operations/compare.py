"""``case.compare(dataset, current=, baseline=)``: what is different about a table between two moments."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.comparison import Comparison, compare, strip
from workbench.analysis.deviation import strength
from workbench.analysis.drift_baseline import usual
from workbench.analysis.drift_null import Spread
from workbench.analysis.profile_history import History, Windows
from workbench.analysis.profile_rows import from_counts, from_rows, grids_of
from workbench.case.operations import Operation, Outcome, Standing
from workbench.case.reading import Answer, Reading
from workbench.case.symptom import Symptom, parse_baseline
from workbench.errors import CouldNotRunError, UsageError
from workbench.model.entities import split
from workbench.model.findings import Evidence, Finding
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, Window, parse_duration_ns

LEARNED_DAYS = 30
SHORT_BASELINE_DAYS = 7
"""A baseline of fewer days is said to be short."""
MOST_FINDINGS = 40
PROFILE_COLUMNS = [
    "dataset",
    "column",
    "start_ns",
    "end_ns",
    "grid",
    "segment",
    "rows",
    "nulls",
    "infinite",
    "sum",
    "sumsq",
    "min",
    "max",
    "distinct",
    "counts",
]
_SAME_HOURS = re.compile(r"same hours(?:\s*,\s*(\d+)\s*(?:d|days))?")
_FIRST = re.compile(r"first\s+(\d+)\s*(?:d|days)")


def run(reading: Reading, dataset: str, current: str = "", baseline: str = "") -> Outcome:
    """Compare a table in two windows and say which columns differ, how, and by what evidence.

    *dataset* is a data set's name, ``dataset:NAME`` or ``model:NAME``. *current* is a window, ``START/END`` or clock
    times; by default the selection. *baseline* is ``same hours, 30 d``, ``first 30 d`` (the first days that are
    kept, at the same hours of the week), or windows ``START/END, ...``; by default the case's baseline.
    """
    symptom = reading.symptom
    entity = dataset if split_kind(dataset) else f"dataset:{dataset}"
    window = Window.parse(current, day_of=symptom.window.start_ns) if current else symptom.window
    span_start = min(symptom.history_start_ns or window.start_ns, window.start_ns - 31 * DAY_NS)
    history, evidence, origin = _history(reading, entity, span_start, window)
    now, snapped = _snapped(history, window)
    chosen, learned, rule = _baseline(symptom, history, now, baseline)
    found = compare(history, chosen, [(now.start_ns, now.end_ns)], learned=learned)
    stated = f"{now.words()} against {rule}{_short(chosen, now)}; {origin}{snapped}"
    return _outcome(entity, found, evidence, stated, history, chosen)


def split_kind(dataset: str) -> bool:
    """Say whether a name already carries its kind."""
    return dataset.startswith(("dataset:", "model:"))


def _history(reading: Reading, entity: str, start_ns: int, window: Window) -> tuple[History, Evidence, str]:
    kind, name = split(entity)
    kept = name if kind == "dataset" else entity
    stored = reading.ask(
        "rows",
        table="profiles",
        start_ns=start_ns,
        end_ns=window.end_ns,
        columns=PROFILE_COLUMNS,
        equals={"dataset": kept},
    )
    if len(stored.frame):
        history = History(from_rows(stored.frame))
        if _aligned(history, window):
            return history, stored.evidence, "from profiles"
    counted = _counted(reading, entity, start_ns, window)
    if counted is not None:
        return counted[0], counted[1].evidence, "counted from rows"
    if len(stored.frame):
        return history, stored.evidence, "from profiles"
    raise CouldNotRunError(
        f"neither profiles nor rows of {entity} are kept; run `workbench profile {name} --time COLUMN --every 1h`"
    )


def _counted(reading: Reading, entity: str, start_ns: int, window: Window) -> tuple[History, Answer] | None:
    quantiles = reading.ask("column_quantiles", entity=entity, start_ns=start_ns, end_ns=window.start_ns)
    grids = grids_of(quantiles.frame)
    if not grids:
        return None
    every = math.gcd(window.start_ns, window.end_ns, HOUR_NS)
    every = max(every, MINUTE_NS)
    answer = reading.ask(
        "build_profiles",
        entity=entity,
        start_ns=start_ns,
        end_ns=window.end_ns,
        every_ns=every,
        grids={name: grid.id for name, grid in sorted(grids.items())},
    )
    return History(from_counts(answer.frame, grids, every)), answer


def _aligned(history: History, window: Window) -> bool:
    """Say whether buckets begin and end where the window does."""
    every = int((history.ends - history.starts).max())
    return window.start_ns % every == 0 and window.end_ns % every == 0


def _snapped(history: History, window: Window) -> tuple[Window, str]:
    """Return the window widened to whole buckets, and the words that say so."""
    every = int((history.ends - history.starts).max())
    start, end = window.start_ns // every * every, -(-window.end_ns // every) * every
    if (start, end) == (window.start_ns, window.end_ns):
        return window, ""
    return Window(start, end), f", widened to whole buckets of {every / MINUTE_NS:g} min"


def _baseline(symptom: Symptom, history: History, window: Window, text: str) -> tuple[Windows, Spread | None, str]:
    same, first = _SAME_HOURS.fullmatch(text.strip()), _FIRST.fullmatch(text.strip())
    start_ns, span = int(history.starts[0]), (window.start_ns, window.end_ns)
    if first:
        until = min(start_ns + int(first[1]) * DAY_NS, window.start_ns)
        found = usual(history, span, until_ns=until)
        return (
            found.windows,
            found.learned,
            f"{found.rule.partition(', ')[0]} in the first {(until - start_ns) / DAY_NS:.3g} days kept",
        )
    if same or (not text and not symptom.pinned):
        found = usual(history, span, days=int(same[1] or LEARNED_DAYS) if same else LEARNED_DAYS)
        return found.windows, found.learned, found.rule
    chosen = parse_baseline(text) if text else symptom.baseline
    if chosen is None:
        raise CouldNotRunError("there is no baseline; name one, such as baseline='same hours, 30 d'")
    return [(w.start_ns, w.end_ns) for w in chosen.windows], None, chosen.rule


def _short(chosen: Windows, window: Window) -> str:
    length = (window.start_ns - min(start for start, _ in chosen)) / DAY_NS
    return f" (short: {length:.2g} days)" if length < SHORT_BASELINE_DAYS else ""


def _outcome(
    entity: str, found: Comparison, evidence: Evidence, stated: str, history: History, chosen: Windows
) -> Outcome:
    table = found.columns
    findings = [_finding(entity, row, evidence) for row in table[table["verdict"] == "drifted"].to_dict("records")]
    d = found.decision
    if d.rows_verdict in {"drifted", "silent"}:
        text = f"{split(entity)[1]} went from {d.rows_before:.3g} to {d.rows_now:.3g} rows an hour."
        findings.insert(
            0,
            Finding(
                text,
                entity,
                "rows",
                (evidence,),
                strength=1.0 if math.isnan(d.rows_p_value) else 1 - d.rows_p_value,
                values={"now": d.rows_now, "usual": d.rows_before},
            ),
        )
    frames = {"columns": table, "histograms": found.histograms, "history": strip(history, chosen)}
    drifted = list(d.drifted)
    values: dict[str, Any] = {
        "drifted": drifted,
        "columns": len(table),
        "quiet_windows": d.quiet,
        "alpha": d.alpha,
        "rows": d.rows_verdict,
        "compared": stated,
    }
    first = " ".join(found.sentences()[:2])
    summary = f"{split(entity)[1]}, {stated}: {len(drifted)} of {len(table)} columns drifted. {first}"
    return Outcome(tuple(findings[:MOST_FINDINGS]), values, {n: _plain(f) for n, f in frames.items()}, summary)


def _finding(entity: str, row: dict[str, Any], evidence: Evidence) -> Finding:
    kind, name = split(entity)
    about = f"column:{name}.{row['column']}" if kind == "dataset" else f"feature:{row['column']}"
    chance = float(np.nanmin([row["p_value"], row["null_p_value"]]))
    figures = ("ks", "tv", "w1", "psi", "q_value", "null_rate_before", "null_rate_now", "mean_before", "mean_now")
    return Finding(
        f"{row['words']}.",
        about,
        "drift",
        (evidence,),
        strength=strength(10.0, chance),
        values={k: None if math.isnan(row[k]) else float(row[k]) for k in figures},
    )


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index(drop=True)


def _settle(case: Standing, arguments: dict[str, Any]) -> dict[str, Any]:
    symptom = case.state.symptom
    if symptom is None:
        raise UsageError("The case has no symptom yet; begin it first: case.begin(entity, signal, window).")
    current = arguments["current"]
    settled = str(Window.parse(current, day_of=symptom.window.start_ns) if current else symptom.window)
    days = re.fullmatch(r"(.*same hours)\s*,\s*(.+)", arguments["baseline"].strip())
    text = f"same hours, {parse_duration_ns(days[2]) // DAY_NS} d" if days else arguments["baseline"]
    return {**arguments, "current": settled, "baseline": text}


OPERATION = Operation("compare", "computed", run, run.__doc__ or "", settle=_settle)
