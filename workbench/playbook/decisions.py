"""Decisions with their inputs side by side, and what about them is to be explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.entities import split as split_entity
from workbench.model.findings import Evidence
from workbench.model.window import DAY_NS
from workbench.playbook.times import Times, quiet_number
from workbench.playbook.view import VERSION, WITHOUT_MODEL

MAX_FEATURES = 40
MIN_ROWS = 40


@dataclass(frozen=True)
class Decisions:
    """Hold a sample of decisions; arrays are ``(n,)`` in the order of *rows*."""

    model: str
    """``model:name`` that most of them were made by."""
    rows: pd.DataFrame
    """One row a decision: time_ns, score, output, and the inputs under the columns of *names*."""
    names: Mapping[str, str]
    """Column of *rows* -> name of the input."""
    outcome: NDArray[np.float64]
    """What to explain: 1 where decided as the symptom counts, else the score; NaN where unknown."""
    what: str
    now: NDArray[np.bool_]
    """True inside the bad window."""
    quiet: NDArray[np.int64]
    """Number of the quiet window, from 0; -1 elsewhere."""
    answer: Answer
    """What they were read from."""

    @property
    def evidence(self) -> Evidence:
        """Return the frozen rows that every statement about them rests on."""
        return self.answer.evidence

    def column(self, name: str) -> pd.Series | None:
        """Return the values of an input by its name; None where decisions do not carry it."""
        found = next((column for column, own in self.names.items() if own == name), None)
        return None if found is None else self.rows[found]


def decisions(reading: Reading, t: Times) -> Decisions:
    """Return the decisions of the model that the symptom is about, over its history.

    Raise `CouldNotRunError` where no decision carries features, or too few lie in the bad window.
    """
    columns = reading.ask("data_columns", start_ns=t.end_ns - 3 * DAY_NS, end_ns=t.end_ns)
    features = columns.frame[columns.frame["entity"].str.startswith("model:")]
    model = _model(reading, features)
    own = features[features["entity"] == model]
    numbers, texts = (sorted(own.loc[own["type"] == kind, "column"])[:MAX_FEATURES] for kind in ("number", "text"))
    sample = reading.ask(
        "prediction_sample", start_ns=t.history_start_ns, end_ns=t.end_ns, numbers=numbers, texts=texts
    )
    rows, names = _named(sample.frame, numbers, texts)
    outcome, what = _outcome(reading, rows)
    now = (rows["time_ns"] >= t.start_ns).to_numpy()
    quiet = np.asarray(quiet_number(rows["time_ns"].to_numpy(), t.window, t.history_start_ns))
    if now.sum() < MIN_ROWS or (quiet >= 0).sum() < MIN_ROWS:
        raise CouldNotRunError(
            f"only {int(now.sum())} decisions with features lie in the bad window; too few to compare"
        )
    return Decisions(model, rows, names, outcome, what, now, quiet, sample)


def _model(reading: Reading, features: pd.DataFrame) -> str:
    """Return the model that the symptom is about, else the one with the most decisions."""
    if features.empty:
        raise CouldNotRunError("no decisions with features are kept; send the predictions table with its features")
    kind, _ = split_entity(reading.symptom.entity)
    if kind == "model" and reading.symptom.entity in set(features["entity"]):
        return reading.symptom.entity
    cells = features.groupby("entity")["cells"].max()
    return str(min(cells.index, key=lambda e: (-int(cells[e]), e)))


def _named(frame: pd.DataFrame, numbers: list[str], texts: list[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the sample and, per column, the name it is reported under."""
    names = {f"numbers.{i}": name for i, name in enumerate(numbers)} | {
        f"texts.{i}": name for i, name in enumerate(texts)
    }
    rows = frame.assign(
        **{
            WITHOUT_MODEL: frame["score"].isna().map({True: "yes", False: "no"}),
            VERSION: frame["model_version"].fillna("(none)"),
        }
    )
    return rows, names | {WITHOUT_MODEL: WITHOUT_MODEL, VERSION: VERSION}


def _outcome(reading: Reading, rows: pd.DataFrame) -> tuple[NDArray[np.float64], str]:
    """Return what to explain, per decision: the decision that the symptom counts, else the score."""
    told = reading.earlier("telemetry")
    output = str(told.values.get("output") or "") if told else ""
    if output and (rows["output"] == output).any():
        return (rows["output"] == output).to_numpy(dtype=float), f"share decided {output}"
    return rows["score"].to_numpy(dtype=float), "mean score"
