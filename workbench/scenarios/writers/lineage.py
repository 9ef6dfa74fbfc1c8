"""Write what the pipelines' OpenLineage integrations would send: runs, schemas, row counts, quality figures."""

from __future__ import annotations

import uuid
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from workbench.scenarios.world import World, stream
from workbench.scenarios.writers import lineage_jobs
from workbench.scenarios.writers.lineage_types import Data, JobRun
from workbench.scenarios.writers.rotation import write_parts

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident

PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.36.0"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = {
    "schema": "1-1-1/SchemaDatasetFacet",
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "dataQualityMetrics": "1-0-2/DataQualityMetricsInputDatasetFacet",
    "dataQualityAssertions": "1-0-1/DataQualityAssertionsDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "jobType": "2-0-3/JobTypeJobFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
}


def write(incident: Incident, out: Path) -> None:
    """Write ``lineage/events-NN.ndjson``, one file a week, in the order of arrival; past weeks as ``.gz``."""
    folder = out / "lineage"
    folder.mkdir()
    world = incident.world
    rng = stream(world.seed, "events")
    events: list[tuple[float, bytes]] = []
    for run in lineage_jobs.runs(incident):
        run_id = str(uuid.UUID(bytes=rng.bytes(16), version=4))
        fate = rng.random()
        events.append((run.start_s, _event(world, run, run_id, "START", run.start_s)))
        if fate < 0.008:  # the last event of a few runs never comes
            continue
        last = (run.end_s, _event(world, run, run_id, "FAIL" if run.error else "COMPLETE", run.end_s))
        events += [last, last] if fate > 0.994 else [last]
    events = [e for e in events if e[0] <= incident.plan.moment.end_s]
    late = rng.exponential(4.0, len(events))
    order = np.argsort([e[0] + late[i] for i, e in enumerate(events)], kind="stable")
    week_s = 7 * 86_400
    weeks: dict[int, list[bytes]] = {}
    for i in order:
        weeks.setdefault(max(0, int(events[i][0] // week_s)), []).append(events[i][1])
    write_parts(
        folder, [(f"events-{week:02d}.ndjson", b"\n".join(lines) + b"\n") for week, lines in sorted(weeks.items())]
    )


def _event(world: World, run: JobRun, run_id: str, kind: str, second: float) -> bytes:
    namespace, _, name = run.job.partition("/")
    run_facets: dict[str, Any] = {"processing_engine": _engine()}
    if kind == "FAIL":
        run_facets["errorMessage"] = _facet("errorMessage", {"message": run.error, "programmingLanguage": "PYTHON"})
    done = kind != "START"
    event = {
        "eventType": kind,
        "eventTime": world.moment(second).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "producer": PRODUCER,
        "schemaURL": SPEC,
        "run": {"runId": run_id, "facets": run_facets},
        "job": {
            "namespace": namespace,
            "name": name,
            "facets": _job_facets(),
        },
        "inputs": [_dataset(data, "input", done) for data in run.inputs],
        "outputs": [_dataset(data, "output", done) for data in run.outputs],
    }
    return orjson.dumps(event)


@cache
def _engine() -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(_facet("processing_engine", {"version": "3.5.1", "name": "spark"})))


@cache
def _job_facets() -> orjson.Fragment:
    said = {"processingType": "BATCH", "integration": "PYTHON", "jobType": "TASK"}
    return orjson.Fragment(orjson.dumps({"jobType": _facet("jobType", said)}))


def _facet(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"https://openlineage.io/spec/facets/{FACETS[name]}.json", **content}


@lru_cache(1024)
def split(dataset: str) -> tuple[str, str]:
    """Return namespace and name of a data set written as a URI-like path."""
    scheme, colon, rest = dataset.partition("://")
    if not colon:
        namespace, _, name = dataset.partition("/")
        return namespace, name
    host, _, name = rest.partition("/")
    return f"{scheme}://{host}", name


def _dataset(data: Data, side: str, done: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact of the event
    namespace, name = split(data.dataset)
    facets: dict[str, Any] = {}
    if done and data.columns and side == "output":
        facets["schema"] = _schema(data.columns)
    if data.version:
        facets["version"] = _facet("version", {"datasetVersion": data.version})
    if done and data.made_from:
        facets["columnLineage"] = _origin(tuple((c, tuple(sources)) for c, sources in data.made_from.items()))
    found: dict[str, Any] = {"namespace": namespace, "name": name, "facets": facets}
    if done and side == "output" and data.rows is not None:
        found["outputFacets"] = {
            "outputStatistics": _facet("outputStatistics", {"rowCount": data.rows, "size": data.rows * 187})
        }
    if done and side == "input" and data.rows is not None:
        found["inputFacets"] = _quality(data)
    return found


@lru_cache(512)
def _schema(columns: tuple[tuple[str, str], ...]) -> orjson.Fragment:
    said = _facet("schema", {"fields": [{"name": n, "type": t} for n, t in columns]})
    return orjson.Fragment(orjson.dumps(said))


@lru_cache(512)
def _origin(made_from: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> orjson.Fragment:
    """Return from which columns each column is made, as JSON: every run of a job says the same."""
    fields = {
        column: {
            "inputFields": [
                {**dict(zip(("namespace", "name"), split(source), strict=True)), "field": theirs}
                for source, theirs in sources
            ]
        }
        for column, sources in made_from
    }
    return orjson.Fragment(orjson.dumps(_facet("columnLineage", {"fields": fields})))


def _quality(data: Data) -> dict[str, Any]:
    columns = {column: {"nullCount": count} for column, count in data.nulls.items()}
    facets = {"dataQualityMetrics": _facet("dataQualityMetrics", {"rowCount": data.rows, "columnMetrics": columns})}
    if data.checks:
        said = [{"assertion": a, "success": held, **({"column": c} if c else {})} for a, c, held in data.checks]
        facets["dataQualityAssertions"] = _facet("dataQualityAssertions", {"assertions": said})
    return facets
