"""Names of people that stand in no list: two capitalised words that name no product, place or method, by position."""

from __future__ import annotations

import re

from workbench.report.prose import vocabulary
from workbench.report.prose.grammar import (
    AUXILIARY,
    CONJUNCTION,
    HUMAN_ACTS,
    MACHINE_ACTS,
    PREPOSITION,
    THING,
    adverb,
    past,
)
from workbench.report.prose.proper_names import NOT_PEOPLE

_CAP = r"(?:[OD]['’])?[A-ZÀ-ÞĀ-Ž][a-zß-ÿā-ž]+(?:['’-][A-ZÀ-Þa-zß-ÿā-ž][a-zß-ÿā-ž]*)*"
_PARTICLE = r"(?:\s+(?:de|van|von|der|den|da|di|la|del|dos|el|al|bin|ibn|ter|ten|zu|le|du|y|e))*"
_PAIR = re.compile(rf"(?<![\w./:@#-])({_CAP})((?:{_PARTICLE}\s+{_CAP}){{1,3}})(?![\w/@]|-\w|\.\w|['’]\w)(['’]s)?")
_THINGS_BEFORE = vocabulary("""team project codename st san santa saint sankt host node cluster service model release
    branch called named dataset mount port lake storm region site campus plant depot store station street city tenant
    vendor supplier partner company bank a an our its each every any the in at near across around into los las el la le
    les new north south east west chatbot county province district hotel hospital clinic farm ship vessel version
    campaign holiday between table index topic queue cache on for with via to using against than like and or""")
"""Before a name of something: an article, a kind of thing, a place's preposition."""
_KINDS = _THINGS_BEFORE | vocabulary("hurricane cyclone typhoon mount cape hong kuala ho addis novi tel abu sri costa")
_PLACED_TO = re.compile(r"\b(?:back|assigned|handed|belongs?|given|traced|attributed|due|owned|thanks|reported) to\s*$")
_WITH = re.compile(r"\b(?:call|chat|talk|meeting|conversation|agreed|spoke|paired|session|deal|word) with\s*$")
_ALONE = re.compile(
    rf"\b(?:[Ll]et|[Aa]sk(?:ed)?|[Tt]old|[Tt]hanks to|(?:call|chat|talk|meeting|conversation|word|agreed"
    rf"|session) with|[Ii]t"
    rf" was|[Tt]rusted|[Pp]inged|[Ww]aited for|[Bb]lame|[Hh]anded to|[Cc]over(?:ed)? for) ({_CAP})(?![\w/@-]"
    rf"|\.\w)")  # fmt: skip
_OWNED = re.compile(
    rf"(?<![\w./@-])({_CAP})['’]s (?:own |old |local |private |personal |last )?(?:commits?|notebook|laptop|branch"
    rf"|scripts?"
    r"|merge|query|fork|crontab|cron|hotfix|patch|PR|pull request|review|approval|account|token|credentials|desk"
    r"|machine"
    r"|spreadsheet|sheet|mistake|edit|refactor\w*|holiday|vacation|absence|idea|home|workstation|checkout|stash|shell"
    r"|session|permission|login|password|name|words?|advice|suggestion|request)\b")  # fmt: skip
_WHO = re.compile(rf"\b({_CAP}),? (?:who|whose)\b")


def unlisted_name(text: str) -> str:
    """Return the first name that stands where a person does though no list holds it; empty where there is none."""
    for found in _PAIR.finditer(text):
        words = re.findall(_CAP, found[0])
        if len(words) > 1 and all(_unknown(w) for w in words[:2]) and _stands(text, found):
            return found[0]
    for pattern in (_ALONE, _OWNED, _WHO):
        for alone in pattern.finditer(text):
            before = re.findall(r"[\w-]+", text[: alone.start(1)])
            kind = before[-1].lower() if before and pattern is not _ALONE else ""
            if (
                _unknown(alone[1])
                and kind not in _THINGS_BEFORE
                and (pattern is not _ALONE or _free(text, alone.end()))
            ):
                return alone[1]
    return ""


def _stands(text: str, found: re.Match[str]) -> bool:
    """Say whether a pair of names stands for itself: no kind of thing before it, no noun behind it."""
    before, after = text[: found.start()], _next(text, found.end())
    if found[1].lower() in _KINDS or _method(found[2]):
        return False
    last = re.search(r"([\w-]+)\s*$", before)
    if last and last[1].lower() in _THINGS_BEFORE and not (_PLACED_TO.search(before) or _WITH.search(before)):
        return False
    if found[3]:
        return after not in THING or after in ("script", "notebook", "query", "cron", "commit", "branch")
    if after in MACHINE_ACTS or re.match(r"\s*\((?:our|the|an?)\b|, (?:our|the|an?) ", text[found.end() :]):
        return False
    if not before.strip(" -*"):
        # A sentence begins with a capital, whatever its first word is.
        return after in HUMAN_ACTS or (past(after) and after not in AUXILIARY)
    return _free(text, found.end())


def _method(rest: str) -> bool:
    """Say whether the last word makes a method or a product of a pair: Gradient Boosting, Data Factory."""
    return rest.lower().endswith(("ing", "tion", "ware", "base", "flow", "forest", "factory", "cloud", "store", "lake"))


def _free(text: str, at: int) -> bool:
    """Say whether no noun follows that a name would be the attribute of."""
    word = _next(text, at)
    return (
        not word or word in PREPOSITION or word in CONJUNCTION or word in AUXILIARY or past(word) or adverb(word)
        or word in ("the", "a", "an", "why", "how", "edit", "do", "run", "change", "merge", "that")
    )  # fmt: skip


def _next(text: str, at: int) -> str:
    found = re.match(r"\s*([^\W\d_][\w'’-]*)", text[at:])
    return found[1].lower() if found else ""


def _unknown(word: str) -> bool:
    """Say whether a capitalised word is no known product, place, method, department or function word."""
    parts = [part.lower() for part in re.split(r"[-'’]", word) if len(part) > 1]
    return bool(parts) and not any(p in NOT_PEOPLE or p in THING or p in PREPOSITION for p in parts)
