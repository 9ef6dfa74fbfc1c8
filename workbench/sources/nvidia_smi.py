"""nvidia-smi: recordings of ``--query-gpu ... --format=csv``, with or without units. ``[N/A]`` is unknown, never 0."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._gpu_metrics import NVIDIA_SMI, Figure, device
from workbench.sources._json import canonical
from workbench.sources._rows import Rows, digest
from workbench.sources._time import iso_ns

_WHO = {"timestamp", "uuid", "gpu_uuid", "index", "hostname", "name", "gpu_name", "pci.bus_id", "gpu_bus_id"}
_CAPTURE = re.compile(r"^# \$ nvidia-smi\b", re.M)
_BITS = re.compile(r"0x([0-9a-fA-F]{1,16})")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)\s*(%|MiB|GiB|KiB|W|MHz|C|us)?")
_STAMP = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)")
_ROWS_AT_ONCE = 50_000
_MOST_LINE = 2**20
_LONGEST_HEADER = 32_768
_DESCRIBES = ("uuid", "gpu_uuid", "hostname", "index", "name", "gpu_name", "pid", "process_name")
"""Fields that say which device, and which program on it, a line is about."""
_MOST_DEVICES = 1_000


@dataclass(frozen=True)
class _Header:
    names: list[str]
    figures: list[tuple[int, Figure]]

    @classmethod
    def of(cls, line: str) -> _Header | None:
        """Return the header that a line is, or None: it names figures, and nothing but fields."""
        if not line[:1].isalpha() or len(line) > _LONGEST_HEADER:
            return None
        names = [cell.partition("[")[0].strip() for cell in line.split(",")]
        figures = [(at, NVIDIA_SMI[name]) for at, name in enumerate(names) if name in NVIDIA_SMI]
        fields = all(re.fullmatch(r"[a-zA-Z][\w.]*", name) for name in names)
        identified = bool(_WHO & set(names)) or len(figures) > 1
        return cls(names, figures) if figures and fields and identified else None


def recognise(head: Head) -> float:
    """Recognise the header line of the fields asked for, at the start or within a longer capture."""
    text = head.start.decode("utf-8", "replace").removeprefix("\ufeff")
    first = text.split("\n", 1)[0]
    if _Header.of(first) is not None:
        return 0.95
    return 0.9 if _CAPTURE.search(text) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the figures of a recording, or of every such recording within a longer capture.

    Times without a zone are the recording host's; they are read as UTC. Without a
    column ``timestamp`` the time of receipt stands in; without ``uuid`` and ``hostname``
    a device is called by the recording's name and its index.
    """
    if isinstance(what, Path):
        with what.open("rb") as stream:
            yield from read(stream, context)
        return
    rows = Rows("nvidia_smi", context, (METRICS,))
    header: _Header | None = None
    devices: _Devices = {}
    alone = True
    for number, raw in enumerate(iter(lambda: what.readline(_MOST_LINE), b""), 1):
        line = raw.decode("utf-8", "replace").removeprefix("\ufeff").strip()
        begins = _Header.of(line)
        alone = alone and (number > 1 or begins is not None)
        if begins is not None:
            header, devices = begins, {}
        elif not line:
            # In a capture of several commands a blank line ends a table.
            header = header if alone else None
        elif header is not None:
            _take(line, header, rows, f"{context.place}:{number}", context, raw, devices)
        elif alone:
            rows.reject(Rejection.of("no table of nvidia-smi", f"{context.place}:{number}", raw))
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch()
    if len(rows):
        yield rows.batch()


@dataclass(frozen=True)
class _Device:
    """What all lines of one device, or of one program on it, share: the columns of each figure but time and value."""

    rows: list[tuple[int, Figure, dict[str, Any]]]
    """Place of the cell, its figure, and the rest of its row."""


_Devices = dict[tuple[str | None, ...], _Device | None]


def _take(
    line: str, header: _Header, rows: Rows, place: str, context: Context, raw: bytes, devices: _Devices
) -> None:
    cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
    if len(cells) != len(header.names):
        rows.reject(Rejection.of(f"{len(cells)} cells, not {len(header.names)}", place, raw))
        return
    said = dict(zip(header.names, cells, strict=True))
    time_ns = _time(said.get("timestamp"), context)
    who = tuple(map(said.get, _DESCRIBES))
    if who not in devices:
        if len(devices) >= _MOST_DEVICES:
            devices.clear()
        devices[who] = _device(said, header, context)
    found = devices[who]
    if time_ns is None or found is None:
        missing = "timestamp that can be read" if time_ns is None else "uuid or index: which GPU is it?"
        rows.reject(Rejection.of(f"no {missing}", place, raw))
        return
    for at, figure, shared in found.rows:
        rows.add(METRICS, {**shared, "time_ns": time_ns, "value": _value(cells[at], figure)}, place)


def _device(said: Mapping[str, str], header: _Header, context: Context) -> _Device | None:
    """Return what a line's device is called and measured as; None where nothing says which device it is."""
    host = _known(said.get("hostname"))
    index = _known(said.get("index"))
    name = device(_known(said.get("uuid")) or _known(said.get("gpu_uuid")), host or context.place, index)
    if name is None:
        return None
    model = _known(said.get("name")) or _known(said.get("gpu_name"))
    labels = {k: v for k, v in (("hostname", host), ("index", index), ("model_name", model)) if v is not None}
    # A figure of a program on the device is told from the device's own by its pid.
    pid, program = _known(said.get("pid")), _known(said.get("process_name"))
    identity = {} if pid is None else {"pid": pid}
    labels |= identity if program is None else identity | {"process_name": program}
    entity, known = f"gpu:{name}", canonical(identity)
    return _Device([
        (at, figure, {
            "series": digest(entity, figure.metric, known), "entity": entity, "metric": figure.metric,
            "unit": figure.unit, "type": figure.type, "labels": labels,
        })
        for at, figure in header.figures
    ])  # fmt: skip


def _known(cell: str | None) -> str | None:
    """Return a cell that says something: not ``[N/A]``, ``N/A`` or ``[Requested functionality ...]``."""
    return None if not cell or cell in ("N/A", "-") or cell[0] == "[" else cell


def _value(cell: str, figure: Figure) -> float | None:
    """Return a figure in its unit here; null for everything that is no number."""
    bits = _BITS.fullmatch(cell)
    if bits is not None:
        return float(int(bits[1], 16))
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return None
    to_mib = {"GiB": 1024.0, "KiB": 1 / 1024}.get(found[2] or "", 1.0)
    return float(found[1]) * to_mib * figure.factor


def _time(stamp: str | None, context: Context) -> int | None:
    if stamp is None:
        return context.received_ns
    found = _STAMP.fullmatch(stamp)
    return iso_ns(f"{found[1]}-{found[2]}-{found[3]}T{found[4]}Z") if found else iso_ns(stamp)


SOURCE = Source(
    name="nvidia_smi",
    title="nvidia-smi",
    doc="nvidia-smi --query-gpu and --query-compute-apps as csv: utilisation, memory, power, clocks, why slowed, ECC.",
    reads=(METRICS.name,),
    recognise=recognise,
    read=read,
)
