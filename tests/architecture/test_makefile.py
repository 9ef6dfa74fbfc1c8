"""The verbs of the Makefile: each does something that exists, and set-up refuses an old Python in one sentence."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Makefile").read_text(encoding="utf-8")
VERBS = {"demo", "test", "test-full", "bench", "bench-causes", "lint", "docs", "screenshots"}
PLAIN_TOOLS = ("sh", "dirname", "sed", "awk", "cat", "rm", "touch")


def test_every_promised_verb_is_there_and_sets_itself_up() -> None:
    """Each depends on the set-up, and ``make`` alone lists it in words."""
    rules = dict(re.findall(r"^([a-z-]+): (\S+) ## \S", TEXT, re.MULTILINE))
    assert {verb for verb in VERBS if rules.get(verb) != "$(READY)"} == set()


def test_every_module_that_a_verb_runs_exists() -> None:
    """``python -m benchmarks.board`` would fail only when somebody asks for it."""
    named = set(re.findall(r"-m ((?:tools|benchmarks)\.\w+)", TEXT))
    each = re.search(r"for name in ([\w ]+); do \$\(BIN\)/python -m benchmarks", TEXT)
    assert each is not None
    named |= {f"benchmarks.{name}" for name in each.group(1).split()}
    assert len(named) >= 6
    assert {name for name in named if not (ROOT / f"{name.replace('.', '/')}.py").is_file()} == set()


@pytest.mark.parametrize("version", ["Python 3.10.13", "Python 3.14.0"])
def test_a_python_that_does_not_suit_is_answered_in_one_sentence(tmp_path: Path, version: str) -> None:
    """It says what was found and what to install, and leaves no half-made environment."""
    programs, checkout = tmp_path / "bin", tmp_path / "checkout"
    programs.mkdir()
    for name in PLAIN_TOOLS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    # Stands in for an interpreter: tells its version, and fails the check that is run in it.
    stand_in = programs / "python3"
    stand_in.write_text(f'#!/bin/sh\n[ "$1" = -V ] && echo "{version}" && exit 0\nexit 1\n', encoding="utf-8")
    stand_in.chmod(0o755)
    (checkout / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools/setup.sh", checkout / "tools/setup.sh")
    done = subprocess.run(["sh", "tools/setup.sh"], cwd=checkout, env={"PATH": str(programs)}, capture_output=True,
                          text=True, timeout=30, check=False)  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert f"found: {version}" in done.stderr
    assert "install python3.12" in done.stderr
    assert not (checkout / ".venv").exists()
