"""Judgements by what is known only afterwards, by word families: duties of the past, wishes, what was plain to see."""

from __future__ import annotations

import re

from workbench.report.prose.grammar import past

_DUTIES = re.compile(
    r"\b(?:ought|should|could|would)a\b(?: have| of| been| \w+ed)?|\bought (?:not |never |really )*to(?: not)?(?:['’]ve"
    r"| have)\b(?! to\b)(?! (?:a|an|the|its|no|at) )"
    r"|\b(?:it|this|that|which) (?:was|had been|would have been|were|fell|lay|rested) (?:\w+ )?(?:incumbent (?:on|upon)"
    r"|(?:on|up to|upon|down to) (?:us|them|me|him|her|the \w+(?: \w+)?|our \w+|every\w+)|(?:the |our |their |my )"
    r"(?:duty|responsibility|job|task|obligation|turn)\b)[^.;]{0,40}?\bto \w+"
    r"|\bit (?:behoo?ved|befell|fell to|was up to|was for) (?:us|them|the \w+|our \w+)\b"
    r"|\b(?:had|needed|deserved|was|were) to (?:have )?be(?:en)? (?:noticed|caught|seen|spotted|flagged|questioned"
    r"|challenged|foreseen|expected|anticipated|avoided|prevented|known)\b|\b(?:have|has) been expected to notice\b"
    r"|\b(?:owed (?:it to )?(?:us|them|the users|the customers|our)|duty[- ]bound|obliged to (?:have )?\w+)\b"
    r"|\b(?:would|might) have expected\b|\b(?:there (?:was|is)|with) no (?:excuse|justification|good reason)\b"
    r"|\bneed(?:ed)? not (?:have )?(?:happen\w*|occur\w*)\b|\bdid(?:n['’]t| not) (?:have|need) to (?:happen|be this"
    r"|get "
    r"this|come to this)\b"
    r"|\b(?:we|they|people|the (?:\w+ )?(?:team|crew|desk|shift|vendor|owners?)) did(?:n['’]t| not) (?:succeed|think"
    r"|care"
    r"|anticipate|realise|realize|foresee|appreciate|follow up|live up|take the)\b", re.IGNORECASE)  # fmt: skip
_COUNTERFACTUAL = re.compile(
    r"\b(?:were|was) it not for\b|\bhad it not been for\b|\bbut for (?:the|a|an|this|that)\b[^.;]*\b(?:had|would|could"
    r"|might)\b|(?:^|[.;:–—]\s*)were (?:the|this|that|there|our|these|those|it|we|they) [^.;]{2,60},"
    r"|\bshould (?:we|they|he|she|i|the (?:team|crew)) have had\b|\bwithout (?:this|that|the|our|it)\b[^.;]{0,50}? "
    r"(?:would|could|might)(?: not| never)? have\b|\bi['’]d have\b|\bwish(?:es|ing)? (?:we|i|they|the|somebody|someone"
    r"|it|this|that|you|he|she|there|our|our \w+)\b|\ball (?:it|that was|this) (?:took|needed|would have taken"
    r"|needed was)"
    r" (?:was|is)?|\b(?:an |a )?(?:earlier|quicker|sooner|faster|better|prompter) [\w ]{1,30}? (?:was|were) (?:well "
    r"|quite "
    r"|easily |entirely )?(?:possible|feasible|within reach|easy|doable|at hand)\b"
    r"|\b(?:if|had) (?:only )?[^.;,]{2,60}?, (?:none of (?:this|that|it)|this|that|it|nothing|we|they|the \w+) (?:is"
    r"|was|were"
    r"|does|never|happens|had|stays|gets)\b", re.IGNORECASE)  # fmt: skip
