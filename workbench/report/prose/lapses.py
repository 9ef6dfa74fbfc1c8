"""Lapses of people by word families: judgements of work, slips at the keyboard, things forgotten or let go."""

from __future__ import annotations

import re
from collections.abc import Callable

from workbench.report.prose.grammar import THING
from workbench.report.prose.subjects import human_subject

_CHARACTER = re.compile(
    r"\bhuman factors?\b(?! (?:engineering|team|research|model|feature|score|data|lab))"
    r"|\b(?:people|person|personnel|man-made|individual|personal) (?:problem|issue|failure|failing|fault|error)s?\b"
    r"|\b(?:weakest|weak) (?:link|point|spot) (?:was|is|were|being) (?:the |a )?(?:human|people|person|operator|user)"
    r"|\b(?:human|person|user|operator) (?:in front of|at|behind) the (?:keyboard|screen|console)\b"
    r"|\b(?:operational|procedural|execution|handling|input|entry) (?:error|mistake|failure)s? (?:of|by|on) (?:the "
    r"|our "
    r"|an? )?(?:desk|team|shift|crew|staff|operator|people|person|side|part)"
    r"|\b(?:shoddy|sloppy|slapdash|slipshod|half-hearted(?:ly)?|half-baked|lackadaisical|irresponsibl[ey]"
    r"|unprofessional\w*|thoughtless(?:ly)?|heedless\w*|rash|foolish\w*|naive\w*|amateurish\w*|lax|negligently"
    r"|inattentively|imprudent\w*|unwise\w*|lackluster|nonchalan\w+|cavalier|reckless\w*)(?! ?bayes)\b"
    r"|\b(?:a|the|this|that|one|our|too|such|overly) hasty\b|\bhasty (?:merge|change|edit|fix|release|deploy\w*"
    r"|decision"
    r"|review|rollout|push|approval)"
    r"|\b(?:poor|bad|weak|little|lacking|more|missing|less|lack of|no|insufficient) (?:\w+ )?(?:discipline|workmanship"
    r"|craftsmanship|work ethic|hygiene of|diligence|judge?ment|thoroughness|vigilance|professionalism)\b"
    r"(?! (?:model|labels?|score))"
    r"|\b(?:discipline|diligence|vigilance|care|carefulness) (?:was|is|were|has been|had been) (?:\w+ )?(?:missing"
    r"|lacking|absent|needed|poor|neglected|low)"
    r"|\b(?:bad|poor|wrong|rash|false|unfortunate|stupid) (?:decision|call|choice|judge?ment|move)s? (?:of|by|from|made"
    r"|on the part)\b|\b(?:error|lapse|failure)s? (?:of|in) judge?ment\b|\bjudge?ment errors?\b"
    r"|\brubber[- ]stamp\w*|\b(?:thrown|threw|tossed) (?:\w+ ){0,2}?over the (?:wall|fence)\b|\bfast and loose\b"
    r"|\bwithout (?:really |even |ever )?(?:thinking|reading(?: (?:it|the diff|them|through))?(?! \w)|reading (?:it"
    r"|the diff)|double-checking|a second"
    r" (?:look|thought|glance)|paying|(?:giving|much|any|further|a|due) thought|proper care)\b"
    r"|\bnot? (?:taken|take|taking) (?:\w+ ){1,3}?seriously\b|\bdid(?:n['’]t| not) take (?:[\w-]+ ){1,4}seriously\b"
    r"|\b(?:wrong|careless|naive|sloppy|negligent|stupid) (?:of|from) (?:us|them|me|him|her|the (?:team|crew|shift))\b"
    r"|\bnobody['’]s (?:job|business|problem)\b|\bhalf asleep\b|\bslept (?:through|in)\b|\boverslept\b"
    r"|\b(?:fell|fall|fallen|falling|slip(?:ped)?|slipping) through the (?:cracks|net)\b"
    r"|\b(?:escap|elud)(?:ed|es) (?:(?:our|their|his|her|my|the|every\w*)(?: \w+['’]s?)?|\w+['’]s) (?:notice|attention"
    r"|eyes?|memory)\b|\bon (?:our|their|his|her|any\w*['’]s|the team['’]s) radar\b|\bslipped (?:from|past|by|out of) "
    r"(?:our|their|the|everyone)\b|\bslipped through\b(?! the (?:filter|gate|guard|check|net|classifier|model))"
    r"|\blost in the shuffle\b|\bleft undone\b|\bprocrastinat\w+|\bsomebody['’]s (?:slip|fault|mistake)\b"
    r"|\b(?:our|their|his|her|my) (?:own )?(?:fault|slip|lapse|failing|carelessness|misjudge?ment|doing)\b"
    r"|\bhuman (?:lapse|fallibility|weakness|negligence|confusion|inattention|misjudge?ment|omission)s?\b"
    r"|\b(?:shame on|blame (?:on|of|to) (?:the|us|them))\b|\b(?:mindset|attitude) (?:of|to|towards|problem)\b",
    re.IGNORECASE)  # fmt: skip
