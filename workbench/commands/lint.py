"""``workbench lint``: what a postmortem still lacks, with line and fix."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from workbench.commands import _common as common

if TYPE_CHECKING:
    from workbench.report.lint import Defect


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("lint", epilog="Example:  workbench lint postmortems/INC-1.md")(lint)


def lint(
    path: Annotated[Path, typer.Argument(help="A postmortem's Markdown, or a case folder.")],
    case: Annotated[
        Path | None, typer.Option(help="Case folder whose evidence must hold the Markdown's figures.")
    ] = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Look for what a postmortem lacks or should not say; exit with 1 where something is found."""
    from workbench.report.lint import lint as check

    text = _drafted(path) if path.is_dir() else path.read_text(encoding="utf-8")
    found = check(text)
    if case is not None:
        found = sorted([*found, *_unheld(text, case)], key=lambda d: (d.line, d.rule))
    if as_json:
        common.print_json([asdict(defect) for defect in found])
    else:
        common.console.print(Text("\n".join(map(str, found)) or f"{path}: nothing to mend."))
    if found:
        raise typer.Exit(1)


def _unheld(text: str, folder: Path) -> list[Defect]:
    import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
    from workbench.case.case import Case
    from workbench.report.held_numbers import lint_numbers

    return lint_numbers(text, Case.open(folder))


def _drafted(folder: Path) -> str:
    import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
    from workbench.case.case import Case
    from workbench.case.replay import replay
    from workbench.report.postmortem import draft, markdown

    with common.steps("Replaying") as step:
        return markdown(draft(Case.open(folder)), replay(folder, progress=step))
