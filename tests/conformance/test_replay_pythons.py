"""A case, and the postmortem written from it, recompute alike under every Python that an environment is ready for."""

from __future__ import annotations

import json
import re
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


def said(markdown: Path) -> str:
    """Return what a postmortem says, without the day on which its badge was replayed."""
    return re.sub(r"(match, )\d{4}-\d\d-\d\d", r"\1", markdown.read_text("utf-8"))


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.skipif(not OTHERS, reason="no environment of another Python: `make test-pythons` makes them")
def test_an_investigated_case_has_one_state_hash_on_two_pythons_and_in_three_runs(tmp_path: Path) -> None:
    """Every computed entry is recomputed by another interpreter and its own libraries; each writes the same postmortem.

    The badge of a page is the replay that its own interpreter made while writing it; the oldest page verifies last.
    """
    workbench(sys.executable, "scenario", "create", "unmapped_category", "--days", "9", "--out", "in", folder=tmp_path)
    workbench(sys.executable, "ingest", "in", folder=tmp_path)
    workbench(sys.executable, "investigate", "--alert", "in/alert.json", "--json", folder=tmp_path)
    versions, hashes, texts, badges = set(), set(), set(), set()
    for run, python in enumerate((sys.executable, *OTHERS, sys.executable, sys.executable)):
        asked = [str(python), "-c", "import sys; print(sys.version_info[:2])"]
        versions.add(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout)
        told = json.loads(workbench(python, "replay", "store/cases/INC-1", "--json", folder=tmp_path))
        assert told["matched"] == told["total"] >= 10
        hashes.add(told["state_hash"])
        made = workbench(python, "postmortem", "store/cases/INC-1", "--out", f"out-{run}", "--json", folder=tmp_path)
        badge = json.loads(made)["replay"]
        assert (badge["matched"], badge["total"]) == (told["matched"], told["total"])
        badges.add(badge["state_hash"])
        texts.add(said(tmp_path / f"out-{run}" / "INC-1.md"))
    assert len(versions) >= 2
    assert hashes == badges
    assert (len(hashes), len(texts)) == (1, 1)
    workbench(OTHERS[0], "verify", "out-0/INC-1.html", "--case", "store/cases/INC-1", folder=tmp_path)
