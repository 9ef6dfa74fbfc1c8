"""A person named among the causes, or blamed anywhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.given_names import given_name
from workbench.report.lints import CHIP, Found, Line, Lint

_SECTIONS = ("Trigger and contributing factors", "Rejected hypotheses")
_ELSEWHERE = ("Summary", "Impact", "Detection", "Response", "Mitigation and verification", "How it went", "Lessons",
              "Timeline")  # fmt: skip
_NAME = r"[A-ZÀ-Þ][a-zß-ÿ]+"
_COMMON = """A Airflow All Amazon An And Apache April August Azure Because But Canada Cause Causes Change
    Changes Code Codes Commit Commits Data December Deploy Deploys Drift Errors Every Evidence February Feed Feeds Flag
    Friday GitHub Google Grafana If In Inputs It January Job Jobs July June Kafka Kubernetes Latency Mapping March May
    Microsoft Model Models Monday Most Nobody No November Nulls October On One Open Pipeline Pipelines Postgres
    Prometheus Proven Python Release Releases Requests Router Rows Saturday Schema September Service Services Snapshot
    Somebody Source Sources Spark Sunday Suspected Table Team Telemetry That The They This Those Thursday Training
    Tuesday Unmapped Users Values Version Versions Wednesday What When With"""
_NOT_NAMES = frozenset(re.findall(r"\w+", _COMMON))
"""Words that begin a sentence or name a system."""
_SYSTEM = (r"(?:services?|platforms?|team|jobs?|tables?|systems?|store|servers?|lake|queue|cluster|feeds?|pipeline"
           r"|models?|region|index|alert|limit)\b")  # fmt: skip
_ACTS = (r"(?:merged|raised|edited|changed|muted|deployed|approved|touched|stopped|wrote|pushed|knew|restarted|deleted"
         r"|ignored|missed|reverted|released|turned|set|left|broke|committed|uploaded)")  # fmt: skip
_THING = (r"on[- ]?call|checklists?|feedback|tools?|process|forms?|lists?|console|inputs?|overrides?|keys?|pool"
          r"|team|guide|role|rota|portal|account|index|table|service|model|region|queue|page|review|log"
          r"|node|id"
          r"|time|latency|count|share|score|rate|s\b")  # fmt: skip
_FULL = re.compile(rf"\b({_NAME}) (?:(?:de|van|von|der|da|di|la) )*({_NAME})\b(?!\s+{_SYSTEM})")
_OWNED = re.compile(rf"\b({_NAME})['’]s\b")
_BY = re.compile(rf"\b(?i:by|but|with|from|of|to|on|because|since|that) ({_NAME})\b(?!\s+{_SYSTEM})")
_ACTED = re.compile(rf"(?:^|[.;:,]\s*|\bthat |\bwhen )({_NAME}) {_ACTS}\b")
_ADDRESS = re.compile(r"(?<![\w/.])@[A-Za-z]\w+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SOMEONE = (
    r"(?:new hire|new starter|newcomer|intern|trainee|apprentice|engineer|developer|dev|programmer|administrator|admin"
    r"|sysadmin|contractor|consultant|junior|senior|analyst|data scientist|scientist|operator|colleague|teammate"
    r"|reviewer|author|maintainer|manager|lead|responder|person|individual|employee|member|student|guy|freelancer)"
)
_ROLE = re.compile(rf"\b(?:the|a|an|one|our|this|that|some|single|another) (?:[\w-]+ ){{0,2}}{_SOMEONE}\b"
                   rf"(?! (?:{_THING}))", re.IGNORECASE)  # fmt: skip
_HURT = re.compile(
    r"\b(?:broke|caused|crashed|deleted|dropped|wiped|overwrote|ignored|missed|skipped|forgot|bypassed|rushed"
    r"|disabled|muted"
    r"|silenced|snoozed|misread|misconfigured|mistyped|messed|botched|screwed|slept|pushed|ran|merged|deployed|edited"
    r"|changed|left|wrote|approved|introduced|shipped|took down|brought down|failed|let|did(?: not|n['’]t)|never"
    r"|without"
    r"|instead of|needs? to|must|has to|have to|ought|next time|again|blamed?|fault|responsible|guilty|culprit"
    r"|careless\w*"
    r"|untested|unreviewed|wrong\w*|bad|broken|mistake\w*|because of|due to|thanks to|single-handedly)\b",
    re.IGNORECASE)  # fmt: skip
"""What is said of somebody who is blamed."""
_HELP = re.compile(
    r"\b(?:roll(?:s|ed|ing)? back|revert\w*|rollback|fix\w*|mitigat\w+|restor\w+|found|finds|join\w*|page[sd]?|paging"
    r"|acknowledge\w*|hand(?:s|ed)? over|takes? over|took over|confirm\w*|open(?:s|ed) the|noticed|resolved?"
    r"|declare[sd]?"
    r"|backfill\w*|put(?:s|ting)? back|report(?:s|ed)|assign\w*|escalate[sd]?|post(?:s|ed)|tells|told|call(?:s|ed))\b",
    re.IGNORECASE)  # fmt: skip
"""What responders do: to name them there is a record, not blame."""
_UNTOLD = re.compile(rf"(?:^|[.;:,]\s*)({_NAME}) (?:did(?: not|n['’]t)|never|forgot to|failed to) (?:tell|told|ask"
                     rf"|mention|inform"
                     r"|talk|bother|read|think|thought|announce|look|speak|listen|care)")  # fmt: skip
"""What only people leave undone, so that its subject is a name, known or not."""
_ROLED = ("Summary", "Lessons", "Detection", "Impact")


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find owners, names, handles, addresses and single people by their role, in causes and rejected hypotheses."""
    owners = {line.cells[2].lower() for line in lines if line.section == "Actions" and len(line.cells) > 2}
    owners |= {CHIP.sub("", line.text).partition(":")[2].strip().lower() for line in lines
               if line.text.startswith("- Owner:")}  # fmt: skip
    owners -= {"", "unknown", "nobody yet"}
    for line in lines:
        if line.text.startswith("#"):
            continue
        if line.section in _SECTIONS and (named := _named(line.bare, owners)):
            yield line, f"names a person as a cause: {named}"
        elif line.section in _ELSEWHERE and (named := _blamed(line)):
            yield line, f"blames a person: {named}"


