"""The words human error, and their kin: mistakes, carelessness, forgetting."""

from __future__ import annotations

from workbench.report.lints import Lint, phrase

_WHO = r"human|operator|pilot|admin(?:istrator)?|engineer|developer|people"
_WORDS = (
    rf"\b(?:{_WHO})[- ](?:errors?|mistakes?|failures?|slips?)\b",
    # Errors that users meet are a figure; an error of users is a judgement.
    r"\buser error\b(?!\s+(?:reports?|rates?|messages?|pages?|codes?|counts?))",
    r"\b(?:errors?|mistakes?) of (?:a|the|some) (?:human|person|people|team|operator|engineer)",
    r"\b(?:made|makes|make) (?:a|the) mistakes?\b|\bby mistake\b",
    r"\bcareless|\bnegligen|\bsloppy|\bsloppi|\bfat[- ]?finger|\black of attention|\binattenti",
    r"\bforgot(?:ten)?\b|\bbothered to\b|\boverlooked\b|\bpa(?:y|ying|id) (?:no )?attention\b",
)

LINT = Lint("human error", "Say what the system let happen, and what would have stopped it.",
            phrase("|".join(_WORDS), "names an error of people as a cause"))  # fmt: skip
