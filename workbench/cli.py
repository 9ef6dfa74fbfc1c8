"""The command line: every file of ``workbench.commands`` adds its verbs."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

import typer

from workbench import commands
from workbench.errors import WorkbenchError

EXIT_CODES = """Exit codes: 0 done; 1 failed; 2 wrong use; 3 a source could not be read; 4 the store could not
be opened or trusted; 5 bytes on disk are not what was recorded; 6 there was nothing to work on."""


def application() -> typer.Typer:
    """Build the application from the files of ``workbench.commands``, in name order."""
    app = typer.Typer(
        name="workbench",
        help="From an alert on a machine-learning system to a proven cause and a postmortem that recomputes.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for found in pkgutil.iter_modules(commands.__path__):
        if not found.name.startswith("_"):
            importlib.import_module(f"{commands.__name__}.{found.name}").register(app)
    return app


def main() -> None:
    """Run the command line; an error raised on purpose becomes one message and its exit code."""
    # Nothing leaves the machine unasked.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        application()()
    except WorkbenchError as error:
        sys.stderr.write(f"workbench: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("workbench: stopped.\n")
        sys.exit(130)
