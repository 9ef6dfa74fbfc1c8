"""Any changed byte of a bundle or a journal is found and named; a stale or edited number turns the badge red."""

from __future__ import annotations

import math
import random
import re
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import workbench.bench  # noqa: F401 - attaches the verbs
from workbench.case.archive import unpack
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.case.verify import verify
from workbench.cli import application
from workbench.errors import IntegrityError
from workbench.model.findings import Finding
from workbench.model.window import iso, parse_time_ns
from workbench.report.postmortem import write_postmortem
from workbench.report.share import share
from workbench.report.verify_page import verify_page

START = parse_time_ns("2026-03-01T13:40:00Z")
HOUR = 3_600_000_000_000
SCALE = {"of": 1.0}
"""What the measuring operation multiplies by; a test changes it, as a new version of the software might."""


def measured_rate(reading: Reading) -> Outcome:
    """How high is the rate?"""
    answer = reading.ask("rows")
    rate = float(answer.frame["value"].mean()) * SCALE["of"]
    finding = Finding(f"The rate is {rate:.4f}.", reading.symptom.entity, "rate", (answer.evidence,), onset_ns=START,
                      values={"now": rate})  # fmt: skip
    return Outcome((finding,), {"rate": rate}, summary=f"The rate is {rate:.4f}.")


register(operation("measured_rate", mode="computed", run=measured_rate, doc="How high is the rate?"))


def made(folder: Path) -> Case:
    """Return a case with computed numbers, people's words and an action."""
    rows = pa.table({"time_ns": [START + i for i in range(400)], "value": [math.sin(i) for i in range(400)]})
    case = Case.create(folder / "INC-50", case_id="INC-50", ask=lambda *_, **__: rows, who="ada",
                       clock=lambda: START + HOUR)  # fmt: skip
    case.begin("service:s", "rate", f"{iso(START)}/{iso(START + HOUR)}")
    case.measured_rate()
    case.note("Seen 3 times.")
    case.action("Guard the rate", owner="ada", due="2026-03-15", verify_by="case.measured_rate()")
    case.lesson("The page came within 2 minutes.", kind="well")
    return case


