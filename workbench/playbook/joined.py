"""The joined graph of a case: data, features, runs, versions, services, machines and business figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from workbench.analysis import lineage
from workbench.analysis.linkage import LINK_COLUMNS, links, prefixed
from workbench.case.reading import Reading
from workbench.model.findings import Evidence
from workbench.model.window import DAY_NS

TRACED_NS = 2 * DAY_NS
"""Spans of so long before the selection tell which service calls which."""


@dataclass(frozen=True)
class Joined:
    """Hold the graph, and the evidence that it was read from."""

    graph: lineage.Graph
    evidence: tuple[Evidence, ...]


def joined(reading: Reading) -> Joined:
    """Return the joined graph as of the end of the selection; edges lead from what feeds to what is fed."""
    symptom = reading.symptom
    asked = questions(symptom.window.start_ns - TRACED_NS, symptom.window.end_ns)
    answers = {part: reading.ask(query, **arguments) for part, (query, arguments) in asked.items()}
    frames = {part: answer.frame for part, answer in answers.items()}
    # Which spans ran where is evidence even where it is empty: a machine that nothing names is told as unknown.
    used = tuple(answer.evidence for part, answer in answers.items() if part == "spans" or len(answer.frame))
    rests_on = ("joined", symptom.entity, *(answer.evidence.sha256 for answer in answers.values()))
    graph = reading.share(rests_on, lambda: lineage.build(edges(frames, symptom.entity), (symptom.entity,)))
    return Joined(graph, used)


QUERIES = {"lineage": "lineage_edges", "columns": "column_edges", "versions": "model_versions", "data": "run_data",
           "calls": "service_edges", "kinds": "span_counts", "features": "data_columns", "metrics": "metric_names",
           "spans": "span_places"}  # fmt: skip
"""Part of the graph -> named query that it is read from, in the order in which they are asked."""


def questions(traced_from_ns: int, end_ns: int) -> dict[str, tuple[str, dict[str, int]]]:
    """Return part of the graph -> named query and its arguments, as of *end_ns*.

    Spans since *traced_from_ns* tell which service calls which; names of features and
    figures are those of the last three days and of the last day.
    """
    spans = {"start_ns": traced_from_ns, "end_ns": end_ns}
    arguments: dict[str, dict[str, int]] = {
        "lineage": {"as_of_ns": end_ns}, "columns": {"as_of_ns": end_ns}, "versions": {"until_ns": end_ns}, "data": {},
        "calls": spans, "kinds": spans, "features": {"start_ns": end_ns - 3 * DAY_NS, "end_ns": end_ns},
        "metrics": {"start_ns": end_ns - DAY_NS, "end_ns": end_ns}, "spans": spans,
    }  # fmt: skip
    return {part: (query, arguments[part]) for part, query in QUERIES.items()}


def edges(frames: Mapping[str, pd.DataFrame], symptom: str) -> pd.DataFrame:
    """Return upstream, downstream and rule of every edge, first_ns and last_ns where they are dated.

    *frames* are the answers to ``QUERIES``; *symptom* the entity that the graph is about.
    """
    waited = _waited_for(frames["kinds"])
    roots = sorted(waited - set(frames["calls"].loc[frames["calls"]["callee"].isin(waited), "callee"]))
    parts = [
        _lineage(frames["lineage"]),
        _columns(frames["columns"]),
        _models(frames["versions"], frames["data"]),
        _features(frames["features"], frames["columns"]),
        _calls(frames["calls"], waited),
        _places(frames["spans"]),
        _figures(frames["metrics"], frames["features"], roots, symptom),
    ]
    return pd.concat(parts, ignore_index=True).rename(columns={"left": "upstream", "right": "downstream"})


def _lineage(edges: pd.DataFrame) -> pd.DataFrame:
    if edges.empty:
        return pd.DataFrame(columns=list(LINK_COLUMNS))
    rows = edges[["upstream", "downstream", "rules", "first_ns", "last_ns"]].explode("rules")
    return rows.rename(columns={"upstream": "left", "downstream": "right", "rules": "rule"})


def _columns(edges: pd.DataFrame) -> pd.DataFrame:
    """Return column lineage; a data set feeds its columns, and a column the data set that it stands in."""
    if edges.empty:
        return pd.DataFrame(columns=list(LINK_COLUMNS))
    up = "column:" + edges["upstream_dataset"] + "." + edges["upstream_column"]
    down = "column:" + edges["downstream_dataset"] + "." + edges["downstream_column"]
    between = pd.DataFrame({"left": up, "right": down, "rule": "column_lineage"})
    return pd.concat(
        [
            between.assign(first_ns=edges["first_ns"], last_ns=edges["last_ns"]).dropna(),
            links("dataset:" + edges["upstream_dataset"], up, "column_of"),
        ],
        ignore_index=True,
    )


def _models(versions: pd.DataFrame, data: pd.DataFrame) -> pd.DataFrame:
    parts = []
    if len(versions):
        named = "model_version:" + versions["model"] + "/" + versions["version"]
        parts += [
            links(prefixed("run", versions["run_id"]), named, "registry"),
            links(named, "model:" + versions["model"], "registry"),
        ]
    if len(data):
        snapshot = "data_version:" + data["dataset"] + "@" + data["data_version"]
        parts += [
            links(snapshot, "run:" + data["run_id"], "run_input"),
            links("dataset:" + data["dataset"], snapshot, "run_input"),
        ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(LINK_COLUMNS))


def _features(columns: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Return columns → features of the same name, and features → the models whose decisions carry them."""
    of_models = columns[columns["entity"].str.startswith("model:")]
    parts = [links("feature:" + of_models["column"], of_models["entity"], "model_input")]
    if len(edges):
        names = set(of_models["column"])
        ends = edges[edges["downstream_column"].isin(names)]
        column = "column:" + ends["downstream_dataset"] + "." + ends["downstream_column"]
        parts.append(links(column, "feature:" + ends["downstream_column"], "named_column"))
    return pd.concat(parts, ignore_index=True)


