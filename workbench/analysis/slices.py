"""Performance by slice, gaps between groups, and served features against those that the model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd
from scipy import stats

from workbench.analysis.calibration import interval
from workbench.analysis.comparison import Comparison, compare_frames
from workbench.analysis.drift_null import benjamini_hochberg
from workbench.errors import UsageError

MIN_ROWS = 30
Figure = Literal["accuracy", "positive_rate", "true_positive_rate", "false_positive_rate"]


def by_slice(
    rows: pd.DataFrame, by: Sequence[str], *, figure: Figure = "accuracy", threshold: float = 0.5
) -> pd.DataFrame:
    """Return a figure of each value of the columns *by*, the furthest from the rest first.

    *rows* have ``score`` (0..1) and, but for the positive rate, ``label`` (0/1; null where it has not come).
    Columns of the answer: column, value, rows, rate, low, high, rest, difference, q_value.
    """
    wanted = {"score", *by} | (set() if figure == "positive_rate" else {"label"})
    if missing := sorted(wanted - set(rows.columns)):
        raise UsageError(
            f"Slices need the columns {', '.join(missing)}; there are: {', '.join(map(str, rows.columns[:20]))}."
        )
    hit, held = _outcome(rows, figure, threshold)
    out = []
    for name in by:
        texts = rows[name].astype("object").where(rows[name].notna(), "(missing)").astype(str)[held]
        groups = hit.groupby(texts).agg(["sum", "count"])
        hits, n = groups["sum"].to_numpy(float), groups["count"].to_numpy(float)
        other, m = hits.sum() - hits, n.sum() - n
        low, high = interval(hits, n)
        for i, value in enumerate(groups.index):
            if n[i] >= MIN_ROWS and m[i] >= MIN_ROWS:
                p = float(stats.fisher_exact([[hits[i], n[i] - hits[i]], [other[i], m[i] - other[i]]]).pvalue)
                out.append((name, value, int(n[i]), hits[i] / n[i], low[i], high[i], other[i] / m[i],
                            hits[i] / n[i] - other[i] / m[i], p))  # fmt: skip
    columns = ["column", "value", "rows", "rate", "low", "high", "rest", "difference", "p_value"]
    table = pd.DataFrame(out, columns=columns)
    table = table.assign(q_value=benjamini_hochberg(table["p_value"].to_numpy(float)), _far=-table["difference"].abs())
    return table.sort_values(["q_value", "_far"]).drop(columns=["p_value", "_far"]).reset_index(drop=True)


def _outcome(rows: pd.DataFrame, figure: Figure, threshold: float) -> tuple[pd.Series, pd.Series]:
    """Return what is counted, and a mask of the rows that count."""
    known = rows["score"].notna()
    said = rows["score"] >= threshold
    if figure == "positive_rate":
        return said[known].astype(float), known
    label = rows["label"]
    known &= label.notna()
    if figure == "accuracy":
        return (said == (label >= 0.5))[known].astype(float), known
    known &= label == (1 if figure == "true_positive_rate" else 0)
    return said[known].astype(float), known


def fairness_gaps(rows: pd.DataFrame, group: str, *, threshold: float = 0.5) -> pd.DataFrame:
    """Return, per figure, the groups with the greatest and the least rate: figure, least, most, gap, ratio, q_value.

    The ratio of positive rates below 0.8 is the "four fifths" rule of practice. Rates by label need labels.
    """
    figures: list[Figure] = ["positive_rate"]
    if "label" in rows:
        figures += ["true_positive_rate", "false_positive_rate", "accuracy"]
    out = []
    for figure in figures:
        table = by_slice(rows, [group], figure=figure, threshold=threshold)
        if len(table) < 2:
            continue
        least, most = table.loc[table["rate"].idxmin()], table.loc[table["rate"].idxmax()]
        ratio = float(least["rate"] / most["rate"]) if most["rate"] else float("nan")
        out.append((figure, least["value"], most["value"], float(most["rate"] - least["rate"]), ratio,
                    float(min(least["q_value"], most["q_value"]))))  # fmt: skip
    return pd.DataFrame(out, columns=["figure", "least", "most", "gap", "ratio", "q_value"])


def serving_skew(training: pd.DataFrame, serving: pd.DataFrame) -> Comparison:
    """Compare the features that a model was trained on with those it is served; columns of only one side are said."""
    return compare_frames(training, serving, look_for_drivers="no")
