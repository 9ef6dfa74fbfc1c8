"""A claim that rests on something live."""

from __future__ import annotations

from workbench.report.lints import Lint, phrase

LINT = Lint("live evidence", "Ask the question in the case, so that the answer is frozen, and cite its chip.",
            phrase(r"\blive\b\s*[\])]|\bLIVE\s*:|https?://\S*(dashboard|grafana|d/)",
                   "rests on live evidence"))  # fmt: skip
