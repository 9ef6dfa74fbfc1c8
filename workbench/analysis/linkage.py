"""Link requests and decisions to the run, version and data behind them; each link says by which rule.

A run is looked for in the documented order: MLflow's own trace metadata, a run id that
the sender states and that exists, model name and version through the registry. What the
registry knows about a named version outweighs a run id that a service states beside it:
the version is what scored, the id is free text that a configuration can carry along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

CLAIM_COLUMNS = ("subject", "rule", "run_id", "model", "model_version")
LINK_COLUMNS = ("left", "right", "rule")
UNRESOLVED_COLUMNS = ("subject", "reason", "seen")

RULES = {
    "mlflow_trace": "MLflow's trace metadata names the run",
    "stated_run": "the sender states the id of a run that exists",
    "prediction_table": "the row of the decision states the id of a run that exists",
    "model_version": "the registry knows which run made the version that the sender names",
    "prediction_id": "the span names the decision",
    "trace_id": "the row of the decision names the trace",
    "registry": "the registry says which run made the version",
    "run_input": "the run logged the data as its input",
    "named_column": "an input of the model has the name of a column upstream",
    "model_input": "decisions of the model carry the feature",
    "model_output": "decisions of the model are what the figure measures",
    "span_resource": "spans of the service ran there",
    "span_model": "spans of the service name the model",
    "call": "spans of the one call spans of the other",
    "metric_labels": "a metric names both",
}
"""Every rule that a link can carry, in words."""

RECORD_RULES = {
    "trace_id": "the row of the decision names the trace",
    "prediction_id": "the span names the decision",
    "row_ref": "the decision names the row that it was made from",
    "span_link": "a span of the request links to a span of the other",
    "retrieval": "the request retrieved the feature",
    "join_key": "a key of the row is the id of the other",
    "window": "the row sums up a window in which the other falls",
}
"""Every rule by which the path of one record leads on, in words."""

_ORDER = {"mlflow_trace": 0, "stated_run": 1, "prediction_table": 2}


@dataclass(frozen=True)
class Resolved:
    """Hold which run stands behind each subject, and which subjects have none and why."""

    links: pd.DataFrame
    """Columns subject, run_id, rule, conflict (text; empty where all senders agree)."""
    unresolved: pd.DataFrame
    """Columns subject, reason, seen."""


def claims_of_spans(spans: pd.DataFrame) -> pd.DataFrame:
    """Return what spans say of their trace: one row a distinct statement.

    *spans* has trace_id, run_id, model, model_version and source (the reader's name).
    """
    said = spans.dropna(subset=["run_id", "model", "model_version"], how="all")
    rule = (said["source"] == "mlflow").map({True: "mlflow_trace", False: "stated_run"})
    frame = said.assign(subject="trace:" + said["trace_id"], rule=rule)
    return frame[list(CLAIM_COLUMNS)].drop_duplicates().reset_index(drop=True)


def claims_of_predictions(predictions: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Return what rows of decisions say, for the decision and for its trace.

    *predictions* has prediction_id, trace_id, run_id, model, model_version. A span that
    names a decision lends it what it says, and the other way round.
    """
    said = predictions.dropna(subset=["run_id", "model", "model_version"], how="all").assign(rule="prediction_table")
    own = said.assign(subject="prediction:" + said["prediction_id"])
    of_trace = said[said["trace_id"].notna()]
    of_trace = of_trace.assign(subject="trace:" + of_trace["trace_id"])
    pairs = pairs_of(predictions, spans)
    spoken = claims_of_spans(spans)
    lent = pairs.merge(spoken.rename(columns={"subject": "right"}), on="right").rename(columns={"left": "subject"})
    shown = pairs.merge(own[list(CLAIM_COLUMNS)].rename(columns={"subject": "left"}), on="left")
    shown = shown.rename(columns={"right": "subject", "rule_y": "rule"})
    lent = lent.rename(columns={"rule_y": "rule"})
    parts = [part[list(CLAIM_COLUMNS)] for part in (own, of_trace, lent, shown)]
    return pd.concat(parts, ignore_index=True).drop_duplicates().reset_index(drop=True)


def pairs_of(predictions: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """Return links prediction → trace, by the id in the span or by the trace in the row."""
    rows = predictions.loc[predictions["trace_id"].notna(), ["prediction_id", "trace_id"]].assign(rule="trace_id")
    named = spans.loc[spans["prediction_id"].notna(), ["prediction_id", "trace_id"]].assign(rule="prediction_id")
    both = pd.concat([rows, named], ignore_index=True).drop_duplicates(["prediction_id", "trace_id"])
    left, right = "prediction:" + both["prediction_id"], "trace:" + both["trace_id"]
    return pd.DataFrame({"left": left, "right": right, "rule": both["rule"]}).reset_index(drop=True)


def resolve_runs(
    claims: pd.DataFrame, runs: Iterable[str], versions: pd.DataFrame, subjects: Iterable[str] = ()
) -> Resolved:
    """Return the run behind each subject, by the first rule that holds; the others with the reason.

    *claims* has the columns ``CLAIM_COLUMNS``; *runs* are the ids that exist; *versions*
    has model, version, run_id. *subjects* are listed as unresolved where nothing is said of them.
    """
    known = set(runs)
    named = claims.merge(
        versions[["model", "version", "run_id"]].rename(columns={"version": "model_version", "run_id": "registry_run"}),
        on=["model", "model_version"],
        how="left",
    )
    named["stated"] = named["run_id"].where(named["run_id"].isin(known))
    named["order"] = named["rule"].map(_ORDER).fillna(9)
    named = named.sort_values(["subject", "order", "run_id"], kind="stable")
    every = pd.Index(sorted({*named["subject"], *subjects}), name="subject")
    summary = pd.DataFrame(index=every)
    own = named[(named["rule"] == "mlflow_trace") & named["stated"].notna()]
    summary["mlflow"] = own.groupby("subject")["stated"].first()
    summary = summary.join(_distinct(named, "registry_run")).join(_distinct(named, "stated"))
    summary["stated_rule"] = named[named["stated"].notna()].groupby("subject")["rule"].first()
    summary["unknown"] = named[named["run_id"].notna() & named["stated"].isna()].groupby("subject")["run_id"].first()
    summary["any"] = named.groupby("subject").size()
    return _decide(summary, named)


def _distinct(named: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return, per subject, the first value of a column and how many different ones there are."""
    grouped = named.dropna(subset=[column]).groupby("subject")[column]
    return pd.DataFrame({column: grouped.first(), f"{column}_n": grouped.nunique()})


def _decide(summary: pd.DataFrame, named: pd.DataFrame) -> Resolved:
    s = summary
    one_version = s["registry_run_n"].eq(1)
    agrees = _agreements(named)
    run = pd.Series(None, index=s.index, dtype="object")
    rule = pd.Series("", index=s.index, dtype="object")

    def settle(which: pd.Series, chosen: pd.Series, by: pd.Series | str) -> None:
        fresh = which & run.isna() & chosen.notna()
        run[fresh] = chosen[fresh]
        rule[fresh] = by if isinstance(by, str) else by[fresh]

    settle(s["mlflow"].notna(), s["mlflow"], "mlflow_trace")
    agreed = agrees.reindex(s.index)
    settle(agreed["run_id"].notna() & agreed["n"].eq(1), agreed["run_id"], agreed["rule"])
    settle(one_version, s["registry_run"], "model_version")
    settle(s["registry_run"].isna() & s["stated_n"].eq(1), s["stated"], s["stated_rule"])
    differs = run.notna() & s["stated"].notna() & (s["stated_n"].gt(1) | s["stated"].ne(run))
    conflict = pd.Series("", index=s.index, dtype="object")
    conflict[differs] = "a sender states another run: " + s["stated"][differs].astype(str)
    found = run.notna()
    links = pd.DataFrame(
        {
            "subject": s.index[found],
            "run_id": run[found].to_numpy(),
            "rule": rule[found].to_numpy(),
            "conflict": conflict[found].to_numpy(),
        }
    )
    return Resolved(links, _unresolved(s[~found]))


def _agreements(named: pd.DataFrame) -> pd.DataFrame:
    """Return runs that a sender states and that the registry names too for the same subject."""
    stated = named.loc[named["stated"].notna(), ["subject", "stated", "rule", "order"]]
    registry = named.loc[named["registry_run"].notna(), ["subject", "registry_run"]].drop_duplicates()
    both = stated.merge(registry, left_on=["subject", "stated"], right_on=["subject", "registry_run"])
    both = both.sort_values(["subject", "order", "stated"], kind="stable")
    grouped = both.groupby("subject")
    return pd.DataFrame(
        {"run_id": grouped["stated"].first(), "rule": grouped["rule"].first(), "n": grouped["stated"].nunique()}
    )


def _unresolved(left: pd.DataFrame) -> pd.DataFrame:
    reason = pd.Series("no sender names a run or a model version", index=left.index, dtype="object")
    reason[left["any"].notna()] = "the registry does not know the named version"
    reason[left["unknown"].notna()] = "the stated run is unknown"
    reason[left["registry_run_n"].gt(1) | left["stated_n"].gt(1)] = "senders contradict each other"
    seen = left["unknown"].astype("object").combine_first(left["stated"]).combine_first(left["registry_run"]).fillna("")
    return pd.DataFrame({"subject": left.index, "reason": reason.to_numpy(), "seen": seen.to_numpy()})


def links(left: pd.Series, right: pd.Series, rule: str) -> pd.DataFrame:
    """Return links between two columns of entities, without nulls and repetitions."""
    ends = [column.to_numpy(dtype=object) for column in (left, right)]
    held = ~(pd.isna(ends[0]) | pd.isna(ends[1]))
    # Most tables of links are short: a dict is done before a frame has begun.
    pairs = dict.fromkeys(zip(*(column[held].tolist() for column in ends), strict=True))
    table = np.array(list(pairs), dtype=object).reshape(-1, 2)
    return pd.DataFrame({"left": table[:, 0], "right": table[:, 1], "rule": rule}, columns=list(LINK_COLUMNS))


def prefixed(kind: str, names: pd.Series) -> pd.Series:
    """Return ``kind:name`` for each name; missing and empty names stay missing."""
    held = names.where(names.notna() & names.astype("string").ne(""))
    return (kind + ":" + held.astype("string")).astype("object").where(held.notna(), None)
