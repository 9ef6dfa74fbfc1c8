"""The words human error."""

from __future__ import annotations

from workbench.report.lints import Lint, phrase

LINT = Lint("human error", "Say what the system let happen, and what would have stopped it.",
            phrase(r"\b(human|operator|user|pilot)[- ]error\b|\bcareless",
                   "names an error of people as a cause"))  # fmt: skip
