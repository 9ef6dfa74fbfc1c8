"""A person named among the causes, or blamed anywhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import CHIP, Found, Line, Lint
from workbench.report.prose import own_words
from workbench.report.prose.logins import initials_of, login_of, quoted_address
from workbench.report.prose.people import person
from workbench.report.prose.roles import single_human
from workbench.report.prose.unlisted import unlisted_name

_SECTIONS = ("Trigger and contributing factors", "Rejected hypotheses")
_ELSEWHERE = ("Summary", "Impact", "Detection", "Response", "Mitigation and verification", "How it went", "Lessons",
              "Timeline")  # fmt: skip
_ROLED = ("Summary", "Lessons", "Detection", "Impact")
_HURT = re.compile(
    r"\b(?:broke|caused|crashed|deleted|dropped|wiped|overwrote|ignored|missed|skipped|forgot|bypassed|rushed"
    r"|disabled|muted|silenced|snoozed|misread|misconfigured|mistyped|messed|botched|screwed|slept|pushed|ran|merged"
    r"|deployed|edited|changed|left|wrote|approved|introduced|shipped|took down|brought down|failed|let"
    r"|did(?: not|n['’]t)|never|without|instead of|needs? to|must|has to|have to|ought|next time|again|blamed?|fault"
    r"|responsible|guilty|culprit|careless\w*|untested|unreviewed|wrong\w*|bad|broken|mistake\w*|because of|due to"
    r"|thanks to|single-handedly|turned|picked|waited|delayed|refused|insisted|hesitated|asleep|late)\b",
    re.IGNORECASE)  # fmt: skip
"""What is said of somebody who is blamed."""
_HELP = re.compile(
    r"\b(?:roll(?:s|ed|ing)? back|revert\w*|rollback|fix\w*|mitigat\w+|restor\w+|found|finds|join\w*|page[sd]?|paging"
    r"|acknowledge\w*|hand(?:s|ed)? over|takes? over|took over|confirm\w*|open(?:s|ed) the|resolved?|declare[sd]?"
    r"|backfill\w*|put(?:s|ting)? back|report(?:s|ed)|assign\w*|escalate[sd]?|post(?:s|ed)|call(?:s|ed))\b",
    re.IGNORECASE)  # fmt: skip
"""What responders do: to name them there is a record, not blame."""
_CHANNEL = re.compile(r"(?<![\w/])#[a-z][\w-]*")
_LAPSE = re.compile(r"\bbecause (?:of )?|\bdid(?: not|n['’]t)\b|\bwrong\b|\bmuted\b|\bforgot|\bignored|\bnever\b",
                    re.IGNORECASE)  # fmt: skip


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
    told = own_words(text)
    for owner in sorted(owners):
        if re.search(rf"(?<![\w./:-]){re.escape(owner)}(?![\w/:-])", told.lower()):
            return owner
    named = quoted_address(text) or person(told) or unlisted_name(told) or initials_of(told)
    return named or login_of(re.sub(r"[`\"]", "", text)) or single_human(_CHANNEL.sub(" thing ", told))


def _blamed(line: Line) -> str:
    """Return who is blamed in a line outside the causes: a name or a single role, with words of harm, not of help."""
    told = own_words(" ".join(line.cells[2:-1]) if line.cells else line.bare)
    if not _HURT.search(told) or (_HELP.search(told) and not _LAPSE.search(told)):
        return ""
    named = person(told)
    return named or (single_human(told) if line.section in _ROLED else "")


LINT = Lint("person in causes", "Name the change, the missing check or the system instead of the person.", check)