"""Words that judge the work or the character of people, whoever the subject is."""
_KEYBOARD = re.compile(
    r"\bkey ?strokes?\b(?! (?:dynamics|features?|model|data|logger|events?|timing|biometric\w*))"
    r"|\b(?:finger|hand|mouse|cursor)s? (?:had |has |must have )?slipped\b|\bslips? (?:on|in|at|with) (?:the|a|an"
    r"|our)\b"
    r"|\b(?:drag[- ]and[- ]drop|keyboard|clipboard|paste|spelling|typing|entry|data[- ]entry|input|editing|slider"
    r"|mouse) "
    r"(?:slip|error|mistake|accident|mishap|mix-?up)s?\b(?! (?:rate|model|class|feature|correct|detect|label|code"
    r"|handler)\w*)|\bmis-?(?:past|key|typ|click|spel+|copi|enter|dial|fil)(?:e|es|ed|ing|ings|led|ling)?\b"
    r"(?! (?:detect|correct|model|filter|class|rate|feature|probab|toler|queries|query)\w*)"
    r"|\b(?:a |an |one |two |another )?(?:extra|stray|superfluous|additional|spurious|missing|surplus|wrong) (?:\w+ )?"
    r"(?:zero|nought|digit|comma|dot|character|letter|bracket|slash|hyphen|minus|keystroke|space|quote|click)s? (?:was "
    r"|were |got |had been |has been )?(?:accidentally )?(?:typed|entered|keyed|pasted|put|inserted|added|hit|made)\b"
    r"|\b(?:zero|nought|digit|comma|letter|character)s? (?:too (?:many|few|much)|short|missing|more|less)\b"
    r"|\b(?:transposed|swapped|switched|interchanged|dropped|doubled|mixed up) (?:\w+ )?(?:digits?|letters"
    r"|characters|zero)\b"
    r"|\bdecimal (?:point|comma|separator) (?:was |had |got |had been )?(?:put|placed|misplaced|slipped|typed|entered"
    r"|shifted|set)\b|\b(?:typed|keyed|entered|clicked|pasted|pressed) (?:\w+ ){0,4}?(?:twice(?! by)|backwards"
    r"|instead of|too "
    r"early|too soon)\b"
    r"|\b(?:was|were|been|got|had) (?:\w+ly |just )?(?:typed|keyed|mistyped)(?: by hand)? (?:in|into|at|with|over|on)\b"
    r"|\b(?:in|into|at|on) the wrong (?:terminal|window|tab|shell|prompt|console|session|browser)\b"
    r"|(?:^|[.:;–—-]\s*)wrong (?:window|tab|terminal|button|row|line|key|shell|cell|file)\s*[:,(–—]"
    r"|\bwrong (?:\w+ )?(?:row|line|box|button|item|entry|option|cell|file|folder|key|tick ?box|field|menu|slider) "
    r"(?:was|were|got|had been) (?:\w+ )?(?:ticked|picked|clicked|marked|pressed|hit|highlighted|dragged|chosen|typed"
    r"|attached)\b|\b(?:hit|pressed|pushed) (?:enter|return|delete|send|apply|the (?:wrong|delete|enter|stop|red)\b)"
    r"|\berrant (?:\w+ )?(?:click|key|press|command|paste)\w*", re.IGNORECASE)  # fmt: skip