def flip(content: bytes, chance: random.Random) -> tuple[int, bytes]:
    """Return the content with one bit of one byte turned, and where."""
    at = chance.randrange(len(content))
    return at, content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Return a case."""
    return made(tmp_path_factory.mktemp("cases"))


def flipped(case: Case, folder: Path, count: int) -> dict[str, int]:
    """Flip so many bytes of a shared folder and of its zip file in turn; each must be found and the file named."""
    chance, tried = random.Random(20260301), dict[str, int]()
    shared = share(case, folder / "shared").path
    zipped = share(case, folder / "INC-50.zip").path
    names = sorted(p.relative_to(shared).as_posix() for p in shared.rglob("*") if p.is_file() and p.name != ".lock")
    for turn in range(count):
        if turn % 2:
            bad = folder / "bad.zip"
            at, content = flip(zipped.read_bytes(), chance)
            bad.write_bytes(content)
            shutil.rmtree(folder / "opened", ignore_errors=True)
            with pytest.raises(IntegrityError, match=r"bad\.zip") as refused:
                unpack(bad, folder / "opened")
            assert packed_at(zipped, at) in str(refused.value), (at, refused.value)
            assert not (folder / "opened").exists(), at
            tried["zip"] = tried.get("zip", 0) + 1
            continue
        name = names[turn // 2 % len(names)]
        path = shared / name
        original = path.read_bytes()
        at, content = flip(original, chance)
        path.write_bytes(content)
        found = [m.place for m in verify(shared).mismatches]
        path.write_bytes(original)
        assert any(place.startswith(name) for place in found), (name, at, found)
        tried[name.partition("/")[0]] = tried.get(name.partition("/")[0], 0) + 1
    assert verify(shared).mismatches == []
    return tried


def packed_at(archive: Path, at: int) -> str:
    """Return the member of an archive whose packed bytes a place lies in; empty between and behind members."""
    with zipfile.ZipFile(archive) as source:
        for member in source.infolist():
            begin = member.header_offset + 30 + len(member.filename.encode())
            if begin <= at < begin + member.compress_size:
                return member.filename
    return ""


def test_50_flipped_bytes_of_a_bundle_are_found_and_named(case: Case, tmp_path: Path) -> None:
    """Journal, head, manifest, results, evidence, documents, list, and members of the zip file: 50 of 50."""
    tried = flipped(case, tmp_path, 50)
    assert sum(tried.values()) == 50
    assert {"journal.jsonl", "head.json", "evidence", "results", "case.json", "share.json", "zip"} <= set(tried)


@pytest.mark.full
def test_500_flipped_bytes_of_a_bundle_are_found_and_named(case: Case, tmp_path: Path) -> None:
    """500 of 500."""
    tried = flipped(case, tmp_path, 500)
    print(f"flips found and named: {sum(tried.values())}/500; {tried}")
    assert sum(tried.values()) == 500


def test_a_stale_number_turns_the_badge_red_and_names_the_chip(tmp_path: Path) -> None:
    """The software computes another rate than was recorded: the badge is red, names J1, and strict replay exits 5."""
    case = made(tmp_path)
    assert "Replayed offline: 5/5 match" in write_postmortem(case, tmp_path / "good").html.read_text("utf-8")
    SCALE["of"] = 1.01
    try:
        page = write_postmortem(case, tmp_path / "stale").html.read_text("utf-8")
        strict = CliRunner().invoke(application(), ["replay", str(case.path), "--strict"])
        lenient = CliRunner().invoke(application(), ["replay", str(case.path), "--no-strict"])
    finally:
        SCALE["of"] = 1.0
    assert re.search(r'class="tag fail"[^>]*>✕ Replay failed: 4/5', page)
    assert re.search(r"Do not trust the figures of J1<", page)
    assert strict.exit_code == 5
    assert "entry 1" in strict.output
    assert lenient.exit_code == 0
    assert CliRunner().invoke(application(), ["replay", str(case.path), "--strict"]).exit_code == 0


def test_a_flipped_byte_of_the_evidence_turns_the_badge_and_names_its_chip(tmp_path: Path) -> None:
    """One bit of E1: the page says so with E1, verify names the file, and strict replay exits 5."""
    case = made(tmp_path)
    path = case.path / "evidence" / "E1.parquet"
    path.write_bytes(flip(path.read_bytes(), random.Random(3))[1])
    page = write_postmortem(Case.open(case.path), tmp_path / "out").html.read_text("utf-8")
    assert 'class="tag fail"' in page
    assert re.search(r"Do not trust the figures of [^<]*\bE1\b", page)
    assert any(m.place.startswith("evidence/E1.parquet") for m in verify(case.path).mismatches)
    strict = CliRunner().invoke(application(), ["replay", str(case.path), "--strict"])
    assert strict.exit_code == 5


def test_an_edited_number_of_the_page_is_named_with_its_chip(tmp_path: Path) -> None:
    """One digit of a sentence is edited, and the page's own digest forged: the sentence and its chip are named."""
    import hashlib

    case = made(tmp_path)
    page = write_postmortem(case, tmp_path / "out").html
    body = (
        page.read_text("utf-8").rpartition("<!-- workbench-sha256")[0].replace("within 2 minutes", "within 9 minutes")
    )
    page.write_text(f"{body}<!-- workbench-sha256 {hashlib.sha256(body.encode()).hexdigest()} -->\n", "utf-8")
    problems = verify_page(page, case.path)
    assert any("was changed: 'The page came within 9 minutes" in p and "[J4]" in p for p in problems)


def test_three_replays_say_the_same(case: Case) -> None:
    """State hash, matches and mismatches are equal in three runs."""
    runs = {(r.state_hash, r.matched, r.total, r.mismatches) for r in (case.replay() for _ in range(3))}
    assert len(runs) == 1
