"""A person named among the causes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint

_SECTIONS = ("Trigger and contributing factors", "Rejected hypotheses")
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
         r"|ignored|missed|reverted|released|turned|set|left|had|did|was|broke|committed|uploaded)")  # fmt: skip
_FULL = re.compile(rf"\b({_NAME}) (?:(?:de|van|von|der|da|di|la) )*({_NAME})\b(?!\s+{_SYSTEM})")
_OWNED = re.compile(rf"\b({_NAME})['’]s\b")
_BY = re.compile(rf"\b(?:by|but|with|from|of|to|on|because|since|that) ({_NAME})\b(?!\s+{_SYSTEM})")
_ACTED = re.compile(rf"(?:^|[.;:,]\s*|\bthat |\bwhen )({_NAME}) {_ACTS}\b")
_ADDRESS = re.compile(r"(?<![\w/.])@[A-Za-z]\w+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ROLE = re.compile(r"\b(?:the|a|an|our) (?:[\w-]+ )?(?:new hire|intern|trainee|engineer|developer|administrator"
                   r"|contractor|junior|analyst|data scientist)\b", re.IGNORECASE)  # fmt: skip


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find owners, names, handles, addresses and single people by their role, in causes and rejected hypotheses."""
    owners = {line.cells[2].lower() for line in lines if line.section == "Actions" and len(line.cells) > 2}
    owners |= {CHIP.sub("", line.text).partition(":")[2].strip().lower() for line in lines
               if line.text.startswith("- Owner:")}  # fmt: skip
    owners -= {"", "unknown", "nobody yet"}
    for line in lines:
        if line.section in _SECTIONS and not line.text.startswith("#"):
            named = _named(line.bare, owners)
            if named:
                yield line, f"names a person as a cause: {named}"


def _named(text: str, owners: set[str]) -> str:
    """Return the first name of a person in a line; labels, quoted words and code are nobody's."""
    told = re.sub(r"^-\s+(?:\*\*[^*]*\*\*:?)?\s*", "", text)
    told = re.sub(r"'[^'\n]{1,200}'(?!\w)|`[^`]*`|\"[^\"]*\"|“[^”]*”", " ", told)
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
    return ""


LINT = Lint("person in causes", "Name the change, the missing check or the system instead of the person.", check)
