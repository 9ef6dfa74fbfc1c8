"""Prometheus: ranges of a live server, answers saved as JSON, and the text of exporters (DCGM, node, Triton, ...)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from workbench.errors import SourceError, UsageError
from workbench.model.tables import KPIS, METRICS
from workbench.model.window import parse_duration_ns
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._http import Peer
from workbench.sources._json import documents, mapping, parse, text
from workbench.sources._prometheus_api import MOST_POINTS, query_range, take_answer
from workbench.sources._prometheus_series import Samples, without_port
from workbench.sources._prometheus_text import is_text_format, read_text

_ANSWER = re.compile(rb'\s*\{\s*"status"\s*:\s*"(?:success|error)"')
_ANSWER_BODY = re.compile(rb'"resultType"\s*:|"errorType"\s*:')
_DEFAULT_QUERIES = {"": '{__name__=~"up|kpi_.+|DCGM_FI_.+|nvidia_smi_.+"}'}
_DEFAULT_STEP_S, _DEFAULT_LOOKBACK_S = 60, 3600


def recognise(head: Head) -> float:
    """Recognise an answer by its status and type of result, and the text by its comments or samples."""
    if _ANSWER.match(head.start):
        return 0.95 if _ANSWER_BODY.search(head.start) else 0.0
    textual = head.start[:1] not in (b"{", b"[") and b"\x00" not in head.start
    return 0.9 if textual and is_text_format(head.start) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the samples of a scrape, an OpenMetrics file or a saved answer."""
    if isinstance(what, Path):
        with what.open("rb") as stream:
            yield from read(stream, context)
        return
    buffered = io.BufferedReader(cast(io.RawIOBase, what))
    try:
        if buffered.peek(64).lstrip()[:1] == b"{":
            yield from _answers(buffered, context)
        else:
            yield from read_text(buffered, context)
    finally:
        # Without this the stream, which is the caller's, would be closed with the buffer.
        buffered.detach()


def _answers(stream: BinaryIO, context: Context) -> Iterator[Batch]:
    samples = Samples(context)
    for document in documents(stream, context.place):
        if isinstance(document, Rejection):
            samples.rejections.append(document)
        else:
            take_answer(document[1], samples, context)
    if len(samples) or samples.rejections:
        yield samples.batch()


def pull(settings: Mapping[str, Any], saved: str | None, context: Context) -> Iterator[tuple[Batch, str]]:
    """Yield what is new since the saved cursor, page by page, each with the cursor after it.

    Settings: ``url``; ``queries`` (name -> PromQL, or a list of selectors), ``step``
    and, for the first pull, ``lookback`` (durations such as ``1m``, ``1h``); or
    ``scrape``, the path of an exporter's text, which is then read as of now.
    """
    peer = Peer("Prometheus", settings)
    if settings.get("scrape"):
        content = peer.text(str(settings["scrape"]))
        instance = without_port(peer.url.partition("//")[2].partition("/")[0])
        for batch in read_text(io.BytesIO(content), context, instance=instance):
            yield batch, str(context.received_ns)
        return
    queries, step_s = _queries(settings), max(_seconds(settings, "step", _DEFAULT_STEP_S), 1)
    now_s = context.received_ns // 1_000_000_000 // step_s * step_s
    first_s = now_s - _seconds(settings, "lookback", _DEFAULT_LOOKBACK_S)
    start_s = max(-(-first_s // step_s) * step_s, 0)
    cursor_s = _cursor_s(saved)
    if cursor_s is not None:
        start_s = cursor_s // step_s * step_s + step_s
    while start_s <= now_s:
        end_s = min(start_s + (MOST_POINTS - 1) * step_s, now_s)
        samples = Samples(context)
        for name, query in queries.items():
            take_answer(query_range(peer, query, start_s, end_s, step_s), samples, context, name=name or None)
        yield samples.batch(), orjson.dumps({"until_s": end_s}).decode()
        start_s = end_s + step_s


def _cursor_s(saved: str | None) -> int | None:
    try:
        return int(mapping(parse(saved.encode()))["until_s"]) if saved else None
    except (ValueError, KeyError, TypeError):
        return None


def _queries(settings: Mapping[str, Any]) -> dict[str, str]:
    given = settings.get("queries")
    if given is None:
        return _DEFAULT_QUERIES
    if isinstance(given, Mapping) and given:
        return {str(name): str(query) for name, query in given.items()}
    if isinstance(given, list) and given:
        return {f"query {number}": str(query) for number, query in enumerate(given, 1)}
    raise UsageError(f"Prometheus needs queries as a table NAME = PROMQL, or as a list of selectors; got {given!r}.")


def _seconds(settings: Mapping[str, Any], name: str, default: int) -> int:
    given = settings.get(name)
    if given is None:
        return default
    return int(given) if isinstance(given, int | float) else parse_duration_ns(str(given)) // 1_000_000_000


def check(settings: Mapping[str, Any]) -> str:
    """Return one line on the server or exporter, or raise SourceError."""
    peer = Peer("Prometheus", settings)
    if settings.get("scrape"):
        lines = peer.text(str(settings["scrape"])).count(b"\n")
        return f"an exporter with {lines} lines"
    version = text(mapping(mapping(peer.get("/api/v1/status/buildinfo")).get("data")).get("version"))
    if version is None:
        raise SourceError(f"What answers at {peer.url} names no version of Prometheus.")
    return f"Prometheus {version}"


SOURCE = Source(
    name="prometheus",
    title="Prometheus",
    doc="Samples of hosts, GPUs, services and business figures: a live server, saved answers, exporters' text.",
    reads=(METRICS.name, KPIS.name),
    recognise=recognise,
    read=read,
    pull=pull,
    check=check,
)
