"""Run every lint over a postmortem's Markdown."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

from workbench.report import lints
from workbench.report.lints import Line


@dataclass(frozen=True)
class Defect:
    """What a lint found: its line from 1, the rule, what is wrong, and how to mend it."""

    line: int
    rule: str
    message: str
    fix: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.rule}: {self.message}. {self.fix}"


def lint(markdown: str) -> list[Defect]:
    """Return every defect of a postmortem, in the order of its lines."""
    section, fenced, lines = "", False, []
    for number, text in enumerate(markdown.splitlines(), start=1):
        # A rule in a fence is code to paste, not a claim.
        fence = text.startswith("```")
        fenced = fenced != fence
        if fenced or fence:
            continue
        section = text[3:].strip() if text.startswith("## ") else section
        lines.append(Line(number, section, text))
    # A file of the package is a lint.
    names = sorted(found.name for found in pkgutil.iter_modules(lints.__path__))
    rules = [importlib.import_module(f"{lints.__name__}.{name}").LINT for name in names]
    found = [Defect(line.number, rule.title, message, rule.fix)
             for rule in rules for line, message in rule.check(tuple(lines))]  # fmt: skip
    return sorted(found, key=lambda d: (d.line, d.rule))