_SAID_SO = re.compile(
    r"(?:^|[.:;–—]\s*|^- )(?:wrongly|incorrectly|erroneously|mistakenly|carelessly|stupidly|foolishly|sadly)\b"
    r"|\b\w+(?:ed|en|un|t) in error\b|\b(?:erroneously|mistakenly) (?:\w+ ){1,6}?by (?:the |our |an? )?(?:\w+ )?(?:crew"
    r"|team|engineer|operator|staff|desk|shift|people|developer|analyst)s?\b"
    r"|\b(?:nobody|no[- ]?one|none of us) (?:ever |really |had |even )?(?:took (?:the|any|a)|was (?:minding|watching"
    r"|looking|checking|paying|aware|on top|following|reading|awake)|were (?:watching|looking)|had (?:it|this|that|a "
    r"look|looked|checked|thought|read|noticed|tested|tried|the)|knew|told|warned|tested|tried|saw (?:it|this)\b"
    r"|picked (?:it|this) up|followed up|owned up|took|wrote|double-checked|compared|reviewed|verified|raised"
    r"|challenged|stopped to|made sure|spoke|acted|opened|monitored|kept an eye|caught|verif\w+|paid"
    r"|lifted a finger)\b",
    re.IGNORECASE)  # fmt: skip
_BY_PEOPLE = re.compile(
    r"\b(?:mishandled|mismanaged|misapplied|misused|fluffed|flubbed|muddled|bungled|goofed|screwed (?:\w+ ){0,4}up"
    r"|messed (?:\w+ ){0,4}up|broke the|got (?:[\w-]+ ){1,6}(?:wrong|backwards|mixed up|confused)|introduced (?:the"
    r"|a|this"
    r"|an?) (?:bug|defect|regression|fault|error|flaw)|(?:made|took) (?:a |the |some |an )?(?:\w+ )?(?:bad|wrong|poor"
    r"|hasty|rash|false|careless|questionable|silly) (?:call|decision|choice|turn|judge?ment|move|assumption|step)s?"
    r"|cutting corners|(?:don['’]t|doesn['’]t|didn['’]t|do not|did not|never) (?:care|bother|read|look|remember|recall"
    r"|think|pay|double-check)\w*|just (?:click|clicked|approve|approved|press|pressed|merged|assume|assumed|hoped"
    r"|skipped)|never (?:got|get) a?round|got (?:sloppy|lazy|careless|complacent)|were naive|was naive|omitted|let"
    r" (?:the |it |this |a |that )(?:\w+ ){0,3}(?:slip|slide|pass|through|go)|left out|put off|postponed again"
    r"|failed (?:at|in) \w+ing|failed to (?:recall|remember|follow)|lost (?:track|sight)|dropped the|stumbled"
    r"|copied (?:the )?(?:old|wrong|stale)|had copied (?:the )?(?:old|wrong|stale)|was (?:too )?(?:hasty|lax|tired"
    r"|distracted|slow|sleepy)|were (?:too )?(?:hasty|lax|tired|distracted|slow|sleepy))\b", re.IGNORECASE)  # fmt: skip
"""What counts only of people: a machine that omits a field states a fact."""
_FORGETTING = re.compile(
    r"(?<!catastrophic )(?<!of )\bforgetting (?:the|to|a|an|that|about|our|it|this)\b", re.IGNORECASE
)
_AFTER = ("ary", "er", "or", "tion", "ing", "ity")
_NO_NOUN = ("or", "after", "over", "under", "during", "causing", "leading", "resulting", "making", "being", "another")


def lapse_by_family(told: str, agent: Callable[[str, int], bool]) -> str:
    """Return the first words that tell a lapse by their family; *agent* says whether people follow after ``by``."""
    for pattern in (_CHARACTER, _KEYBOARD, _SAID_SO, _FORGETTING):
        if found := pattern.search(told):
            return found[0].strip(" .:;-–—")
    return next((m[0] for m in _BY_PEOPLE.finditer(told) if human_subject(told, m.start()) or agent(told, m.end())), "")


def names_machine(rest: str) -> bool:
    """Say whether what follows a word such as *typo* makes it part of a program's name: filter, dictionary."""
    found = re.match(r"[\s-]+([a-z][\w-]*)", rest)
    if not found or found[1] in _NO_NOUN:
        return False
    return found[1] in THING or found[1].endswith(_AFTER)
