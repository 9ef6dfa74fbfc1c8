"""A case replays to the same state hash under every Python that an environment stands ready for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHERS = sorted(ROOT.glob(".venv-3.*/bin/python"))


def workbench(python: Path | str, *arguments: str, folder: Path) -> str:
    """Run one verb under an interpreter, and return what it printed."""
    command = [str(python), "-c", "from workbench.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=280, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.skipif(not OTHERS, reason="no environment of another Python: `make test-pythons` makes them")
def test_an_investigated_case_has_one_state_hash_on_two_pythons_and_in_three_runs(tmp_path: Path) -> None:
    """Every computed entry of a whole investigation is recomputed by another interpreter and its own libraries."""
    workbench(sys.executable, "scenario", "create", "unmapped_category", "--days", "9", "--out", "in", folder=tmp_path)
    workbench(sys.executable, "ingest", "in", folder=tmp_path)
    workbench(sys.executable, "investigate", "--alert", "in/alert.json", "--json", folder=tmp_path)
    versions, hashes = set(), set()
    for python in (sys.executable, *OTHERS, sys.executable, sys.executable):
        asked = [str(python), "-c", "import sys; print(sys.version_info[:2])"]
        versions.add(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout)
        told = json.loads(workbench(python, "replay", "store/cases/INC-1", "--json", folder=tmp_path))
        assert told["matched"] == told["total"] >= 10
        hashes.add(told["state_hash"])
    assert len(versions) >= 2
    assert len(hashes) == 1
