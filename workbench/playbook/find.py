"""What an id or a name is, and everything one hop away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.analysis.linkage import LINK_COLUMNS, links, prefixed
from workbench.model.entities import KINDS
from workbench.model.show import html
from workbench.model.window import DAY_NS
from workbench.playbook.joined import TRACED_NS, edges, questions
from workbench.playbook.linking import link_runs
from workbench.playbook.record_path import record_path

Ask = Callable[..., pa.Table]
_IS: dict[tuple[str, str], str] = {
    ("spans", "trace_id"): "trace",
    ("spans", "sender_trace_id"): "trace",
    ("spans", "service"): "service",
    ("spans", "host"): "host",
    ("spans", "gpu"): "gpu",
    ("spans", "prediction_id"): "prediction",
    ("spans", "run_id"): "run",
    ("runs", "run_id"): "run",
    ("model_versions", "model"): "model",
    ("model_versions", "run_id"): "run",
    ("run_data", "run_id"): "run",
    ("run_data", "dataset"): "dataset",
    ("dataset_versions", "dataset"): "dataset",
    ("lineage_edges", "job"): "job",
    ("job_runs", "job"): "job",
    ("changes", "change_id"): "change",
    ("alerts", "fingerprint"): "alert",
    ("kpis", "kpi"): "kpi",
    ("predictions", "prediction_id"): "prediction",
    ("predictions", "trace_id"): "trace",
    ("predictions", "model"): "model",
    ("features", "feature"): "feature",
    ("table_rows", "dataset"): "dataset",
    ("logs", "service"): "service",
    ("logs", "trace_id"): "trace",
    ("labels", "prediction_id"): "prediction",
    ("column_edges", "upstream_dataset"): "dataset",
    ("column_edges", "downstream_dataset"): "dataset",
    ("spans", "model"): "model",
}
"""Table and column -> kind of entity that a value there is."""
_ENTITY_COLUMNS = {
    ("lineage_edges", "upstream"),
    ("lineage_edges", "downstream"),
    ("metric_samples", "entity"),
    ("changes", "entity"),
    ("alerts", "entity"),
}
MAX_LINKS = 500
MAX_ROWS = 200
FED = frozenset({"kpi", "model", "feature", "dataset", "service", "model_version", "data_version"})
"""Kinds of entities whose neighbours stand in the joined graph."""


@dataclass(frozen=True)
class Found:
    """What a text is: where it stands, which entities it names, and what is linked to those."""

    text: str
    entities: tuple[str, ...]
    places: pd.DataFrame
    """Columns table, column, n, first_ns, last_ns."""
    links: pd.DataFrame
    """One hop: columns left, right, rule."""
    unresolved: pd.DataFrame
    """Links that should exist and do not: columns subject, reason, seen."""

    def _repr_html_(self) -> str:
        return html(self)

    def __repr__(self) -> str:
        missing = f", {len(self.unresolved)} unresolved" if len(self.unresolved) else ""
        return (f"<Found {self.text!r}: {len(self.entities)} entities, {len(self.places)} places, "
                f"{len(self.links)} links{missing}>")  # fmt: skip

    def __str__(self) -> str:
        if not self.entities:
            return f"{self.text!r} stands nowhere in the store; ids and names are matched whole."
        hops = ", ".join(sorted({*self.links["left"], *self.links["right"]} - set(self.entities))[:12])
        return f"{', '.join(self.entities)}; one hop away: {hops or 'nothing'}"


@html.register
def _(found: Found) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(r.left))}</td><td>{escape(str(r.right))}</td><td>{escape(str(r.rule))}</td></tr>"
        for r in found.links.itertuples()
    )
    head = "<tr><th>from</th><th>to</th><th>by rule</th></tr>"
    return f"<p>{escape(str(found))}</p><table>{head}{rows}</table>"


def find(ask: Ask, text: str) -> Found:
    """Return what *text* is, an id, a name or ``kind:name``, and everything one hop away.

    A text that stands nowhere gives a `Found` without entities, never an error.
    """
    kind, colon, name = text.partition(":")
    wanted = [name, text] if colon and kind in KINDS and name else [text]
    places = pd.concat([ask("find_id", text=each).to_pandas().assign(text=each) for each in wanted], ignore_index=True)
    entities = tuple(sorted({*_entities(places), *_columns(ask, wanted)}))
    if colon and kind in KINDS:
        entities = tuple(e for e in entities if e == text) or ((text,) if len(places) else ())
    parts = [_hops(ask, entity) for entity in entities]
    near = pd.concat([_lineage(ask, entities), _joined(ask, entities, places)], ignore_index=True)
    found = pd.concat([near, *(p[0] for p in parts)], ignore_index=True) if entities else near
    unresolved = (
        pd.concat([p[1] for p in parts], ignore_index=True)
        if parts
        else pd.DataFrame(columns=["subject", "reason", "seen"])
    )
    kept = found[list(LINK_COLUMNS)].dropna().drop_duplicates().sort_values(list(LINK_COLUMNS)).head(MAX_LINKS)
    columns = ["table", "column", "n", "first_ns", "last_ns"]
    return Found(
        text,
        entities,
        places[columns].drop_duplicates().reset_index(drop=True),
        kept.reset_index(drop=True),
        unresolved,
    )


def _entities(places: pd.DataFrame) -> tuple[str, ...]:
    found = set()
    for row in places.itertuples():
        spot = (str(row.table), str(row.column))
        if spot in _ENTITY_COLUMNS and str(row.text).partition(":")[0] in KINDS:
            found.add(str(row.text))
        elif spot in _IS:
            found.add(f"{_IS[spot]}:{row.text}")
    return tuple(sorted(found))


def _columns(ask: Ask, wanted: list[str]) -> set[str]:
    """Return columns and features of these names; as inputs of models they stand inside maps and not in a column."""
    edges = ask("column_edges").to_pandas()
    found = set()
    for side in ("upstream", "downstream"):
        named = edges[edges[f"{side}_column"].isin(wanted)]
        found |= {f"column:{d}.{c}" for d, c in zip(named[f"{side}_dataset"], named[f"{side}_column"], strict=True)}
    seen = ask("first_last_seen", table="predictions", column="model").to_pandas()
    if len(seen):
        last = int(seen["last_ns"].max())
        columns = ask("data_columns", start_ns=last - DAY_NS, end_ns=last + 1).to_pandas()
        inputs = columns[columns["entity"].str.startswith("model:") & columns["column"].isin(wanted)]
        found |= {f"feature:{name}" for name in inputs["column"]}
    return found


def _lineage(ask: Ask, entities: tuple[str, ...]) -> pd.DataFrame:
    edges = ask("lineage_edges").to_pandas()
    near = edges[edges["upstream"].isin(entities) | edges["downstream"].isin(entities)]
    if near.empty:
        return pd.DataFrame(columns=list(LINK_COLUMNS))
    rows = near[["upstream", "downstream", "rules"]].explode("rules")
    return rows.set_axis(list(LINK_COLUMNS), axis=1)


def _joined(ask: Ask, entities: tuple[str, ...], places: pd.DataFrame) -> pd.DataFrame:
    """Return what feeds these entities and what they feed, in the joined graph of the last days they were seen in."""
    asked = [e for e in entities if e.partition(":")[0] in FED]
    if not asked or places.empty:
        return pd.DataFrame(columns=list(LINK_COLUMNS))
    end = int(places["last_ns"].max()) + 1
    asking = questions(end - TRACED_NS, end).items()
    frames = {part: ask(query, **arguments).to_pandas() for part, (query, arguments) in asking}
    near = pd.concat([edges(frames, entity) for entity in asked], ignore_index=True)
    near = near[near["upstream"].isin(asked) | near["downstream"].isin(asked)]
    return near[["upstream", "downstream", "rule"]].set_axis(list(LINK_COLUMNS), axis=1)


def _hops(ask: Ask, entity: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the links of one entity, and what of it could not be resolved."""
    kind, _, name = entity.partition(":")
    if kind in ("trace", "prediction"):
        return _of_request(ask, kind, name)
    if kind == "run":
        return _of_run(ask, name), _nothing()
    if kind in ("feature", "column"):
        return _of_column(ask, kind, name), _nothing()
    if kind in ("model", "service", "host", "gpu"):
        return _of_place(ask, kind, name), _nothing()
    return pd.DataFrame(columns=list(LINK_COLUMNS)), _nothing()


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=["subject", "reason", "seen"])


