"""``benchmarks.causes --set incidents`` needs third-party files and an alert only, whoever wrote them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.incidents import SEALED
from workbench import scenarios

SEED = 12
"""A tuning seed: this shows that the way works, the board shows how often."""
DAYS = 10


@pytest.mark.full
def test_a_folder_of_incidents_is_predicted_without_any_truth(tmp_path: Path) -> None:
    """Two incidents whose truth lies elsewhere, and a folder without an alert: two lines, the cause's twin unnamed."""
    folder, out = tmp_path / "incidents", tmp_path / "predictions.jsonl"
    folder.mkdir()
    right = {}
    for variant in ("cause", "no_cause"):
        case = scenarios.create("unmapped_category", seed=SEED, days=DAYS, variant=variant, out=folder / variant)
        sealed = case / SEALED
        right[variant] = json.loads(sealed.read_text(encoding="utf-8"))
        sealed.unlink()
    (folder / "notes").mkdir()
    asked = [sys.executable, "-m", "benchmarks.causes", "--set", "incidents", "--data", str(folder), "--out", str(out)]
    subprocess.run(asked, check=True, timeout=300)
    rows = {row["case"]: row for row in map(json.loads, out.read_text(encoding="utf-8").splitlines())}
    assert set(rows) == {"cause", "no_cause"}
    for row in rows.values():
        assert set(row) == {"case", "ranking", "verdict", "confidence", "seconds"}
        assert row["ranking"]
        assert 0 <= row["confidence"] <= 1
    accepted = {name for cause in right["cause"]["causes"] for name in (cause["entity"], *cause["also"])}
    assert rows["cause"]["ranking"][0] in accepted
    assert rows["cause"]["verdict"] != "none"
    assert rows["no_cause"]["verdict"] == "none"
