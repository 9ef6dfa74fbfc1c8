"""A case as a readable page in the terminal: verdict, causes for and against, what could not run, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from workbench.case.case import Case
from workbench.case.replay import ReplayReport
from workbench.model.findings import Cause, Finding
from workbench.report.next_step import next_step
from workbench.report.summary import could_not_run
from workbench.report.words import clock, shape, share, title

_VERDICTS = {
    "proven": "Cause proven",
    "suspected": "Cause suspected, not proven",
    "none": "No cause proven",
}
_MOST_CAUSES = 5
_MOST_FINDINGS = 4


def print_report(case: Case, *, console: Console | None = None, replay: ReplayReport | None = None) -> None:
    """Print the report of a case; *console* decides colour and width."""
    (console or Console()).print(report(case, replay=replay))


def report(case: Case, *, replay: ReplayReport | None = None) -> RenderableType:
    """Return the report of a case; text from telemetry is shown as text, never as markup."""
    return Group(*_parts(case, replay))


def _parts(case: Case, replay: ReplayReport | None) -> Iterator[RenderableType]:
    yield Panel(_headline(case), title=Text(f" {case.id} ", style="bold"), title_align="left", padding=(1, 2))
    if case.ranking is not None and case.ranking.impact:
        yield _section("Impact", [_finding(finding, "◆") for finding in case.ranking.impact])
    causes = case.causes
    if causes:
        heading = "Causes" if case.ranking and case.ranking.verdict != "none" else "Strongest leads"
        yield _section(heading, [_cause(cause) for cause in causes[:_MOST_CAUSES]])
        if len(causes) > _MOST_CAUSES:
            weaker = f"… and {len(causes) - _MOST_CAUSES} weaker ones in the case"
            yield Padding(Text(weaker, style="dim"), (0, 0, 1, 4))
    if case.state.rejected:
        lines = [Text(f"✕ {cause}: {reason}") for cause, reason in case.state.rejected.items()]
        yield _section("Rejected", lines)
    yield _section("Steps", [_steps(case)])
    missing = could_not_run(case)
    if missing:
        yield _section("Could not run", [Text(f"— {title(m['step'])}: {m['reason']}") for m in missing])
    yield _section("Next", [Text(next_step(case))])
    yield Padding(_foot(case, replay), (0, 2, 1, 2))


def _headline(case: Case) -> RenderableType:
    verdict = case.ranking.verdict if case.ranking else "none"
    lines = [Text.assemble((f"{shape(verdict)} {_VERDICTS[verdict]}", "bold"))]
    if case.symptom is not None:
        about = f"{case.symptom.signal} of {case.symptom.entity} in {case.symptom.environment}"
        lines += [Text(about), Text(case.symptom.words(), style="dim")]
    if case.causes:
        best = case.causes[0]
        lines += [Text(), Text.assemble((best.statement, "bold"), f"  ({share(best.confidence)} confidence)")]
    return Group(*lines)


def _cause(cause: Cause) -> RenderableType:
    head = Text.assemble(
        (f"{cause.rank}. ", "bold"), (cause.statement, "bold"), _chips(f for f in (*cause.evidence_for,)[:1])
    )
    filled = round(cause.confidence * 20)
    facts = Text.assemble(
        ("━" * filled, "bold"), ("╌" * (20 - filled), "dim"), f" {share(cause.confidence)}  ",
        (f"{title(cause.kind)} · {cause.entity}", "dim"),
        (f" · since {clock(cause.onset_ns)}" if cause.onset_ns is not None else "", "dim"),
    )  # fmt: skip
    lines: list[RenderableType] = [head, facts]
    lines += [_finding(finding, "+") for finding in cause.evidence_for[:_MOST_FINDINGS]]
    lines += [_finding(finding, "-") for finding in cause.evidence_against[:_MOST_FINDINGS]]
    if len(cause.path) > 1:
        lines.append(Text(f"  path: {' → '.join(cause.path)}", style="dim"))
    return Padding(Group(*lines), (0, 0, 1, 0))


def _finding(finding: Finding, mark: str) -> Text:
    return Text.assemble(f"  {mark} {finding.statement}", _chips([finding]))


def _chips(findings: Iterator[Finding] | Sequence[Finding]) -> tuple[str, str]:
    ids = dict.fromkeys(e.id for f in findings for e in f.evidence)
    return (f" [{', '.join(ids)}]" if ids else "", "dim")


def _steps(case: Case) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, outcome in case.outcomes.items():
        table.add_row(Text(f"{shape(outcome.state)} {outcome.state}"), Text(title(name), style="bold"),
                      Text(outcome.could_not_run or outcome.summary))  # fmt: skip
    return table if case.outcomes else Text("No step has run yet.")


def _section(heading: str, lines: Sequence[RenderableType]) -> RenderableType:
    return Padding(Group(Text(heading.upper(), style="bold dim"), *lines), (0, 2, 1, 2))


def _foot(case: Case, replay: ReplayReport | None) -> Text:
    badge = f"{'✓' if replay.ok else '✕'} {replay.badge}\n" if replay else ""
    pieces = f"{len(case.evidence)} piece{'' if len(case.evidence) == 1 else 's'} of evidence"
    counted = f"{case.length()} entries, {pieces}, state {case.state_hash[:12]}"
    return Text(f"{badge}{counted}\n{case.path}", style="dim")
