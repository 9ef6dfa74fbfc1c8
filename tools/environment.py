"""Write environment.yml from pyproject.toml, so that conda users get the same set: ``python -m tools.environment``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "pyproject.toml"
TARGET = ROOT / "environment.yml"

CONDA_NAMES = {"duckdb": "python-duckdb", "uvicorn": "uvicorn-standard"}
"""Names that conda-forge spells otherwise; uvicorn's extra is a package of its own there."""
BY_PIP = ("evidently", "playwright", "pysail", "pyspark-client", "rotel", "tsdownsample")
"""What comes through pip in a conda environment: not on conda-forge, or not in the version wanted."""

_HEAD = """\
# The same set as pyproject.toml, for conda users: conda env create -f environment.yml
# Written by `make docs`; a test compares it.
name: incident-workbench
channels:
  - conda-forge
dependencies:
"""


def requirements(project: Mapping[str, Any]) -> list[str]:
    """Return every requirement that pyproject.toml declares: dependencies, extras and groups, by name."""
    declared = [*project["project"]["dependencies"]]
    for extra in project["project"].get("optional-dependencies", {}).values():
        declared += extra
    for group in project.get("dependency-groups", {}).values():
        declared += group
    return sorted(set(declared), key=name_of)


def declared(path: Path = PROJECT) -> list[str]:
    """Return the names of every declared requirement."""
    return [name_of(entry) for entry in requirements(tomllib.loads(path.read_text(encoding="utf-8")))]


def name_of(requirement: str) -> str:
    """Return a requirement's name, without extra and version."""
    return re.split(r"[\[<>=!~]", requirement, maxsplit=1)[0].strip().lower()


def on_conda(name: str) -> str:
    """Return the name under which conda users get it."""
    return CONDA_NAMES.get(name, name)


def render(path: Path = PROJECT) -> str:
    """Return the text of environment.yml."""
    project = tomllib.loads(path.read_text(encoding="utf-8"))
    wanted = requirements(project)
    lines = [f"python{project['project']['requires-python']}", "pip"]
    lines += sorted(_conda(entry) for entry in wanted if name_of(entry) not in BY_PIP)
    by_pip = [entry for entry in wanted if name_of(entry) in BY_PIP] + ["-e ."]
    body = "".join(f"  - {line}\n" for line in lines) + "  - pip:\n" + "".join(f"      - {line}\n" for line in by_pip)
    return _HEAD + body


def _conda(requirement: str) -> str:
    bare = re.sub(r"\[.*?\]", "", requirement)
    name = name_of(bare)
    return on_conda(name) + bare[len(name) :]


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
