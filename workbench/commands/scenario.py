"""``workbench scenario``: incidents with a known cause."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands import _common as common

EXAMPLE = "Example:  workbench scenario create unmapped_category --seed 7 --out incident"


def register(app: typer.Typer) -> None:
    """Add the family of verbs."""
    family = typer.Typer(no_args_is_help=True, help="Write incidents with a known cause, to learn and to test with.")
    family.command("create", epilog=EXAMPLE)(create)
    family.command("list", epilog="Example:  workbench scenario list --json")(list_faults)
    app.add_typer(family, name="scenario")


def create(
    name: Annotated[str, typer.Argument(help="Which fault to plant; see `workbench scenario list`.")],
    out: Annotated[Path, typer.Option(help="Folder to write; absent or empty.")],
    seed: Annotated[int, typer.Option(help="Every seed is another system.")] = 7,
    days: Annotated[int, typer.Option(help="Days of history, the incident included.")] = 31,
    variant: Annotated[str, typer.Option(help="cause, no_cause, decoy, two_cause or near_miss.")] = "cause",
    as_json: common.Json = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Write one incident as the files that third parties would send, and a sealed truth.json."""
    write(name, seed=seed, days=days, variant=variant, out=out)
    if as_json:
        files = sorted(path for path in out.rglob("*") if path.is_file())
        common.print_json({"path": str(out), "alert": str(out / "alert.json"), "files": [str(path) for path in files],
                           "bytes": sum(path.stat().st_size for path in files)})  # fmt: skip
        return
    common.console.print(f"Wrote {out}. Next: workbench ingest {out} && workbench investigate --alert {out}/alert.json")


def write(name: str, *, seed: int, days: int, variant: str, out: Path) -> Path:
    """Create one incident with a progress bar."""
    from workbench import scenarios
    from workbench.errors import UnknownNameError

    if variant not in scenarios.VARIANTS:
        raise UnknownNameError("variant", variant, scenarios.VARIANTS)
    with common.progress("Simulating") as bar:
        task = bar.add_task("", total=100)
        return scenarios.create(
            name, seed=seed, days=days, variant=variant, out=out,
            progress=lambda what, share: bar.update(task, completed=int(100 * share), description=what),
        )  # fmt: skip


def list_faults(as_json: common.Json = False) -> None:  # noqa: FBT002 - a flag of the command line
    """List the faults that can be planted, with their mechanisms."""
    from workbench import scenarios

    rows = scenarios.listing()
    if as_json:
        common.print_json(rows)
        return
    for row in rows:
        common.console.print(f"[bold]{row['name']}[/]  {row['title']}", highlight=False)
        common.console.print(f"    [dim]{row['mechanism']}[/]", highlight=False)
