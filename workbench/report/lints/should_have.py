"""The words should have, and other judgements by hindsight."""

from __future__ import annotations

from workbench.report.lints import Lint, phrase

_WORDS = (
    r"\b(?:should|could|would|might|must|ought to)(?:n['’]t| not)?(?: \w+)? have\b"
    # What has to be so is no judgement: each code should have one mapping.
    r"(?! (?:exactly |at (?:least|most) |only )?(?:an?|the|one|two|no|its|their|some|any|\d+)\b)",
    r"\b(?:need|ought|meant|expect|suppos)\w* to have\b",
    r"\b(?:should|could|would|might|must)(?:n['’]t)?['’]ve\b",
    r"\b(?:in|with) hindsight\b|\bin retrospect\b|\bif only\b",
    r"\bhad (?:anybody|anyone|somebody|someone|we|they|he|she) \w+",
    r"\b(?:failed|neglected|omitted|failure|supposed) to\b",
)

LINT = Lint("should have", "Say what was known at the time and what was done; put the wish under Actions.",
            phrase("|".join(_WORDS), "judges by hindsight"))  # fmt: skip
