"""Who a case is: its id, format, and the versions of the software that made it."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from workbench.case import files
from workbench.case.canonical import loads, plain
from workbench.errors import IntegrityError, UsageError

FORMAT = 1
_PACKAGES = ("incident-workbench", "duckdb", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def new_identity(case_id: str, created: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``case.json`` of a new case holds."""
    settings = plain(config, "config")
    return {"id": case_id, "format": FORMAT, "created": created, "versions": versions(), "config": settings}


def identity(folder: Path) -> dict[str, Any]:
    """Return what ``case.json`` holds; raise in words if it is damaged or of another format."""
    try:
        content = loads((folder / files.CASE).read_bytes())
        found, case_id = content["format"], files.checked_id(content["id"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{files.CASE} of {folder} is damaged: {error}.") from error
    if found != FORMAT:
        raise UsageError(f"Case {case_id} has format {found!r}; this version reads {FORMAT}. Update the package.")
    return dict(content)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def user_name() -> str:
    """Return who is at the keyboard, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
