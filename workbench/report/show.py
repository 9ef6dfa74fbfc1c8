"""``frame``, ``plot`` and ``explain``: what every object answers, by its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import pandas as pd
import pyarrow as pa

from workbench.analysis.contrast import Contrast
from workbench.case.bundle import frame as to_frame
from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.case.reading import Answer
from workbench.case.replay import ReplayReport
from workbench.case.symptom import Symptom
from workbench.errors import UsageError
from workbench.intake.report import IngestReport
from workbench.model.findings import Cause, Evidence, Finding, Ranking
from workbench.model.window import Baseline, Window, iso
from workbench.playbook.find import Found
from workbench.playbook.likeness import Like
from workbench.playbook.record_path import RecordPath
from workbench.report import charts
from workbench.report.next_step import next_step
from workbench.report.pages import stylesheet
from workbench.report.words import share, title


class Plot:
    """Hold a drawn chart; a notebook shows it, ``str`` is its SVG, ``caption`` says what it shows."""

    def __init__(self, chart: charts.Chart) -> None:
        self.caption = chart.caption
        self.frame = chart.twin
        self._svg = chart.svg

    def __str__(self) -> str:
        return self._svg

    def _repr_html_(self) -> str:
        from html import escape

        return (f'<style>{stylesheet()}</style><div class="iw"><figure>{self._svg}'
                f"<figcaption>{escape(self.caption)}</figcaption></figure></div>")  # fmt: skip


@runtime_checkable
class Captioned(Protocol):
    """A board, which stands in a package that knows nothing of this one: it says of itself what it shows."""

    title: str
    caption: str


@singledispatch
def frame(x: object) -> pd.DataFrame:
    """Return the rows behind an object: a case's journal, causes, findings, a step's table, an answer.

    >>> frame(pa.table({"region": ["a", "c"], "errors": [1, 9]}))
      region  errors
    0      a       1
    1      c       9
    """
    if is_dataclass(x) and not isinstance(x, type):
        return pd.DataFrame([_fields(x)])
    raise UsageError(f"A {type(x).__name__} has no rows; give a case, an outcome, a ranking, findings or a table.")


@frame.register(list)
@frame.register(tuple)
def _(x: Sequence[object]) -> pd.DataFrame:
    # Many of one kind are one table: findings, causes, the bench's cases, cases alike.
    if not x:
        return pd.DataFrame()
    if all(isinstance(one, Cause) for one in x):
        return _causes(cast("Sequence[Cause]", x))
    return pd.concat([frame(one) for one in x], ignore_index=True)


@frame.register
def _(x: RecordPath) -> pd.DataFrame:
    return x.steps


@frame.register
def _(x: pd.DataFrame) -> pd.DataFrame:
    return x


@frame.register
def _(x: pa.Table) -> pd.DataFrame:
    return to_frame(x)


@frame.register
def _(x: Answer) -> pd.DataFrame:
    return x.frame


@frame.register
def _(x: Case) -> pd.DataFrame:
    lines = x.lines()
    return pd.DataFrame([{"seq": e.seq, "time": e.time, "who": e.who, "mode": e.mode, "line": lines[e.seq],
                          "in_force": e in x.state.in_force} for e in x.entries])  # fmt: skip


@frame.register
def _(x: Outcome) -> pd.DataFrame:
    if x.frames:
        return next(iter(x.frames.values()))
    return frame(x.ranking) if x.ranking is not None else _findings(x.findings)


@frame.register
def _(x: Ranking) -> pd.DataFrame:
    return _causes(x.causes)


@frame.register
def _(x: Cause) -> pd.DataFrame:
    return _findings((*x.evidence_for, *x.evidence_against))


@frame.register
def _(x: Finding) -> pd.DataFrame:
    return _findings((x,))


@frame.register
def _(x: Found) -> pd.DataFrame:
    return x.links


@frame.register
def _(x: ReplayReport) -> pd.DataFrame:
    return pd.DataFrame([m.plain() for m in x.mismatches], columns=["place", "value", "recorded", "found", "entry"])


@frame.register
def _(x: Contrast) -> pd.DataFrame:
    return x.table


@frame.register
def _(x: Plot) -> pd.DataFrame:
    return x.frame


@frame.register
def _(x: Window) -> pd.DataFrame:
    return _windows((x,))


@frame.register
def _(x: Baseline) -> pd.DataFrame:
    return _windows(x.windows)


@frame.register
def _(x: Symptom) -> pd.DataFrame:
    selected = _windows((x.window,)).assign(part="selection")
    return pd.concat([selected, frame(x.baseline).assign(part="baseline")]) if x.baseline else selected


@frame.register
def _(x: IngestReport) -> pd.DataFrame:
    return pd.DataFrame(x.as_json()["files"])


@frame.register
def _(x: Evidence) -> pd.DataFrame:
    raise UsageError(f"The rows of {x.id} lie in its case: case.frame({x.id!r}).")


def _causes(causes: Sequence[Cause]) -> pd.DataFrame:
    columns = ["rank", "kind", "entity", "confidence", "verdict", "onset_ns", "statement"]
    return pd.DataFrame([{name: getattr(cause, name) for name in columns} for cause in causes], columns=columns)


def _fields(x: object) -> dict[str, object]:
    """Return the fields of a small record by name; what is not plain is told in words."""
    plain = (str, int, float, bool, type(None))
    held = {field.name: getattr(x, field.name) for field in fields(cast("Any", x)) if field.repr}
    return {name: value if isinstance(value, plain) else explain(value) for name, value in held.items()}


def _windows(windows: tuple[Window, ...]) -> pd.DataFrame:
    return pd.DataFrame([{"start": iso(w.start_ns), "end": iso(w.end_ns), "minutes": w.minutes} for w in windows])


def _findings(findings: tuple[Finding, ...]) -> pd.DataFrame:
    rows = [{"statement": f.statement, "entity": f.entity, "signal": f.signal, "kind": f.kind, "supports": f.supports,
             "strength": f.strength, "evidence": ", ".join(e.id for e in f.evidence)} for f in findings]  # fmt: skip
    return pd.DataFrame(rows, columns=["statement", "entity", "signal", "kind", "supports", "strength", "evidence"])


def plot(x: object, *, case: Case | None = None, window: Window | None = None) -> Plot:
    """Return a chart of an object's rows; *case* gives selection and baseline.

    With *case*, outcomes, causes and findings fall back to the frozen evidence
    that they rest on. Raise `UsageError` where nothing in them makes a chart.

    >>> waits = pd.DataFrame({"label": ["v41", "v42"], "baseline": [11.0, 12.0], "current": [11.0, 68.0]})
    >>> plot(waits).caption
    'dataframe: v42 went from 12 to 68, the largest change.'
    """
    if isinstance(x, Plot):
        return x
    if isinstance(x, Evidence) and case is None:
        raise UsageError(f"Evidence {x.id} is drawn from its case; call plot(evidence, case=case).")
    symptom = case.symptom if case else None
    baseline = symptom.baseline if symptom else None
    tried: list[str] = []
    for name, rows in _candidates(x, case):
        shown = window or (symptom.window if symptom else _whole(rows))
        made = charts.chart(rows, name=name, window=shown, baseline=baseline)
        if made is not None:
            return Plot(made)
        tried = tried or [str(column) for column in rows.columns]
    hint = "" if case else " Findings and steps are drawn from their evidence: plot(…, case=case)."
    if not tried:
        raise UsageError(f"There is no chart of this {type(x).__name__}: it holds no rows and no findings to draw.")
    raise UsageError(f"There is no chart for columns {tried}: it takes time_ns and a figure, or a label with "
                     f"contributions, or with a baseline and a selection column.{hint}")  # fmt: skip


def _candidates(x: object, case: Case | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what could be drawn of an object, best first, each with its name."""
    if isinstance(x, Evidence) and case is not None:
        yield x.query, case.frame(x.id)
        return
    if isinstance(x, Outcome):
        yield from ((name.replace("_", " "), rows) for name, rows in x.frames.items())
    findings = _rests_on(x)
    if case is not None:
        for finding in findings:
            for item in finding.evidence:
                yield f"{finding.signal.replace('_', ' ')} [{item.id}]", charts.narrowed(case.frame(item.id), finding)
    if case is None or not (findings or isinstance(x, Outcome)):
        yield type(x).__name__.lower(), frame(x)


