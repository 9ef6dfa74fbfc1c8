"""Runs, model versions and traces of MLflow as rows of the declared tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pyarrow as pa

from workbench.model.tables import CHANGES, LINEAGE, METRICS, MODEL_VERSIONS, RUN_DATA, RUNS, SPANS
from workbench.model.window import iso
from workbench.sources import Batch, Context
from workbench.sources import _gpu_metrics as gpu
from workbench.sources._json import canonical, integer, mapping, objects, parse, text
from workbench.sources._mlflow_seen import SYSTEM, DataInput, ModelVersion, Run, Sample, Trace
from workbench.sources._otlp_decode import decode
from workbench.sources._rows import Rows, digest
from workbench.sources._time import fitting

TABLES = (RUNS, RUN_DATA, MODEL_VERSIONS, LINEAGE, CHANGES, METRICS)
_HOST_TAGS = ("host.name", "hostname", "host", "mlflow.nodeName")
_GPU_METRIC = re.compile(r"gpu_(\d+)_(.+)")
_GPU_FIGURES = {
    "utilization_percentage": gpu.UTILIZATION,
    "memory_usage_percentage": gpu.Figure("gpu_memory_used_percent", "%"),
    "memory_usage_megabytes": gpu.memory_bytes("used", gpu.MEGABYTE),
    "power_usage_watts": gpu.POWER,
    "power_usage_percentage": gpu.Figure("gpu_power_percent", "%"),
}
_HOST_FIGURES = {
    "cpu_utilization_percentage": gpu.Figure("cpu_utilization_percent", "%"),
    "system_memory_usage_megabytes": gpu.Figure("memory_used_bytes", "By", gpu.MEGABYTE),
    "system_memory_usage_percentage": gpu.Figure("memory_used_percent", "%"),
    "disk_usage_megabytes": gpu.Figure("disk_used_bytes", "By", gpu.MEGABYTE),
    "disk_available_megabytes": gpu.Figure("disk_available_bytes", "By", gpu.MEGABYTE),
    "disk_usage_percentage": gpu.Figure("disk_used_percent", "%"),
    "network_receive_megabytes": gpu.Figure("network_received_bytes", "By", gpu.MEGABYTE, "counter"),
    "network_transmit_megabytes": gpu.Figure("network_sent_bytes", "By", gpu.MEGABYTE, "counter"),
}


def _ns(time_ms: int | None) -> int | None:
    return None if time_ms is None else fitting(time_ms * 1_000_000)


def add_run(run: Run, rows: Rows) -> None:
    """Add a run, the data it read, the change that it is once it ended, and its system metrics."""
    start, end = _ns(run.start_ms), _ns(run.end_ms)
    updated = max([t for t in (start, end, *(_ns(s.time_ms) for s in run.last)) if t is not None], default=0)
    rows.add(RUNS, {
        "run_id": run.run_id, "experiment": run.experiment, "name": run.name, "status": run.status,
        "start_ns": start, "end_ns": end, "updated_ns": updated,
        "commit": run.tags.get("mlflow.source.git.commit") or None, "params": run.params, "tags": run.tags,
        "metrics": {s.key: s.value for s in run.last if not s.key.startswith(SYSTEM)},
    })  # fmt: skip
    for row in _run_data(run):
        rows.add(RUN_DATA, row)
        for upstream in (f"dataset:{row['dataset']}", f"data_version:{row['dataset']}@{row['data_version']}"):
            rows.add(LINEAGE, _edge(upstream, f"run:{run.run_id}", run.run_id, start or updated))
    if end is not None:
        rows.add(CHANGES, {
            "change_id": f"mlflow:run:{run.run_id}", "time_ns": end, "kind": "run", "entity": f"run:{run.run_id}",
            "title": f"Run {run.name or run.run_id} of {run.experiment or 'an experiment'}: {run.status}",
            "version_after": run.run_id, "attributes": {"experiment": run.experiment, "status": run.status},
        })  # fmt: skip
    for sample in run.system:
        rows.add(METRICS, _system_metric(run, sample))


def _edge(upstream: str, downstream: str, run_id: str, time_ns: int) -> dict[str, Any]:
    return {
        "upstream": upstream, "downstream": downstream, "job": "", "job_run": run_id, "rule": "mlflow",
        "time_ns": time_ns,
    }  # fmt: skip


def _run_data(run: Run) -> Iterator[dict[str, Any]]:
    """Yield which data a run read.

    The version is, in this order: the input's own tag ``data_version``, a version in its
    source, the run's tag or parameter ``data_version``, MLflow's digest. A run that names its
    data only by parameters or tags (``dataset`` with ``data_version``) gives a row as well.
    """
    said = run.tags.get("data_version") or run.params.get("data_version")
    for given in run.inputs:
        source = _json(given.location)
        version = given.tags.get("data_version") or _source_version(source) or said or given.digest
        yield {
            "run_id": run.run_id, "dataset": given.name, "data_version": version or "unknown",
            "role": given.tags.get("mlflow.data.context") or "input", "digest": given.digest,
            "location": _location(source) or given.location, "rows": integer(_json(given.profile).get("num_rows")),
            "schema": _schema(given),
        }  # fmt: skip
    named = run.tags.get("dataset") or run.params.get("dataset")
    if named and said and not run.inputs:
        yield {"run_id": run.run_id, "dataset": named, "data_version": said, "role": "input"}


def _json(sent: str | None) -> dict[str, Any]:
    try:
        return dict(mapping(parse((sent or "").encode())))
    except ValueError:
        return {}


def _source_version(source: dict[str, Any]) -> str | None:
    return text(source.get("data_version") or source.get("version") or source.get("delta_table_version"))


def _location(source: dict[str, Any]) -> str | None:
    return next((found for key in ("uri", "url", "path", "delta_table_name") if (found := text(source.get(key)))), None)


def _schema(given: DataInput) -> str | None:
    sent = _json(given.schema)
    columns = objects(sent.get("mlflow_colspec"))
    tensors = mapping(sent.get("mlflow_tensorspec"))
    columns = columns or objects(tensors.get("features")) + objects(tensors.get("targets"))
    flat = [{"name": text(c.get("name")) or str(n), "type": text(c.get("type"))} for n, c in enumerate(columns)]
    return canonical(flat) if flat else None


def _system_metric(run: Run, sample: Sample) -> dict[str, Any]:
    """Return one system figure; where the host is not named the run is what it describes."""
    *node, name = sample.key.removeprefix(SYSTEM).split("/")
    host = "/".join(node) or next((run.tags[tag] for tag in _HOST_TAGS if run.tags.get(tag)), None)
    on_gpu = _GPU_METRIC.fullmatch(name)
    figure = _GPU_FIGURES.get(on_gpu[2]) if on_gpu else _HOST_FIGURES.get(name)
    labels: dict[str, str | None] = {"run_id": run.run_id}
    if on_gpu:
        labels["gpu"] = on_gpu[1]
    entity = f"run:{run.run_id}" if not host else f"gpu:{host}/{on_gpu[1]}" if on_gpu else f"host:{host}"
    metric = figure.metric if figure else name
    value = sample.value if figure is None or sample.value is None else sample.value * figure.factor
    return {
        "series": digest(entity, metric, canonical(labels)), "time_ns": _ns(sample.time_ms) or 0, "entity": entity,
        "metric": metric, "value": value, "unit": figure.unit if figure else None,
        "type": figure.type if figure else "gauge", "labels": labels,
    }  # fmt: skip


def add_model_version(version: ModelVersion, before: str | None, rows: Rows) -> None:
    """Add a version of a model, the run it came from, and the registry moves that brought it where it stands."""
    created, updated = _ns(version.created_ms), _ns(version.updated_ms or version.created_ms)
    rows.add(MODEL_VERSIONS, {
        "model": version.model, "version": version.version, "run_id": version.run_id, "created_ns": created,
        "updated_ns": updated or created or 0, "aliases": canonical(sorted(version.aliases)),
        "status": version.status, "tags": version.tags,
    })  # fmt: skip
    if version.run_id and created is not None:
        down = f"model_version:{version.model}/{version.version}"
        rows.add(LINEAGE, _edge(f"run:{version.run_id}", down, version.run_id, created))
    if created is not None:
        rows.add(CHANGES, _move(version, "registered", created, before, {"run_id": version.run_id}))
    for alias in version.aliases:
        set_ns = max(t for t in (_ns(version.alias_ms), updated, created, 0) if t is not None)
        rows.add(CHANGES, _move(version, f"@{alias}", set_ns, None, {"alias": alias, "time": "approximate"}))
    if version.stage not in (None, "", "None") and updated is not None:
        rows.add(CHANGES, _move(version, f"to {version.stage}", updated, None, {"stage": version.stage}))


def _move(
    version: ModelVersion, what: str, time_ns: int, before: str | None, said: dict[str, str | None]
) -> dict[str, Any]:
    return {
        "change_id": f"mlflow:model:{version.model}/{version.version} {what}", "time_ns": time_ns, "kind": "registry",
        "entity": f"model:{version.model}", "title": f"Model {version.model} version {version.version} {what}",
        "version_before": before, "version_after": version.version,
        "attributes": {k: v for k, v in said.items() if v is not None},
    }  # fmt: skip


def add_alias_move(version: ModelVersion, alias: str, before: str | None, seen_ns: int, rows: Rows) -> None:
    """Add that an alias was seen to have moved since the last look: MLflow itself keeps no time of it."""
    said: dict[str, str | None] = {"alias": alias, "time": "first seen"}
    move = _move(version, f"@{alias}", seen_ns, before, said)
    rows.add(CHANGES, move | {"change_id": f"{move['change_id']} {iso(seen_ns)}"})


def add_trace_link(trace: Trace, rows: Rows) -> None:
    """Join a trace to its run: the copy of the trace that comes by OTLP does not name it."""
    if trace.run_id is not None and trace.trace_id.startswith("tr-"):
        edge = _edge(f"run:{trace.run_id}", f"trace:{trace.trace_id[3:].lower()}", trace.run_id, trace.time_ns or 0)
        rows.add(LINEAGE, edge)


def spans_batch(traces: list[Trace], context: Context) -> Batch:
    """Return the spans of traces as rows, read by the same rules as OTLP; the run stands on each."""
    groups = [
        {
            "resource": {"attributes": _resource(trace)},
            "scopeSpans": [{"spans": [_with_run(span, trace) for span in trace.spans]}],
        }
        for trace in traces
        if trace.spans
    ]
    if not groups:
        return Batch()
    read = decode("traces", orjson.dumps({"resourceSpans": groups}), "json", context)
    spans = read.tables.get(SPANS.name)
    if spans is None:
        return Batch({}, read.rejections)
    columns = {name: spans.column(name) for name in spans.column_names}
    sender_ids = pa.array([f"tr-{i}" for i in spans.column("trace_id").to_pylist()], pa.string())
    columns |= {"source": pa.array(["mlflow"] * spans.num_rows), "sender_trace_id": sender_ids}
    return Batch({SPANS.name: pa.table(columns, schema=spans.schema)}, read.rejections)


def _resource(trace: Trace) -> list[dict[str, Any]]:
    service = trace.tags.get("service.name")
    return [] if service is None else [_attribute("service.name", service)]


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _with_run(span: Mapping[str, Any], trace: Trace) -> dict[str, Any]:
    attributes = list(span.get("attributes") or [])
    if trace.run_id is not None and not any(a.get("key") == "mlflow.run_id" for a in objects(attributes)):
        attributes.append(_attribute("mlflow.run_id", trace.run_id))
    return {**span, "attributes": attributes}