def _waited_for(kinds: pd.DataFrame) -> set[str]:
    """Return services that answer somebody: one that only consumes messages holds nobody up."""
    answers = kinds[~kinds["kind"].isin(["consumer", "producer"])]
    return set(answers["service"].dropna())


def _calls(calls: pd.DataFrame, waited: set[str]) -> pd.DataFrame:
    """Return callee → caller: a caller is fed by those whose answer it waits for."""
    waits = calls[(calls["calls"] > 0) & calls["callee"].isin(waited)]
    return links("service:" + waits["callee"], "service:" + waits["caller"], "call")


def _places(spans: pd.DataFrame) -> pd.DataFrame:
    service = prefixed("service", spans["service"])
    return pd.concat(
        [
            links(prefixed("host", spans["host"]), service, "span_resource"),
            links(prefixed("gpu", spans["gpu"]), service, "span_resource"),
            links(prefixed("model", spans["model"]), service, "span_model"),
        ],
        ignore_index=True,
    )


def _figures(metrics: pd.DataFrame, columns: pd.DataFrame, roots: list[str], symptom: str) -> pd.DataFrame:
    """Return models, and services that nobody calls → business figures: what is decided is what they measure."""
    kpis = sorted(
        {e for e in metrics["entity"] if e.startswith("kpi:")} | ({symptom} if symptom.startswith("kpi:") else set())
    )
    models = sorted({e for e in columns["entity"] if e.startswith("model:")})
    fronts = [f"service:{name}" for name in roots]
    rows = [(maker, kpi, "model_output") for kpi in kpis for maker in (*models, *fronts)]
    rows += [(front, model, "serves") for model in models for front in fronts if symptom == model]
    return pd.DataFrame(rows, columns=list(LINK_COLUMNS))
