"""People told by a name, initials, a handle or an address, and by what only people do."""

from __future__ import annotations

import re

from workbench.report.given_names import AMBIGUOUS, given_name
from workbench.report.prose import vocabulary
from workbench.report.prose.addresses import address, login
from workbench.report.prose.grammar import (
    AUXILIARY,
    CONJUNCTION,
    HUMAN_ACTS,
    MACHINE_ACTS,
    PREPOSITION,
    STRICT_ACTS,
    THING,
    adverb,
    past,
)  # fmt: skip
from workbench.report.prose.proper_names import ACRONYMS, NOT_PEOPLE

_OWNS = vocabulary("""commit commits notebook notebooks change changes laptop merge query queries script scripts
    branch pr patch approval
    mistake mistakes account token credentials fork refactor refactoring edit edits fix hotfix push message mail email
    request decision idea word shift watch pull migration review local machine spreadsheet vacation holiday leave
    absence departure typo oversight haste desk home assumption suggestion experiment crontab cron key""")
_NOUN_ACTS = vocabulary("""merge push change edit commit deploy rollout migration approval update override restart
    deletion removal request decision hotfix rename review upload export refactor switch release test""")
"""Acts that are told as nouns: merge by, approval by."""
_BEFORE_THING = vocabulary("""team project codename codenamed st san santa saint host node cluster service model
    release branch called named
    nicknamed dataset mount port lake storm hurricane cyclone typhoon operation region site campus plant depot store
    station street city tenant namespace topic job table index cache queue vendor supplier partner company bank the a an
    wind county province district hotel hospital clinic farm ship vessel train sprint version mission satellite robot
    holiday feast squad bot called los las el la le les fort new north south east west chatbot assistant llm persona
    our""")
"""Words that make a name after them something else's."""
_TITLE = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|Herr|Frau|Mme|M|Sr|Sra|Señor|Ing)\.?\s+(?=[A-ZÀ-Þ][a-zß-ÿ])")
_INITIALED = re.compile(
    r"(?<![\w.])(?:[A-Z]\.[ -]?){1,2}(?:(?:de|van|von|der|da|di|la|el|al|bin|ter|ten) )*[A-ZÀ-Þ][a-zß-ÿ'’]+[\w’'-]*"
    r"|(?<![\w.])[A-ZÀ-Þ][a-zß-ÿ]+ [A-Z]\.(?=[\s,;)]|$)")  # fmt: skip
_BARE_INITIALS = re.compile(r"(?<![\w.])(?:[A-Z]\.[ -]?){1,2}[A-Z]\.?(?![\w.])")
_ABBREVIATIONS = vocabulary(
    "ROI US UK USA EU AI PO IOU QA NB VAT RIP DC LA NY PS AM PM SA BV NV GDPR UAE UN PR HR IT IP TV DJ MD BA NA PhD "
    "RSVP ETA AKA FYI EG IE"
)
_CAPITALS = re.compile(r"(?<![\w./-])([A-Z]{2,3})(?![\w/-])")
_WORD = re.compile(r"(?<![\w./:@#-])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\w/@]|:\w|\.\w)")
_PARTICLES = vocabulary("de van von der da di la del dos el al bin ter ten zu le du")
_AWAY = re.compile(r"\s+(?:was|is|were|had gone|went|being) (?:\w+ )?(?:on|off|at|in) (?:vacation|holidays?|leave"
                   r"|sick|pto|"
                   r"lunch|duty|call|shift|a (?:plane|flight|meeting))\b|\s+was (?:sick|ill|away|asleep"
                   r"|off)\b")  # fmt: skip


def person(text: str) -> str:
    """Return the first person of a text by name, initials, handle or address; empty where there is none."""
    if found := address(text) or login(text):
        return found
    if title := _TITLE.search(text):
        return text[title.start() :].split(",")[0][:40]
    return _initials(text) or _name(text)


def _initials(text: str) -> str:
    """Return the first initials that stand for somebody, with or without a surname."""
    for found in _INITIALED.finditer(text):
        name = [w for w in re.findall(r"[^\W\d_]{2,}", found[0]) if w not in _PARTICLES]
        if found[0][-1] == "." and not any(given_name(w) for w in name):
            continue
        if not all(w.lower() in NOT_PEOPLE for w in name) and _free(_next(text, found.end())):
            return found[0]
    for found in _BARE_INITIALS.finditer(text):
        letters = re.sub(r"[^A-Z]", "", found[0])
        if letters not in _ABBREVIATIONS and _free(_next(text, found.end())):
            return found[0]
    for found in _CAPITALS.finditer(text):
        before, after = text[: found.start()], _next(text, found.end())
        acted = re.search(r"\b(\w+)(?: \w+){0,2} by\s*$", before)
        own = not before.strip() or re.search(r"[.:;(]\s*$|\b(?:when|after|because|that)\s*$", before)
        if found[1] in ACRONYMS:
            continue
        if (acted and acted[1].lower() in HUMAN_ACTS and _free(after)) or (own and after.lower() in STRICT_ACTS):
            return found[1]
    return ""


def _free(word: str) -> bool:
    """Say whether no noun follows, so that what stands before is not its attribute."""
    lower = word.lower()
    return (
        not word or lower in PREPOSITION or lower in CONJUNCTION or lower in AUXILIARY or past(lower) or adverb(lower)
        or word[0].isupper() or lower in ("whose", "the", "a", "an")
    )  # fmt: skip


