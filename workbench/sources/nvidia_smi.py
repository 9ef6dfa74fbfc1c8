"""nvidia-smi: recordings of ``--query-gpu ... --format=csv``, with or without units. ``[N/A]`` is unknown, never 0."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

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
    alone = True
    for number, raw in enumerate(iter(lambda: what.readline(_MOST_LINE), b""), 1):
        line = raw.decode("utf-8", "replace").removeprefix("\ufeff").strip()
        begins = _Header.of(line)
        alone = alone and (number > 1 or begins is not None)
        if begins is not None:
            header = begins
        elif not line:
            # In a capture of several commands a blank line ends a table.
            header = header if alone else None
        elif header is not None:
            _take(line, header, rows, f"{context.place}:{number}", context, raw)
        elif alone:
            rows.reject(Rejection.of("no table of nvidia-smi", f"{context.place}:{number}", raw))
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch()
    if len(rows):
        yield rows.batch()


def _take(line: str, header: _Header, rows: Rows, place: str, context: Context, raw: bytes) -> None:
    cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
    if len(cells) != len(header.names):
        rows.reject(Rejection.of(f"{len(cells)} cells, not {len(header.names)}", place, raw))
        return
    said = dict(zip(header.names, cells, strict=True))
    time_ns = _time(said.get("timestamp"), context)
    host = _known(said.get("hostname"))
    index = _known(said.get("index"))
    name = device(_known(said.get("uuid")) or _known(said.get("gpu_uuid")), host or context.place, index)
    if time_ns is None or name is None:
        missing = "timestamp that can be read" if time_ns is None else "uuid or index: which GPU is it?"
        rows.reject(Rejection.of(f"no {missing}", place, raw))
        return
    model = _known(said.get("name")) or _known(said.get("gpu_name"))
    labels = {k: v for k, v in (("hostname", host), ("index", index), ("model_name", model)) if v is not None}
    # A figure of a program on the device is told from the device's own by its pid.
    pid, program = _known(said.get("pid")), _known(said.get("process_name"))
    identity = {} if pid is None else {"pid": pid}
    labels |= identity if program is None else identity | {"process_name": program}
    for at, figure in header.figures:
        entity = f"gpu:{name}"
        rows.add(METRICS, {
            "series": digest(entity, figure.metric, canonical(identity)), "time_ns": time_ns, "entity": entity,
            "metric": figure.metric, "value": _value(cells[at], figure), "unit": figure.unit, "type": figure.type,
            "labels": labels,
        }, place)  # fmt: skip


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
