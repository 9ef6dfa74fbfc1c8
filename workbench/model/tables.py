"""The declared tables: one declaration gives columns, keys, validation, docs and test strategies.

Times are integer nanoseconds UTC (``*_ns``), trace ids are 32 hex digits, and
every row carries its provenance. Columns are named in this file only.
"""

from __future__ import annotations

from workbench.errors import UnknownNameError
from workbench.model.schema import PROVENANCE, Column, Table

__all__ = ["PROVENANCE", "TABLES", "Column", "Table", "table"]


def _text(name: str, doc: str, *, required: bool = False) -> Column:
    return Column(name, "text", doc, required)


def _time(name: str, doc: str, *, required: bool = False) -> Column:
    return Column(name, "time_ns", doc, required)


SPANS = Table(
    "spans",
    key=("trace_id", "span_id"),
    partition="start_ns",
    doc="Timed operations of services, linked into traces.",
    own_columns=(
        _text("trace_id", "32 hex digits, lower case", required=True),
        _text("span_id", "16 hex digits, lower case", required=True),
        _text("parent_span_id", "span that caused this one; null at a root"),
        _text("sender_trace_id", "the id as the sender wrote it, where it differs"),
        _text("service", "service.name"),
        _text("name", "operation name"),
        _text("kind", "internal, server, client, producer or consumer"),
        _time("start_ns", "begin", required=True),
        _time("end_ns", "end", required=True),
        Column("duration_ns", "int", "end - start; negative when the sender's clock ran back", required=True),
        _text("status", "ok, error or unset"),
        _text("status_message", "the sender's words on the status"),
        _text("run_id", "MLflow run that the sender names"),
        _text("model", "registered model that the sender names"),
        _text("model_version", "version of that model"),
        _text("feature_version", "version of the feature definitions"),
        _text("data_version", "data snapshot that the sender names"),
        _text("prediction_id", "decision made in this span"),
        _text("host", "host.name or pod"),
        _text("gpu", "GPU UUID or index"),
        _text("region", "cloud.region or zone"),
        Column("queue_wait_ms", "float", "time waiting before work began, where the sender says so"),
        Column("forward_pass_ms", "float", "time in the model's forward pass, where the sender says so"),
        Column("attributes", "texts", "all other span attributes as text"),
        Column("resource", "texts", "all other resource attributes as text"),
        Column("events", "json", "list of {name, time_ns, attributes}; exceptions among them"),
        Column("links", "json", "list of {trace_id, span_id, attributes}"),
    ),
)

LOGS = Table(
    "logs",
    key=("log_id",),
    partition="time_ns",
    doc="Log records.",
    own_columns=(
        _text("log_id", "digest of time, service, body, trace and attributes", required=True),
        _time("time_ns", "when it happened", required=True),
        _text("service", "service.name"),
        _text("severity", "trace, debug, info, warn, error or fatal"),
        _text("body", "the message"),
        _text("trace_id", "32 hex digits"),
        _text("span_id", "16 hex digits"),
        Column("attributes", "texts", "attributes as text"),
    ),
)

METRICS = Table(
    "metric_samples",
    key=("series", "time_ns"),
    partition="time_ns",
    doc="Samples of metrics: host, GPU, service and model figures.",
    own_columns=(
        _text("series", "digest of entity, metric and labels", required=True),
        _time("time_ns", "when it was measured", required=True),
        _text("entity", "kind:name that the figure describes", required=True),
        _text("metric", "name with unit, such as gpu_utilization_percent", required=True),
        Column("value", "float", "the figure; null is unknown, never zero"),
        _text("unit", "UCUM-like unit of the value"),
        _text("type", "gauge, counter or histogram part"),
        Column("labels", "texts", "the series' own labels"),
    ),
)

