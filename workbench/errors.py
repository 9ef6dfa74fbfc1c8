"""Every error raised on purpose: what was wrong, what was seen, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WorkbenchError(Exception):
    """Stand above every error that the workbench raises on purpose."""

    exit_code = 1


class UsageError(WorkbenchError, ValueError):
    """Say that an argument or a configuration value cannot be used."""

    exit_code = 2


class UnknownNameError(UsageError):
    """Say that a name is not among the known ones, and suggest the nearest."""

    def __init__(self, group: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean: {near[0]}?" if near else f"Known: {', '.join(names) or 'none'}."
        super().__init__(f"There is no {group} {name!r}. {hint}")


class SourceError(WorkbenchError):
    """Say that an outside system or file could not be read."""

    exit_code = 3


class StoreError(WorkbenchError):
    """Say that the store cannot be opened, written or trusted."""

    exit_code = 4


class IntegrityError(WorkbenchError):
    """Say that bytes on disk are not those that were recorded."""

    exit_code = 5


class CouldNotRunError(WorkbenchError):
    """Say why a step has nothing to work on: a missing source, too little history."""

    exit_code = 6
