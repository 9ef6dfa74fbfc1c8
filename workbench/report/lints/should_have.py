"""The words should have."""

from __future__ import annotations

from workbench.report.lints import Lint, phrase

LINT = Lint("should have", "Say what was known at the time and what was done; put the wish under Actions.",
            phrase(r"\b(should|could|ought to) have\b|\bfailed to\b", "judges by hindsight"))  # fmt: skip
