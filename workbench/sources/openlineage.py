"""OpenLineage: run, job and dataset events, one a line, one a document or as an array; and as request bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from workbench.model.tables import ASSERTIONS, COLUMN_LINEAGE, DATASET_VERSIONS, JOB_RUNS, LINEAGE
from workbench.model.window import iso
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._events import decode_events, read_events
from workbench.sources._json import canonical, mapping, text
from workbench.sources._openlineage_events import (
    ColumnEdge,
    Dataset,
    Event,
    Repeats,
    assertions,
    column_edges,
    content,
    event_of,
    symlinks,
)
from workbench.sources._rows import Rows

_TABLES = (LINEAGE, COLUMN_LINEAGE, JOB_RUNS, DATASET_VERSIONS, ASSERTIONS)
_BEFORE_WRITING = ("START", "RUNNING")
_SIGNS = (
    rb'"eventTime"\s*:',
    rb'"(?:run|job|dataset)"\s*:\s*\{',
    rb'"(?:inputs|outputs|runId|producer|schemaURL)"\s*:',
)

_Runs = dict[tuple[str, str], tuple[set[str], set[str], int]]
"""(run, job) -> data sets read, data sets written, newest event time."""


def recognise(head: Head) -> float:
    """Recognise events by their field names, which no other JSON format here has together."""
    if head.start.lstrip()[:1] not in (b"{", b"["):
        return 0.0
    if b"openlineage.io/spec" in head.start and b'"eventTime"' in head.start:
        return 1.0
    return 0.9 if all(re.search(sign, head.start) for sign in _SIGNS) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the rows of a file of events; runs are merged over the whole file, in memory bounded by its runs."""
    runs = _Runs()
    rows = Rows("openlineage", context, _TABLES)
    take = partial(_take, runs=runs, repeats=Repeats())
    yield from read_events(what, context, rows, take, partial(_merge_runs, runs))


def decode(body: bytes, context: Context) -> Batch:
    """Return the rows of one inflated request body: an event, an array of them, or one a line.

    A body without any event gives rejections and no table at all (answer 400).
    """
    runs = _Runs()
    rows = Rows("openlineage", context, _TABLES)
    take = partial(_take, runs=runs, repeats=Repeats())
    return decode_events(body, context, rows, take, partial(_merge_runs, runs))


def _take(document: tuple[str, Any] | Rejection, rows: Rows, runs: _Runs, repeats: Repeats) -> bool:
    """Add one event's rows and return True, or what was wrong with it and return False."""
    if isinstance(document, Rejection):
        rows.reject(document)
        return False
    place, sent = document
    try:
        event = event_of(sent)
    except ValueError as error:
        rows.refuse(str(error), place, canonical(sent).encode())
        return False
    _add(event, rows, place, repeats)
    if event.run:
        read_, written, newest = runs.setdefault((event.run, event.job), (set(), set(), event.time_ns))
        read_.update(d.name for d in event.inputs)
        written.update(d.name for d in event.outputs)
        runs[event.run, event.job] = (read_, written, max(newest, event.time_ns))
    return True


def _add(event: Event, rows: Rows, place: str, repeats: Repeats) -> None:
    if event.run:
        rows.add(JOB_RUNS, _job_run(event), place)
    columns = [(output.name, column_edges(output, repeats)) for output in _written(event)]
    for edge in _same_event(event) | _column_implied(event, columns) | _symlinked(event):
        rows.add(LINEAGE, dict(zip(_EDGE, (*edge, event.time_ns), strict=True)), place)
    for row in _columns(event, columns):
        rows.add(COLUMN_LINEAGE, row, place)
    for row in _versions(event, repeats):
        rows.add(DATASET_VERSIONS, row, place)
    for dataset in _all(event):
        for row in _checks(dataset, event):
            rows.add(ASSERTIONS, row, place)


def _all(event: Event) -> tuple[Dataset, ...]:
    return (*event.inputs, *event.outputs, *((event.dataset,) if event.dataset else ()))


def _job_run(event: Event) -> dict[str, Any]:
    facets = {"run": event.run_facets, "job": event.job_facets}
    return {
        "job_run": event.run, "job": event.job, "state": event.state, "time_ns": event.time_ns,
        "parent_run": text(mapping(mapping(event.run_facets.get("parent")).get("run")).get("runId")),
        "message": text(mapping(event.run_facets.get("errorMessage")).get("message")),
        "facets": canonical(facets),
    }  # fmt: skip


