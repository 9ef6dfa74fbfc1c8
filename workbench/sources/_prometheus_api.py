"""Answers of Prometheus' HTTP interface: numbers are texts, errors are answers, 11,000 points are the limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import SourceError
from workbench.sources import Context, Rejection
from workbench.sources._http import Peer
from workbench.sources._json import canonical, mapping, objects, text
from workbench.sources._prometheus_series import Samples, series_of
from workbench.sources._time import epoch_ns

MOST_POINTS = 10_000
"""Points of a series asked for at once; Prometheus refuses more than 11,000."""


def take_answer(answer: object, samples: Samples, context: Context, *, name: str | None = None) -> None:
    """Add the samples of a query's answer; *name* is given to series that a calculation left without one."""
    status = mapping(answer).get("status")
    found = mapping(mapping(answer).get("data"))
    if status != "success":
        said = f"{mapping(answer).get('errorType')}: {mapping(answer).get('error')}"
        samples.rejections.append(_refused(f"Prometheus answered an error: {said}", answer, context))
        return
    if found.get("resultType") in ("scalar", "string"):
        _take_series({"metric": {}, "value": found.get("result")}, samples, context, name)
        return
    for result in objects(found.get("result")):
        _take_series(result, samples, context, name)


def _take_series(result: Mapping[str, Any], samples: Samples, context: Context, name: str | None) -> None:
    labels = {str(k): str(v) for k, v in mapping(result.get("metric")).items()}
    metric = labels.pop("__name__", None) or name or "query"
    key = (metric, tuple(sorted(labels.items())))
    code = samples.code(key)
    if code is None:
        code = samples.begin(key, series_of(metric, labels, None, None, context))
    points = result.get("values") or [result.get("value")]
    for point in points if isinstance(points, list) else []:
        time_ns, value = _point(point)
        if time_ns is None or value is None:
            samples.rejections.append(_refused("a point that is no pair of time and number", point, context))
        else:
            samples.add(code, time_ns, value)


def _point(point: object) -> tuple[int | None, float | None]:
    if not isinstance(point, list) or len(point) != 2 or isinstance(point[0], bool | str):
        return None, None
    try:
        # Milliseconds are all that Prometheus keeps; a float of seconds would add noise below them.
        return epoch_ns(round(float(point[0]) * 1000)) if point[0] > 1e8 else epoch_ns(float(point[0])), float(point[1])
    except (TypeError, ValueError, OverflowError):
        return None, None


def _refused(reason: str, what: object, context: Context) -> Rejection:
    content = canonical(what).encode()
    known = Rejection.of(reason[:300], context.place, content)
    return Rejection(known.reason, known.place, known.length, known.sha256, content)


def query_range(peer: Peer, query: str, start_s: int, end_s: int, step_s: int) -> Any:
    """Return the answer to a range of at most MOST_POINTS steps; SourceError where Prometheus refuses it."""
    asked = {"query": query, "start": start_s, "end": end_s, "step": step_s}
    answer = peer.post_form("/api/v1/query_range", asked)
    if mapping(answer).get("status") != "success":
        raise SourceError(f"Prometheus refused the query {query!r}: {text(mapping(answer).get('error'))}.")
    return answer
