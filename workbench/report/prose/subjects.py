"""Who does what a verb says: the head of the clause before it, a person, a group of people, or a machine."""

from __future__ import annotations

import re

from workbench.report.given_names import given_name
from workbench.report.prose import vocabulary
from workbench.report.prose.grammar import AUXILIARY, CONJUNCTION, DETERMINER, PREPOSITION, SYSTEM, adverb, words

ROLES = vocabulary("""engineer analyst developer dev programmer coder intern trainee apprentice newcomer newbie
    rookie contractor
    consultant freelancer scientist researcher statistician colleague co-worker coworker teammate employee staffer
    student graduate dba sysadmin administrator technician marketer trader underwriter accountant clerk officer director
    chief ceo cto cfo coo vp founder architect designer tester annotator labeller moderator supervisor boss mentor
    person individual guy man woman lady gentleman on-caller oncaller on-call oncall responder committer approver author
    maintainer reviewer junior senior hire joiner starter copywriter copyeditor modeller modeler quant actuary
    pharmacist radiologist dispatcher-on-duty sre beginner expert specialist coordinator assistant-manager merchandiser
    buyer inspector auditor translator secretary receptionist electrician fitter mechanic pricer editor-in-chief
    webmaster bookkeeper volunteer subcontractor fellow postdoc professor teacher steward superuser
    secondee temp temporary-worker jobber helper aide deputy locum resident nurse physician doctor foreman captain
    chairman secretary-general cleaner scrum-master team-lead lead-engineer tech-lead newbie novice greenhorn fresher
    colleague's""")
"""One human by what he or she does; the plural is a group."""
_GROUPS = vocabulary("""we they he she i you us everybody everyone somebody someone anybody anyone nobody people
    folks humans team teams
    crew crews shift shifts staff personnel squad squads guild department departments management leadership ops qa devs
    engineering marketing support finance legal procurement operations sales whoever folk humans colleagues personnel
    managers operators admins owners leads staffers oncalls reviewers none-of-us ourselves themselves desk
    handover-crew rotation""")
_PARTIES = vocabulary(
    "customer customers user users partner partners supplier suppliers owner owners vendor vendors leader leaders"
)
_CLAUSE = re.compile(
    r"[.;:()|=]\s|[.;:()|=]$|, |\s[–—-]\s|\b(?:because|so|and|but|that|which|while|when|where|after|before|as|since|if"
    r"|although|though|until|then|who|whereas|hence|thus)\b",
    re.IGNORECASE)  # fmt: skip


def human_noun(word: str) -> bool:
    """Say whether a word names a person by a role, or a group of people."""
    lower = word.lower().removesuffix("'s").removesuffix("’s")
    return lower in _GROUPS or lower in ROLES or (lower.endswith("s") and lower[:-1] in ROLES)


def subject(text: str, at: int) -> list[str]:
    """Return the words of the subject of a verb that begins at *at*; empty where the clause names none.

    >>> subject("The lag rose, and the night crew simply ignored it", 40)
    ['night', 'crew']
    """
    before = text[:at]
    for clause in reversed(_CLAUSE.split(before)):
        found = words(clause)
        while found and (adverb(found[-1]) or found[-1].lower() in AUXILIARY):
            found.pop()
        found = found[next((n for n, w in enumerate(found) if w.lower() not in CONJUNCTION), len(found)):]  # fmt: skip
        if not found or found[0].lower() in PREPOSITION:
            continue
        head = next((n for n, w in enumerate(found) if w.lower() in PREPOSITION), len(found))
        if found[0].lower() == "one" and head == 1:
            head = len(found)
        return [w for w in found[:head] if w.lower() not in DETERMINER or w.lower() == "one"]
    return []


def human_subject(text: str, at: int) -> bool:
    """Say whether the subject of a verb is a person or a group of people."""
    found = subject(text, at)
    if not found:
        return False
    head = found[-1]
    if human_noun(head) or found[0].lower() == "team" or head.lower() == "one":
        return True
    return given_name(head) and head[0].isupper() and head.lower() not in SYSTEM


def machine_subject(text: str, at: int) -> bool:
    """Say whether the subject of a verb is a machine, a program or data."""
    found = subject(text, at)
    return bool(found) and not human_subject(text, at) and _machine(found[-1])


def _machine(word: str) -> bool:
    lower = word.lower().removesuffix("'s").removesuffix("’s")
    last = lower.rpartition("-")[2]
    if last.endswith(("er", "or", "ware", "logic", "code", "algorithm")) and last not in _PARTIES:
        return True
    return last in SYSTEM or any(c.isdigit() for c in word) or (word.isupper() and len(word) > 1)
