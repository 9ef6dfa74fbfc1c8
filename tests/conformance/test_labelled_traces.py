"""Three labelled traces on which the deepest failed span, or mere repetition, gives the wrong answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.analysis.error_locus import TracedSpan, error_locus, repetitions


def read(path: Path) -> list[TracedSpan]:
    """Read OTLP JSON as Jaeger writes it, with codes as numbers or names."""
    spans = []
    for resource in json.loads(path.read_text(encoding="utf-8"))["resourceSpans"]:
        service = attributes(resource["resource"])["service.name"]
        for scope in resource["scopeSpans"]:
            spans += [span(service, raw) for raw in scope["spans"]]
    return spans


def attributes(of: dict[str, Any]) -> dict[str, str]:
    """Return attributes as texts."""
    return {a["key"]: str(next(iter(a["value"].values()))) for a in of.get("attributes", [])}


def span(service: str, raw: dict[str, Any]) -> TracedSpan:
    """Make one span of its JSON."""
    status = raw.get("status") or {}
    given = attributes(raw)
    said = f"{status.get('message', '')} {given.get('http.status_code', '')}"
    failed = status.get("code") in (2, "STATUS_CODE_ERROR")
    times = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
    return TracedSpan(raw["spanId"], raw.get("parentSpanId") or None, service, raw["name"], *times, failed, said)


@pytest.mark.parametrize("name", ["error_timeout_masked", "sibling_errors"])
def test_the_locus_of_a_failure_is_the_labelled_span_and_not_the_naive_one(data: Path, name: str) -> None:
    """Service, operation and span id all agree with the label."""
    folder = data / "traces" / "labelled"
    label = json.loads((folder / f"{name}.manifest.json").read_text())
    found = error_locus(read(folder / f"{name}.json"))
    assert found is not None
    expected = label["expected"]
    assert (found.span.span_id, found.span.service, found.span.operation) == (
        expected["locus_span_id"], expected["locus_service"], expected["locus_operation"],
    )  # fmt: skip
    assert found.span.span_id != label["naive_answer"].get("deepest_errored_span_id")


def test_serial_repetition_is_found_with_its_caller_and_count(data: Path) -> None:
    """Eleven calls, none overlapping, 871.2 ms in all."""
    folder = data / "traces" / "labelled"
    expected = json.loads((folder / "n_plus_one_full_serial.manifest.json").read_text())["expected"]
    found = repetitions(read(folder / "n_plus_one_full_serial.json"))
    mine = next(r for r in found if r.parent_id == expected["parent_span_id"] and r.operation == expected["operation"])
    assert (mine.service, mine.calls, mine.overlapping) == (
        expected["service"], expected["siblings"], expected["overlapping_pairs"],
    )  # fmt: skip
    assert mine.total_ns / 1e6 == pytest.approx(expected["sum_of_durations_ms"], abs=0.05)