def _rests_on(x: object) -> tuple[Finding, ...]:
    if isinstance(x, Finding):
        return (x,)
    if isinstance(x, Cause):
        return x.evidence_for
    return x.findings if isinstance(x, Outcome) else ()


def _whole(rows: pd.DataFrame) -> Window:
    for column in ("time_ns", "start_ns", "bucket_ns"):
        if column in rows.columns and rows[column].notna().any():
            return Window(int(rows[column].min()), int(rows[column].max()) + 1)
    return Window(0, 1)


@singledispatch
def explain(x: object) -> str:
    """Return what an object says, in plain words.

    >>> explain(Window.parse("2026-03-01T13:40Z/2026-03-01T14:25Z"))
    '2026-03-01 13:40-14:25 UTC'
    """
    if is_dataclass(x) and not isinstance(x, type):
        said = "; ".join(f"{title(name)} {'unknown' if value is None else value}" for name, value in _fields(x).items())
        return f"{type(x).__name__}: {said}."
    return f"{x.title}: {x.caption}" if isinstance(x, Captioned) else repr(x)


@explain.register(list)
@explain.register(tuple)
def _(x: Sequence[object]) -> str:
    return "\n".join(explain(one) for one in x) or "There are none."


@explain.register
def _(x: str) -> str:
    return x


