"""``workbench record``: samples of this machine's devices, into the store or a file."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from workbench.commands import _common as common
from workbench.errors import UsageError
from workbench.model.window import parse_duration_ns

EXAMPLES = """
Examples:

  workbench record gpu --duration 5m                    into the store

  workbench record gpu --interval 200ms --to file --out gpu.jsonl
"""
_AT_ONCE = 60


class To(StrEnum):
    """Where samples go."""

    store = "store"
    file = "file"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    record = typer.Typer(help="Record samples of this machine's devices.", no_args_is_help=True)
    record.command("gpu", epilog=EXAMPLES)(gpu)
    app.add_typer(record, name="record")


def gpu(
    interval: Annotated[str, typer.Option(help="Time between samples, such as 1s or 200ms.")] = "1s",
    duration: Annotated[str | None, typer.Option(help="Stop after this long; by default when interrupted.")] = None,
    to: Annotated[To, typer.Option(help="Where samples go.")] = To.store,
    out: Annotated[Path, typer.Option(help="The recording, with --to file; lines are added.")] = Path("gpu.jsonl"),
    store: common.Store = None,
    config: common.Config = None,
    environment: common.Environment = None,
) -> None:
    """Sample NVIDIA devices and this host until the duration is over; without a driver, the host alone."""
    step, length = parse_duration_ns(interval), None if duration is None else parse_duration_ns(duration)
    if step <= 0:
        raise UsageError(f"An interval is longer than nothing; got {interval!r}.")
    taken = 0
    if to is To.file:
        with out.open("a", encoding="utf-8") as file:
            for text in samples(step, length):
                file.write(text)
                file.flush()
                taken += 1
        common.console.print(f"Recorded {taken} samples into {out}.")
        return
    with common.bench(store, config, environment) as (bench, _), tempfile.TemporaryDirectory() as folder:
        waiting: list[str] = []

        def keep() -> None:
            if waiting:
                part = Path(folder) / "recording.jsonl"
                part.write_text("".join(waiting), encoding="utf-8")
                bench.ingest([part], source="nvml")
                waiting.clear()

        try:
            for text in samples(step, length):
                waiting.append(text)
                taken += 1
                if len(waiting) >= _AT_ONCE:
                    keep()
        finally:
            keep()
    common.console.print(f"Recorded {taken} samples into the store.")


def samples(step_ns: int, length_ns: int | None) -> Iterator[str]:
    """Yield the lines of each sample, on a steady beat; a driver that is not there is said once and asked again."""
    from workbench.recording import Sampler

    sampler, said = Sampler(), ""
    begin = time.monotonic_ns()
    beat = 0
    while length_ns is None or beat * step_ns < length_ns:
        lines = sampler.lines(time.time_ns())
        if sampler.trouble != said:
            said = sampler.trouble
            if said:
                common.errors.print(f"[yellow]{said}[/] Recording the host alone.")
        yield "".join(json.dumps(line) + "\n" for line in lines)
        beat = max(beat + 1, (time.monotonic_ns() - begin) // step_ns)
        time.sleep(max(0.0, (begin + beat * step_ns - time.monotonic_ns()) / 1e9))
