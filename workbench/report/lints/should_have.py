"""The words should have, and other judgements by hindsight: what was not done, and what would have been."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import LABEL, Found, Line, Lint
from workbench.report.prose import plain_words, vocabulary
from workbench.report.prose.grammar import DETERMINER, PREPOSITION, adverb, past, words
from workbench.report.prose.subjects import human_subject, machine_subject
from workbench.report.prose.wishes import judged_by_family

_PERFECT = re.compile(
    r"\b(should|could|would|might|ought to|must|may|need|needed to|supposed to|meant to|expected to)"
    r"(?:n['’]t| not)?(?: (?!and\b|or\b|to\b|which\b)\w+){0,4}?(?: have|['’]ve|[- ]of)\b(?! to\b)(.*)"
    r"|\b\w+['’]d have\b(.*)", re.IGNORECASE)  # fmt: skip
_REQUIRED = re.compile(r"\b(?:each|every|all|any|new|future|from now on|going forward|in future|henceforth)\b[^.;]*$",
                       re.IGNORECASE)  # fmt: skip
_UNDONE = re.compile(r"\b(?:caught|stopped|prevented|avoided|seen|noticed|saved|spared|helped|shown|told|warned"
                     r"|found|detected"
                     r"|spotted|known|done|checked|tested|reviewed|asked|verified|validated|rehearsed|been"
                     r" (?:checked|tested|reviewed|asked|verified|validated|done|told|caught|stopped|prevented"
                     r"|avoided|seen|noticed|spared|shorter|enough|better))\b",
                     re.IGNORECASE)  # fmt: skip
_CAUSED = re.compile(
    r"\s*(?:caused|explained|produced|led|been caused|been written|duplicated|resulted|given the same)\b"
)
_COMPUTED = re.compile(
    r"\b(?:replay\w*|frozen|simulat\w+|backtest\w*|counterfactual|shadow|recomput\w+|recorded)\b", re.IGNORECASE
)
_DUTY = re.compile(
    r"\b(?:was|were)(?:n['’]t| not)? (?:\w+ )?(?:supposed|meant|obliged|expected|required) to\b"
    r"|\b(?:would|should|could|might) (?:never |not |only )?(?:have|had) been\b"
    r"|\b(?:needed|ought|meant|expected|supposed) to have\b", re.IGNORECASE)  # fmt: skip
_HUMAN_DUTY = re.compile(r"\b(?:(?:had|needed|ought|(?:is|are) supposed) to (?!(?:wait|be (?:redirected|restarted))\b)"
                         r"(?:\w+ly )?(?:check|ask|verify|test|look|read|tell|inform|warn|review|confirm"
                         r"|consult|notice|know|think|consider|compare|validate|talk|make sure|be (?:more )?(?:told"
                         r"|asked|checked|tested"
                         r"|careful|reviewed|informed))|better had|had better)\b", re.IGNORECASE)  # fmt: skip
_WISH = re.compile(
    r"(?:^|[.;:,(–—-]\s*|\band |\bbut )had (?:(?:the|a|an|our|this|that|these|there|someone|somebody|anyone|anybody"
    r"|we|they|he"
    r"|she|it|i|only|one|people|just|[A-Z]\w+)\b)[^.;]*?\w"
    r"|\bhad (?:anybody|anyone|somebody|someone|we|they|he|she|i|people)(?: not| only| just| simply)? (?!to\b)\w+"
    r"|\b(?:we|i|one|they|everybody|everyone|the team|people|on-call)? ?(?:wish|wishes|wished)\b(?! ?list)"
    r"|\bif (?:only )?(?:we|i|they|he|she|you|people|somebody|someone|anybody|anyone|the (?:team|on-call|crew"
    r"|engineers?|reviewers?|shift)|on-call)"
    r" (?:had|were|would|could|have)\b"
    r"|\bif only\b(?! (?:one|two|a|an|the (?:first|last|primary|key|value|time)|some|part|\d|its|new|rows|null"
    r"|single)\b)"
    r"|\bif [^.;,]{2,60}? (?:had|were) (?:\w+ly |not |only |never |already )?\w+[^.;]*\b(?:would|could|might)\b"
    r"|\b(?:would|could|might)\b[^.;]*\b(?:if|had) [^.;,]{2,60}? (?:had|were|been)\b"
    r"|\btoo bad\b|\bwhat a shame\b|\bregrettably\b|\bpity\b|\bregret\w*\b(?! (?:bound|minim|analysis|of the"
    r" (?:policy|bandit)|per round|curve|estimate))"
    r"|\b(?:unfortunately|sadly|alas)\b",
    re.IGNORECASE)  # fmt: skip
_IF = re.compile(r"\bif ((?:[\w'’-]+ ){1,6}?)had (?:not |only |just )?\w+", re.IGNORECASE)
_OBVIOUS = re.compile(
    r"\b(?:in|with|by|of|through) (?:the benefit of )?(?:the )?(?:\w+ )?(?:hindsight|retrospect)\b(?! (?:experience"
    r"|replay|relabel))"
    r"|\bhindsight (?:is|was|shows?|tells?|suggests?|makes?|says?)\b|\bbenefit of hindsight\b|\bretrospectively\b"
    r"|(?:^|[,:;] )hindsight\s*[:,–—-]|(?:20|twenty)[/ -](?:20|twenty)\b|\blook(?:ing|ed)? back\b(?!-)(?! (?:window"
    r"|period|\d|at the last))"
    r"|\b(?:obviously|evidently|of course|needless to say|(?:it )?goes without saying|why (?:did|was|were|has|had"
    r"|is|does)(?:n['’]t)? (?:nobody|no one|we|they|the|it|this|there|no)\b[^.;]*|how could (?:we|this|anyone|it)"
    r"|self-evident\w*|foreseeabl[ey]|predictably|unsurprisingly|no-brainer"
    r"|common sense|any(?:one|body) (?:could|can|would|knows|who)|every(?:one|body) (?:could|can|knows|knew|would)"
    r"|plain to see|plain as|in plain sight|staring (?:at )?us|hiding in plain|writing on the wall|red flags?"
    r"|(?:warning )?signs? (?:was|were) (?:all )?(?:there|visible|clear|ignored)"
    r"|(?:a|any) (?:child|beginner|glance|quick look|simple (?:test|check|look)) (?:could|would|will|can)"
    r"|as (?:anyone|everybody|everyone|we all) (?:could|can|know\w*)|bound to (?:happen|fail|break)|accident waiting"
    r"|we (?:now )?know (?:now|better)|wiser now|knew better|know better|matter of time)\b"
    r"|(?:^|[.;:,] )clearly[, ]|\bclearly (?:visible|wrong|broken|a |the |should|not |an |too |needed|untested|nobody)"
    r"|\b(?:was|were|is|been|be|it['’]s|seems?|looked|quite|so|totally|painfully) (?:\w+ )?(?:obvious|evident"
    r"|foreseeable|predictable|apparent|unmistakable|self-explanatory"
    r"|clear (?:from|that|to (?:everyone|all|anyone|everybody|us)|in advance|long before|enough|all along))\b"
    r"|\bobvious (?:in|from|to|that|sign|mistake|that)\b",
    re.IGNORECASE)  # fmt: skip
_LEFT = re.compile(r"\b(?:fail(?:ed|s|ing)?|neglect(?:ed)?|omit(?:ted)?|fail(?:ure|ing)s?|refused|declined"
                   r"|inability|unable"
                   r"|(?:did(?:n['’]t| not)|never) (?:even )?(?:manage|try|attempt|get around|come|take the time"
                   r"|find the time|get))"
                   r"(?: (?:of|by|from) (?:us|the team|our \w+|everyone|people|all))? to (\w+)|\bfailure (?:of|by)"
                   r" (?:us|the team|people"
                   r"|our (?:side|team))\b|\bfailed (?:us|the users|our users"
                   r"|the customer)\b", re.IGNORECASE)  # fmt: skip
_MENTAL = vocabulary(
    """notice realise realize see spot think tell ask inform communicate react act understand anticipate consider
    escalate
    document review coordinate plan announce warn mention ensure remember recognise recognize appreciate learn listen
    follow verify question involve consult share read connect agree talk test look predict foresee account double-check
    challenge investigate care bother check set put assign prioritise prioritize"""
)
"""What only people fail to do, whatever the team is called."""
_LATE = re.compile(
    r"\b(?:reviewers?|we|the team|on-call|nobody|engineers?|operators?|analysts?|the (?:\w+ )?(?:crew|shift|team"
    r"|desk|on-call))"
    r" (?:\w+ )?(?:missed|overlooked|did(?:n['’]t| not) (?:see|notice|look|check|read|ask|test|think|spot|realise"
    r"|realize|catch"
    r"|react|act|escalate|connect|manage|tell|know|consider|verify|anticipate|foresee|take))\b"
    r"|\bwith (?:more|a (?:bit|little) (?:more|of)|better|a (?:quicker|better|little|proper|simple)|some|quicker"
    r"|earlier|closer|proper) [^.;,]{2,60}?,? (?:\w+ ){0,6}would\b"
    r"|\b(?:it |this |that )?(?:would|could|should) (?:easily |simply )?(?:not )?(?:have )?(?:be(?:en)? )?(?:caught"
    r"|prevented|avoided|spared) (?:if|by|with|had)\b"
    r"|\b(?:avoidable|preventable|needless(?:ly)?|unnecessarily)\b(?! (?:error|failure|loss|cost)s? (?:rate|class))"
    r"|\bwas (?:wrong|a mistake) (?:to|not to)\b|\b(?:too late|too long) (?:because|as) (?:we|nobody|the)\b"
    r"|\bbetter (?:had|would have)\b|\bwe (?:all )?knew\b", re.IGNORECASE)  # fmt: skip


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find judgements by what is known only afterwards; what has to be from now on, or a machine failed, is none."""
    for line in lines:
        if line.text.startswith("#") or line.section == "Evidence index":
            continue
        # A label is the template's, not somebody's words; an action says what is to be.
        text = " ".join(line.cells[:1]) if line.section == "Actions" and line.cells else LABEL.sub("", line.text)
        if word := judged(plain_words(text)):
            yield line, f"judges by hindsight: {word}"