@explain.register
def _(x: Path) -> str:
    return str(x)


@explain.register
def _(x: Mapping) -> str:  # type: ignore[type-arg]
    return ", ".join(f"{name} {explain(value)}" for name, value in x.items()) or "There are none."


@explain.register
def _(x: Like) -> str:
    return x.words()


@explain.register
def _(x: RecordPath) -> str:
    return str(x)


@explain.register
def _(x: Case) -> str:
    about = f"{x.symptom.signal} of {x.symptom.entity}, {x.symptom.words()}. " if x.symptom else ""
    lead = f"Best lead: {explain(x.causes[0])} " if x.causes else ""
    return f"{x.id}: {about}{lead}Next: {next_step(x)}"


@explain.register
def _(x: Cause) -> str:
    counts = f"{len(x.evidence_for)} findings for it, {len(x.evidence_against)} against"
    factors = "; ".join(f"{title(name)} {value:.2g}" for name, value in x.factors.items())
    made = f" Confidence is made of {factors}." if factors else ""
    return f"{x.statement} ({x.verdict}, {share(x.confidence)} confidence; {counts}.){made}"


@explain.register
def _(x: Ranking) -> str:
    return "\n".join(f"{c.rank}. {explain(c)}" for c in x) or "No candidate stands out: no cause proven."


@explain.register
def _(x: Finding) -> str:
    return f"{x.statement} [{', '.join(e.id for e in x.evidence)}]"


@explain.register
def _(x: Outcome) -> str:
    return f"{x.summary} {' '.join(explain(f) for f in x.findings)}".strip()


@explain.register
def _(x: Evidence) -> str:
    return f"{x.id} is the frozen answer to {x.query}: {x.rows:,} rows in {x.file}."


@explain.register
def _(x: Found) -> str:
    return f"{x}."


@explain.register
def _(x: Window) -> str:
    return x.words()


@explain.register
def _(x: Baseline) -> str:
    return f"Compared with {x.rule}: {len(x.windows)} window{'s' * (len(x.windows) != 1)}."


@explain.register
def _(x: Symptom) -> str:
    return f"{x.signal} of {x.entity}, {x.words()}."


@explain.register
def _(x: Answer) -> str:
    missing = f" Missing: {'; '.join(x.gaps)}." if x.gaps else ""
    return f"{explain(x.evidence)}{missing}"


@explain.register
def _(x: Contrast) -> str:
    lead = f" First: {next(iter(x))}." if len(x) else " Nothing sets the selection apart."
    return f"{x.selected:,} rows against {x.compared:,}; {x.tested:,} conditions tested, {len(x)} differ.{lead}"


@explain.register
def _(x: Plot) -> str:
    return x.caption


@explain.register
def _(x: IngestReport) -> str:
    rows = ", ".join(f"{n:,} {name}" for name, n in x.rows.items()) or "no rows"
    return (
        f"{len(x.files)} files: {rows}; {sum(x.rejections.values()):,} things refused, {x.duplicates:,} there already."
    )


@explain.register
def _(x: pd.DataFrame) -> str:
    return f"{len(x):,} rows of {', '.join(str(c) for c in x.columns) or 'no columns'}."


@explain.register
def _(x: pa.Table) -> str:
    return f"{x.num_rows:,} rows of {', '.join(x.column_names) or 'no columns'}."


@explain.register
def _(x: ReplayReport) -> str:
    return x.badge