def _next(text: str, at: int) -> str:
    """Return the word that follows, empty at the end of a clause."""
    found = re.match(r"\s*([^\W\d_][\w'’-]*)", text[at:])
    return found[1] if found else ""


def _name(text: str) -> str:
    """Return the first name of a person, by the list of given names and by what is said of it."""
    found = list(_WORD.finditer(text))
    for place, match in enumerate(found):
        word = re.sub(r"['’]s$", "", match[0])
        if "-" in word and not all(given_name(part) for part in word.split("-")[:1]):
            continue
        if not (word[0].isupper() or given_name(word)) or (word.isupper() and 1 < len(word) < 5):
            continue
        if named := _at(text, [m[0] for m in found], place, match, word):
            return named
    return ""


def _at(text: str, words: list[str], place: int, match: re.Match[str], word: str) -> str:
    """Return the name at a place, where its surroundings make it a person's."""
    previous = words[place - 1].lower() if place and re.fullmatch(r"[\s.]+", _gap(text, words, place, match)) else ""
    surname, end = _surname(text, match)
    after, owned = _next(text, end), bool(re.search(r"['’]s$", text[match.start() : end]))
    mine = owned and given_name(word) and word.lower() not in NOT_PEOPLE | AMBIGUOUS
    if (
        previous in _BEFORE_THING
        or _gloss(text[end:])
        or (not mine and (_thing(after) or after.lower() in MACHINE_ACTS))
    ):
        return ""
    if owned and not surname:
        return match[0] if mine or (after.lower() in _OWNS and _unknown(word)) else ""
    acts, strict = _acts(text[end:])
    by = _by(text[: match.start()]) and _free(after)
    if given_name(word) and (surname or (word.lower() not in NOT_PEOPLE and word.lower() not in AMBIGUOUS)):
        return text[match.start() : end]
    if word[0].islower():
        return ""
    if surname and _unknown(word) and _unknown(surname):
        return text[match.start() : end] if acts or by else ""
    alone = _unknown(word) or (word.lower() in AMBIGUOUS and given_name(word))
    if (
        alone
        and not surname
        and (strict or by or _AWAY.match(text[end:]) or (acts and previous in ("when", "after", "because")))
    ):
        return word
    return ""


def _gap(text: str, words: list[str], place: int, match: re.Match[str]) -> str:
    """Return what stands between a word and the one before it."""
    before = text[: match.start()]
    return before[before.rfind(words[place - 1]) + len(words[place - 1]) :]


def _surname(text: str, match: re.Match[str]) -> tuple[str, int]:
    """Return the surname that follows a name, and where the whole name ends."""
    pattern = (
        r"(?:\s+(?:"
        + "|".join(_PARTICLES)
        + r"))*\s+([A-ZÀ-ÞŁŚŽŠČĆ][^\W\d_]*[a-zß-ÿ](?:['’-]?[A-Za-zÀ-ÿ]+)*)(?![\w/@-]|\.\w)"
    )
    end, last = match.end(), ""
    if re.search(r"['’]s$", match[0]):
        return "", end
    while found := re.match(pattern, text[end:]):
        last, end = re.sub(r"['’]s$", "", found[1]), end + found.end()
    return last, end


def _unknown(word: str) -> bool:
    """Say whether a capitalised word is no known product, place, department or function word."""
    return (
        word[0].isupper()
        and word.lower() not in NOT_PEOPLE
        and not word.isupper()
        and not re.search(r"[a-z][A-Z]", word)
    )


def _thing(word: str) -> bool:
    return word.lower().removesuffix("'s").removesuffix("’s").rpartition("-")[2] in THING and word[:1].islower()


def _gloss(rest: str) -> bool:
    """Say whether a gloss says what a name is: Casper (our feature cache), Otto, the scheduler."""
    gloss = re.match(r"\s*[(,–—-]\s*(?:our|the|an?|internal|its)\s+((?:[\w-]+\s*){1,4}?)(?=[),.;:–—]|\s-\s|$)", rest)
    return bool(gloss) and any(_thing(w) for w in gloss[1].split()) if gloss else False


def _acts(rest: str) -> tuple[bool, bool]:
    """Say whether what follows is an act of people, and whether of nobody but people."""
    following = re.findall(r"[^\W\d_][\w'’-]*|[.,;:()]", rest)[:5]
    following = following[1:] if following[:1] == ["and"] else following
    while following and (following[0].lower() in AUXILIARY or adverb(following[0])):
        following.pop(0)
    verb = following[0].lower() if following else ""
    return verb in HUMAN_ACTS, verb in STRICT_ACTS


def _by(before: str) -> bool:
    """Say whether what stands before makes the name the agent of an act of people: merged by, approved yesterday by."""
    found = re.search(r"\b([\w-]+)((?:\s+[\w-]+){0,5}?)\s+(?:by|from)\s*$", before)
    if not found or not before.rstrip().endswith("by"):
        return False
    near = [w.lower() for w in re.findall(r"[\w-]+", before)[-7:-1]]
    return any(past(w) or w in _NOUN_ACTS for w in near) and not any(w in MACHINE_ACTS for w in near)
