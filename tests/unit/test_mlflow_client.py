"""One process writes many MLflow stores, says what went wrong, and is begun anew when it has gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import psutil
import pytest

from workbench.errors import SourceError
from workbench.scenarios.mlflow_client import ClientProcess


def plan(folder: Path, model: str) -> Path:
    """Return a plan of one registered model without runs."""
    content = {"seed": 3, "created": 1_700_000_000_000, "experiment": f"{model}-training", "location": "s3://models"}
    path = folder / f"{model}.json"
    path.write_text(json.dumps(content | {"model": model, "runs": [], "champion": 1}), encoding="utf-8")
    return path


def test_a_refusal_is_told_in_the_clients_words_and_a_process_that_has_gone_is_begun_anew(tmp_path: Path) -> None:
    """MLflow refuses a champion that is no version; a missing plan is named; after a kill the next plan is tried."""
    client = ClientProcess()
    empty = tmp_path / "empty.db"
    try:
        with pytest.raises(SourceError, match=r"could not write fraud\.db: .*[Vv]ersion"):
            client.write(plan(tmp_path, "fraud"), tmp_path / "fraud.db", empty)
        with pytest.raises(SourceError, match="no-such-plan"):
            client.write(tmp_path / "no-such-plan.json", tmp_path / "x.db", tmp_path / "x-empty.db")
        (first,) = [one for one in psutil.Process().children() if "mlflow_process" in " ".join(one.cmdline())]
        first.kill()
        first.wait()
        shutil.copyfile(empty, tmp_path / "churn.db")
        with pytest.raises(SourceError, match=r"could not write churn\.db: .*[Vv]ersion"):
            client.write(plan(tmp_path, "churn"), tmp_path / "churn.db", empty)
    finally:
        client.close()
