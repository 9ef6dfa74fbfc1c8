"""``workbench demo``: one incident from end to end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel
from rich.text import Text

from workbench.commands import _common as common
from workbench.commands import case as cases
from workbench.commands import scenario
from workbench.commands.ingest import show

EXAMPLES = """
Examples:

  workbench demo

  workbench demo --seed 11 --variant no_cause           the same alert on a quiet system

  workbench demo --fault silent_feed --variant decoy
"""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo", epilog=EXAMPLES)(demo)


def demo(
    seed: Annotated[int, typer.Option(help="Every seed is another system.")] = 7,
    variant: Annotated[str, typer.Option(help="cause, no_cause, decoy, two_cause or near_miss.")] = "cause",
    fault: Annotated[str, typer.Option(help="Fault to plant; see `workbench scenario list`.")] = "unmapped_category",
    out: Annotated[Path, typer.Option(help="Folder for everything written.")] = Path("demo"),
) -> None:
    """Create an incident, take it in, find its cause, and write the case, a notebook and an HTML page."""
    from workbench.report.html import write_html
    from workbench.report.notebook import write_executed_notebook

    place = out / f"{fault}-{variant}-{seed}"
    shutil.rmtree(place, ignore_errors=True)
    incident = scenario.write(fault, seed=seed, days=31, variant=variant, out=place / "incident")
    with common.bench(place / "store") as (bench, _):
        with common.steps("Taking in") as step:
            # The sealed truth is the scorer's alone.
            files = [path for path in sorted(incident.iterdir()) if path.name != "truth.json"]
            report = bench.ingest(files, progress=lambda at, done, total: step(Path(at).name, done, total))
        show(report)
        case = bench.case("INC-1", alert=incident / "alert.json")
        cases.run(bench, case)
    page, notebook = place / "INC-1.html", place / "INC-1.ipynb"
    with common.steps("Replaying offline") as step:
        replayed = write_html(case, page, progress=step)
    with common.steps("Running the notebook") as step:
        write_executed_notebook(case, notebook, progress=step)
    from workbench.report.terminal import print_report

    print_report(case, console=common.console, replay=replayed)
    common.console.print(_next(page, notebook, case.path))


def _next(page: Path, notebook: Path, folder: Path) -> Panel:
    lines = Text()
    steps = {
        "Read it": str(page),
        "Explore it": f"{common.program()} lab {notebook.parent}  (then open {notebook.name})",
        "Recompute it": f"{common.program()} replay {common.nearby(folder)}",
    }
    for what, where in steps.items():
        lines.append(f"{what:<13}", style="bold")
        lines.append(where + "\n")
    lines.rstrip()
    return Panel(lines, title="What to open next", title_align="left", expand=False)
