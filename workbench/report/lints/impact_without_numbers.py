"""An impact without a figure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.figures import in_words, plain
from workbench.report.lints import Found, Line, Lint

_VAGUE = re.compile(
    r"\b(?:many|several|some|few|fewer|most|majority|minority|numerous|countless|various|plenty|lots?|handful|bunch"
    r"|bulk"
    r"|subset|portion|fraction|percentage|part of|large|larger|small|smaller|huge|tiny|big|bigger|massive|enormous|vast"
    r"|major|minor|minimal|negligible|limited|marginal|modest|moderate|mild|slight|severe|serious|heavy|heavily|drastic"
    r"|drastically|dramatic|dramatically|substantial|substantially|significant|significantly|considerable|considerably"
    r"|noticeable|noticeably|notable|notably|sizable|sizeable|material|materially|slightly|greatly|badly|severely"
    r"|widely"
    r"|widespread|sharply|nearly (?:all|every\w*)|almost (?:all|every\w*)|every(?:body|one)"
    r"|(?:a|too|so|very) (?:lot|much|great deal)|much (?:more|less|of)|more than usual|less than usual|tons?|loads?)\b",
    re.IGNORECASE)  # fmt: skip
"""How much, without saying how much."""
_WHILE = re.compile(
    r"\b(?:(?:a few|several|some|many|couple of) (?:\w+ )?(?:seconds|minutes|hours|days|weeks|months|time)|some time"
    r"|(?:a|long|short|little|good) while|brief(?:ly)?|moment(?:s|ar(?:y|ily))?|tempor(?:ary|arily)|transient(?:ly)?"
    r"|for (?:long|ages|seconds|minutes|hours|days|weeks)|overnight"
    r"|(?:all|most of the|part of the|the whole|the entire|much of the|over the) (?:day|night|morning|afternoon|evening"
    r"|week|weekend)|long(?:er)? than (?:usual|expected)|until (?:late|recently)|prolonged|extended (?:period|time)"
    r"|short(?:-lived| period| time)|(?:a|an|for) (?:long|extended) (?:time|period))\b", re.IGNORECASE)  # fmt: skip
_HARM = re.compile(
    r"\b(?:lost|lose|loses|losing|losses|loss|fell|fallen|drop(?:s|ped)?|declin\w+|decreas\w+|increas\w+|rose|climbed"
    r"|jumped"
    r"|spiked|suffer\w*|took a hit|hit by|hurt|harmed|affected|impacted|degraded|worse\w*|overcharged|overpaid"
    r"|down|dented|damag\w+|cost us)\b", re.IGNORECASE)  # fmt: skip
_OPEN = re.compile(
    r"\b(?:tb[dca]|to be (?:determined|decided|confirmed|assessed|calculated|filled|done|computed|estimated|quantified)"
    r"|(?:not|n't) (?:yet )?(?:known|quantified|measured|computed|calculated|estimated|assessed|determined|clear)"
    r"|unclear|unquantified|(?:will|to) (?:update|follow|fill|add|come)|pending|under (?:analysis|review|investigation)"
    r"|still (?:being |to be )?(?:calculat|comput|count|assess|estimat|analy|work|investigat|wait|collect)\w*"
    r"|awaiting|waiting for|ask(?:ing)? (?:finance|the)|no idea|hard to say|difficult to say|cannot say|can't say"
    r"|coming soon|later|xx+|\?\?+)|\bunknown\b(?!:)|\bn/?a\b|[:|]\s*[?\u2013\u2014-]*\s*$|<[^>]*>|_{2,}",
    re.IGNORECASE)  # fmt: skip
"""A harm said to be unknown, without the reason that the workbench writes after `unknown:`."""
_MAGNITUDE = re.compile(
    r"\b(?:(?:tens|dozens|scores) of|(?:hundreds|thousands|millions|billions)\b)(?! the)|\borders? of magnitude\b"
    r"|\b(?:several|some|few|many|couple of) (?:\w+ )?(?:hundred|thousand|million|billion|dozen|k\b|figures|digits)"
    r"|\b(?:single|double|triple|two|three|four|five|six|seven|eight|\d)[- ](?:digits?"
    r"|figures?)\b", re.IGNORECASE)  # fmt: skip
_NONE = re.compile(
    r"\bno (?:other |\w+ )?(?:\w+ )?(?:was|were|is|are|changed|fell|moved)\b|\bnone\b|\bnot (?:\w+ )?(?:affected"
    r"|touched|changed"
    r"|harmed|impacted|degraded)\b|\bunaffected\b|\bunchanged\b|\bas usual\b|\bno (?:loss|harm|drop|increase|decline"
    r"|change)\b"
    r"|\b(?:did|does|do) not (?:\w+ )?(?:fall|drop|move|change|rise|differ)\b|\b(?:nothing|nobody|no one)\b",
    re.IGNORECASE)  # fmt: skip
"""That nothing was harmed is complete without a figure."""
_ABOUT = re.compile(
    r"\b(?:impact|harm|damage|users?|customers?|advertisers?|partners?|people|viewers?|clients?|merchants?|revenue"
    r"|money"
    r"|dollars|costs?|sales|spend|budget|loss|losses|business|decisions?|predictions?|requests?|bids?|scores?|orders?"
    r"|transactions?|payments?|rate|recommendations?|outage|degradation|incident)\b", re.IGNORECASE)  # fmt: skip
_TIMED = re.compile(r"\d")


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find an impact without any figure, and lines of impact or summary that tell a harm by words alone."""
    own = [line for line in lines if line.section == "Impact" and line.text.strip()]
    body = [line for line in own if not line.text.startswith("#")]
    named = list(_uncounted(lines))
    yield from named
    if own and not any(line.section == "Impact" for line, _ in named) and not any(_counted(x.bare) for x in body):
        yield own[0], "says no figure of the impact"


def _uncounted(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Yield lines of impact and summary that tell a harm by words alone."""
    for line in lines:
        if line.section not in ("Impact", "Summary") or line.text.startswith("#") or not line.text.strip():
            continue
        told = line.bare.rstrip(" .")
        if (word := _word(told, line.section)) and not (_counted(told) or _NONE.search(told)):
            yield line, f"tells the impact without a figure: {word}"


def _counted(text: str) -> bool:
    """Say whether a text holds a figure other than dates, clock times and names."""
    return bool(re.search(r"\d", _MAGNITUDE.sub(" ", plain(text)))) or any(in_words(_MAGNITUDE.sub(" ", text)))


def _word(told: str, section: str) -> str:
    """Return what stands where the figure is missing; empty where nothing does."""
    rules = [_OPEN, _MAGNITUDE, _VAGUE, _HARM] if section == "Impact" else [_OPEN, _MAGNITUDE, _VAGUE]
    if section == "Summary" and not _ABOUT.search(told):
        return ""
    # A stretch is told by clock times too, and only words of length miss a figure there.
    if not _TIMED.search(told):
        rules.insert(0, _WHILE)
    found = next((m for rule in rules if (m := rule.search(told))), None)
    return found[0].strip() if found else ""


LINT = Lint("impact without numbers", "Give decisions, users, business figure or money, each with its chip.", check)
