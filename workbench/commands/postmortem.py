"""``workbench postmortem`` and ``verify``: write what survives an incident, and check that it is unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from workbench.commands import _common as common


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("postmortem", epilog="Example:  workbench postmortem store/cases/INC-1 --out postmortems")(postmortem)
    app.command("revisions", epilog="Example:  workbench revisions draft/INC-1.html postmortems/INC-1.html")(revisions)
    app.command("verify", epilog="Example:  workbench verify postmortems/INC-1.html --case store/cases/INC-1")(verify)


def postmortem(
    case: Annotated[Path, typer.Argument(help="Case folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write to; by default postmortems/ in the store.")] = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Replay a case and write its postmortem: HTML, Markdown, notebook, and the guard that would have caught it."""
    import workbench.playbook.runner  # noqa: F401 - registers the operations that a journal names
    from workbench.case.case import Case
    from workbench.report.postmortem import write_postmortem

    with common.steps("Replaying") as step:
        written = write_postmortem(Case.open(case), out, progress=step)
    files = [str(path) for path in written.files]
    if as_json:
        common.print_json({"files": files, "seconds": round(written.seconds, 3), "replay": written.replay.plain(),
                           "to_mend": [vars(defect) for defect in written.defects]})  # fmt: skip
    else:
        common.console.print(Text(f"{written.replay.badge}; written in {written.seconds:.1f} s"))
        for name in files:
            common.console.print(Text(f"  {name}"))
        for defect in written.defects:
            common.console.print(Text(f"  to mend: {defect}"))
    if not written.replay.ok:
        raise typer.Exit(5)


def verify(
    path: Annotated[Path, typer.Argument(help="A postmortem's HTML file, a case folder, or a bundle.")],
    case: Annotated[Path | None, typer.Option(help="Case folder to compare an HTML file with.")] = None,
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Check the digests of a postmortem, or of a case or bundle and its journal's chain; nothing is computed."""
    if path.is_dir():
        from workbench.case.verify import verify as verify_case

        problems = [str(m) for m in verify_case(path).mismatches]
    elif path.suffix == ".zip":
        problems = _bundle_problems(path)
    else:
        from workbench.report.verify_page import verify_page

        problems = verify_page(path, case)
    if as_json:
        common.print_json({"path": str(path), "ok": not problems, "problems": problems})
    else:
        common.console.print(Text("\n".join(problems) if problems else f"{path}: as it was written."))
    if problems:
        raise typer.Exit(5)


def _bundle_problems(path: Path) -> list[str]:
    from workbench.errors import IntegrityError

    try:
        with common.folder_of(path):
            return []
    except IntegrityError as error:
        return [str(error)]


def revisions(
    before: Annotated[Path, typer.Argument(help="The earlier HTML file of a postmortem.")],
    after: Annotated[Path, typer.Argument(help="The later HTML file of the same postmortem.")],
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Show what changed between two revisions of a postmortem, sentence by sentence."""
    from workbench.report.revisions import revisions as changes

    found = changes(before, after)
    if as_json:
        common.print_json([vars(c) for c in found])
    else:
        common.console.print(Text("\n".join(map(str, found)) or "The two revisions say the same."))