_EDGE = ("upstream", "downstream", "job", "job_run", "rule", "time_ns")
_Edge = tuple[str, str, str, str, str]


def _same_event(event: Event) -> set[_Edge]:
    """Join what one event reads to what it writes, and both to the job, so that runs can be merged later."""
    read_ = {f"dataset:{d.name}" for d in event.inputs}
    written = {f"dataset:{d.name}" for d in event.outputs}
    pairs = {(up, down) for up in read_ for down in written if up != down}
    if event.job:
        pairs |= {(up, f"job:{event.job}") for up in read_} | {(f"job:{event.job}", down) for down in written}
    return {(up, down, event.job, event.run, "same_event") for up, down in pairs}


_Columns = list[tuple[str, tuple[ColumnEdge, ...]]]
"""What an event writes -> what its columns are made from."""


def _column_implied(event: Event, columns: _Columns) -> set[_Edge]:
    pairs = {(edge.dataset, into) for into, edges in columns for edge in edges if edge.dataset != into}
    return {(f"dataset:{up}", f"dataset:{down}", event.job, event.run, "column_implied") for up, down in pairs}


def _symlinked(event: Event) -> set[_Edge]:
    """Join the names of one data set in both directions: either may be read while the other is written."""
    pairs = {(f"dataset:{d.name}", f"dataset:{other}") for d in _all(event) for other in symlinks(d)}
    return {(up, down, "", "", "symlink") for pair in pairs for up, down in (pair, pair[::-1])}


def _written(event: Event) -> tuple[Dataset, ...]:
    return (*event.outputs, *((event.dataset,) if event.dataset else ()))


def _columns(event: Event, columns: _Columns) -> Iterator[dict[str, Any]]:
    for into, edges in columns:
        for edge in edges:
            yield {
                "upstream_dataset": edge.dataset, "upstream_column": edge.column,
                "downstream_dataset": into, "downstream_column": edge.into,
                "job_run": event.run, "job": event.job, "transformation": edge.transformation,
                "time_ns": event.time_ns,
            }  # fmt: skip


def _versions(event: Event, repeats: Repeats) -> Iterator[dict[str, Any]]:
    """Yield a row for each output once written, each input whose content was measured, and a dataset event's own.

    Only a row that its run wrote names the run: figures of inputs are of all that was
    read, and must not be compared with rows written.
    """
    for dataset in event.outputs:
        said = content(dataset, repeats)
        if event.state not in _BEFORE_WRITING or said["rows"] is not None:
            yield _version(dataset, event, said, event.run)
    for dataset in event.inputs:
        said = content(dataset, repeats)
        if said["rows"] is not None or said["null_counts"] or said["last_updated_ns"] is not None:
            yield _version(dataset, event, said, "")
    if event.dataset is not None:
        yield _version(event.dataset, event, content(event.dataset, repeats), "")


def _version(dataset: Dataset, event: Event, said: Mapping[str, Any], run: str) -> dict[str, Any]:
    named = text(dataset.facet("version").get("datasetVersion"))
    return {
        "dataset": dataset.name, "version": named or iso(event.time_ns), "job_run": run, "time_ns": event.time_ns,
        **said,
    }  # fmt: skip


def _checks(dataset: Dataset, event: Event) -> Iterator[dict[str, Any]]:
    for each in assertions(dataset):
        yield {
            "dataset": dataset.name, "column": each.column, "assertion": each.name, "job_run": event.run,
            "time_ns": event.time_ns, "success": each.success, "expected": each.expected, "actual": each.actual,
            "severity": each.severity,
        }  # fmt: skip


def _merge_runs(runs: _Runs, rows: Rows) -> None:
    """Join all that a run read, in whichever event, to all that it wrote."""
    for (run, job), (read_, written, newest) in sorted(runs.items()):
        for up, down in sorted((up, down) for up in read_ for down in written if up != down):
            edge = (f"dataset:{up}", f"dataset:{down}", job, run, "run_merged", newest)
            rows.add(LINEAGE, dict(zip(_EDGE, edge, strict=True)))


SOURCE = Source(
    name="openlineage",
    title="OpenLineage",
    doc="Run, job and dataset events: lineage, volumes, schemas, data-quality checks, failures of jobs.",
    reads=tuple(table.name for table in _TABLES),
    recognise=recognise,
    read=read,
)
