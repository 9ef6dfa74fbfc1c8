"""Calibration, performance without labels, slices and gaps, on seeded truths."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from workbench.analysis.calibration import calibration
from workbench.analysis.cbpe import estimate
from workbench.analysis.slices import by_slice, fairness_gaps, serving_skew
from workbench.errors import UsageError

METRICS = ("accuracy", "roc_auc", "f1", "precision", "recall", "brier")


def world(seed: int, n: int = 8000, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(shift, 1.5, n)))
    return p, (rng.random(n) < p).astype(float)


def test_an_honest_score_is_calibrated_and_a_squared_one_is_not() -> None:
    p, y = world(1)
    honest, bent = calibration(p, y), calibration(p**2, y)
    assert honest.p_value > 0.01
    assert honest.ece < 3 * honest.ece_by_chance
    assert bent.p_value < 1e-6
    assert bent.ece == pytest.approx(np.mean(p - p**2), abs=0.02)
    assert honest.brier == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert honest.bins["rows"].sum() == 8000


def test_calibration_holds_its_false_alarm_rate() -> None:
    """At 5 %, of 100 honest scores at most 12 are refused."""
    assert sum(calibration(*world(s, 1000)).p_value < 0.05 for s in range(100)) <= 12


def test_the_estimate_covers_what_labels_show_later() -> None:
    """Inputs drift, the relation does not: of 48 realised figures at least 43 lie within their 95 % intervals."""
    inside = 0
    for metric in METRICS:
        for seed in range(8):
            known, label = world(seed, 4000)
            scores, truth = world(100 + seed, 3000, shift=0.7)
            found = estimate(known, label, scores, metric=metric, resamples=60)
            real = estimate(scores, truth, scores[:1], metric=metric, resamples=1).reference
            inside += found.low <= real <= found.high
    assert inside >= 43


def test_the_reference_figure_is_the_measured_one() -> None:
    known, label = world(3)
    assert estimate(known, label, known, metric="roc_auc", resamples=2).reference == pytest.approx(
        roc_auc_score(label, known)
    )


def test_the_blind_spot_is_stated_and_too_few_labels_are_refused() -> None:
    known, label = world(3)
    assert "concept drift" in estimate(known, label, known, resamples=2).blind_spots[0]
    with pytest.raises(UsageError, match="100 labelled rows"):
        estimate(known[:50], label[:50], known)


def test_the_failing_slice_comes_first_and_gaps_are_named() -> None:
    rng = np.random.default_rng(5)
    p, y = world(5)
    rows = pd.DataFrame(
        {"score": p, "label": y, "region": rng.choice(list("abcd"), 8000), "sex": rng.choice(["f", "m"], 8000)}
    )
    wrong = (rows["region"] == "c") & (rng.random(8000) < 0.4)
    rows.loc[wrong, "label"] = 1 - rows.loc[wrong, "label"]
    first = by_slice(rows, ["region", "sex"]).iloc[0]
    assert (first["column"], first["value"]) == ("region", "c")
    assert first["q_value"] < 1e-6
    rows.loc[rows["sex"] == "f", "score"] *= 0.6
    gaps = fairness_gaps(rows, "sex").set_index("figure")
    assert (gaps.loc["positive_rate", "least"], gaps.loc["positive_rate", "ratio"] < 0.8) == ("f", True)


def test_skew_between_training_and_serving_names_the_feature() -> None:
    rng = np.random.default_rng(6)
    training = pd.DataFrame({"a": rng.normal(size=4000), "b": rng.normal(size=4000)})
    serving = pd.DataFrame({"a": rng.normal(size=2000), "b": rng.normal(size=2000) * 100})
    assert serving_skew(training, serving).decision.drifted == ("b",)
