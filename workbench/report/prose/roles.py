"""One human told by a role, as the agent of something that happened; software, plurals and rules for anybody are
none."""

from __future__ import annotations

import re

from workbench.report.prose import vocabulary
from workbench.report.prose.grammar import MODAL, PREPOSITION, STRICT_ACTS, ends_phrase, past, present, words
from workbench.report.prose.subjects import ROLES

_SOFT = vocabulary("""operator agent driver planner dispatcher worker controller owner manager lead admin editor
    trainer curator
    publisher contributor assistant labeler expert fellow actuary""")
"""Roles that are programs, too."""
_SOFTWARE = vocabulary("""kubernetes k8s python retrieval query resource package memory secret cluster node job task
    session cache window
    comparison join sql flink spark airflow like modulo contains equality arithmetic boolean logical bitwise sum
    aggregate set llm ai chat software monitoring metrics log telemetry build deploy deployment gpu nvidia cuda kernel
    device network storage container pod connection transaction lock state topic partition stream batch thing xor and or
    not mapping load lifecycle device-plugin database password process service virtual graph tool-calling support-bot
    voice dialogue dialog autonomous reinforcement rl learning policy planner code coding routing search user bash map
    filter crossover mutation convolution attention tensor onnx triton prometheus postgres redis kafka elastic custom
    model experiment feature schema config configuration release artifact workflow event message index""")
_HUMAN = vocabulary("""night shift human on-duty duty on-call oncall former young tired junior senior experienced
    inexperienced
    product project account engineering team incident campaign office store category program programme hiring risk
    pricing marketing sales general delivery plant control-room floor regional branch tech technical
    interim acting deputy lone crane dispatch
    forklift""")
_OWNED = vocabulary("""model release feature data table experiment config annotator annotation squad ml label change
    mapping pipeline deploy deployment service schema scrum dashboard""")
"""What somebody may manage, own or lead."""
_GENERIC = re.compile(
    r"\b(?:each|every|any|no|without|needs?|needed|requires?|required|require|requiring|which|whether|lack(?:s|ed|ing)?"
    r"|missing|per|until|unless|instead of|if|like|as|allow(?:s|ed)?|lets?|ask(?:s)? for|for)\s+(?:[\w-]+\s+){0,2}$",
    re.IGNORECASE)  # fmt: skip
_DET = r"(?:the|a|an|one|our|this|that|some|single|another|his|her|their|my|your|certain)"
_ROLE = r"(?:[\w-]+)"
_PHRASE = re.compile(rf"(?:\b({_DET})\s+|(?:^|[.:;(=–—-]\s*|\b(?:by|from|because|since|when|after|trigger was|cause"
                     rf" was)\s+))"
                     r"((?:[^\W\d_][\w/-]*\s+){0,3}?)([^\W\d_][\w-]*)(?![\w-])", re.IGNORECASE)  # fmt: skip
_HEADS = re.compile(
    r"\b(?:the |our |a )?(?:head|chief|vp|vice president|director|lead|owner|champion|in charge|person|one) (?:of|for) "
    r"(?!the (?:queue|line|list|branch|repo|file|column|table|topic|stream|log|buffer|us\b))(?!main|master)[a-z]",
    re.IGNORECASE)  # fmt: skip
_NOT_HEADS = re.compile(r"\b(?:ahead|over[- ]the|the) head of (?:the )?(?:queue|line|list|branch|main|master|repo)",
                        re.IGNORECASE)  # fmt: skip
_ONE_OF = re.compile(
    r"\b(?:one|two|both|either|another|a member|member|somebody|someone|a person|people) (?:of|in|on|from|at) (?:us\b"
    r"|(?:our|the|my|their) (?:[\w-]+ ){0,2}?(?:engineers?|analysts?|developers?|devs?|people|folks|colleagues?|staff"
    r"|teams?|crew|shift|reviewers?|operators?|admins?|contractors?|interns?|scientists?|managers?|desk|department))\b"
    r"|\b(?:a|one|the) (?:[\w-]+ )?(?:member|guy|man|woman|lady|gentleman|person|individual|colleague)\b(?! data\b)",
    re.IGNORECASE)  # fmt: skip
_SOMEBODY = re.compile(
    r"\b(?<!if )(?<!when )(?<!unless )(?:somebody|someone)\b((?: [\w'’-]+){1,6})|\bby (?:somebody|someone)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:[Hh]e|[Ss]he|[Hh]is|[Hh]er|him|himself|herself|hers)\b(?! init\w*)")
