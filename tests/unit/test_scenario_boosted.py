"""Boosted trees evaluated column by column say what their own library says, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from workbench.scenarios import boosted


@pytest.mark.parametrize("leaves", [6, 11])
def test_scores_are_those_of_predict_proba_bit_by_bit_on_thresholds_too(leaves: int) -> None:
    rng = np.random.default_rng(leaves)
    x = rng.standard_normal((4_000, 9)).astype(np.float32)
    x[:, 6:] = rng.random((4_000, 3)) < 0.3
    bad = rng.random(4_000) < 1 / (1 + np.exp(-x[:, 0] * x[:, 1] - x[:, 7]))
    classifier = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=leaves, learning_rate=0.15, random_state=0, early_stopping=False
    ).fit(x, bad)
    nodes = np.concatenate([grown.nodes for (grown,) in classifier._predictors])
    inner = nodes[nodes["is_leaf"] == 0]
    asked = rng.standard_normal((boosted.CHUNK + 500, 9)).astype(np.float32)  # one whole chunk, and a part
    asked[: len(inner), inner["feature_idx"]] = inner["num_threshold"].astype(np.float32)  # on them, or just beside
    assert len(inner) >= 40 * (leaves - 2)
    found = boosted.scores(classifier, np.ascontiguousarray(asked.T))
    assert (found == classifier.predict_proba(asked)[:, 1]).all()
