"""The words human error, and their kin: mistakes, carelessness, forgetting, told of people and not of machines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.lints import Found, Line, Lint
from workbench.report.prose import plain_words
from workbench.report.prose.lapses import lapse_by_family, names_machine
from workbench.report.prose.subjects import human_subject, machine_subject

_WHO = r"human|operator|pilot|admin(?:istrator)?|engineer|developer|people|user|analyst|staff|team"
_HOW = (r"manual|personal|individual|simple|silly|stupid|honest|copy[- ]?(?:and[- ])?paste|typing|clerical"
        r"|procedural|handling")  # fmt: skip
_DATA = (r"(?!\s*-\w)(?!['’]s? )(?!(?:\s+(?!(?:in|of|with|by|on|at|the|a|an|was|were|is|and|or|to|from|made|when"
         r"|while|during|after|for|that|which|led|let|during|as)\b)\w+)?\s+(?:class|label|feature|categor|tag"
         r"|column|table|set|corpus|data|sampl|rate|bound"
         r"|detect|classif|correct|toleran|model|metric|bucket|rule|type|matri|budget|gate|bias|curve|baseline"
         r"|robust|code"
         r"|count|report|message|page|benchmark|score|taxonomy|queue|log|rows?\b|field|handl|analysis|index|board\b"
         r"|committee|cost|loss|weight|penalt|term|probabil|flag|state|reason|event|threshold)\w*)")  # fmt: skip
"""No noun follows that makes a class, a rate or a part of a model of the word."""
_NOMINAL = re.compile(
    rf"(?<![-\w])(?:(?:{_WHO})[- ](?:errors?|mistakes?|failures?|slips?)|(?:errors?|mistakes?) of (?:a |the |some "
    rf"|our )?"
    r"(?:human|person|people|team|operator|engineer|author|colleague|us\b|ours)"
    rf"|(?:{_HOW})[- ](?:errors?|slips?|oversights?|lapses?|mix-?ups?)|(?:our|my|his|her|their own|own) (?:error"
    rf"|fault|bad)\b"
    r"|mistake(?:s|n|nly)?|(?<!human )(?<!regulatory )(?<!medical )(?<!model )oversights?|blunders?|typos?|mis-?clicks?"
    r"|mis-?judge?ments?|carelessness|negligence|sloppiness|laziness|thoughtlessness|inattention|forgetfulness"
    r"|incompetence|ineptitude|complacency|haste|recklessness|inexperience|ignorance|stupidity"
    r"|(?:lack of|no|insufficient|poor|missing|too little|without) (?:any |due |proper |enough )?(?:attention|care"
    r"|diligence"
    r"|discipline|caution|concentration|judge?ment|thoroughness|rigou?r|common sense)"
    r"|lack of (?:experience|knowledge|understanding|training)(?! (?:data|set|rows|examples|samples))"
    r"|lapses? (?:of|in) (?:attention|judge?ment|concentration|discipline)|(?:mental|momentary) lapses?"
    rf"|slips? of (?:the |a )?(?:hand|finger|pen|keyboard|mouse|tongue|mind|memory)|pebka[cm]|id-?10-?t|layer[ -]8"
    r"|between (?:the )?(?:keyboard|chair)|brain ?farts?|mea culpa|fat[- ]?finger\w*|finger trouble|(?:too|great)"
    r" (?:much )?hurry"
    r"|in (?:a|the|too much) (?:hurry|rush(?! hours?))|time pressure made"
    r"|whoever)\b" + _DATA, re.IGNORECASE)  # fmt: skip
_OF_MACHINES = re.compile(
    r"\b(?:models?|classifiers?|rankers?|taggers?|parsers?|ocr|asr|llms?|assistants?|bots?|predictors?|networks?"
    r"|learners?"
    r"|students?|pupils?|solvers?|boosting|trees?|ensembles?|customers?|users?|typists?|queries|query|spell\w*|search"
    r"|translations?|speech|transcripts?|recogni\w+|training|learn\w*|previous round|agents?|tutor\w*|labels?|players?"
    r"|sampl\w+|loss|penali[sz]\w*|expensive)\b", re.IGNORECASE)  # fmt: skip
_ERRS = re.compile(r"mistakes?|typos?|ignorance|oversights?|mis-?clicks?", re.IGNORECASE)
_SURE = re.compile(
    r"(?<![-\w])(?:forgot(?:ten)?|forgetful|forgetting to|overlook(?:s|ed|ing)|neglect(?:s|ed|ing)|botch(?:ed|ing)"
    r"|bungled|blundered|screwed up|messed up"
    r"|mis-?clicked|mis-?typed|fat-?fingered|fumbled|goofed|mis-?remembered|miskeyed|lost track|dropped the ball"
    r"|inadvertently|accidentally|accidental (?:push|merge|deletion|deploy\w*|click|change|edit|commit|run)"
    r"|by accident|unintentionally|unwittingly|mindlessly|thoughtlessly|carelessly|hastily|sloppily|recklessly|lazily"
    r"|careless|negligent|sloppy|lazy|inattentive|incompetent|complacent|reckless|clumsy|absent-minded|forgetful"
    r"|inexperienced|unaware|distracted|asleep|dozed off|overtired|half-asleep|hung-?over"
    r"|slipped (?:our|my|his|her|their|the|every\w*) (?:\w+['’]s? )?(?:minds?|attention|memory|notice)"
    r"|did(?:n['’]t| not) (?:even )?(?:bother|think|care|pay attention|double-check|listen|realise|realize|be bothered)"
    r"|(?:not|never) (?:been )?(?:paying attention|careful|diligent|thorough|attentive|thought (?:of|about)|bothered)"
    r"|pa(?:y|ying|id) (?:no |too little |not enough )?attention|bothered to|could not be bothered"
    r"|be more careful|more careful(?:ly)?|careful enough"
    r"|(?:click|press|typ|past|key)(?:ed|ing) (?:on |in )?the wrong"
    r"|(?:was|were|got) (?:wrongly |incorrectly )?(?:typed|entered|pasted|clicked|keyed) (?:in )?(?:wrong\w*"
    r"|incorrectly|backwards)"
    r"|wrong (?:button|key|window|terminal|tab|line|checkbox|dropdown) (?:was |got )?(?:\w+ )?(?:click|press|hit"
    r"|typ|us|edit|select|tick|pick)\w*"
    r"|the wrong \w+ was (?:typed|clicked|pasted|keyed)(?: in)?)\b", re.IGNORECASE)  # fmt: skip
"""What only people do: a defect unless its subject is plainly a machine."""
_UNSURE = re.compile(
    r"\b(?:forgets?|ignored|missed|misread|misjudged|misunderstood|misinterpreted|misconfigured|skipped|rushed"
    r"|slipped up"
    r"|slipped|mixed up"
    r"|confused|assumed|trusted|mistook|misplaced|underestimated|got (?:it |this )?wrong|guessed|hurried|erred"
    r"|should know better|(?:pick|select|enter|cho[os]|copi|us|edit)\w* the wrong|gave up|was wrong|were wrong|lost"
    r" sight"
    r"|let (?:it|this) slip|turned a blind eye|looked away|took (?:a )?shortcuts?|cut corners|cut a corner|fell"
    r" asleep|panicked"
    r"|was confused|were confused|was tired|were tired|was careless|overreacted|hesitated)\b",
    re.IGNORECASE)  # fmt: skip
"""What machines do, too: a defect where a person or a group of people does it."""
_WRONG = re.compile(
    r"\b(?:picked|selected|typed|used|chose|chosen|entered|loaded|set|copied|edited|ran|run|deployed|uploaded"
    r"|merged|pasted|clicked|took|opened|sent|attached|pushed|restored)\b"
    r"(?= (?:\w+ )?(?:the |a )?(?:wrong|incorrect)\b)", re.IGNORECASE)  # fmt: skip
_WRONG_BY = re.compile(r"\b(?:wrong|incorrect|wrongly|incorrectly)\b[^.;,]{0,40}? (?=by )", re.IGNORECASE)
_JUDGED = re.compile(
    r"(?<!no change is )(?<!no single change is )(?<!git )(?<!git-)\b(?:(?:is|are|was|were|be|solely|only|lies|him"
    r"|her|us|them|ourselves) to blame"
    r"|blame (?:for (?:this|it)|lies|goes|is on|falls|rests)|(?:we|i|they) blame\b"
    r"|(?:at|through|by|is|was|were|entirely|all|the|their) fault of (?:the |a |an |our )?(?:whoever|person"
    r"|engineer|team|author"
    r"|developer|operator|on-call|reviewer|analyst|colleague|people|shift|crew|vendor['’]s people)|guilty|culprit"
    r"|should be ashamed|embarrassing(?:ly)?)\b", re.IGNORECASE)  # fmt: skip
_NOBODY = re.compile(
    r"\b(?:nobody|no[- ]?one|none of (?:us|them)|not a single (?:person|one)) (?:\w+ )?(?:noticed|bothered|checked"
    r"|thought|looked"
    r"|realised|realized|cared|questioned|asked|read|reacted|watched|remembered|felt responsible|understood|saw|spotted"
    r"|spoke up|dared|wanted)\b", re.IGNORECASE)  # fmt: skip


def check(lines: tuple[Line, ...]) -> Iterator[Found]:
    """Find lines that give an error of people, by name or by what they did or left undone, as an explanation."""
    for line in lines:
        if line.text.startswith("#") or line.section in ("Evidence index", "Actions"):
            continue
        if word := lapse(line.bare):
            yield line, f"names an error of people as a cause: {word}"


def lapse(text: str) -> str:
    """Return the first words of a text that tell a lapse of people; empty where there are none."""
    told = plain_words(text)
    for found in _NOMINAL.finditer(told):
        if _ERRS.fullmatch(found[0]) and names_machine(told[found.end() :]):
            continue
        around = told[max(0, found.start() - 45) : found.end() + 45]
        if not (_ERRS.fullmatch(found[0]) and _OF_MACHINES.search(around) and not human_subject(told, found.start())):
            return found[0]
    for pattern in (_JUDGED, _NOBODY):
        if judged := pattern.search(told):
            return judged[0]
    for found in _SURE.finditer(told):
        if not _machine(told, found) and not re.match(r"-|\s+(?:gate|password|bias|evaluation|loading|load|init\w*"
                                                      r"|deletion requests)\b",
                                                      told[found.end() :]):  # fmt: skip
            return found[0]
    for pattern, told_by in ((_WRONG, human_subject), (_WRONG_BY, _agent)):
        if wrong := next(
            (m for m in pattern.finditer(told) if told_by(told, m.start() if pattern is _WRONG else m.end() - 1)), None
        ):
            return wrong[0].strip()
    if by_family := lapse_by_family(told, _agent):
        return by_family
    return next((m[0] for m in _UNSURE.finditer(told) if human_subject(told, m.start()) or _by_people(told, m)), "")


def _by_people(told: str, found: re.Match[str]) -> bool:
    """Say whether people are the agent after a passive: mixed up by the annotation crew."""
    return _agent(told, found.end() + (3 if told[found.end() :].startswith(" up") else 0))


def _agent(told: str, at: int) -> bool:
    """Say whether an agent follows that is a person or a group of people."""
    agent = re.match(r"\s+by ((?:[\w-]+ ?){1,5})", told[at:])
    return agent is not None and human_subject(agent[1].strip() + " ", len(agent[1].strip()) + 1)


def _machine(told: str, found: re.Match[str]) -> bool:
    """Say whether a machine is the subject of a lapse, or its agent after a passive."""
    agent = re.match(r"\s+by (?:the |a |an |our )?((?:[\w-]+ ?){1,4})", told[found.end() :])
    if agent:
        return machine_subject(agent[1].strip() + " ", len(agent[1].strip()) + 1)
    passive = re.search(r"\b(?:was|were|been|being|got|is)\s+(?:\w+ly )?$", told[: found.start()])
    return not passive and machine_subject(told, found.start())


LINT = Lint("human error", "Say what the system let happen, and what would have stopped it.", check)
