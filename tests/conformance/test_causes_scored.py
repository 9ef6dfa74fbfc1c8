"""The labelled sets' predictions, scored by a scorer that is not ours: the same figures as the board's, no label read.

The scorer counts an abstention as the answer "none"; the board scores the ranking. Both are compared here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks import board
from benchmarks.sets import Prediction

ROUNDING = 1e-9
SETS = ["petshop", "robustspot", "rootcausebench", pytest.param("nezha_tt", marks=pytest.mark.full)]


@pytest.fixture
def scorer(data: Path) -> Path:
    """Return the scorer that lies beside the recordings."""
    found = data.parent / "bin" / "score_rankings.py"
    if not found.is_file():
        pytest.skip("the scorer of rankings does not lie beside the recordings")
    return found


@cache
def predicted(folder: Path) -> tuple[Prediction, ...]:
    """Predict one set once for all tests."""
    return tuple(board.SETS[folder.name][0].predictions(folder))


def scored(scorer: Path, folder: Path, predictions: Path) -> dict[str, Any]:
    """Run the scorer over all cases of one set."""
    labels = folder / "labels.json"
    asked = ["--data", str(labels if labels.is_file() else folder), "--cases", "all", "--json", str(predictions)]
    done = subprocess.run([sys.executable, str(scorer), *asked], capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("name", SETS)
def test_both_scorers_agree_on_every_place(data: Path, scorer: Path, tmp_path: Path, name: str) -> None:
    """Top-1, top-3 and top-5 over all cases to 1e-9, number of cases, decoys first; nothing missing or empty."""
    folder = data / "causes" / name
    made, labels = predicted(folder), board.SETS[name][1](folder)
    for abstaining in ("none", "as ranked"):
        rows = [asdict(p) if abstaining == "none" else asdict(p) | {"verdict": "suspected"} for p in made]
        out = tmp_path / f"{abstaining}.jsonl"
        out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        theirs = scored(scorer, folder, out)["ALL"]
        by_case = {row["case"]: ["none"] if row["verdict"] == "none" else list(row["ranking"]) for row in rows}
        places = [board.place(by_case[case], label) for case, label in labels.items()]
        assert theirs["n"] == len(labels)
        assert (theirs["missing"], theirs["empty"]) == (0, 0)
        for k in (1, 3, 5):
            assert theirs[f"top{k}"] == pytest.approx(board.share(places, k), abs=ROUNDING)
        decoys = sum(bool(r) and r[0] in labels[case].decoys for case, r in by_case.items())
        assert theirs["decoys"] == decoys


@pytest.mark.parametrize("name", ["petshop", "robustspot", "rootcausebench"])
def test_without_their_labels_the_predictions_are_the_same(data: Path, tmp_path: Path, name: str) -> None:
    """Root causes, ground truths and label files taken away: every ranking, verdict and confidence stays."""
    folder = tmp_path / name
    shutil.copytree(data / "causes" / name, folder)
    for path in [*folder.rglob("ground_truth.json"), *folder.rglob("labels.json")]:
        path.unlink()
    for path in folder.rglob("target.json"):
        path.write_text(json.dumps({"target": json.loads(path.read_text())["target"]}), encoding="utf-8")
    blind, sighted = predicted(folder), predicted(data / "causes" / name)
    assert [asdict(p) | {"seconds": 0} for p in blind] == [asdict(p) | {"seconds": 0} for p in sighted]
