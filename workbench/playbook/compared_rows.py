"""Rows side by side for a comparison: of two windows, of a version, of another environment, of a training snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.analysis.profile_history import Windows
from workbench.case.reading import Answer, Reading
from workbench.errors import CouldNotRunError
from workbench.model.entities import split
from workbench.model.window import DAY_NS, Window, iso

MOST_ROWS = 50_000
"""Rows of each side that are compared one by one; more are chosen by the digest of their key."""
EVER = (-(2**62), 2**62)
SERVED = ("score", "output", "model_version", "feature_version", "run_id", "tokens_in", "tokens_out", "cost")
"""What serving adds to a row; no training snapshot has it."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: rows with their columns, and what they are in words."""

    frame: pd.DataFrame
    """One column each; n rows."""
    answer: Answer
    words: str


def columns_of(reading: Reading, entity: str, window: tuple[int, int] = EVER, environment: str = "") -> dict[str, str]:
    """Return the columns of an entity that have rows in a window, and their type: number, text, or both."""
    asked = reading.ask("data_columns", start_ns=window[0], end_ns=window[1], entity=entity,
                        environment=environment or None)  # fmt: skip
    found: dict[str, str] = {}
    for row in asked.frame.itertuples():
        before = found.get(str(row.column))
        found[str(row.column)] = f"{before}, {row.type}" if before else str(row.type)
    if found and entity.startswith("model:"):
        found |= {"score": "number", "output": "text"}
    return found


def sample(
    reading: Reading, entity: str, columns: dict[str, str], *, windows: Windows | None = None, version: str = "",
    environment: str = "",
) -> tuple[pd.DataFrame, Answer]:  # fmt: skip
    """Return at most ``MOST_ROWS`` rows of an entity, one column a name, with ``time_ns`` of each as the index."""
    numbers = sorted(c for c, kind in columns.items() if "number" in kind)
    texts = sorted(c for c, kind in columns.items() if kind == "text")
    answer = reading.ask(
        "row_sample", entity=entity, windows=None if windows is None else [list(w) for w in windows], numbers=numbers,
        texts=texts, version=version or None, max_rows=MOST_ROWS, environment=environment or None,
    )  # fmt: skip
    names = {f"numbers.{i}": c for i, c in enumerate(numbers)} | {f"texts.{i}": c for i, c in enumerate(texts)}
    frame = answer.frame.set_index("time_ns")[list(names)].rename(columns=names)
    return frame, answer


def of_version(reading: Reading, entity: str, window: Window, version: str) -> tuple[Side, Side]:
    """Return the rows of a version, of data or of the model, and those of the window."""
    columns = columns_of(reading, entity)
    now = _now(reading, entity, columns, window)
    before, answer = sample(reading, entity, columns, version=version)
    if before.empty:
        raise CouldNotRunError(f"no row of {entity} has the version {version!r}; ingest that version first")
    return Side(before, answer, f"version {version} ({_size(before)})"), now


def of_environment(reading: Reading, entity: str, window: Window, environment: str) -> tuple[Side, Side]:
    """Return the rows of the same window in another environment and those here."""
    columns = columns_of(reading, entity)
    now = _now(reading, entity, columns, window)
    there = columns_of(reading, entity, environment=environment)
    span = (window.start_ns, window.end_ns)
    before, answer = sample(reading, entity, there, windows=[span], environment=environment)
    words = "the same window"
    if before.empty:
        span = (window.start_ns - 30 * DAY_NS, window.end_ns)
        before, answer = sample(reading, entity, there, windows=[span], environment=environment)
        words = "the last 30 days"
    if before.empty:
        raise CouldNotRunError(f"no row of {entity} of the last 30 days is kept in environment {environment!r}")
    return Side(before, answer, f"environment {environment}, {words} ({_size(before)})"), now


def of_training(reading: Reading, entity: str, window: Window) -> tuple[Side, Side]:
    """Return the snapshot that the serving version was trained on and the features served in the window.

    They are joined by the serving version's MLflow run and the data set that it logged as input.
    """
    kind, model = split(entity)
    if kind != "model":
        raise CouldNotRunError(f"a training snapshot belongs to a model; ask case.compare('model:NAME'), not {entity}")
    served = {c: k for c, k in columns_of(reading, entity).items() if c not in SERVED}
    frame, answer = sample(reading, entity, served, windows=[(window.start_ns, window.end_ns)])
    if frame.empty:
        raise CouldNotRunError(f"{model} decided nothing in {window.words()}")
    said = answer.frame["version"].dropna()
    if said.empty:
        raise CouldNotRunError(f"no decision of {model} in {window.words()} names its version, so no run is known")
    version = str(said.value_counts().index[0])
    now = frame[(answer.frame["version"] == version).to_numpy()]
    trained, snapshot = _snapshot(reading, model, version)
    of = f" of {len(frame):,} decisions" if len(now) < len(frame) else " decisions"
    return trained, Side(now, answer, f"{model} version {version}, {len(now):,}{of}; trained on {snapshot}")


def _snapshot(reading: Reading, model: str, version: str) -> tuple[Side, str]:
    versions = reading.ask("rows", table="model_versions", equals={"model": model, "version": version})
    runs = versions.frame["run_id"].dropna() if len(versions.frame) else pd.Series(dtype=object)
    if runs.empty:
        raise CouldNotRunError(f"the registry does not say which run made version {version} of {model}; ingest MLflow")
    run = str(runs.iloc[0])
    read = reading.ask("run_data", run_id=run).frame
    if read.empty:
        raise CouldNotRunError(f"run {run} logged no data set as input (mlflow.log_input), so its snapshot is unknown")
    training = read[read["role"].str.casefold().isin(("training", "train"))]
    chosen = (training if len(training) else read).iloc[0]
    entity, snapshot = f"dataset:{chosen['dataset']}", str(chosen["data_version"])
    columns = columns_of(reading, entity)
    columns.pop("data_version", None)
    for asked in (snapshot, str(chosen["digest"] or "")):
        if asked and columns:
            frame, answer = sample(reading, entity, columns, version=asked)
            if len(frame):
                words = f"{chosen['dataset']} version {asked} by run {run}"
                return Side(frame, answer, f"the training snapshot {words} ({_size(frame)})"), words
    raise CouldNotRunError(f"version {snapshot} of {entity}, which run {run} was trained on, is not kept; ingest it")


def _now(reading: Reading, entity: str, columns: dict[str, str], window: Window) -> Side:
    frame, answer = sample(reading, entity, columns, windows=[(window.start_ns, window.end_ns)])
    if frame.empty:
        raise CouldNotRunError(f"no row of {entity} is kept in {window.words()}")
    return Side(frame, answer, window.words())


def _size(frame: pd.DataFrame) -> str:
    times = frame.index.to_numpy()
    days = (int(times.max()) - int(times.min())) / DAY_NS
    more = "at least " if len(frame) >= MOST_ROWS else ""
    return f"{more}{len(frame):,} rows of {days:.2g} days from {iso(int(times.min()))[:16].replace('T', ' ')}"


def shared(before: pd.DataFrame, now: pd.DataFrame, leave: Sequence[str] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both frames with the columns that both have and that are not left out, rows counted anew."""
    names = [c for c in before.columns if c in now.columns and c not in leave]
    return tuple(frame[names].reset_index(drop=True) for frame in (before, now))  # type: ignore[return-value]