RUNS = Table(
    "runs",
    key=("run_id",),
    latest_by="updated_ns",
    doc="MLflow runs: training, evaluation, batch scoring.",
    own_columns=(
        _text("run_id", "MLflow's run id", required=True),
        _text("experiment", "experiment name"),
        _text("name", "run name"),
        _text("status", "RUNNING, FINISHED, FAILED or KILLED"),
        _time("start_ns", "begin"),
        _time("end_ns", "end"),
        _time("updated_ns", "last time anything of the run changed", required=True),
        _text("commit", "git commit of the code that ran"),
        Column("params", "texts", "parameters"),
        Column("metrics", "numbers", "last value of each metric"),
        Column("tags", "texts", "tags"),
    ),
)

MODEL_VERSIONS = Table(
    "model_versions",
    key=("model", "version"),
    latest_by="updated_ns",
    doc="Versions of registered models, with the run that made each.",
    own_columns=(
        _text("model", "registered model", required=True),
        _text("version", "version", required=True),
        _text("run_id", "run that made it"),
        _time("created_ns", "when it was registered"),
        _time("updated_ns", "last change", required=True),
        Column("aliases", "json", "list of aliases, such as champion"),
        _text("status", "READY or what MLflow says"),
        Column("tags", "texts", "tags"),
    ),
)

RUN_DATA = Table(
    "run_data",
    key=("run_id", "dataset", "data_version", "role"),
    doc="Which data a run read: MLflow dataset inputs.",
    own_columns=(
        _text("run_id", "MLflow run", required=True),
        _text("dataset", "name of the data set", required=True),
        _text("data_version", "version or digest that was read", required=True),
        _text("role", "training, validation, evaluation, ...", required=True),
        _text("digest", "MLflow's digest of the data"),
        _text("location", "where it was read from"),
        Column("rows", "int", "rows, where the sender says so"),
        Column("schema", "json", "list of {name, type}"),
    ),
)

LINEAGE = Table(
    "lineage_edges",
    key=("upstream", "downstream", "job", "job_run", "rule"),
    doc="Edges from an input to an output, once per job run and per rule that shows them.",
    own_columns=(
        _text("upstream", "kind:name read from", required=True),
        _text("downstream", "kind:name written to", required=True),
        _text("job", "namespace/name of the job, or empty", required=True),
        _text("job_run", "run of the job, or empty", required=True),
        _text("rule", "same_event, run_merged, column_implied, symlink, mlflow or dbt", required=True),
        _time("time_ns", "when the edge was seen", required=True),
    ),
)

COLUMN_LINEAGE = Table(
    "column_edges",
    key=("upstream_dataset", "upstream_column", "downstream_dataset", "downstream_column", "job_run"),
    doc="Which input column an output column is made from.",
    own_columns=(
        _text("upstream_dataset", "data set read from", required=True),
        _text("upstream_column", "its column", required=True),
        _text("downstream_dataset", "data set written to", required=True),
        _text("downstream_column", "its column", required=True),
        _text("job_run", "run of the job, or empty", required=True),
        _text("job", "the job"),
        _text("transformation", "what is done, in the sender's words"),
        _time("time_ns", "when the edge was seen", required=True),
    ),
)

JOB_RUNS = Table(
    "job_runs",
    key=("job_run", "job", "state", "time_ns"),
    doc="States of job runs, one row an event: START, RUNNING, COMPLETE, FAIL, ABORT.",
    own_columns=(
        _text("job_run", "run id of the sender", required=True),
        _text("job", "namespace/name of the job", required=True),
        _text("state", "the event's type, or OTHER", required=True),
        _time("time_ns", "event time", required=True),
        _text("parent_run", "run that started this one"),
        _text("message", "error message, where it failed"),
        Column("facets", "json", "run and job facets as sent"),
    ),
)

