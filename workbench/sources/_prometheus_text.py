"""The text that exporters write: the Prometheus format, plain or federated, and OpenMetrics with time stamps."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from workbench.sources import Batch, Context, Rejection
from workbench.sources._prometheus_lines import MOST_LINE, Lines, blocks, lines_of
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
    reader = _Reader(context, instance)
    for block in blocks(stream):
        yield from reader.take(block)
        if reader.ended:
            break
    if len(reader.samples) or reader.samples.rejections:
        yield reader.samples.batch()


class _Reader:
    """Read blocks of lines: usual ones together, every other by itself, all in their order."""

    def __init__(self, context: Context, instance: str | None) -> None:
        self.samples = Samples(context)
        self.ended = False
        self._context, self._instance = context, instance
        self._types: dict[str, str] = {}
        self._units: dict[str, str] = {}
        self._codes: dict[str, int] = {}
        """Name and labels, as usual lines write them -> code of the series."""
        self._before = 0
        """Lines of earlier blocks."""

    def take(self, block: bytes) -> Iterator[Batch]:
        """Take one block's samples up, and yield as often as enough are held."""
        lines = lines_of(block)
        if lines is None:
            yield from self._one_by_one(block)
            return
        count = len(lines.offsets) - 1
        codes = np.full(count, -1, dtype=np.int32)
        times, values = np.zeros(count, dtype=np.int64), np.zeros(count)
        times[lines.usual], values[lines.usual] = lines.time_ns, lines.value
        known, taken = self._in_order(block, lines, codes, times, values)
        codes[lines.usual] = known[lines.series.indices.to_numpy()]
        held = np.flatnonzero(codes[:taken] >= 0)
        while len(held):
            room = _ROWS_AT_ONCE - len(self.samples)
            self.samples.extend(codes[held[:room]], times[held[:room]], values[held[:room]])
            held = held[room:]
            if len(self.samples) >= _ROWS_AT_ONCE:
                yield self.samples.batch()
        self._before += count

    def _in_order(
        self, block: bytes, lines: Lines, codes: np.ndarray, times: np.ndarray, values: np.ndarray
    ) -> tuple[np.ndarray, int]:
        """Read other lines and begin new series, as they come; return the usual series' codes and how far lines count.

        A line's type must stand before it, so that neither kind can be read before the other.
        """
        words = lines.series.dictionary.to_pylist()
        _, firsts = np.unique(lines.series.indices.to_numpy(), return_index=True)
        begins = dict(zip(lines.usual[firsts].tolist(), words, strict=True))
        others = np.setdiff1d(np.arange(len(codes)), lines.usual, assume_unique=True).tolist()
        for place in sorted([*begins, *others]):
            raw = block[lines.offsets[place] : lines.offsets[place + 1]]
            word = begins.get(place)
            if word is None or word not in self._codes:
                sample = self._line(raw, self._before + place + 1)
                if self.ended:
                    return np.array([self._codes.get(w, -1) for w in words], dtype=np.int32), place
                if sample is not None:
                    codes[place], times[place], values[place] = sample
                    if word is not None:
                        self._codes[word] = sample[0]
        return np.array([self._codes[w] for w in words], dtype=np.int32), len(codes)

    def _one_by_one(self, block: bytes) -> Iterator[Batch]:
        pieces = io.BytesIO(block)
        for raw in iter(lambda: pieces.readline(MOST_LINE), b""):
            self._before += 1
            sample = self._line(raw, self._before)
            if self.ended:
                return
            if sample is not None:
                self.samples.add(*sample)
                if len(self.samples) >= _ROWS_AT_ONCE:
                    yield self.samples.batch()

    def _line(self, raw: bytes, number: int) -> tuple[int, int, float] | None:
        """Return the series' code, ns and value of a sample; None for any other line, of which note is taken."""
        line = raw.decode("utf-8", "replace").strip()
        if not line:
            return None
        if line[0] == "#":
            meta = _META.fullmatch(line)
            if meta is not None:
                (self._types if meta[1] == "TYPE" else self._units)[meta[2]] = meta[3]
            else:
                self.ended = line == "# EOF"
            return None
        found = _SAMPLE.fullmatch(line)
        value = _number(found[3]) if found else None
        time_ns = _time(found[4], self._context) if found else None
        if found is None or value is None or time_ns is None:
            where = f"{self._context.place}:{number}"
            self.samples.rejections.append(Rejection.of("no sample of the Prometheus text format", where, raw))
            return None
        code = self.samples.code((found[1], found[2]))
        return self._begun(found) if code is None else code, time_ns, value

    def _begun(self, found: re.Match[str]) -> int:
        labels = _labels(found[2] or "")
        if self._instance is not None:
            labels.setdefault("instance", self._instance)
        kind, unit = _meta(found[1], self._types), self._units.get(found[1]) or self._units.get(_family(found[1]))
        series = series_of(found[1], labels, kind, unit, self._context)
        return self.samples.begin((found[1], found[2]), series)


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
