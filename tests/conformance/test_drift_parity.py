"""Scores under parity equal Evidently 0.7.23's and NannyML 0.13.1's own numbers at 1e-9."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from workbench.analysis.parity import evidently, nannyml

DATA = os.environ.get("WORKBENCH_CONFORMANCE_DATA")
EVIDENTLY = ("psi", "jensenshannon", "ks", "wasserstein", "hellinger", "chisquare", "kl_div")
NANNYML = ("jensen_shannon", "kolmogorov_smirnov", "wasserstein", "hellinger", "chi2", "l_infinity")


@pytest.mark.parametrize(("tool", "scores"), [("evidently", EVIDENTLY), ("nannyml", NANNYML)])
def test_every_recorded_score_is_met_at_1e_9(tool: str, scores: tuple[str, ...]) -> None:
    if not DATA:
        pytest.skip("WORKBENCH_CONFORMANCE_DATA is not set: the recorded scores are not at hand.")
    folder = Path(DATA) / "drift" / "parity"
    module = {"evidently": evidently, "nannyml": nannyml}[tool]
    compared = 0
    for fixture, columns in json.loads((folder / f"expected_{tool}.json").read_text())["fixtures"].items():
        reference, current = (pd.read_csv(folder / f"{fixture}_{part}.csv") for part in ("ref", "cur"))
        for column, recorded in columns.items():
            for metric, entry in recorded.items():
                wanted = entry["value"] if isinstance(entry, dict) and "value" in entry else entry
                if metric not in scores or not isinstance(wanted, float):
                    continue
                found = module.score(metric, reference[column], current[column])
                assert found == pytest.approx(wanted, rel=1e-9, abs=1e-12), f"{fixture} {column} {metric}"
                compared += 1
    assert compared >= 15
