"""`case.performance` and `case.evidently`: scores with and without labels, slices, groups; another tool's report."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from workbench.bench import Bench, open_bench
from workbench.case.case import Case
from workbench.columnar import build
from workbench.model.tables import LABELS, PREDICTIONS
from workbench.model.window import DAY_NS, HOUR_NS, iso, parse_time_ns

NOW = parse_time_ns("2026-03-01T00:00:00Z")
START = NOW - 2 * HOUR_NS


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with open_bench(tmp_path / "store", who="ada", clock=lambda: NOW) as made:
        yield made


def decisions(bench: Bench, start_ns: int, prefix: str, *, labelled: bool, broken: str = "", n: int = 3000) -> None:
    """Calibrated scores; in region *broken* labels are drawn anew, and group b gets lower scores."""
    rng = np.random.default_rng(len(prefix))
    region, sex = rng.choice(["north", "south", "west"], n), rng.choice(["a", "b"], n)
    score = 1 / (1 + np.exp(-rng.normal(0, 2, n) + np.where(sex == "b", 1.0, 0.0)))
    truth = rng.random(n) < np.where(region == broken, 0.5, score)
    held = {"environment": "prod", "source": "test", "place": "here", "received_ns": NOW}
    ids = [f"{prefix}{i}" for i in range(n)]
    tables = {"predictions": build(PREDICTIONS, {
        **held, "prediction_id": ids, "time_ns": [start_ns + i * 10**9 for i in range(n)], "model": ["credit"] * n,
        "model_version": ["7"] * n, "score": score, "output": ["yes" if s >= 0.5 else "no" for s in score],
        "feature_numbers": [{"age": float(a)} for a in rng.integers(18, 90, n)],
        "feature_texts": [{"region": str(r), "sex": str(s)} for r, s in zip(region, sex, strict=True)]})}  # fmt: skip
    if labelled:
        tables["labels"] = build(LABELS, {**held, "prediction_id": ids, "name": ["default"] * n,
                                          "value": truth.astype(float), "arrived_ns": [NOW - 1] * n})  # fmt: skip
    bench.store.append(tables)


def case(bench: Bench) -> Case:
    return bench.case("INC-1", entity="model:credit", signal="score", window=f"{iso(START)}/{iso(NOW)}")


def test_a_broken_slice_and_an_unequal_group_are_named(bench: Bench) -> None:
    decisions(bench, START - DAY_NS, "before", labelled=True)
    decisions(bench, START, "now", labelled=True, broken="south")
    made = case(bench)
    found = made.performance("credit", group="sex")
    said = {f.signal: f.statement for f in found.findings}
    assert any(f.statement.startswith("region = south: accuracy 5") for f in found.findings)
    assert "Scores are not calibrated" in said["calibration"]
    assert "Positive rate by sex: b" in next(f.statement for f in found.findings if f.signal == "fairness")
    assert "(below four fifths)" in " ".join(f.statement for f in found.findings)
    assert "score_distribution" not in said
    slices = found.frames["slices"].set_index("value")
    assert slices.loc["south", "rate"] < 0.6 < slices.loc["north", "rate"]
    estimates = found.frames["estimates"].set_index("metric")
    # The relation of inputs and labels changed: the blind spot, and said to be one.
    assert estimates.loc["accuracy", "value"] == pytest.approx(estimates.loc["accuracy", "reference"], abs=0.03)
    assert "concept drift" in found.values["blind_spots"][0]
    assert made.replay().badge.startswith("Replayed offline: 2/2 match")


def test_before_labels_come_figures_are_estimated(bench: Bench) -> None:
    decisions(bench, START - DAY_NS, "before", labelled=True)
    decisions(bench, START, "now", labelled=False)
    found = case(bench).performance("model:credit", by="region")
    assert (found.values["labelled"], found.values["slices"], found.values["estimate"]) == (0, "positive_rate", "CBPE")
    assert "labels came for 0 of 3000 decisions, too few to measure" in found.summary
    row = found.frames["estimates"].set_index("metric").loc["roc_auc"]
    assert row["low"] <= row["reference"] <= row["high"]
    assert found.findings == ()


def test_without_any_label_or_feature_it_says_so(bench: Bench) -> None:
    decisions(bench, START, "now", labelled=False, n=200)
    made = case(bench)
    assert "0 labelled decisions in the history" in made.performance("credit").values["estimate"]
    assert "has no feature colour" in made.performance("credit", by="colour").could_not_run
    assert "carries a score" in made.performance("none").could_not_run


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_a_preset_of_evidently_is_kept_as_evidence(bench: Bench) -> None:
    """Its report, figures and tests stand in the case and are the same at a replay; age drifts by its own rule."""
    decisions(bench, START - DAY_NS, "before", labelled=False)
    decisions(bench, START, "now", labelled=False)
    made = case(bench)
    found = made.evidently("model:credit", baseline=f"{iso(START - DAY_NS)}/{iso(START - DAY_NS + HOUR_NS)}")
    assert found.could_not_run == ""
    assert found.values["preset"] == "drift"
    assert {"evidently_DriftedColumnsCount_share", "evidently_ValueDrift"} <= set(found.frames["figures"]["metric"])
    assert found.values["tests"] >= 5
    assert found.values["report"]["metrics"]
    assert made.replay().badge.startswith("Replayed offline: 2/2 match")


def test_evidently_is_not_run_without_rows(bench: Bench) -> None:
    assert "neither profiles nor rows" in case(bench).evidently("orders").could_not_run
