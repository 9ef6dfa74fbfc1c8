"""The postmortem of a case: one document, written as HTML, Markdown and a notebook, with a badge from a real replay."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from workbench.case.case import Case
from workbench.case.render import line
from workbench.case.replay import Progress, ReplayReport, replay
from workbench.errors import IntegrityError, UsageError
from workbench.report import guard, guard_trial, postmortem_impact, postmortem_proposals, postmortem_story
from workbench.report.document import Document, Section, Sentence, Source
from workbench.report.html import Shown, Sketch
from workbench.report.lint import Defect, lint
from workbench.report.notebook import LOOKS, write_notebook
from workbench.report.pages import output, stylesheet, template
from workbench.report.reading_case import CaseReader, Masked
from workbench.report.words import measured_words

DIGEST = "workbench-sha256"
MAX_BYTES = 5_000_000


@dataclass(frozen=True)
class Postmortem:
    """Name the written files, the replay behind the badge, what is to mend, and how long the draft took."""

    html: Path
    markdown: Path
    notebook: Path
    guard: Path | None
    replay: ReplayReport
    defects: tuple[Defect, ...]
    """What the lints say of the Markdown."""
    seconds: float

    @property
    def files(self) -> tuple[Path, ...]:
        """Every written file."""
        return tuple(p for p in (self.html, self.markdown, self.notebook, self.guard) if p is not None)

    def _repr_html_(self) -> str:
        facts = {"Written in": f"{self.seconds:.1f} s", "Files": ", ".join(p.name for p in self.files),
                 "To mend": str(len(self.defects)) if self.defects else "nothing"}  # fmt: skip
        lines = [str(found) for found in (*self.replay.mismatches, *self.defects)]
        heading = f"{'✓' if self.replay.ok else '✕'} {self.replay.badge}"
        return output("facts.html.j2", heading=heading, facts=facts, causes=[], lines=lines)


def write_postmortem(
    case: Case,
    out: str | Path | None = None,
    *,
    clock: Callable[[], int] = time.time_ns,
    progress: Progress | None = None,
    masked: Masked | None = None,
) -> Postmortem:
    """Replay a case and write its postmortem into *out*, by default a folder beside the case.

    *masked* says what was masked in a copy that is being shared; a copy that was shared says it by itself.
    """
    begun = time.monotonic()
    report = replay(case.path, clock=clock, progress=progress)
    document = draft(case, masked)
    folder = Path(out) if out is not None else case.path.parent.parent / "postmortems" / case.id
    folder.mkdir(parents=True, exist_ok=True)
    page = html(document, report, case.entries[-1].hash)
    if len(page.encode()) > MAX_BYTES:
        raise UsageError(f"The postmortem of {case.id} takes {len(page.encode())} bytes; at most {MAX_BYTES} are "
                         "written. Take back steps with many findings: case.undo(seq).")  # fmt: skip
    html_path, markdown_path = folder / f"{case.id}.html", folder / f"{case.id}.md"
    html_path.write_text(page, encoding="utf-8")
    marked = markdown(document, report)
    markdown_path.write_text(marked, encoding="utf-8")
    rule = next((s.code for s in document.sections if s.name == "detection"), "")
    rule_path = folder / f"{case.id}-guard.odcs.yaml" if rule else None
    if rule_path is not None:
        rule_path.write_text(rule, encoding="utf-8")
    notebook = write_notebook(case, folder / f"{case.id}.ipynb", looks=LOOKS)
    defects = tuple(lint(marked))
    return Postmortem(html_path, markdown_path, notebook, rule_path, report, defects, time.monotonic() - begun)


def draft(case: Case, masked: Masked | None = None) -> Document:
    """Return the document of a begun case; what nobody knows is said to be unknown."""
    of = CaseReader(case, masked)
    impact, proposals, story = postmortem_impact, postmortem_proposals, postmortem_story
    known = of.signature(of.lead) if of.lead and of.named else None
    tried = guard_trial.trial(of, of.lead) if of.lead and known else None
    seen_in = (tried.finding if tried else of.lead).entity if of.lead else ""
    rule = guard.rule(of.lead, known.guard, tried, of.written_in(seen_in)) if of.lead and known else ""
    parts = (
        Section("summary", "Summary", tuple(story.summary(of))),
        Section("impact", "Impact", tuple(impact.impact(of))),
        Section("detection", "Detection", tuple(impact.detection(of, tried)), code=rule,
                code_title="The guard as an ODCS quality rule"),
        Section("timeline", "Timeline", head=("When", "What", "Event"), rows=story.timeline(of)),
        Section("causes", "Trigger and contributing factors", tuple(story.causes(of))),
        Section("rejected", "Rejected hypotheses", tuple(story.rejected(of))),
        Section("model", "Facts of the model", tuple(impact.model_facts(of))),
        Section("response", "Response", tuple(story.response(of))),
        Section("mitigation", "Mitigation and verification", tuple(story.mitigation(of))),
        Section("went", "How it went", tuple(proposals.went(of))),
        _actions(of),
        Section("lessons", "Lessons", tuple(story.lessons(of))),
        Section("limits", "Masked fields and limits", tuple(story.limits(of))),
    )  # fmt: skip
    reviewed = of.entries("review")
    facts = (
        Sentence(f"{measured_words(of.symptom.signal, of.symptom.entity)} ({of.symptom.signal})", ("J0",), "Symptom"),
        Sentence(of.symptom.words(), ("J0",), "Compared"),
        Sentence(reviewed[-1].arguments["status"] if reviewed else "draft",
                 tuple(f"J{e.seq}" for e in reviewed[-1:]), "Postmortem"),
        Sentence(case.state.owner or "nobody yet", tuple(f"J{e.seq}" for e in of.entries("assign")[-1:]), "Owner"),
    )  # fmt: skip
    return Document(case.id, story.heading(of), parts, _sources(case), facts, tuple(case.lines()), _charts(of))


def _charts(of: CaseReader) -> dict[str, tuple[Shown, ...]]:
    """Return the symptom's chart for the impact; where its evidence was changed, none."""
    try:
        found = Sketch(of.case).of_findings(of.ranking.impact if of.ranking else ())[:1]
    except IntegrityError:
        # Evidence that was changed is named elsewhere; no picture is drawn of it.
        return {}
    return {"impact": tuple(found)} if found else {}


