"""Requests are linked to the run behind them by stated rules, and what cannot be linked says why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.linkage import RULES, resolve_runs
from workbench.playbook.linking import link_runs

VERSIONS = pd.DataFrame({"model": ["fraud"] * 3, "version": ["1", "2", "3"], "run_id": ["run1", "run2", "run3"]})
RUNS = ["run1", "run2", "run3", "loose"]


def spans(*rows: dict[str, str]) -> pd.DataFrame:
    """Return spans of which most say nothing."""
    columns = ["trace_id", "span_id", "run_id", "model", "model_version", "prediction_id", "source"]
    frame = pd.DataFrame([{"span_id": "s", "source": "otlp", **row} for row in rows], columns=columns)
    return frame.astype(object).where(frame.notna(), None)


def predictions(*rows: dict[str, str]) -> pd.DataFrame:
    """Return rows of decisions."""
    frame = pd.DataFrame(list(rows), columns=["prediction_id", "trace_id", "run_id", "model", "model_version"])
    return frame.astype(object).where(frame.notna(), None)


def runs_of(spans_: pd.DataFrame, predictions_: pd.DataFrame) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Return subject -> (run, rule), and subject -> reason."""
    linked = link_runs(spans_, predictions_, RUNS, VERSIONS)
    to_run = linked.links[linked.links["right"].str.startswith("run:")]
    found = {row.left: (row.right, row.rule) for row in to_run.itertuples()}
    return found, dict(zip(linked.unresolved["subject"], linked.unresolved["reason"], strict=True))


@pytest.mark.parametrize(
    ("said", "run", "rule"),
    [
        ({"run_id": "run2", "source": "mlflow", "model": "fraud", "model_version": "1"}, "run2", "mlflow_trace"),
        ({"run_id": "run1", "model": "fraud", "model_version": "1"}, "run1", "stated_run"),
        ({"run_id": "loose"}, "loose", "stated_run"),
        ({"model": "fraud", "model_version": "3"}, "run3", "model_version"),
        ({"run_id": "no such run", "model": "fraud", "model_version": "3"}, "run3", "model_version"),
        ({"run_id": "run2", "model": "fraud", "model_version": "3"}, "run3", "model_version"),
    ],
)
def test_each_rule_in_its_order(said: dict[str, str], run: str, rule: str) -> None:
    """MLflow's own word first, then a stated run that exists, then the registry, which outweighs a wrong run id."""
    found, left = runs_of(spans({"trace_id": "t1", **said}), predictions())
    assert found == {"trace:t1": (f"run:{run}", rule)}
    assert left == {}
    assert rule in RULES


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, "no sender names a run or a model version"),
        ({"run_id": "no such run"}, "the stated run is unknown"),
        ({"model": "fraud", "model_version": "99"}, "the registry does not know the named version"),
    ],
)
def test_what_cannot_be_linked_says_why(said: dict[str, str], reason: str) -> None:
    """Each unresolved trace carries its reason; none is linked by a guess."""
    found, left = runs_of(spans({"trace_id": "t1", **said}), predictions())
    assert found == {}
    assert left == {"trace:t1": reason}


def test_senders_that_name_two_versions_contradict_each_other() -> None:
    """Two spans of one trace with different versions give no link."""
    told = spans(
        {"trace_id": "t1", "model": "fraud", "model_version": "1"},
        {"trace_id": "t1", "model": "fraud", "model_version": "2"},
    )
    assert runs_of(told, predictions()) == ({}, {"trace:t1": "senders contradict each other"})


def test_a_table_lends_its_version_to_the_trace_and_the_trace_to_the_decision() -> None:
    """A silent span is linked through the row of its decision; a silent row through the span that names it."""
    told = spans({"trace_id": "t1"}, {"trace_id": "t2", "prediction_id": "p2", "run_id": "run2"})
    rows = predictions(
        {"prediction_id": "p1", "trace_id": "t1", "model": "fraud", "model_version": "1"}, {"prediction_id": "p2"}
    )
    found, left = runs_of(told, rows)
    assert {k: v[0] for k, v in found.items()} == {
        "trace:t1": "run:run1",
        "prediction:p1": "run:run1",
        "trace:t2": "run:run2",
        "prediction:p2": "run:run2",
    }
    assert left == {}


def test_a_conflict_is_resolved_and_still_told() -> None:
    """The registry's run is taken and the other one is named."""
    claims = pd.DataFrame(
        {"subject": ["trace:t"], "rule": ["stated_run"], "run_id": ["run2"], "model": ["fraud"], "model_version": ["3"]}
    )
    resolved = resolve_runs(claims, RUNS, VERSIONS)
    assert resolved.links["run_id"].tolist() == ["run3"]
    assert resolved.links["conflict"].tolist() == ["a sender states another run: run2"]


def test_2000_traces_of_which_15_percent_are_wrong_unknown_or_missing_link_at_99_percent() -> None:
    """Recall and precision are both at least .99 over 2,000 traces whose senders are as unreliable as real ones."""
    rng = np.random.default_rng(7)
    n = 2_000
    version = rng.integers(1, 4, n)
    kind = rng.choice(
        ["right", "none", "unknown", "wrong", "table", "silent"], n, p=[0.8, 0.07, 0.03, 0.03, 0.05, 0.02]
    )
    told, rows = [], []
    for i in range(n):
        name = f"{i:032x}"
        run = {"right": f"run{version[i]}", "unknown": f"lost{i}", "wrong": f"run{version[i] % 3 + 1}"}.get(kind[i])
        speaks = kind[i] not in ("table", "silent")
        said = {"model": "fraud", "model_version": str(version[i])} if speaks else {}
        told.append({"trace_id": name, **said, **({"run_id": run} if run else {})})
        if kind[i] != "silent":
            rows.append(
                {"prediction_id": f"p{i}", "trace_id": name, "model": "fraud", "model_version": str(version[i])}
            )
    found, left = runs_of(spans(*told), predictions(*rows))
    got = {k: v[0] for k, v in found.items() if k.startswith("trace:")}
    truth = {f"trace:{i:032x}": f"run:run{version[i]}" for i in range(n) if kind[i] != "silent"}
    right = sum(got.get(k) == v for k, v in truth.items())
    assert right / len(truth) >= 0.99
    assert right / len(got) >= 0.99
    assert sum(k.startswith("trace:") for k in left) == int((kind == "silent").sum())
