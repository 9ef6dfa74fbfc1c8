"""A claim that rests on something live."""

from __future__ import annotations

from workbench.report.lints import Lint, phrase

_WORDS = (
    r"\blive\b\s*[\])]|\blive\s*:",
    r"https?://\S*(?:dashboard|grafana|kibana|datadog|superset|prometheus|discover|explore|graph\b|/d/|now-\d)",
    r"\b(?:currently|now) (?:shows?|says|reads)\b|\bright now\b|\bas of (?:now|this moment|right now)\b"
    r"|\bat the moment\b|\bsee the (?:panel|dashboard|graph)\b",
)

LINT = Lint("live evidence", "Ask the question in the case, so that the answer is frozen, and cite its chip.",
            phrase("|".join(_WORDS), "rests on live evidence"))  # fmt: skip
