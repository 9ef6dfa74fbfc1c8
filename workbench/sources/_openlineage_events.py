"""OpenLineage events as plain values: who ran, what it read and wrote, what its facets say."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from workbench.sources._json import canonical, figure, integer, mapping, objects, text
from workbench.sources._rows import digest
from workbench.sources._time import iso_ns

_Said = TypeVar("_Said")
_MOST_REPEATED, _LONGEST_REPEATED = 1000, 65_536
_NO_CONTENT = ("rows", "bytes", "last_updated_ns", "null_counts", "schema", "schema_digest")


@dataclass(frozen=True)
class Assertion:
    """One outcome of a data-quality check."""

    column: str
    name: str
    success: bool
    expected: str | None
    actual: str | None
    severity: str | None


@dataclass(frozen=True)
class ColumnEdge:
    """One input column that an output column is made from."""

    dataset: str
    column: str
    into: str
    transformation: str | None


@dataclass(frozen=True)
class Dataset:
    """One input or output, with all of its facets, general and side-specific, general ones first."""

    name: str
    facets: tuple[Mapping[str, Any], ...]

    def facet(self, key: str) -> Mapping[str, Any]:
        """Return a facet wherever it stands; the side-specific one wins."""
        found: Mapping[str, Any] = {}
        for facets in self.facets:
            said = facets.get(key)
            if said and isinstance(said, dict):
                found = {**found, **said} if found else said
        return found

    @property
    def silent(self) -> bool:
        """Return whether there is no facet at all, as in events that only begin a run."""
        return not any(self.facets)


class Repeats:
    """Remember what facets say that senders repeat in every event, up to a number of them."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[tuple[object, bytes], Any] = {}

    def of(self, say: Callable[[Mapping[str, Any]], _Said], facet: Mapping[str, Any]) -> _Said:
        """Return what *say* makes of a facet, which is the same for an equal one."""
        try:
            sent = marshal.dumps(dict(facet), 2)
        except ValueError:
            return say(facet)
        if len(sent) > _LONGEST_REPEATED:
            return say(facet)
        known = self._known.get((say, sent))
        if known is None:
            if len(self._known) >= _MOST_REPEATED:
                self._known.clear()
            known = self._known[say, sent] = say(facet)
        return known  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Event:
    """One RunEvent, JobEvent or DatasetEvent."""

    time_ns: int
    state: str
    run: str
    job: str
    run_facets: Mapping[str, Any]
    job_facets: Mapping[str, Any]
    inputs: tuple[Dataset, ...]
    outputs: tuple[Dataset, ...]
    dataset: Dataset | None = None


def event_of(sent: object) -> Event:
    """Return an event; ValueError says which required field is missing."""
    if not isinstance(sent, dict):
        raise ValueError("not an OpenLineage event: no object")
    time_ns = iso_ns(sent.get("eventTime"))
    if time_ns is None:
        raise ValueError("not an OpenLineage event: no eventTime that is a time")
    run, job, lone = mapping(sent.get("run")), mapping(sent.get("job")), sent.get("dataset")
    run_id, job_name = text(run.get("runId")) or "", _joined(job)
    dataset = _dataset(lone, "facets") if isinstance(lone, dict) else None
    if not job_name and dataset is None:
        raise ValueError("not an OpenLineage event: neither a job nor a dataset with a name")
    return Event(
        time_ns, (text(sent.get("eventType")) or "OTHER").upper(), run_id, job_name,
        mapping(run.get("facets")), mapping(job.get("facets")),
        tuple(_datasets(sent.get("inputs"), "inputFacets")), tuple(_datasets(sent.get("outputs"), "outputFacets")),
        dataset,
    )  # fmt: skip


def _datasets(sent: object, side: str) -> Iterator[Dataset]:
    for each in objects(sent):
        dataset = _dataset(each, side)
        if dataset is not None:
            yield dataset


def _dataset(sent: Mapping[str, Any], side: str) -> Dataset | None:
    name = dataset_name(sent)
    return Dataset(name, (mapping(sent.get("facets")), mapping(sent.get(side)))) if name else None


def dataset_name(sent: Mapping[str, Any]) -> str:
    """Return ``namespace/name`` with one slash between; empty where there is no name."""
    namespace, name = text(sent.get("namespace")) or "", text(sent.get("name")) or ""
    name = name.lstrip("/") or name
    return f"{namespace.rstrip('/')}/{name}" if namespace and name else name