def _named(text: str, owners: set[str]) -> str:
    """Return the first name of a person in a line; labels, quoted words and code are nobody's."""
    told = _told(text)
    for owner in sorted(owners):
        if re.search(rf"(?<![\w./:-]){re.escape(owner)}(?![\w/:-])", told.lower()):
            return owner
    for pattern in (_ADDRESS, _ROLE):
        if found := pattern.search(told):
            return found[0]
    for pattern in (_FULL, _OWNED, _BY, _ACTED):
        for found in pattern.finditer(told):
            if not _NOT_NAMES & {name for name in found.groups() if name}:
                return found[0].strip(" .;:,")
    return _given(told)


def _told(text: str) -> str:
    """Return a line's own words, without its label, quoted words and code."""
    told = re.sub(r"^-\s+(?:\*\*[^*]*\*\*:?)?\s*", "", text)
    return re.sub(r"'[^'\n]{1,200}'(?!\w)|`[^`]*`|\"[^\"]*\"|“[^”]*”", " ", told)


def _given(told: str) -> str:
    """Return the first given name of a line that is no part of another name, such as a path or a host."""
    words = re.finditer(r"(?<![\w./:@-])[^\W\d_]{2,}(?![\w/:@-]|\.\w)", told)
    return next((w[0] for w in words if given_name(w[0])), "")


def _blamed(line: Line) -> str:
    """Return who is blamed in a line outside the causes: a name or a single role, with words of harm, not of help."""
    told = _told(" ".join(line.cells[2:-1]) if line.cells else line.bare)
    harmful = _HURT.search(told)
    if not harmful or _HELP.search(told):
        return ""
    handle = _ADDRESS.search(told)
    role = _ROLE.search(told) if line.section in _ROLED else None
    full = next((m for m in _FULL.finditer(told) if any(given_name(n) for n in m.groups())), None)
    untold = next((m for m in _UNTOLD.finditer(told) if m[1] not in _NOT_NAMES), None)
    found = full or handle or role or untold
    return found[0].strip(" .;:,") if found else _given(told)


LINT = Lint("person in causes", "Name the change, the missing check or the system instead of the person.", check)
