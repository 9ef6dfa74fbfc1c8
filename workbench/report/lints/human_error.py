"""The words human error, and their kin: mistakes, carelessness, forgetting."""

from __future__ import annotations

from workbench.report.lints import Lint, phrase

_WHO = r"human|operator|pilot|admin(?:istrator)?|engineer|developer|people"
_HOW = r"manual|personal|individual|simple|silly|stupid|honest|copy[- ]?(?:and[- ])?paste|typing|clerical|procedural"
_WORDS = (
    rf"\b(?:{_WHO})[- ](?:errors?|mistakes?|failures?|slips?)\b",
    # Errors that users meet are a figure; an error of users is a judgement.
    r"\buser error\b(?!\s+(?:reports?|rates?|messages?|pages?|codes?|counts?))",
    r"\b(?:errors?|mistakes?) of (?:a|the|some) (?:human|person|people|team|operator|engineer)",
    rf"\b(?:{_HOW}) (?:errors?|slips?|oversights?|lapses?)\b|\bmistake(?:s|n|nly)?\b|\boversights?\b",
    r"\bpebka[cm]\b|\bid-?10-?t\b|\blayer[ -]8\b|\bbetween (?:the )?(?:keyboard|chair)\b|\bbrain ?fart\b",
    r"\b(?:click|press|typ|enter|cho|pick|select|copi|past)\w* (?:on |in )?the wrong\b",
    r"\blaps(?:e|ed) (?:of|in) (?:attention|judge?ment|concentration)\b|\bpoor judge?ment\b|\bincompeten|\bcomplacen",
    r"\blazy\b|\blaziness\b|\binexperience|\bnot (?:been )?(?:paying attention|careful|diligent|thorough)\b",
    r"\bdid(?:n['’]t| not) (?:bother|think|care|pay attention)\b|\bforget(?:ful|ting)?\b|\bcarelessly\b",
    r"\b(?:to|who is to) blame\b|\bfault of (?:whoever|the (?:person|engineer|team|author))|\bwhoever\b",
    r"\bcareless|\bnegligen|\bsloppy|\bsloppi|\bfat[- ]?finger|\black of attention|\binattenti",
    r"\bforgot(?:ten)?\b|\bbothered to\b|\boverlooked\b|\bpa(?:y|ying|id) (?:no )?attention\b",
)

LINT = Lint("human error", "Say what the system let happen, and what would have stopped it.",
            phrase("|".join(_WORDS), "names an error of people as a cause"))  # fmt: skip
