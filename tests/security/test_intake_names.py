"""Hostile names of files, environments, services and tables: nothing outside the named folders is opened or written."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.intake.files import ingest
from workbench.store import Store

_PIECES = (
    "..", "../", "/etc/passwd", "*", "?", "[a-z]", "**", "~", "$HOME", "$(id)", "`id`", "|id", ";rm", "&",
    "'", '"', "\\",
    "' OR 1=1 --", "'); DROP TABLE batches; --", "\n", "\r", "\t", "\x1b[2J", "\u202e", "%00", "%2e%2e%2f", "-", "--as",
    "sqlite:///", "file://", "http://127.0.0.1/", "s3://", "read_csv('", "COPY", ".parquet", ".gz", "con", "a" * 60,
    "é", "\udcff",
)  # fmt: skip


def names(count: int, seed: int) -> list[str]:
    """Return hostile texts, each from one to four pieces."""
    dice = random.Random(seed)
    return ["".join(dice.choices(_PIECES, k=dice.randint(1, 4))) for _ in range(count)]


def line(number: int, text: str) -> str:
    """Return one OTLP JSON document whose every name is *text*."""
    safe = text.encode("utf-8", "replace").decode()
    pairs = [
        {"key": key, "value": {"stringValue": safe}} for key in ("service.name", "deployment.environment.name", safe)
    ]
    span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": safe, "attributes": pairs,
            "startTimeUnixNano": "1000000000000000000", "endTimeUnixNano": "1000000000000000005"}  # fmt: skip
    return json.dumps({"resourceSpans": [{"resource": {"attributes": pairs}, "scopeSpans": [{"spans": [span]}]}]})


_WATCHED = frozenset({"open", "sqlite3.connect", "os.remove", "os.rename", "os.mkdir", "subprocess.Popen", "os.system",
                      "socket.connect"})  # fmt: skip


class Watch:
    """Record the paths that this process opens; audit hooks cannot be taken off, so it is switched."""

    def __init__(self) -> None:
        """Begin switched off."""
        self.on = False
        self.opened: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event in _WATCHED and not isinstance(arguments[0], int):
            first = arguments[0]
            self.opened.append(
                f"{event} {os.fsdecode(first) if isinstance(first, str | bytes | os.PathLike) else arguments}"
            )


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    """Record for one test at a time."""
    watch = Watch()
    yield watch
    watch.on = False


def opened_outside(watch: Watch, tmp_path: Path, texts: list[str]) -> list[str]:
    """Take files and contents with hostile names in; return what was opened outside input folder and store."""
    folder, bait = tmp_path / "in", tmp_path / "bait"
    folder.mkdir()
    bait.mkdir()
    (bait / "secret.json").write_text(line(1, "bait"))
    for number, text in enumerate(texts, start=2):
        name = text.replace("/", "").replace("\0", "")[:80] or "x"
        name = name if name not in (".", "..") else "dots"
        (folder / f"{name}{number}").write_text(line(number, text))
    (folder / "up").symlink_to(bait)
    (folder / "up.json").symlink_to(bait / "secret.json")
    before = {p for p in tmp_path.rglob("*") if (tmp_path / "store") not in p.parents}
    with Store.open(tmp_path / "store") as store:
        ingest(store, [next(p for p in folder.iterdir() if p.is_file())])
        watch.opened.clear()
        watch.on = True
        report = ingest(store, [folder])
        store.seal()
        watch.on = False
        assert len([f for f in report.files if f.outcome == "read"]) >= len([t for t in texts if not t.startswith(".")])
    after = {p for p in tmp_path.rglob("*") if (tmp_path / "store") not in p.parents} - {tmp_path / "store"}
    assert after == before
    inside = (
        f"{tmp_path}/in",
        f"{tmp_path}/store",
        sys.prefix,
        sys.base_prefix,
        str(Path(__file__).parents[2] / "workbench"),
    )
    return [o for o in watch.opened if not o.partition(" ")[2].startswith(inside)]


def test_200_hostile_names_open_nothing_outside_their_folder(watch: Watch, tmp_path: Path) -> None:
    """Files, environments, services and keys with 200 hostile names: 0 paths outside, no process, no connection."""
    assert opened_outside(watch, tmp_path, names(200, seed=1)) == []


@pytest.mark.full
def test_2_000_hostile_names_open_nothing_outside_their_folder(watch: Watch, tmp_path: Path) -> None:
    """Ten times as many."""
    assert opened_outside(watch, tmp_path, names(2_000, seed=2)) == []