def _actions(of: CaseReader) -> Section:
    rows = postmortem_story.actions(of)
    none = () if rows else (Sentence("No action has been agreed on yet."),)
    return Section("actions", "Actions", none, ("Action", "Type", "Owner", "Due", "Verified by", "State"), rows)


def _sources(case: Case) -> tuple[Source, ...]:
    evidence = [Source(e.id, e.query, e.file, e.sha256, e.rows) for e in case.evidence.values()]
    journal = [Source(f"J{e.seq}", line(e), "journal.jsonl", e.hash, None) for e in case.entries]
    return (*evidence, *journal)


def html(document: Document, report: ReplayReport, head: str) -> str:
    """Return the page; its last line holds the SHA-256 of everything before it."""
    style = stylesheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    broken = {name for m in report.mismatches for name in _chip_of(m.place, m.entry)}
    texts = {name: text_digest(s.text) for name, s in document.sentences()}
    digests = {"case": document.case, "head": head, "state": report.state_hash,
               "sources": {s.id: s.sha256 for s in document.sources}, "sentences": texts}  # fmt: skip
    body = template("postmortem.html.j2").render(
        document=document, replay=report, style=Markup(style), style_hash=f"sha256-{digest}", broken=sorted(broken),
        digests=json.dumps(digests, sort_keys=True),
    )  # fmt: skip
    body = body.rstrip("\n") + "\n"
    return f"{body}<!-- {DIGEST} {hashlib.sha256(body.encode()).hexdigest()} -->\n"


def _chip_of(place: str, entry: int | None) -> tuple[str, ...]:
    """Return the chips that a mismatch speaks of."""
    named = re.search(r"\bE\d+\b", place)
    return tuple(x for x in (named and named[0], None if entry is None else f"J{entry}") if x)


def text_digest(text: str) -> str:
    """Return the digest of a sentence's words, however they are spaced."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def markdown(document: Document, report: ReplayReport) -> str:
    """Return the document as Markdown in which nothing from telemetry is markup."""
    return template("postmortem.md.j2").render(document=document, replay=report, md=lambda t: Markup(_escaped(t)),
                                                fenced=lambda t: Markup(t.rstrip()))  # fmt: skip


def _escaped(text: str) -> str:
    escaped = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]#!|$~])", r"\\\1", escaped)