def _joined(job: Mapping[str, Any]) -> str:
    namespace, name = text(job.get("namespace")), text(job.get("name"))
    return f"{namespace}/{name}" if namespace and name else name or ""


def assertions(dataset: Dataset) -> Iterator[Assertion]:
    """Yield the checks of a data set, once each, though senders repeat them in up to two facets."""
    if dataset.silent:
        return
    seen = set()
    for facets in dataset.facets:
        for each in objects(mapping(facets.get("dataQualityAssertions")).get("assertions")):
            kind, success = text(each.get("assertion")), each.get("success")
            if kind is None or not isinstance(success, bool):
                continue
            found = Assertion(
                text(each.get("column")) or "", _check_name(kind, each), success,
                text(each.get("expected")), text(each.get("actual")), text(each.get("severity")),
            )  # fmt: skip
            if (found.column, found.name) not in seen:
                seen.add((found.column, found.name))
                yield found


def _check_name(kind: str, sent: Mapping[str, Any]) -> str:
    """Tell checks of one kind on one column apart: by their own name, else by their parameters."""
    name, params = text(sent.get("name")), mapping(sent.get("params"))
    if name is not None and name != kind:
        return f"{kind}:{name}"
    return f"{kind} {canonical(params)}" if params else kind


def column_edges(dataset: Dataset, repeats: Repeats) -> tuple[ColumnEdge, ...]:
    """Return what each column of an output is made from; a filter or join of the whole is column ``*``."""
    facet = dataset.facet("columnLineage")
    return repeats.of(_edges, facet) if facet else ()


def _edges(facet: Mapping[str, Any]) -> tuple[ColumnEdge, ...]:
    found: list[ColumnEdge] = []
    for column, sent in mapping(facet.get("fields")).items():
        fallback = text(mapping(sent).get("transformationType"))
        for source in objects(mapping(sent).get("inputFields")):
            found += _edge(source, column or "*", fallback)
    for source in objects(facet.get("dataset")):
        found += _edge(source, "*", None)
    return tuple(found)


def _edge(source: Mapping[str, Any], into: str, fallback: str | None) -> Iterator[ColumnEdge]:
    dataset, column = dataset_name(source), text(source.get("field"))
    if not dataset or column is None:
        return
    pairs = ((text(t.get("type")), text(t.get("subtype"))) for t in objects(source.get("transformations")))
    done = {"/".join(filter(None, pair)) for pair in pairs} - {""}
    yield ColumnEdge(dataset, column, into, ", ".join(sorted(done)) or fallback)


def symlinks(dataset: Dataset) -> list[str]:
    """Return the other names of a data set."""
    sent = () if dataset.silent else objects(dataset.facet("symlinks").get("identifiers"))
    return sorted({name for name in map(dataset_name, sent) if name and name != dataset.name})


def content(dataset: Dataset, repeats: Repeats) -> dict[str, Any]:
    """Return what facets say on a data set's content, as columns of dataset_versions; absent is null."""
    if dataset.silent:
        return dict.fromkeys(_NO_CONTENT)
    written, read = dataset.facet("outputStatistics"), dataset.facet("inputStatistics")
    quality, schema = dataset.facet("dataQualityMetrics"), dataset.facet("schema")
    counts = {
        column: figure(mapping(each).get("nullCount"))
        for column, each in mapping(quality.get("columnMetrics")).items()
        if mapping(each).get("nullCount") is not None
    }
    columns = repeats.of(_columns, schema) if schema else None
    return {
        "rows": _first(written.get("rowCount"), quality.get("rowCount"), read.get("rowCount")),
        "bytes": _first(written.get("size"), quality.get("bytes"), read.get("size")),
        "last_updated_ns": iso_ns(quality.get("lastUpdated")),
        "null_counts": counts or None,
        "schema": columns,
        "schema_digest": digest(columns) if columns else None,
    }


def _columns(facet: Mapping[str, Any]) -> str | None:
    columns = _schema(facet)
    return canonical(columns) if columns else None


def _first(*sent: object) -> int | None:
    return next((number for number in map(integer, sent) if number is not None), None)


def _schema(facet: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Return columns in their order; fields of fields are written with a dot."""
    flat: list[dict[str, str | None]] = []
    waiting = [("", field) for field in reversed(objects(facet.get("fields")))]
    while waiting:
        prefix, field = waiting.pop()
        name = text(field.get("name"))
        if name is None:
            continue
        flat.append({"name": prefix + name, "type": text(field.get("type"))})
        waiting += [(f"{prefix}{name}.", inner) for inner in reversed(objects(field.get("fields")))]
    return flat