DATASET_VERSIONS = Table(
    "dataset_versions",
    key=("dataset", "version", "job_run"),
    partition="time_ns",
    doc="What a data set looked like each time it was written.",
    own_columns=(
        _text("dataset", "namespace/name, as OpenLineage joins them, or plain name", required=True),
        _text("version", "version named by the sender, or its event time", required=True),
        _text("job_run", "run that wrote it, or empty", required=True),
        _time("time_ns", "when it was written", required=True),
        Column("rows", "int", "rows written"),
        Column("bytes", "int", "bytes written"),
        _time("last_updated_ns", "newest record in it"),
        Column("null_counts", "numbers", "nulls by column, where the sender says so"),
        Column("schema", "json", "list of {name, type}"),
        _text("schema_digest", "digest of the schema"),
    ),
)

PROFILES = Table(
    "profiles",
    key=("dataset", "column", "start_ns", "grid", "segment"),
    partition="start_ns",
    latest_by="rows",
    doc="Additive statistics of a column in a bucket of time; adding up the rows of one grid merges buckets.",
    own_columns=(
        _text("dataset", "data set, or model:NAME for predictions and their features", required=True),
        _text("column", "column, or * for the whole table", required=True),
        _time("start_ns", "begin of the bucket", required=True),
        _time("end_ns", "end of the bucket", required=True),
        _text("grid", "version of the grid that counts refer to, with its constants", required=True),
        _text("segment", "declared segment, or empty", required=True),
        Column("rows", "int", "rows of the bucket, null cells included; the fullest profile wins", required=True),
        Column("nulls", "int", "cells that were null or not a number"),
        Column("infinite", "int", "cells that were infinite; they stand in no bin"),
        Column("sum", "float", "sum of differences from the grid's centre"),
        Column("sumsq", "float", "sum of their squares"),
        Column("min", "float", "least finite value; of the whole table the earliest time, in s"),
        Column("max", "float", "greatest finite value; of the whole table the latest time, in s"),
        Column("distinct", "int", "distinct values; of the whole table distinct rows"),
        _text("counts", "rows per bin, packed as docs/drift.md says; JSON of level to rows for text"),
    ),
)

ASSERTIONS = Table(
    "assertions",
    key=("dataset", "column", "assertion", "job_run", "time_ns"),
    partition="time_ns",
    doc="Outcomes of data-quality checks.",
    own_columns=(
        _text("dataset", "data set checked", required=True),
        _text("column", "column checked, or empty", required=True),
        _text("assertion", "name of the check", required=True),
        _text("job_run", "run that checked, or empty", required=True),
        _time("time_ns", "when", required=True),
        Column("success", "bool", "did it hold", required=True),
        _text("expected", "expected, as the sender wrote it"),
        _text("actual", "seen, as the sender wrote it"),
        _text("severity", "error, warn"),
    ),
)

CHANGES = Table(
    "changes",
    key=("change_id",),
    doc="What was changed on purpose: deploys, commits, flags, registry moves, configuration, schemas.",
    own_columns=(
        _text("change_id", "stable id", required=True),
        _time("time_ns", "when it took effect", required=True),
        _text("kind", "deploy, commit, registry, run, data_version, schema, flag or config", required=True),
        _text("entity", "kind:name that it changes"),
        _text("title", "one line"),
        _text("body", "the rest of the message"),
        Column("files", "json", "list of paths touched"),
        _text("diff", "the change itself, where it is known"),
        _text("version_before", "what ran before"),
        _text("version_after", "what runs after"),
        Column("attributes", "texts", "whatever else was said"),
    ),
)

ALERTS = Table(
    "alerts",
    key=("fingerprint", "starts_ns"),
    latest_by="updated_ns",
    doc="Occurrences of alerts: a fingerprint and when it began.",
    own_columns=(
        _text("fingerprint", "identity of the alert", required=True),
        _time("starts_ns", "when this occurrence began", required=True),
        _time("ends_ns", "when it ended; null while firing"),
        _time("updated_ns", "when the sender last spoke of it", required=True),
        _text("status", "firing or resolved", required=True),
        _text("name", "alertname"),
        _text("severity", "severity label"),
        _text("entity", "kind:name that it is about"),
        _text("signal", "the metric or figure it watches"),
        _text("summary", "summary annotation"),
        Column("labels", "texts", "labels"),
        Column("annotations", "texts", "annotations"),
        _text("group_key", "the sender's group"),
    ),
)

