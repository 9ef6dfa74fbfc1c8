"""What dbt's manifest and run results say, as rows: edges of data sets, states of jobs, outcomes of tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.sources._json import canonical, figure, integer, mapping, objects, text
from workbench.sources._time import iso_ns

STATES = {
    "success": "COMPLETE",
    "pass": "COMPLETE",
    "warn": "COMPLETE",
    "error": "FAIL",
    "fail": "FAIL",
    "runtime error": "FAIL",
    "skipped": "ABORT",
}
_DATA = ("model", "seed", "snapshot", "source")
Row = Mapping[str, Any]


def nodes(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return every node and source by its unique id."""
    found = {**mapping(manifest.get("sources")), **mapping(manifest.get("nodes"))}
    return {str(k): mapping(v) for k, v in found.items()}


def dataset(node: Mapping[str, Any], unique_id: str) -> str:
    """Return ``database.schema.name`` of what a node writes, or its unique id where that is not said."""
    name = text(node.get("alias")) or text(node.get("identifier")) or text(node.get("name"))
    parts = [part for part in (text(node.get("database")), text(node.get("schema")), name) if part]
    return ".".join(parts) or unique_id


def is_data(unique_id: str) -> bool:
    """Say whether a node is a table of some kind, and no test or exposure."""
    return unique_id.partition(".")[0] in _DATA


def parents(node: Mapping[str, Any]) -> list[str]:
    """Return the nodes that a node depends on."""
    found = mapping(node.get("depends_on")).get("nodes")
    return [str(n) for n in found] if isinstance(found, list) else []


def job(project: str, unique_id: str) -> str:
    """Return the name of the job that makes a node."""
    return f"{project}/{unique_id}"


def project_of(manifest: Mapping[str, Any], unique_id: str = "") -> str:
    """Return the project's name, which older artifacts only say within their ids."""
    return (
        text(mapping(manifest.get("metadata")).get("project_name"))
        or ([*unique_id.split("."), "dbt", "dbt"])[1]
        or "dbt"
    )


def edges(manifest: Mapping[str, Any], time_ns: int) -> Iterator[Row]:
    """Yield an edge for each table that a table depends on."""
    known = nodes(manifest)
    for unique_id, node in known.items():
        for parent in parents(node):
            if is_data(unique_id) and is_data(parent) and parent in known:
                up, down = dataset(known[parent], parent), dataset(node, unique_id)
                if up != down:
                    yield {
                        "upstream": f"dataset:{up}",
                        "downstream": f"dataset:{down}",
                        "job": job(project_of(manifest, unique_id), unique_id),
                        "job_run": "",
                        "rule": "dbt",
                        "time_ns": time_ns,
                    }


def result_time(result: Mapping[str, Any]) -> int | None:
    """Return when a result was there: the end of the newest phase that was timed."""
    times = [iso_ns(phase.get("completed_at")) for phase in objects(result.get("timing"))]
    return max((t for t in times if t is not None), default=None)


def state(result: Mapping[str, Any], project: str, invocation: str, time_ns: int) -> Row:
    """Return the state of the job that made a node."""
    unique_id = text(result.get("unique_id")) or ""
    said = (text(result.get("status")) or "").lower()
    return {
        "job_run": f"{invocation}/{unique_id}",
        "job": job(project, unique_id),
        "state": STATES.get(said, "OTHER"),
        "time_ns": time_ns,
        "parent_run": invocation or None,
        "message": text(result.get("message")) if STATES.get(said) != "COMPLETE" else None,
        "facets": canonical(
            {
                "status": said,
                "execution_time_s": figure(result.get("execution_time")),
                "adapter_response": mapping(result.get("adapter_response")),
            }
        ),
    }


def outcome(result: Mapping[str, Any], manifest: Mapping[str, Any], invocation: str, time_ns: int) -> Row | None:
    """Return the outcome of a test; None for what is no test, or was not run."""
    unique_id = text(result.get("unique_id")) or ""
    said = (text(result.get("status")) or "").lower()
    if not unique_id.startswith("test.") or said not in {"pass", "fail", "warn", "error"}:
        return None
    known = nodes(manifest)
    node = mapping(known.get(unique_id))
    about = text(node.get("attached_node")) or next((p for p in parents(node) if is_data(p)), "")
    failures = integer(result.get("failures"))
    test = mapping(node.get("test_metadata"))
    return {
        "dataset": dataset(mapping(known.get(about)), about) if about else "",
        "column": text(node.get("column_name")) or text(mapping(test.get("kwargs")).get("column_name")) or "",
        "assertion": text(node.get("name")) or unique_id,
        "job_run": f"{invocation}/{unique_id}",
        "time_ns": time_ns,
        "success": said == "pass",
        "expected": text(test.get("name")),
        "actual": text(result.get("message")) or (None if failures is None else f"{failures} failures"),
        "severity": "warn" if said == "warn" else "error",
    }


def written(result: Mapping[str, Any], manifest: Mapping[str, Any], invocation: str, time_ns: int) -> Row | None:
    """Return what a table looked like once it was written; None where it was not."""
    unique_id = text(result.get("unique_id")) or ""
    node = mapping(nodes(manifest).get(unique_id))
    if not node or not is_data(unique_id) or STATES.get((text(result.get("status")) or "").lower()) != "COMPLETE":
        return None
    columns = mapping(node.get("columns"))
    fields = [{"name": str(k), "type": text(mapping(v).get("data_type"))} for k, v in columns.items()]
    rows = integer(mapping(result.get("adapter_response")).get("rows_affected"))
    return {
        "dataset": dataset(node, unique_id),
        "version": f"{invocation}/{time_ns}",
        "job_run": f"{invocation}/{unique_id}",
        "time_ns": time_ns,
        "rows": rows if rows is not None and rows >= 0 else None,
        "schema": canonical(fields) if fields and all(f["type"] for f in fields) else None,
    }
