"""The drift comparator over a case: any two windows from what is frozen; a settled brush is ``case.compare(…)``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.comparison import Bars, Comparison, Floats, compare, strip
from workbench.analysis.drift_baseline import same_hours
from workbench.analysis.drift_decision import records
from workbench.analysis.drift_null import Spread
from workbench.analysis.profile_drivers import LEAST_EXPLAINED, profile_drivers
from workbench.analysis.profile_history import History, Windows
from workbench.analysis.profile_rows import Unpacked, from_counts, from_rows
from workbench.analysis.profiles import Profile
from workbench.case.case import Case
from workbench.case.journal import Entry
from workbench.case.operations import Outcome
from workbench.errors import WorkbenchError
from workbench.model.entities import split
from workbench.model.grid import Grid
from workbench.model.window import DAY_NS, Window, iso
from workbench.playbook.compared_baseline import against, key, other
from workbench.playbook.compared_history import snapped, unpacked_key
from workbench.views.bind import wire
from workbench_widgets.comparator import Comparator

NS_PER_MS = 1_000_000
SAME_HOURS = "same hours, 30 d"
RULES = ("same hours of the week, 30 d", "first 30 d")
STRIP_POINTS = 360
MOST_SEGMENTS = 40
MOST_DRIVERS = 9
MOST_DRIVEN = 3
"""Drifted columns whose drivers are shown."""


def comparator(case: Case, dataset: str = "") -> Comparator:
    """Return the comparator of a table; the first look at *dataset* asks ``case.compare(dataset)``.

    Without *dataset* it is the table that the case compared last.
    """
    return Brushed(case, dataset).board


class Brushed:
    """Answer each brush from prefix sums; each settled one is journalled and drawn as the case says it."""

    def __init__(self, case: Case, dataset: str = "") -> None:
        self._case, self._dataset = case, _entity(dataset) if dataset else ""
        if dataset and self._newest() is None:
            case.call("compare", dataset=dataset)
        self._history: History | None = None
        self._segments: dict[str, History] = {}
        self._learned: Spread | None = None
        self._step = DAY_NS
        self._drawn: tuple[str, int] = ("", -1)
        self.board = Comparator()
        wire(self.board, case, self.refresh)
        self.board.on_ask(self.answer)
        self.refresh()

    def answer(self, asked: Mapping[str, Any]) -> None:
        """Compare the windows that a brush stands on; what cannot be compared says so and changes nothing."""
        board, held = self.board, self._history
        if asked.get("what") != "windows" or held is None:
            return
        current, given = _ns(asked.get("current")), [_ns(w) for w in asked.get("baseline") or ()]
        if current is None or any(w is None for w in given):
            return
        elsewhere = board.against and not given
        before: Windows = [] if elsewhere else (
            [w for w in given if w] or same_hours(held, current, step_ns=self._step))  # fmt: skip
        with board.hold_sync():
            board.current, board.baseline = _ms(current), [_ms(w) for w in before]
            board.answered = int(asked.get("serial", 0))
            if elsewhere:
                board.caption = f"Rows are compared with {board.against} when the window has settled."
                return
            windows = f"{len(before)} windows" if len(before) > 1 else " to ".join(iso(t) for w in before for t in w)
            board.stated = f"{iso(current[0])} to {iso(current[1])} against {board.rule or windows or 'nothing'}"
            if not before:
                board.caption = f"Nothing is kept before {iso(current[0])} at these hours; brush a baseline."
                board.show([])
                return
            found = compare(held, before, [current], learned=self._learned)
            board.caption = found.caption()
            board.show(_looked(found))

    def refresh(self) -> None:
        """Draw what the newest entry of the table says."""
        entry, board = self._newest(), self.board
        if entry is None:
            board.caption = 'No table was compared yet: case.compare("NAME"), or case.widget("comparator", "NAME").'
            return
        if self._drawn == (entry.hash, entry.seq):
            return
        self._drawn = (entry.hash, entry.seq)
        refused = self._case.outcome(entry.seq).could_not_run
        if refused:
            board.caption = f"Could not compare: {refused}."
            entry = self._newest(lambda e: not self._case.outcome(e.seq).could_not_run)
            if self._history is not None or entry is None:
                return
        outcome = self._case.outcome(entry.seq)
        self._dataset = _entity(str(entry.arguments["dataset"]))
        board.dataset = split(self._dataset)[1] if self._dataset.startswith("dataset:") else self._dataset
        board.title = f"Compare two windows of {split(self._dataset)[1]}"
        board.caption = board.caption if refused else outcome.summary
        columns = _columns(outcome.frames["columns"], outcome.frames["histograms"])
        told = outcome.frames.get("drivers", pd.DataFrame({"explained": []}))
        told = told[told["explained"] >= LEAST_EXPLAINED].head(MOST_DRIVERS)
        text = str(entry.arguments["baseline"])
        elsewhere = text if other(text) is not None else ""
        with board.hold_sync():
            board.against, board.stated = elsewhere, str(outcome.values.get("compared", ""))
            board.ways = self._ways()
            if elsewhere:
                self._placed(entry)
                board.show(columns, told.to_dict("records"))
                return
            self._hold(entry)
            self._settled(entry, outcome, columns, told)

    def _ways(self) -> list[str]:
        """Return baselines that can be chosen: the rules, and what else this case compared the table with."""
        symptom, model = self._case.symptom, self._dataset.startswith("model:")
        named = [str(e.arguments["baseline"]) for e in self._case.state.in_force if e.operation == "compare"
                 and self._dataset == _entity(str(e.arguments["dataset"]))]  # fmt: skip
        pinned = ["pinned"] if symptom is not None and symptom.pinned else []
        rules = [SAME_HOURS, *RULES, *pinned, *(["training"] if model else [])]
        return list(dict.fromkeys([*rules, *(text for text in named if other(text) is not None)]))

    def _placed(self, entry: Entry) -> None:
        """Show the window of rows that were held against a version, an environment or a training snapshot.

        Such a baseline has no place on the strip, which stays that of the table's newest profiles, if there are any.
        """
        board = self.board
        if self._history is None:
            kept = self._newest(lambda e: other(str(e.arguments["baseline"])) is None
                                and not self._case.outcome(e.seq).could_not_run)  # fmt: skip
            if kept is not None:
                self._hold(kept)
        window = Window.parse(str(entry.arguments["current"]))
        current = (window.start_ns, window.end_ns)
        board.current, board.baseline, board.rule = _ms(current), [], ""
        if self._history is not None:
            before = same_hours(self._history, current)
            every = int((self._history.ends - self._history.starts).max())
            self._lay(pd.DataFrame({"start_ns": []}), before or [current], every)

    def _settled(self, entry: Entry, outcome: Outcome, columns: list[dict[str, Any]], told: pd.DataFrame) -> None:
        board, held, symptom = self.board, self._history, self._case.symptom
        assert held is not None
        assert symptom is not None
        every = int((held.ends - held.starts).max())
        window, _ = snapped(held, Window.parse(str(entry.arguments["current"])))
        text = str(entry.arguments["baseline"])
        read = str(entry.inputs[_profiles(self._case, entry)[1]])
        chosen = self._case.derived.of(key(symptom, read, window, text), lambda: against(symptom, held, window, text))
        current = (window.start_ns, window.end_ns)
        self._learned = chosen.learned
        self._step = 7 * DAY_NS if "of the week" in chosen.rule else DAY_NS
        if told.empty:
            names = list(outcome.values["drifted"])[:MOST_DRIVEN]
            told = profile_drivers(held, self._segments, chosen.windows, [current], names)
        follows = chosen.kind == "learned" and not text.startswith("first")
        with board.hold_sync():
            board.current, board.baseline = _ms(current), [_ms(w) for w in chosen.windows]
            board.rule = (text or SAME_HOURS) if follows else ""
            self._lay(outcome.frames["history"], chosen.windows, every)
            board.show(columns, told.to_dict("records"))

    def _newest(self, wanted: Callable[[Entry], bool] = lambda _: True) -> Entry | None:
        own = (e for e in reversed(self._case.state.in_force) if e.operation == "compare" and self._dataset in
               ("", _entity(str(e.arguments["dataset"]))))  # fmt: skip
        return next((e for e in own if wanted(e)), None)

    def _hold(self, entry: Entry) -> None:
        """Keep the longest history that entries about the table have frozen; reading one anew takes a second."""
        if self._history is not None and _covers(self._history, self._case.outcome(entry.seq), entry):
            return
        profiles = frozen_profiles(self._case, entry)
        made = History(profiles)
        if self._history is None or _length(made) > _length(self._history):
            self._history = made.add_up()
            self._segments = {
                name: History([_plain(p) for p in profiles if p.segment == name])
                for name in sorted({p.segment for p in profiles if p.segment})[:MOST_SEGMENTS]
            }

    def _lay(self, told: pd.DataFrame, before: Windows, every: int) -> None:
        held = self._history
        assert held is not None
        if not len(told) or int(told["start_ns"].iloc[0]) > int(held.starts[0]):
            told = strip(held, before, points=STRIP_POINTS)
        lanes = {"rows": told["rows"], "nulls": told["null_rate"], "drift": told["drift"]}
        self.board.lay(told["start_ns"], lanes, every_ns=every, until_ns=int(held.ends[-1]))


def frozen_profiles(case: Case, entry: Entry) -> list[Profile]:
    """Return the profiles that an entry of ``compare`` read, from the frozen evidence alone."""
    query, name, arguments = _profiles(case, entry)
    if query == "rows":
        return from_rows(case.frame(name), case.derived.of(unpacked_key(str(arguments["equals"]["dataset"])), Unpacked))
    grids = {column: Grid.parse(text) for column, text in arguments["grids"].items()}
    return from_counts(case.frame(name), grids, int(arguments["every_ns"]))


def _profiles(case: Case, entry: Entry) -> tuple[str, str, dict[str, Any]]:
    """Return the query by which an entry read its profiles, the evidence that it froze, and its arguments."""
    asked = {}
    for name in entry.inputs:
        if name in case.evidence:
            query, arguments = _question(case.evidence[name].query)
            if query == "build_profiles" or arguments.get("table") == "profiles":
                asked[query] = (query, name, arguments)
    found = asked.get("build_profiles") or asked.get("rows")
    if found is None:
        raise WorkbenchError(f"Entry {entry.seq} froze no profiles; run case.compare(…) again.")
    return found


def _question(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and arguments of a frozen query, which is written as a call with plain values."""
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Name)
    return call.func.id, {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}


