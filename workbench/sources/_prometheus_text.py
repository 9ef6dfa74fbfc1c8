"""The text that exporters write: the Prometheus format, plain or federated, and OpenMetrics with time stamps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import BinaryIO

from workbench.sources import Batch, Context, Rejection
from workbench.sources._prometheus_series import Samples, series_of
from workbench.sources._time import epoch_ns

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABELS = r'\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}'
_SAMPLE = re.compile(rf"({_NAME})\s*({_LABELS})?\s+(\S+)(?:\s+(-?[0-9][0-9.eE+-]*))?\s*(?:#.*)?")
_LABEL = re.compile(rf'({_NAME})\s*=\s*"((?:[^"\\]|\\.)*)"')
_META = re.compile(rf"#\s+(TYPE|UNIT)\s+({_NAME})\s+(\S+)\s*")
_ESCAPE = re.compile(r"\\(.)")
_PARTS = ("_bucket", "_sum", "_count", "_total", "_created", "_info")
_ROWS_AT_ONCE = 200_000
_MOST_LINE = 2**20


def is_text_format(start: bytes) -> bool:
    """Return whether the first lines are comments of the format, or samples."""
    text = start[:8192].decode("utf-8", "replace")
    lines = [line for line in (text.splitlines()[:-1] or [text]) if line.strip()]
    if any(_META.fullmatch(line) or line.startswith("# HELP ") for line in lines[:4]):
        return True
    samples = [_SAMPLE.fullmatch(line) for line in lines[:5]]
    return bool(samples) and all(s is not None and _number(s[3]) is not None and s[2] for s in samples)


def read_text(stream: BinaryIO, context: Context, *, instance: str | None = None) -> Iterator[Batch]:
    """Yield the samples of a text; those without a time stamp are of *context.received_ns*.

    *instance* is added as label where a series has none, as Prometheus does when it scrapes.
    """
    samples = Samples(context)
    types: dict[str, str] = {}
    units: dict[str, str] = {}
    for number, raw in enumerate(iter(lambda: stream.readline(_MOST_LINE), b""), 1):
        line = raw.decode("utf-8", "replace").strip()
        if not line:
            continue
        if line[0] == "#":
            meta = _META.fullmatch(line)
            if meta is not None:
                (types if meta[1] == "TYPE" else units)[meta[2]] = meta[3]
            elif line == "# EOF":
                break
            continue
        found = _SAMPLE.fullmatch(line)
        value = _number(found[3]) if found else None
        time_ns = _time(found[4], context) if found else None
        if found is None or value is None or time_ns is None:
            where = f"{context.place}:{number}"
            samples.rejections.append(Rejection.of("no sample of the Prometheus text format", where, raw))
            continue
        code = samples.code((found[1], found[2]))
        if code is None:
            labels = _labels(found[2] or "")
            if instance is not None:
                labels.setdefault("instance", instance)
            kind, unit = _meta(found[1], types), units.get(found[1]) or units.get(_family(found[1]))
            code = samples.begin((found[1], found[2]), series_of(found[1], labels, kind, unit, context))
        samples.add(code, time_ns, value)
        if len(samples) >= _ROWS_AT_ONCE:
            yield samples.batch()
    if len(samples) or samples.rejections:
        yield samples.batch()


def _labels(text: str) -> dict[str, str]:
    return {name: _ESCAPE.sub(lambda m: "\n" if m[1] == "n" else m[1], value) for name, value in _LABEL.findall(text)}


def _family(name: str) -> str:
    return next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)


def _meta(name: str, types: dict[str, str]) -> str | None:
    """Return gauge, counter or histogram part; nothing where the exporter does not say."""
    kind = types.get(name) or types.get(_family(name))
    if kind in ("histogram", "summary", "gaugehistogram"):
        return "histogram part"
    return kind if kind in ("gauge", "counter") else None


def _number(text: str) -> float | None:
    """Return a value: "NaN", "+Inf" and "-Inf" are numbers of the format; anything that Python alone reads is not."""
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _time(text: str | None, context: Context) -> int | None:
    """Return ns: the Prometheus format writes whole ms, OpenMetrics s with decimals; told apart by their size."""
    if text is None:
        return context.received_ns
    if text.removeprefix("-").isdigit():
        return epoch_ns(int(text))
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    whole, _, fraction = text.partition(".")
    if fraction.isdigit() and whole.isdigit() and number < 1e11:
        return int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9])
    return epoch_ns(number)
