"""An impact without a figure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.report.figures import WHEN, in_digits, in_words
from workbench.report.lints import Found, Line, Lint

_VAGUE = re.compile(
    r"\b(?:many|several|some|few|fewer|most|majority|minority|numerous|countless|various|plenty|lots?|handful|bunch"
    r"|bulk"
    r"|subset|portion|fraction|percentage|part of|large|larger|small|smaller|huge|tiny|big|bigger|massive|enormous|vast"
    r"|major|minor|minimal|negligible|limited|marginal|modest|moderate|mild|slight|severe|serious|heavy|heavily|drastic"
    r"|drastically|dramatic|dramatically|substantial|substantially|significant|significantly|considerable|considerably"
    r"|noticeable|noticeably|notable|notably|sizable|sizeable|material|materially|slightly|greatly|badly|severely"
    r"|widely"
    r"|widespread|sharply|nearly (?:all|every\w*)|almost (?:all|every\w*)|every(?:body|one)|hordes?|heaps?|quite a"
    r"|(?:a|too|so|very) (?:lot|much|great deal)|much (?:more|less|of)|more than usual|less than usual|tons?|loads?)\b",
    re.IGNORECASE)  # fmt: skip
"""How much, without saying how much."""
_LENGTH = re.compile(
    r"\b(?:for|over|took|lasted|after|within|during|whole|entire|all|half|most of|part of|until|throughout) (?:the "
    r"|a |an |our "
    r"|some |most of |half of )?(?:\w+ )?(?:days?|hours?|nights?|weeks?|weekends?|months?|mornings?|afternoons?"
    r"|evenings?|while"
    r"|ages|long|shift|season)\b|\b(?:days|hours|weeks|months|nights) on end\b|\ball (?:day|night|week)\b"
    r"|\b(?:ran|runs|drove|worked|kept|served|stuck|based|relied) (?:\w+ )?on (?:the |an? )?(?:same|old|stale|frozen"
    r"|outdated"
    r"|wrong|cached)\b", re.IGNORECASE)  # fmt: skip
"""How long a harm went on, without saying how long; or what it went on with."""
_MAGNITUDE = re.compile(
    r"\b(?:(?:tens|dozens|scores) of|(?:hundreds|thousands|millions|billions)\b)(?! the)|\borders? of magnitude\b"
    r"|\b(?:several|some|few|many|couple of) (?:\w+ )?(?:hundred|thousand|million|billion|dozen|k\b|figures|digits)"
    r"|\b(?:single|double|triple|two|three|four|five|six|seven|eight|\d)[- ](?:digits?|figures?)\b",
    re.IGNORECASE)  # fmt: skip
_OPEN = re.compile(
    r"\b(?:tb[dca]|to be (?:determined|decided|confirmed|assessed|calculated|filled|done|computed|estimated|quantified)"
    r"|(?:not|n't) (?:yet )?(?:known|quantified|measured|computed|calculated|estimated|assessed|determined|clear)"
    r"|unclear|unquantified|(?:will|to) (?:update|follow|fill|add|come)|pending|under (?:analysis|review|investigation)"
    r"|still (?:being |to be )?(?:calculat|comput|count|assess|estimat|analy|work|investigat|wait|collect)\w*"
    r"|awaiting|waiting for|ask(?:ing)? (?:finance|the)|no idea|hard to say|difficult to say|cannot say|can't say"
    r"|coming soon|later|xx+|\?\?+)|\bunknown\b(?!:)|\bn/?a\b|[:|]\s*[?–—-]*\s*$|<[^>]*>|_{2,}",
    re.IGNORECASE)  # fmt: skip
"""A harm said to be unknown, without the reason that the workbench writes after `unknown:`."""
_NOT_HARMED = re.compile(
    r"(?:^|[.;:,(|–—-]\s*|\bbut |\band |\bthat |\bwhile )(?:\*\*[^*]+\*\*:?\s*)?(?:no|none|nothing|nobody|zero"
    r"|neither|without)\b"
    r"(?! (?:but|the wiser|of the (?:alerts|pages|warnings)\b|could|got|can|received|told|knew|noticed"
    r"|(?:\w+ ){0,3}saw (?:it|this)|was able|of the (?:alerts?"
    r"|answers?|pages?|warnings?|messages?|results?)|in (?:\w+ ){1,4}(?:saw|noticed|knew|got|could)|end|doubt|longer"
    r"|recommend\w+|results?|offers?|answers?|scores?|decisions?|quotes?|respon\w+|service"
    r"|access|one could|matches|ads?|predictions?"
    r"|suggestions?|orders? could|bids?|slots?|prices?|routes?|alerts?)\b)"
    r"|\bun(?:affected|changed|touched|harmed|altered)\b|\b(?:stayed|remained|kept|was|were|is|are|as) (?:\w+"
    r" )?(?:as usual|within (?:its|their|the))"
    r"|\b(?:was|were|is|are|been|did|does|do|has|have) not (?:\w+ ){0,2}?(?:affect|touch|chang|harm|impact|degrad"
    r"|fall|drop|mov|rise|differ|reach|involv|los|see|us|read|depend|consum|leav|need)\w*"
    r"|\b(?:did|does|do|was|were)n['’]t (?:\w+ )?(?:affect|touch|chang|harm|impact|degrad|fall|drop|mov|rise|differ"
    r"|reach|involv|los|us|read)\w*"
    r"|\b(?:so|thus|hence|therefore) (?:no|none|nothing|nobody)\b|\bnever (?:\w+ )?(?:exposed|affected|touched|lost"
    r"|charged|left|reached|at risk|in danger|leaked|shown|used|read)\b|\bno (?:loss|harm|drop|increase|decline"
    r"|change|other|further|effect|impact|customers?|users?|money|data|refunds?|penalt\w+|downtime|outage|delay)\b"
    r"|\bas usual\b|\bunaffected\b|\bnone\b", re.IGNORECASE)  # fmt: skip
"""That nothing was harmed is complete without a figure; that users got nothing is not."""
_REASON = re.compile(r"\b(?:unknown|not (?:measured|known|recorded|computed|counted|estimated))\b\s*(?:[:,(–—-]"
                     r"|because|since|as\b)\s*\w+(?:\s+\w+){3,}",
                     re.IGNORECASE)  # fmt: skip
_PROMISED = re.compile(r"\b(?:later|tb[dca]|pending|will|soon|to be|await\w*|wait\w*|follow|point|yet|update"
                       r"|assess\w*|nobody looked"
                       r"|finance|accounting)\b", re.IGNORECASE)  # fmt: skip
_METHOD = re.compile(
    r"^\W*(?:\*\*)?(?:counted|measured|estimated|computed|derived|method|basis|how (?:it|this|they) (?:is|was|were)"
    r"|currency|prices?|source"
    r"|the (?:figures?|counts?|estimates?|intervals?|numbers?|amounts?|baseline) (?:above|below|here|is|are|comes?"
    r"|counts?|covers?|leaves?|excludes?|includes?)"
    r"|each (?:decision|request|user|row|order) is counted|scope|where|which|component|systems?|products?|model"
    r"|region|service|affected (?:stretch|model|service|region|component|system|product|surface)s?\b[*:"
    r" ]+\W*[`\w][^ ]*\s*\w*\W*$)",
    re.IGNORECASE)  # fmt: skip
"""A line about how a figure was made, or where: the harm's size is told beside it."""
_SIZES = re.compile(r"\b(?:users?|customers?|people|patients?|players?|merchants?|revenue|money|costs?|losses?|loss"
                    r"|latency|slow\w*|p\d\d|spend"
                    r"|gpu|refunds?|complain\w*|wrong|worse|late|failed|fell|rose|dropped"
                    r"|lost)\b", re.IGNORECASE)  # fmt: skip
