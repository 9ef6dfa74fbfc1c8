"""nvidia-smi dmon and pmon: text recordings with date and time (``-o DT``). ``-`` is unknown, never 0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from workbench.model.tables import METRICS
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources import _gpu_metrics as gpu
from workbench.sources._json import canonical
from workbench.sources._rows import Rows, digest
from workbench.sources._time import iso_ns

_FIGURES = {
    "pwr": gpu.POWER, "gtemp": gpu.TEMPERATURE, "mtemp": gpu.MEMORY_TEMPERATURE, "sm": gpu.UTILIZATION,
    "mem": gpu.MEMORY_UTILIZATION, "enc": gpu.ENCODER_UTILIZATION, "dec": gpu.DECODER_UTILIZATION,
    "mclk": gpu.clock("memory"), "pclk": gpu.clock("sm"), "fb": gpu.memory_bytes("used", gpu.MIB),
}  # fmt: skip
_PROCESS_FIGURES = {
    "sm": gpu.PROCESS_UTILIZATION, "fb": gpu.PROCESS_MEMORY,
    "mem": gpu.Figure("gpu_process_memory_utilization_percent", "%"),
    "enc": gpu.Figure("gpu_process_encoder_utilization_percent", "%"),
    "dec": gpu.Figure("gpu_process_decoder_utilization_percent", "%"),
}  # fmt: skip
_HEADER = re.compile(r"#\s*(?:date\s+time\s+)?gpu\s+(?:.*\bpwr\b|pid\s+type\b)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})/?(\d\d)/?(\d\d)")
_MOST_LINE = 1 << 16
_ROWS_AT_ONCE = 50_000


def recognise(head: Head) -> float:
    """Recognise the header of columns of dmon or pmon on the first line."""
    first = head.start.decode("utf-8", "replace").split("\n", 1)[0]
    return 0.95 if _HEADER.match(first) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the figures of each line, of GPU place/index; times are read as UTC. Lines without a time are refused.

    A line of pmon is of one program, told apart by its pid; one without a program (``-``) says that none ran.
    """
    if isinstance(what, Path):
        with what.open("rb") as stream:
            yield from read(stream, context)
        return
    rows = Rows("nvidia_smi_dmon", context, (METRICS,))
    names: Sequence[str] = ()
    for number, raw in enumerate(iter(lambda: what.readline(_MOST_LINE), b""), 1):
        line = raw.decode("utf-8", "replace").strip()
        if _HEADER.match(line):
            names = [name.lower() for name in line.lstrip("# ").split()]
        elif line and not line.startswith("#"):
            reason = _take(line.split(), names, rows, context, f"{context.place}:{number}")
            if reason:
                rows.reject(Rejection.of(reason, f"{context.place}:{number}", raw))
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch()
    if len(rows):
        yield rows.batch()


def _take(cells: list[str], names: Sequence[str], rows: Rows, context: Context, place: str) -> str:
    """Add a line's figures; return why there are none."""
    if names[-1:] == ["command"] and len(cells) > len(names):
        # A program's name may hold spaces.
        cells = [*cells[: len(names) - 1], " ".join(cells[len(names) - 1 :])]
    if len(cells) != len(names):
        return "not as many cells as columns"
    said = dict(zip(names, cells, strict=True))
    if "date" not in said or "time" not in said:
        return f"no time: record with nvidia-smi {'pmon' if 'pid' in said else 'dmon'} -o DT"
    date = _DATE.fullmatch(said["date"])
    time_ns = iso_ns(f"{date[1]}-{date[2]}-{date[3]}T{said['time']}Z") if date else None
    if time_ns is None or not said["gpu"].isascii() or not said["gpu"].isdigit():
        return "no time or GPU index that can be read"
    entity = f"gpu:{gpu.device(None, context.place, said['gpu'])}"
    if said.get("pid") == "-":
        return ""
    identity = {"pid": said["pid"]} if "pid" in said else {}
    program = {"process_name": said["command"]} if said.get("command", "-") != "-" else {}
    for name, figure in (_PROCESS_FIGURES if identity else _FIGURES).items():
        if name in said:
            known = re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", said[name], re.ASCII)
            rows.add(METRICS, {
                "series": digest(entity, figure.metric, canonical(identity)), "time_ns": time_ns, "entity": entity,
                "metric": figure.metric, "value": float(said[name]) * figure.factor if known else None,
                "unit": figure.unit, "type": figure.type, "labels": {"index": said["gpu"], **identity, **program},
            }, place)  # fmt: skip
    return ""


SOURCE = Source(
    name="nvidia_smi_dmon",
    title="nvidia-smi dmon, pmon",
    doc="Text recordings of nvidia-smi dmon and pmon with -o DT: power, temperatures, utilisation and clocks of each "
    "device; utilisation and memory of each program.",
    reads=(METRICS.name,),
    recognise=recognise,
    read=read,
)
