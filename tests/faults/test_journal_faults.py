"""The journal under concurrency, crashes and tampering: nothing lost, nothing hidden."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.case import files
from workbench.case.canonical import dumps, loads, sha256
from workbench.case.case import Case
from workbench.case.journal import Head, parse_entry
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.case.replay import replay
from workbench.errors import IntegrityError

ENTRIES = 200


def total(reading: Reading) -> Outcome:
    """Add up what is frozen."""
    answer = reading.ask("rows", table="kpis", start_ns=reading.symptom.window.start_ns)
    return Outcome(values={"total": float(answer.frame["value"].sum())}, frames={"rows": answer.frame})


register(operation("totalled", mode="computed", run=total, doc="Adds up."))


def ask(_: str, **__: object) -> pa.Table:
    """Answer as a store would."""
    return pa.table({"value": [0.1 * n for n in range(40)]})


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a case beside a record of heads, with two pieces of evidence and six entries."""
    (tmp_path / files.WITNESS).touch()
    made = Case.create(tmp_path / "INC-4", case_id="INC-4", ask=ask, who="ada")
    made.begin("service:scoring", "p95_ms", "2026-03-01T13:40Z/2026-03-01T14:40Z")
    made.totalled()
    made.note("first")
    made.select("13:50/14:00")
    made.totalled()
    made.note("last")
    return made


def _write_notes(folder: str, who: str, count: int) -> None:
    case = Case.open(folder, who=who)
    for number in range(count):
        case.note(f"{who} {number}")


def test_two_processes_append_200_entries_each_and_none_is_lost(case: Case) -> None:
    """Two writers at once: 400 notes, each once, in one valid chain."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_notes, args=(str(case.path), who, ENTRIES)) for who in ("ada", "bob")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    again = Case.open(case.path)
    notes = [e.arguments["text"] for e in again.entries[6:]]
    assert sorted(notes) == sorted(f"{who} {n}" for who in ("ada", "bob") for n in range(ENTRIES))
    assert len({e.who for e in again.entries[6:]}) == 2
    assert again.length() == 2 * ENTRIES + 6


def test_a_computation_that_was_overtaken_runs_again(case: Case) -> None:
    """If another process selects while a step runs, the entry rests on the new selection, and it replays."""
    seen: list[int] = []

    def slow(reading: Reading) -> Outcome:
        """Let somebody else select in between, once."""
        start = reading.symptom.window.start_ns
        if not seen:
            seen.append(start)
            Case.open(case.path, who="bob").select("14:10/14:20")
        return Outcome(values={"start": start})

    register(operation("slow_step", mode="computed", run=slow, doc="Slow."))
    outcome = case.slow_step()
    assert outcome.values["start"] == case.symptom.window.start_ns != seen[0]
    assert [e.operation for e in case.entries[-2:]] == ["select", "slow_step"]
    assert case.replay().ok


def test_any_changed_byte_is_found_and_named(case: Case, tmp_path: Path) -> None:
    """60 random flips of each file kind: every one fails the replay and names its file."""
    chosen = random.Random(7)
    kinds = ["case.json", "head.json", "journal.jsonl", "results/000001.json", "evidence/E1.parquet", files.MANIFEST]
    for name in kinds:
        for number in range(60):
            folder = tmp_path / "flipped" / "INC-4"
            shutil.copytree(case.path, folder)
            path = folder / name
            content = bytearray(path.read_bytes())
            place = chosen.randrange(len(content))
            content[place] ^= 1 << chosen.randrange(8)
            path.write_bytes(content)
            report = replay(folder)
            assert not report.ok, (name, number, place)
            assert name in report.mismatches[0].place, (name, number, place, report.mismatches[0])
            shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["edit", "delete", "swap", "duplicate", "cut", "insert"])
def test_tampering_with_lines_names_the_first_bad_entry(case: Case, kind: str) -> None:
    """Edited, deleted, swapped, doubled, inserted: the first entry that is wrong is named; a cut tail is seen."""
    path = case.path / files.JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    changes: dict[str, Callable[[], list[bytes]]] = {
        "edit": lambda: [*lines[:2], lines[2].replace(b"first", b"fifth"), *lines[3:]],
        "delete": lambda: [*lines[:2], *lines[3:]],
        "swap": lambda: [*lines[:2], lines[3], lines[2], *lines[4:]],
        "duplicate": lambda: [*lines[:2], lines[1], *lines[2:]],
        "cut": lambda: lines[:-2],
        "insert": lambda: [*lines[:2], lines[5], *lines[2:]],
    }
    path.write_bytes(b"".join(changes[kind]()))
    report = replay(case.path)
    expected = "journal.jsonl" if kind == "cut" else "journal.jsonl entry 2"
    assert report.mismatches[0].place == expected
    with pytest.raises(IntegrityError):
        Case.open(case.path)


def test_a_cut_tail_with_a_forged_head_is_seen_from_outside(case: Case) -> None:
    """Who cuts the tail and rewrites the head too is still caught by the record beside the cases."""
    path = case.path / files.JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    old = loads((case.path / files.HEAD).read_bytes())
    last = parse_entry(lines[-2].strip(), 4, case.entries[3].hash)
    forged = Head(5, last.hash, old["state"], old["case_sha256"], old["manifest_sha256"])
    (case.path / files.HEAD).write_bytes(forged.content())
    with pytest.raises(IntegrityError, match=r"holds 5 entries, heads\.jsonl saw 6"):
        Case.open(case.path)
    assert not replay(case.path).ok


def _note_forever(folder: str) -> None:
    case = Case.open(folder, who="ada", ask=ask)
    for number in range(10_000):
        case.note(f"note {number}")
        print(case.length(), flush=True)


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_a_case_that_opens_and_goes_on(case: Case, seed: int) -> None:
    """kill -9 at a random moment: the case opens, replays whole, and the next entry follows."""
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=_note_forever, args=(str(case.path),))
    writer.start()
    deadline = time.monotonic() + 20
    while (case.path / files.JOURNAL).read_bytes().count(b"\n") < 10 and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(random.Random(seed).random() / 50)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    again = Case.open(case.path, who="bob")
    before = again.length()
    again.note("after the crash")
    assert again.length() == before + 1 > 10
    assert replay(case.path).ok


@pytest.mark.parametrize("stop", ["head", "journal", "torn"])
def test_an_interrupted_append_is_no_tampering(case: Case, stop: str) -> None:
    """Stopped before, in or after the journal's line, the case opens, and the next append mends it."""
    before = {name: (case.path / name).read_bytes() for name in (files.HEAD, files.JOURNAL)}
    case.note("interrupted")
    entry, old = case.entries[-1], loads(before[files.HEAD])
    old.pop("self")
    (case.path / files.HEAD).write_bytes(Head(**{**old, "next": entry.hash}).content())
    tail = {"head": b"", "journal": entry.line() + b"\n", "torn": entry.line()[:50]}[stop]
    (case.path / files.JOURNAL).write_bytes(before[files.JOURNAL] + tail)
    (case.path.parent / files.WITNESS).write_bytes(b"")
    again = Case.open(case.path)
    assert again.length() == (7 if stop == "journal" else 6)
    again.note("next")
    assert replay(case.path).ok
    assert again.lines()[-1] == 'case.note("next")'


def test_results_and_journal_agree_on_every_digest(case: Case) -> None:
    """The digest in an entry is that of its result file, and the file is canonical."""
    for entry in case.entries:
        content = (case.path / files.result_name(entry.seq)).read_bytes()
        assert sha256(content) == entry.result_sha256
        assert dumps(loads(content)) == content