def judged(told: str) -> str:
    """Return the first words of a text that judge by hindsight; empty where there are none."""
    for found in _PERFECT.finditer(told):
        if _undone(told, found):
            return found[0][:40]
    for pattern in (_DUTY, _WISH, _OBVIOUS, _LATE):
        if (other := pattern.search(told)) and not (pattern is _DUTY and _machine_design(told, other)):
            return other[0][:40]
    for found in _IF.finditer(told):
        if human_subject(found[1], len(found[1])):
            return found[0]
    for found in _HUMAN_DUTY.finditer(told):
        if human_subject(told, found.start()) or re.search(r"\bone\s*$", told[: found.start()], re.IGNORECASE):
            return found[0]
    failed = next((m[0] for m in _LEFT.finditer(told) if _people_failed(told, m)), "")
    return failed or judged_by_family(told)


def _undone(told: str, found: re.Match[str]) -> bool:
    """Say whether a modal with have is a perfect: what was not done; not a thing that something has to possess."""
    modal, rest = (found[1] or "should").lower(), found[2] or found[3] or ""
    following = words(rest)
    while following and (adverb(following[0]) or following[0].lower() == "not"):
        following.pop(0)
    if not following or not past(following[0]):
        return False
    before = told[: found.start()]
    then = following[1] if len(following) > 1 else ""
    possessed = then and not (
        then.lower() in DETERMINER or then.lower() in PREPOSITION or adverb(then) or past(then)
    ) and not then.endswith("ing")  # fmt: skip
    if _REQUIRED.search(before) and possessed:
        return False
    if modal == "could" and (told.lower().startswith("rejected") or _CAUSED.match(rest)):
        return False
    if modal in ("might", "may", "must") and not human_subject(told, found.start()):
        return bool(_UNDONE.search(rest) or re.search(r"\bif\b|\bhad\b", told)) and not told.lower().startswith(
            "rejected"
        )
    return not (modal == "would" and _COMPUTED.search(told))


def _machine_design(told: str, found: re.Match[str]) -> bool:
    """Say whether a duty in the past is a machine's: what a job was expected to do is its design."""
    return bool(re.match(r"(?:was|were) (?:\w+ )?expected to", found[0], re.IGNORECASE)) and machine_subject(
        told, found.start()
    )


def _people_failed(told: str, found: re.Match[str]) -> bool:
    """Say whether people failed to do something; a machine that fails states a fact."""
    if found[1] is None:
        return True
    if re.match(r"(?:unable|inability|refused|declined)", found[0], re.IGNORECASE):
        return human_subject(told, found.start()) and found[1].lower() in _MENTAL
    if human_subject(told, found.start()):
        return True
    return found[1].lower() in _MENTAL and not machine_subject(told, found.start())


LINT = Lint("should have", "Say what was known at the time and what was done; put the wish under Actions.", check)
