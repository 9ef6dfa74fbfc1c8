"""A figure counted again from rows of decisions: the mean score weighs by the decisions that have one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from workbench.case.reading import Reading
from workbench.model.findings import Evidence
from workbench.model.window import HOUR_NS
from workbench.playbook.symptoms import About, Series, recount

HOURS, BAD = 120, 6
EVIDENCE = Evidence("e", "prediction_series", "", "", 0)


def _rows() -> pd.DataFrame:
    """Return hours of some 90 decisions 'allow' of score .05 and 10 'deny' of .5; late, 40 more are denied unscored."""
    at = np.arange(HOURS) * HOUR_NS
    late = np.arange(HOURS) >= HOURS - BAD
    wave = 0.01 * np.sin(np.arange(HOURS) / 12)
    n = 88 + np.arange(HOURS) % 13 % 5
    allow = pd.DataFrame({"start_ns": at, "output": "allow", "n": n, "scored": n, "mean_score": 0.05 + wave})
    deny = pd.DataFrame({"start_ns": at, "output": "deny", "n": np.where(late, 50, 10), "scored": 10})
    return pd.concat([allow, deny.assign(mean_score=0.5 + wave)], ignore_index=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_decisions_without_a_score_weigh_nothing_in_the_mean_score(seed: int) -> None:
    """40 unscored denials an hour leave the mean score at .095; by all decisions it would rise to .211."""
    rng = np.random.default_rng(seed)
    told = 0.095 + 0.01 * np.sin(np.arange(HOURS) / 12) + rng.normal(0, 1e-4, HOURS)
    figure = Series(pd.DataFrame({"time_ns": np.arange(HOURS) * HOUR_NS, "value": told}), EVIDENCE, "outcome", {})
    window = SimpleNamespace(start_ns=(HOURS - BAD) * HOUR_NS, end_ns=HOURS * HOUR_NS)
    reading: Any = SimpleNamespace(
        symptom=SimpleNamespace(window=window, history_start_ns=0),
        ask=lambda *_, **__: SimpleNamespace(frame=_rows(), evidence=EVIDENCE),
    )
    again = recount(cast(Reading, reading), figure, About("model:m", "model_score_mean", {}))
    assert again is not None
    assert again.what == "mean score"
    assert again.frame["value"].tail(BAD).to_numpy() == pytest.approx(told[-BAD:], abs=0.002)