_IF_HAD = re.compile(
    r"(?:^|[.;:,–—-]\s*)if [^.;,]{2,60}? had (?:n['’]t |not |only |just |also |been )*(\w+)", re.IGNORECASE
)
_PLAIN = re.compile(
    r"\b(?:only )?a (?:question|matter) of time\b|\b(?:in|into) plain (?:view|sight)\b|\b(?:was|is|were"
    r"|it['’]s) (?:quite "
    r"|all too |rather )?plain(?:ly)? (?:that|to|from|enough)\b|\b(?:is|was|became|seems?) (?:now |only |quite )?clear "
    r"(?:now|today|afterwards|after the fact|in the end|by now|that (?:we|nobody|the team|this (?:was|would)))\b"
    r"|\b(?:knowing|with|given|from|by) what (?:we|i|one|everybody) (?:know|knew|learn\w*|see)\b|\bafter the fact\b"
    r"(?!\s+(?:table|tables))|\bwise(?:r)? (?:after|in) \w+|\b(?:no|not a|small|little|hardly a|without) (?:surprise"
    r"|wonder)\b|\bas no surprise\b|\b(?:not|hardly|un)[ -]?surprising(?:ly)?\b|\bany (?:\w+ )?(?:engineer|developer"
    r"|analyst|person|reviewer|expert|colleague|operator|professional|team) (?:\w+ )?(?:would|could|should|knows"
    r"|sees)\b"
    r"|\bhow (?:did|could|was|can) (?:we|they|nobody|no one|anyone|it be|this)\b(?: \w+)?|\bwhy (?:nobody|no one|we"
    r"|they)"
    r"\b|\b(?:the )?(?:better|right|wiser|smarter|correct|proper|best|safer|wrong) (?:choice|option|course|move|thing"
    r"|call|decision|way|reaction|response) (?:\w+ ){0,3}?(?:was|would|were|to do)\b|\b(?:it|this|that|which) (?:only "
    r"|just )?goes to show\b|\b(?:wiser|smarter|better|wise|prudent|smart) to (?:have )?\w+|\btoo (?:trusting"
    r"|optimistic"
    r"|naive|confident|late to)\b|\b(?:naive|wrong|foolish|unwise|premature|optimistic|careless) (?:of us )?to (?:trust"
    r"|assume|think|believe|ship|hope|rely|wait|skip|go|let|leave|accept)\b|\bbegg(?:ed|ing) (?:for trouble|to)\b"
    r"|\basking for trouble\b|\btook (?:the )?(?:trouble|time|pains) to\b|\b(?:everyone|everybody|we all|all of us) "
    r"(?:\w+ )?(?:knew|know|saw|could)\b|\b(?:signs?|clues?|hints?|symptoms?|warnings?) (?:was|were|had been) (?:\w+ )?"
    r"(?:there|visible|present|clear|plain|in front|ignored)\b|\bright (?:in front of|under) (?:us|our|every\w*|the "
    r"team)\b|\b(?:missed|lost) (?:chance|opportunit\w+|the (?:chance|opportunity))\b", re.IGNORECASE)  # fmt: skip
_FAILED = re.compile(
    r"\b(?:fail(?:ed|ure|ures|ing|s)?|inability|omission|neglect|unwillingness|refusal|reluctance) to (?:rehearse"
    r"|prepare"
    r"|link|train|practi[sc]e|question|plan|communicate|coordinate|escalate|notice|spot|tell|inform|warn|ask|agree"
    r"|learn"
    r"|act|see|understand|review|anticipate|consider|listen|own|document)\b"
    r"(?<!model failed to learn)(?<!models failed to learn)|\b(?:omitted|neglected) to \w+"
    r"|\b(?:team|crew|shift|desk|people|staff|we|they|reviewers?|engineers|operators|annotators|owners|on-call) "
    r"(?:\w+ )?(?:failed (?:at|in) \w+ing|let [^.;,]{1,40}? (?:slip|pass|through|slide"
    r"|go)\b)", re.IGNORECASE)  # fmt: skip
_MACHINES = re.compile(r"\b(?:loader|job|model|network|agent|parser|pod|reader|controller|client|service|classifier"
                        r"|policy|learner|optimi[sz]er|llm|assistant|bot|guard|script|worker|scheduler|node|feed|api) "
                        r"(?:\w+ )?$", re.IGNORECASE)  # fmt: skip


def judged_by_family(told: str) -> str:
    """Return the first words of a text that judge by hindsight, by their family; empty where none do."""
    for pattern in (_DUTIES, _COUNTERFACTUAL, _PLAIN):
        if found := pattern.search(told):
            return found[0].strip(" .:;-–—,")[:40]
    for found in _IF_HAD.finditer(told):
        if past(found[1]):
            return found[0].strip(" .:;-–—,")[:40]
    return next((m[0] for m in _FAILED.finditer(told) if not _MACHINES.search(told[: m.start()])), "")
