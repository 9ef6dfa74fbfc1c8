"""dbt: ``manifest.json`` and ``run_results.json``, alone or together as the ``target`` folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from workbench.errors import SourceError
from workbench.model.tables import ASSERTIONS, DATASET_VERSIONS, JOB_RUNS, LINEAGE
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources import _dbt_artifacts as artifacts
from workbench.sources._json import MOST_BYTES, mapping, objects, parse, text
from workbench.sources._rows import Rows
from workbench.sources._time import iso_ns

_TABLES = (LINEAGE, JOB_RUNS, ASSERTIONS, DATASET_VERSIONS)
_FILES = ("manifest.json", "run_results.json")
_SIGNS = (b"schemas.getdbt.com/dbt/manifest", b"schemas.getdbt.com/dbt/run-results")


def recognise(head: Head) -> float:
    """Recognise an artifact by the schema that it names, and a folder by both files."""
    if head.name.endswith("/"):
        return 1.0 if set(_FILES) <= set(head.start.decode("utf-8", "replace").split("\n")) else 0.0
    return 1.0 if head.start.lstrip()[:1] == b"{" and any(sign in head.start for sign in _SIGNS) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the rows of one artifact, or of a folder's two; a test's table is known only where the manifest is."""
    rows = Rows("dbt", context, _TABLES)
    if isinstance(what, Path) and what.is_dir():
        manifest, results = (_document(what / name, f"{context.place}/{name}", rows) for name in _FILES)
    else:
        place = context.place
        found = _document(what, place, rows)
        is_manifest = "nodes" in found
        manifest, results = (found, {}) if is_manifest else ({}, found)
        if found and not is_manifest and "results" not in found:
            rows.reject(Rejection.of("no manifest and no run results of dbt", place, b""))
    for edge in artifacts.edges(manifest, _generated(manifest, context)):
        rows.add(LINEAGE, edge)
    _results(results, manifest, rows, context)
    if len(rows):
        yield rows.batch()


def _document(what: BinaryIO | Path, place: str, rows: Rows) -> Mapping[str, Any]:
    try:
        content = what.read_bytes() if isinstance(what, Path) else what.read(MOST_BYTES)
    except OSError as error:
        raise SourceError(f"{place} cannot be read: {error.strerror}.") from error
    if not content.strip():
        return {}
    try:
        return mapping(parse(content))
    except ValueError as error:
        rows.reject(Rejection.of(str(error), place, content))
        return {}


def _generated(artifact: Mapping[str, Any], context: Context) -> int:
    return iso_ns(mapping(artifact.get("metadata")).get("generated_at")) or context.received_ns


def _results(results: Mapping[str, Any], manifest: Mapping[str, Any], rows: Rows, context: Context) -> None:
    invocation = text(mapping(results.get("metadata")).get("invocation_id")) or ""
    for result in objects(results.get("results")):
        unique_id = text(result.get("unique_id"))
        if unique_id is None:
            continue
        # What was skipped has no time of its own.
        time_ns = artifacts.result_time(result) or _generated(results, context)
        rows.add(JOB_RUNS, artifacts.state(result, artifacts.project_of(manifest, unique_id), invocation, time_ns))
        tested = artifacts.outcome(result, manifest, invocation, time_ns)
        if tested is not None:
            rows.add(ASSERTIONS, tested)
        made = artifacts.written(result, manifest, invocation, time_ns)
        if made is not None:
            rows.add(DATASET_VERSIONS, made)


SOURCE = Source(
    name="dbt",
    title="dbt",
    doc="Artifacts of dbt runs: which table is made from which, what ran, what failed, which tests did not hold.",
    reads=tuple(table.name for table in _TABLES),
    recognise=recognise,
    read=read,
)