def _of_request(ask: Ask, kind: str, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    column = "trace_id" if kind == "trace" else "prediction_id"
    spans, predictions = _rows(ask, "spans", column, name), _rows(ask, "predictions", column, name)
    traces = sorted({*spans["trace_id"].dropna(), *predictions["trace_id"].dropna()})
    if kind == "prediction" and traces:
        spans = _rows(ask, "spans", "trace_id", traces)
    named = sorted({*spans["prediction_id"].dropna()} - set(predictions["prediction_id"]))
    if kind == "trace" and named:
        predictions = pd.concat([predictions, _rows(ask, "predictions", "prediction_id", named)], ignore_index=True)
    linked = link_runs(spans, predictions, ask("runs").to_pandas()["run_id"], ask("model_versions").to_pandas())
    own = "trace:" + spans["trace_id"]
    places = [
        links(own, prefixed(k, spans[c]), "span_resource")
        for k, c in (("service", "service"), ("host", "host"), ("gpu", "gpu"))
    ]
    source = links(
        "prediction:" + predictions["prediction_id"], prefixed("model", predictions["model"]), "prediction_table"
    )
    near = record_path(ask, f"{kind}:{name}", hops=1).steps
    near = near.loc[~near["rule"].isin(["trace_id", "prediction_id"]), list(LINK_COLUMNS)]
    return pd.concat([linked.links, source, near, *places], ignore_index=True), linked.unresolved


def _rows(ask: Ask, table: str, column: str, value: Any) -> pd.DataFrame:
    columns = {
        "spans": [
            "trace_id",
            "span_id",
            "run_id",
            "model",
            "model_version",
            "prediction_id",
            "service",
            "host",
            "gpu",
            "source",
        ],
        "predictions": ["prediction_id", "trace_id", "run_id", "model", "model_version"],
    }[table]
    return ask("rows", table=table, columns=columns, equals={column: value}, limit=MAX_ROWS).to_pandas()


def _of_run(ask: Ask, run_id: str) -> pd.DataFrame:
    versions = ask("model_versions", run_id=run_id).to_pandas()
    data = ask("run_data", run_id=run_id).to_pandas()
    snapshot = "data_version:" + data["dataset"].astype("object") + "@" + data["data_version"].astype("object")
    run = f"run:{run_id}"
    return pd.concat(
        [
            links(
                pd.Series([run] * len(versions)),
                "model_version:" + versions["model"] + "/" + versions["version"],
                "registry",
            ),
            links(snapshot, pd.Series([run] * len(data)), "run_input"),
        ],
        ignore_index=True,
    )


def _of_column(ask: Ask, kind: str, name: str) -> pd.DataFrame:
    edges = ask("column_edges").to_pandas()
    up = "column:" + edges["upstream_dataset"] + "." + edges["upstream_column"]
    down = "column:" + edges["downstream_dataset"] + "." + edges["downstream_column"]
    if kind == "feature":
        made = down[edges["downstream_column"] == name]
        return links(made, pd.Series([f"feature:{name}"] * len(made)), "named_column")
    near = up.eq(f"column:{name}") | down.eq(f"column:{name}")
    return links(up[near], down[near], "column_lineage")


def _of_place(ask: Ask, kind: str, name: str) -> pd.DataFrame:
    seen = ask("first_last_seen", table="spans", column=kind, equals={kind: name}).to_pandas()
    parts = []
    if len(seen):
        last = int(seen["last_ns"].max())
        spans = ask("span_places", start_ns=last - DAY_NS, end_ns=last + 1).to_pandas()
        spans = spans[spans[kind] == name]
        here = pd.Series([f"{kind}:{name}"] * len(spans))
        others = [other for other in ("service", "host", "gpu", "model") if other != kind]
        parts += [links(here, prefixed(other, spans[other]), "span_resource") for other in others]
    if kind == "model":
        versions = ask("model_versions", model=name).to_pandas()
        named = "model_version:" + versions["model"] + "/" + versions["version"]
        parts.append(links(named, pd.Series([f"model:{name}"] * len(versions)), "registry"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(LINK_COLUMNS))
