"""Numbers of an edited postmortem that its case does not hold: each figure is looked for in what its chips lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench.case.case import Case
from workbench.report.figures import Figure, measured
from workbench.report.lint import Defect
from workbench.report.lints import CHIP
from workbench.report.postmortem import draft

_SKIPPED = ("", "Evidence index")
_FIX = "Write the figure that the evidence holds, or cite the chip that holds this one."


def lint_numbers(markdown: str, case: Case) -> list[Defect]:
    """Return each line of a postmortem with a figure that nothing it cites says, by line.

    What a chip says is every sentence of the case's own draft that cites it, and every finding and summary that
    rests on it; a figure, in digits or in words, is held where the same value of the same thing is written there.
    """
    return lint_figures(markdown, figures_held(case))


def lint_figures(markdown: str, held: Mapping[str, set[Figure]]) -> list[Defect]:
    """Return each line of a postmortem with a figure that none of its chips holds; *held* is what each chip holds."""
    found, section = [], ""
    for number, line in enumerate(markdown.splitlines(), start=1):
        section = line[3:].strip() if line.startswith("## ") else section
        chips = [chip[1:-1] for chip in CHIP.findall(line)]
        if section in _SKIPPED or not chips:
            continue
        known = set[Figure]().union(*(held.get(chip, set()) for chip in chips))
        gone = [text for text, figure in measured(line) if not figure.held_by(known)]
        if gone:
            message = f"says {gone[0]}, which {_cited(chips)} does not hold"
            found.append(Defect(number, "number without evidence", message, _FIX))
        elif strange := [chip for chip in chips if chip not in held]:
            message = f"cites [{strange[0]}], which the case does not hold"
            found.append(Defect(number, "number without evidence", message, _FIX))
    return found


def _cited(chips: Iterable[str]) -> str:
    return "".join(f"[{chip}]" for chip in chips)


def figures_held(case: Case) -> dict[str, set[Figure]]:
    """Return the figures that each chip of a case leads to, by their value."""
    held: dict[str, set[Figure]] = {name: set() for name in case.evidence}
    for _, sentence in draft(case).sentences():
        for chip in sentence.evidence:
            held.setdefault(chip, set()).update(figures(sentence.text))
    for entry in case.entries:
        outcome = case.outcome(entry.seq)
        own = held.setdefault(f"J{entry.seq}", set())
        own |= figures(outcome.summary)
        for finding in outcome.findings:
            own |= figures(finding.statement)
            for item in finding.evidence:
                held.setdefault(item.id, set()).update(figures(finding.statement))
    return held


def figures(text: str) -> set[Figure]:
    """Return the figures of a text by value and unit, without dates, times and names."""
    return {figure for _, figure in measured(text)}