def _columns(table: pd.DataFrame, histograms: pd.DataFrame) -> list[dict[str, Any]]:
    names = histograms["column"].to_numpy(dtype=object)
    cuts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)] if len(names) else [0]
    labels = histograms["label"].tolist()
    left, right = (histograms[side].to_numpy(dtype=np.float32) for side in ("reference", "current"))
    parts = {names[a]: slice(a, b) for a, b in pairwise(cuts)}
    found = []
    for row in records(table):
        part = parts.get(row["column"], slice(0, 0))
        found.append(_column(row, row["words"], labels[part], left[part], right[part]))
    return found


def _looked(comparison: Comparison) -> list[dict[str, Any]]:
    """Return what `_columns` does, without a frame in between: it is asked at every move of a brush."""
    drawn = {bars.column: bars for bars in comparison.bars}
    none = Bars("", [], np.zeros(0), np.zeros(0))
    rows = zip(comparison.decision.records(), comparison.words, strict=True)
    return [_column(row, words, bars.labels, bars.reference, bars.current)
            for row, words in rows for bars in (drawn.get(row["column"], none),)]  # fmt: skip


def _column(
    row: Mapping[str, Any], words: str, labels: Sequence[str], reference: Floats, current: Floats
) -> dict[str, Any]:
    least = np.fmin(row["q_value"], row["null_q_value"])
    return {
        "name": str(row["column"]), "type": str(row["type"]), "verdict": str(row["verdict"]), "words": words,
        "effect": _known(row["ks" if row["type"] == "number" else "tv"]), "q": _known(least),
        "nulls_before": _known(row["null_rate_before"]), "nulls_now": _known(row["null_rate_now"]),
        "labels": labels, "reference": reference, "current": current,
    }  # fmt: skip


def _known(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _entity(dataset: str) -> str:
    return dataset if dataset.startswith(("dataset:", "model:")) else f"dataset:{dataset}"


def _plain(profile: Profile) -> Profile:
    return replace(profile, segment="")


def _covers(history: History, outcome: Outcome, entry: Entry) -> bool:
    """Say whether a history reaches as far, both ways, as the one that an entry compared."""
    told, until = outcome.frames["history"], Window.parse(str(entry.arguments["current"])).end_ns
    first = int(told["start_ns"].iloc[0]) if len(told) else 0
    return first >= int(history.starts[0]) and until <= int(history.ends[-1])


def _length(history: History) -> int:
    return int(history.ends[-1] - history.starts[0])


def _ns(pair: object) -> tuple[int, int] | None:
    """Return a pair of ms as ns; None for anything that is no window."""
    if not isinstance(pair, Sequence) or len(pair) != 2 or not all(isinstance(t, int | float) for t in pair):
        return None
    start, end = (round(t) * NS_PER_MS for t in pair)
    return (start, end) if start < end else None


def _ms(window: tuple[int, int]) -> list[int]:
    return [window[0] // NS_PER_MS, window[1] // NS_PER_MS]