_ABOUT = re.compile(
    r"\b(?:impact|harm|damage|users?|customers?|advertisers?|partners?|people|viewers?|clients?|merchants?|revenue"
    r"|money|dollars|costs?|sales|spend|budget|loss|losses|business|decisions?|predictions?|requests?|bids?|scores?"
    r"|orders?"
    r"|transactions?|payments?|rate|recommendations?|outage|degradation|incident|patients?|players?|drivers?"
    r"|couriers?|sellers?|buyers?"
    r"|shoppers?|passengers?|students?|subscribers?|tenants?|accounts?|latency|traffic)\b", re.IGNORECASE)  # fmt: skip
_STRETCH = re.compile(r"\b(?:from|between|until|till|to|began|begin\w*|start\w*|end\w*|last\w*|stretch|window"
                      r"|duration|outage|degraded|since)\b",
                      re.IGNORECASE)  # fmt: skip
_CLAUSES = re.compile(r"[.;,(]\s|\b(?:but|and|though|although|because|while|whereas)\b")
_BOTH_ENDS = 2


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
        if line.section not in ("Impact", "Summary") or line.text.startswith(("#", "|--")) or not line.text.strip():
            continue
        told = line.bare.rstrip(" .")
        if (word := _word(told, line.section)) and not _counted(told):
            yield line, f"tells the impact without a figure: {word}"


def _counted(text: str) -> bool:
    """Say whether a text holds a figure other than dates, clock times and names."""
    told = _MAGNITUDE.sub(" ", text)
    return any(in_digits(told)) or any(in_words(told))


def _word(told: str, section: str) -> str:
    """Return what stands where the figure is missing; empty where nothing does.

    Whatever a line of the impact asserts needs its figure, unless it says that nothing was harmed, why the harm is
    unknown, or how and where it was counted; a summary needs one where it weighs the harm.
    """
    if _REASON.search(told) and not _PROMISED.search(told):
        return ""
    rules = (_OPEN, _MAGNITUDE, _VAGUE)
    found = next((m[0].strip() for rule in rules if (m := rule.search(told))), "")
    if section == "Summary":
        return found if found and _ABOUT.search(told) and not _NOT_HARMED.search(told) else ""
    if _OPEN.search(told):
        return found or "left open"
    if _NOT_HARMED.search(told):
        # What the other clauses weigh still needs its figure.
        harmed = " ; ".join(clause for clause in _CLAUSES.split(told) if not _NOT_HARMED.search(clause))
        lasting = _LENGTH.search(told)
        return next((m[0].strip() for rule in rules if (m := rule.search(harmed))), lasting[0] if lasting else "")
    if (_METHOD.search(told) and not found) or _ends(told):
        return ""
    return found or " ".join(told.lstrip("-*| ").split()[:4])


def _ends(told: str) -> bool:
    """Say whether a line tells a stretch by its begin and its end, and no other harm."""
    both = len(WHEN.findall(told)) >= _BOTH_ENDS and _STRETCH.search(told)
    return bool(both) and not _SIZES.search(told)


LINT = Lint("impact without numbers", "Give decisions, users, business figure or money, each with its chip.", check)