KPIS = Table(
    "kpis",
    key=("kpi", "segment", "time_ns"),
    partition="time_ns",
    doc="Business figures over time.",
    own_columns=(
        _text("kpi", "name", required=True),
        _text("segment", "part of the business, or empty", required=True),
        _time("time_ns", "begin of the interval measured", required=True),
        Column("value", "float", "the figure; null is unknown"),
        _text("unit", "unit, or currency code"),
    ),
)

PREDICTIONS = Table(
    "predictions",
    key=("prediction_id",),
    partition="time_ns",
    doc="Decisions of models, with what they were made from.",
    own_columns=(
        _text("prediction_id", "stable id", required=True),
        _time("time_ns", "when", required=True),
        _text("trace_id", "request that asked for it, 32 hex digits"),
        _text("model", "registered model"),
        _text("model_version", "its version"),
        _text("run_id", "MLflow run, where the sender says so"),
        _text("feature_version", "version of the feature definitions"),
        Column("score", "float", "score or confidence, 0..1 for classifiers"),
        _text("output", "the decision"),
        _text("row_ref", "key of the source row, such as an order id"),
        Column("feature_numbers", "numbers", "numeric features; null value = feature was null"),
        Column("feature_texts", "texts", "categorical features; null value = feature was null"),
        Column("tokens_in", "int", "prompt tokens"),
        Column("tokens_out", "int", "generated tokens"),
        Column("cost", "float", "cost in the configured currency"),
        Column("attributes", "texts", "whatever else was said"),
    ),
)

LABELS = Table(
    "labels",
    key=("prediction_id", "name"),
    latest_by="arrived_ns",
    doc="The truth about predictions, arriving late.",
    own_columns=(
        _text("prediction_id", "the prediction it belongs to", required=True),
        _text("name", "which label, such as fraud", required=True),
        Column("value", "float", "0/1 or a figure"),
        _time("arrived_ns", "when it became known", required=True),
    ),
)

FEATURES = Table(
    "features",
    key=("feature", "retrieval_id"),
    partition="time_ns",
    doc="Retrievals of features for serving.",
    own_columns=(
        _text("feature", "feature name", required=True),
        _text("retrieval_id", "trace id or sender's id of the retrieval", required=True),
        _time("time_ns", "when it was retrieved", required=True),
        _text("version", "version of the definition"),
        Column("freshness_s", "float", "age of the value in seconds"),
        Column("retrieval_ms", "float", "time the retrieval took"),
        Column("cache_hit", "bool", "served from a cache"),
    ),
)

TABLE_ROWS = Table(
    "table_rows",
    key=("dataset", "row_id"),
    partition="time_ns",
    doc="Rows of data tables of one's own, entered by a declared mapping.",
    own_columns=(
        _text("dataset", "which table", required=True),
        _text("row_id", "the row's own key, or file and line", required=True),
        _time("time_ns", "event time of the row", required=True),
        _text("data_version", "snapshot that it belongs to"),
        Column("numbers", "numbers", "numeric columns; null value = cell was null"),
        Column("texts", "texts", "other columns; null value = cell was null"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SPANS, LOGS, METRICS, RUNS, MODEL_VERSIONS, RUN_DATA, LINEAGE, COLUMN_LINEAGE, JOB_RUNS, DATASET_VERSIONS,
        PROFILES, ASSERTIONS, CHANGES, ALERTS, KPIS, PREDICTIONS, LABELS, FEATURES, TABLE_ROWS,
    )
}  # fmt: skip
"""Every declared table by name."""


def table(name: str) -> Table:
    """Return a declared table by its name."""
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES)
    return TABLES[name]