_NEWCOMER = re.compile(
    r"\b(?:new(?:est)?|recent|fresh|latest) (?:hire|joiner|starter|colleague|team ?mate|team member|member|guy|employee"
    r"|person|recruit|grad(?:uate)?)\b|\b(?:someone|somebody|person) new\b|\b(?:first|second|third|last) (?:day"
    r"|week|month)"
    r" (?:on the job|at work|in the (?:team|role|company)|of (?:his|her|their))|\bfresh from (?:university|college)\b"
    r"|\b(?:latest|newest|recent) addition to (?:the|our)\b|\bfirst (?:day|week|month|shift) (?:for|of|on)\b"
    r"|\b(?:freshly|newly|just|recently) (?:hired|trained|promoted|joined|graduated|onboarded) [a-z]+"
    r"(?<!merchant)(?<!customer)(?<!tenant)(?<!partner)|\bworking student\b|\bwho (?:had )?(?:just |only "
    r"|recently )+(?:joined|started|been hired|onboarded)\b"
    r"|\b(?:just|only just|recently|newly)[- ](?:onboarded|hired|joined)\b(?! (?:merchant|customer|tenant|partner"
    r"|client"
    r"|supplier|user|vendor|bank|store|shop|advertiser|region|site|market)s?)", re.IGNORECASE)  # fmt: skip


def single_human(text: str) -> str:
    """Return the first phrase of a text that singles out one human without a name; empty where there is none."""
    for pattern in (_NEWCOMER, _PRONOUN):
        if found := pattern.search(text):
            return found[0].strip()
    if (found := _ONE_OF.search(text)) and not _generic(text, found.start(), found.end()):
        return found[0].strip()
    if (found := _HEADS.search(text)) and not _NOT_HEADS.search(text) and _followed_by_act(text[found.end() :]):
        return found[0].strip()
    for found in _SOMEBODY.finditer(text):
        if found[1] is None or any(past(w) for w in words(found[1])):
            return found[0].strip()
    return _role(text)


def _role(text: str) -> str:
    """Return the first noun phrase whose head is a role of one human and which acts or owns something."""
    for start in _PHRASE.finditer(text):
        tail = text[start.start(2) :]
        for found in re.finditer(r"[^\W\d_][\w/-]*", tail[:60]):
            word = found[0].lower()
            end = start.start(2) + found.end()
            before = words(tail[: found.start()])
            if len(before) > 3 or (before and re.search(r"[.,;:()]", tail[: found.start()])):
                break
            if before and (past(before[-1]) and before[-1].lower() not in ("tired", "experienced", "retired")):
                break
            if any(w.lower() in PREPOSITION for w in before):
                break
            if _is_role(text, word, before, text[end:]) and not _generic(text, start.start(), end):
                return text[start.start() : end].strip(" .:;(=-–—")
    return ""


def _is_role(text: str, word: str, before: list[str], rest: str) -> bool:
    """Say whether a word after others, before the rest, is one human."""
    modifiers = {w.lower() for w in before}
    if word in ("manager", "owner", "lead") and modifiers & _OWNED:
        return _agent(rest) and _followed_by_act(rest)
    if word in ("student", "teacher", "expert", "author") and re.search(
        r"\b(?:distill|model|network|layer|field)", text
    ):
        return False
    if word.removeprefix("ex-") in ROLES:
        return not modifiers & {"llm", "ai", "software", "virtual"} and _agent(rest)
    if word not in _SOFT:
        return False
    if modifiers & _HUMAN or re.match(r"\s+(?:on (?:duty|shift|call)|at the console)\b", rest):
        return _agent(rest)
    if modifiers & _SOFTWARE or any(w[0].isupper() and w != before[0] for w in before):
        return False
    return _agent(rest) and _human_act(rest)


def _agent(rest: str) -> bool:
    """Say whether what follows a role shows that it stands for somebody: no further noun does."""
    if re.match(r"\s*(?:$|[.,;:()\]]|['’]s\b)", rest):
        return True
    following = words(rest)
    if not following or re.match(r"\s*[/`<\d]", rest):
        return True
    return ends_phrase(following[0]) or present(following[0])


def _human_act(rest: str) -> bool:
    following = [w.lower() for w in words(rest)[:5]]
    return any(w in STRICT_ACTS for w in following)


def _followed_by_act(rest: str) -> bool:
    return any(past(w) for w in words(rest)[:8]) or not rest.strip()


def _generic(text: str, start: int, end: int) -> bool:
    """Say whether a phrase speaks of anybody in that role: needed, allowed, or in the present."""
    if re.match(r"(?:each|every|any|no)\b", text[start:], re.IGNORECASE):
        return True
    if _GENERIC.search(text[:start] + " ") and not re.match(r"[^.;]*\b(?:had|was)\b", text[end:]):
        return True
    following = [w.lower() for w in words(text[end:])[:4]]
    while following and following[0] in (
        "who",
        "that",
        "only",
        "then",
        "also",
        "always",
        "on",
        "duty",
        "call",
        "shift",
    ):
        following.pop(0)
    return bool(following) and (
        (following[0] in MODAL and following[0] not in ("would", "have", "has"))
        or (present(following[0]) and not past(following[0]))
    )
