"""A shared case holds nothing of what was masked, in no byte of any file, and still joins, replays and opens."""

from __future__ import annotations

import base64
import io
import json
import random
import string
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import workbench.bench  # noqa: F401 - attaches case.share
from workbench.case.archive import unpack
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.errors import UsageError
from workbench.model.findings import Cause, Finding, Ranking
from workbench.model.window import iso, parse_time_ns
from workbench.report.exports import payloads
from workbench.report.html import write_html
from workbench.report.lint import lint
from workbench.report.practice_metrics import measure
from workbench.report.practice_page import write_page
from workbench.report.share import Preview, Shared, share

START = parse_time_ns("2026-03-01T13:40:00Z")
HOUR = 3_600_000_000_000
COUNT = 500
CHROMIUM = Path("/usr/bin/chromium")


def _letters(chance: random.Random, count: int, alphabet: str = string.ascii_lowercase) -> str:
    return "".join(chance.choice(alphabet) for _ in range(count))


def _luhn(digits: str) -> str:
    total = sum(d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(map(int, reversed(digits))))
    return digits + str(-total % 10)


def secret(kind: str, chance: random.Random) -> str:
    """Return one secret of a kind; each is different from all others and from ordinary text."""
    word = _letters(chance, 12)
    made = {
        "email": lambda: f"{word}@{_letters(chance, 8)}.example.com",
        "card": lambda: _luhn("4" + _letters(chance, 14, string.digits)),
        "token": lambda: f"ghp_{_letters(chance, 36, string.ascii_letters)}",
        "jwt": lambda: f"eyJ{_letters(chance, 20)}.{_letters(chance, 30)}.{_letters(chance, 30)}",
        "phone": lambda: f"+1 416 {chance.randint(200, 999)} {chance.randint(1000, 9999)}",
        "aws": lambda: f"AKIA{_letters(chance, 16, string.ascii_uppercase)}",
        "password": lambda: f"pw{_letters(chance, 14, string.ascii_letters)}",
        "keyed": lambda: f"cust{_letters(chance, 12, string.digits)}",
        "named": lambda: f"{word.capitalize()} {_letters(chance, 9).capitalize()} Ltd",
        "person": lambda: f"{word}.{_letters(chance, 7)}",
        "host": lambda: f"node-{word}",
        "ip": lambda: f"10.{chance.randint(100, 255)}.{chance.randint(100, 255)}.{chance.randint(100, 255)}",
    }  # fmt: skip
    return made[kind]()


KINDS = ("email", "card", "token", "jwt", "phone", "aws", "password", "keyed", "named", "person", "host", "ip")


def seeded(count: int, seed: int) -> dict[str, str]:
    """Return so many different secrets, each with its kind."""
    chance, found = random.Random(seed), dict[str, str]()
    while len(found) < count:
        kind = KINDS[len(found) % len(KINDS)]
        found.setdefault(secret(kind, chance), kind)
    return found


def _in_words(text: str, kind: str, place: int) -> str:
    """Return a sentence that gives a secret away in one of the ways in which logs do."""
    if kind == "password":
        return f"login failed: password={text} for request {place}"
    if kind == "phone":
        return f"called phone: {text}"
    return f"request {place} of {text} was refused"


def tables(secrets: dict[str, str]) -> dict[str, pa.Table]:
    """Return what a store would answer: secrets in texts, maps, lists, structs, keys, metadata and entities."""
    rows = list(secrets.items())
    sentences = [_in_words(s, k, i) for i, (s, k) in enumerate(rows)]
    keyed = [[("customer_ref", s)] if k == "keyed" else [("detail", _in_words(s, k, i)), ("region", "c")]
             for i, (s, k) in enumerate(rows)]  # fmt: skip
    logs = pa.table({
        "time_ns": [START + i for i in range(len(rows))],
        "body": sentences,
        "entity": [f"host:{s}" if k == "host" else "service:scoring" for s, k in rows],
        "author": [s if k == "person" else "pipeline" for s, k in rows],
        "attributes": pa.array(keyed, pa.map_(pa.string(), pa.string())),
        "names": pa.array([[s] if k == "named" else [] for s, k in rows], pa.list_(pa.string())),
        "nested": pa.array([{"at": sentences[i], "n": i} for i in range(len(rows))]),
        "events": [json.dumps([{"name": "x", "attributes": {"note": text}}]) for text in sentences],
        "card_number": [int(s) if k == "card" else None for s, k in rows],
        "value": [float(i % 7) for i in range(len(rows))],
    }).replace_schema_metadata({"gaps": json.dumps([f"rows of {rows[0][0]} are missing"])})  # fmt: skip
    return {"logs": logs}


def quoted(reading: Reading, first: int = 0) -> Outcome:
    """Which lines stand out?"""
    answer = reading.ask("logs")
    findings = tuple(
        Finding(f"Seen: {row.body} ({row.entity})", row.entity, "lines", (answer.evidence,), strength=0.9,
                values={"of": row.author}, onset_ns=int(row.time_ns))
        for row in answer.frame.iloc[first:].itertuples()
    )  # fmt: skip
    cause = Cause(1, findings[0].entity, "bad_deploy", findings[0].statement, 0.8, "suspected", {}, findings[:40])
    frames = {"people": answer.frame.groupby("author", as_index=False)["value"].sum()}
    return Outcome(findings, {"authors": sorted(set(answer.frame["author"]))}, frames, "Lines were read.",
                   Ranking((cause,), "suspected", 0.2, cause.entity, findings[:3]))  # fmt: skip


register(operation("quoted", mode="computed", run=quoted, doc="Which lines stand out?"))


def made(folder: Path, secrets: dict[str, str]) -> Case:
    """Return a case whose evidence, findings, words and people hold every secret."""
    answers = tables(secrets)
    people = [s for s, k in secrets.items() if k == "person"]
    case = Case.create(folder / "INC-30", case_id="INC-30", ask=lambda query, **_: answers[query], who=people[0],
                       clock=lambda: START + HOUR, config={"note": next(iter(secrets))})  # fmt: skip
    alert = {"name": "Lines", "starts_ns": START, "annotations": {"text": next(iter(secrets))}}
    case.begin("service:scoring", "lines", f"{iso(START)}/{iso(START + HOUR)}", alert=alert)
    case.quoted()
    case.assign(people[-1])
    for place, (text, kind) in enumerate(secrets.items()):
        if place % 5 == 0:
            case.note(_in_words(text, kind, place))
    case.lesson(f"Never write {next(iter(secrets))} into logs.", kind="badly")
    case.action("Mask at the sender", owner=people[1], due="2026-03-15", verify_by="case.quoted()")
    case.reject(1, f"explained by {list(secrets)[-1]}")
    return case


def rules(secrets: dict[str, str]) -> list[str]:
    """Return what a person asks to be masked beside what the patterns know."""
    return ["key:customer_ref", *(s for s, k in secrets.items() if k == "named")]


def all_bytes(path: Path) -> list[tuple[str, bytes]]:
    """Return every file's bytes, archive members inflated, Parquet decompressed, base64 of notebooks decoded."""
    found: list[tuple[str, bytes]] = []
    names = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in names:
        content = file.read_bytes()
        found.append((file.name, content))
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                found += [(f"{file.name}!{m}", archive.read(m)) for m in archive.namelist()]
                found.append((f"{file.name}!names", "\n".join(archive.namelist()).encode()))
    for name, content in list(found):
        if content[:4] == b"PAR1":
            table = pq.read_table(io.BytesIO(content))
            plain = io.BytesIO()
            pq.write_table(table, plain, compression="none", use_dictionary=False)
            words = json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode()
            found += [(f"{name} inflated", plain.getvalue()), (f"{name} rows", words),
                      (f"{name} metadata", str(table.schema.metadata).encode())]  # fmt: skip
        for word in content.split(b'"'):
            if len(word) > 200 and len(word) % 4 == 0:
                try:
                    found.append((f"{name} decoded", base64.b64decode(word, validate=True)))
                except ValueError:
                    continue
    return found


def leaks(path: Path, secrets: dict[str, str]) -> list[str]:
    """Return each secret that occurs in any byte, as it is, as JSON writes it, or as Markdown escapes it."""
    everything = b"\0".join(content for _, content in all_bytes(path)).replace(b"\\\\", b"").replace(b"\\", b"")
    return [text for text in secrets if text.encode() in everything or json.dumps(text)[1:-1].encode() in everything]


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    """Return the seeded secrets."""
    return seeded(COUNT, 20260301)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str]) -> Case:
    """Return the case that holds them."""
    return made(tmp_path_factory.mktemp("cases"), secrets)


@pytest.fixture(scope="module")
def folder(case: Case, secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Return the case shared with outsiders as a folder."""
    return share(
        case, tmp_path_factory.mktemp("out") / "INC-30", audience="outside", mask=rules(secrets), key=b"k" * 32
    )


@pytest.fixture(scope="module")
def few() -> dict[str, str]:
    """Return five secrets of each kind."""
    return seeded(60, 7)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, few: dict[str, str]) -> Case:
    """Return a case that holds these."""
    return made(tmp_path_factory.mktemp("small"), few)


def test_all_500_secrets_stand_in_the_case_and_none_in_what_is_shared(
    case: Case, secrets: dict[str, str], folder: Shared, tmp_path: Path
) -> None:
    """The case itself leaks all 500 to this search, so that it can fail; folder and zip leak 0."""
    assert len(leaks(case.path, secrets)) == COUNT
    zipped = share(case, tmp_path / "INC-30.zip", audience="outside", mask=rules(secrets), key=b"k" * 32)
    assert leaks(folder.path, secrets) == []
    assert leaks(zipped.path, secrets) == []
    names = {name for name, _ in all_bytes(folder.path)}
    assert {"INC-30.html", "INC-30.md", "INC-30.ipynb", "journal.jsonl", "E1.parquet", "E1.parquet rows"} <= names


def test_the_preview_counts_what_is_then_masked(case: Case, secrets: dict[str, str], folder: Shared) -> None:
    """The preview says at least 500 values, the same number as was masked, and writes nothing."""
    before = sorted(case.path.rglob("*"))
    seen = case.share(mask=rules(secrets), audience="outside")
    assert isinstance(seen, Preview)
    assert str(seen).startswith(f"{sum(folder.preview.masked.values())} values will be masked: ")
    assert sum(seen.masked.values()) >= COUNT
    assert sorted(case.path.rglob("*")) == before
    assert str(Preview("x", "viewer", {"email": 9, "person": 5})) == "14 values will be masked: 9 email, 5 person"


def test_pseudonyms_join_and_the_copy_replays(case: Case, secrets: dict[str, str], folder: Shared) -> None:
    """As many different authors as before, each with the same rows; 100 % of the entries match; weaker entries: 0."""
    opened = Case.open(folder.path)
    before, after = case.frame("E1"), opened.frame("E1")
    assert after["author"].nunique() == before["author"].nunique()
    assert sorted(after["author"].value_counts()) == sorted(before["author"].value_counts())
    # The author of a row that stands in another column's text too has the same pseudonym there.
    person = next(s for s, k in secrets.items() if k == "person")
    row = before.index[before["author"] == person][0]
    assert after["author"][row] in after["body"][row]
    assert folder.replay.ok
    assert folder.copied.taken_over == ()
    assert opened.length() == case.length()
    assert opened.replay().badge.startswith(f"Replayed offline: {case.length()}/{case.length()} match")


def test_a_bundle_opens_elsewhere_without_any_source(small: Case, few: dict[str, str], tmp_path: Path) -> None:
    """One zip file, opened in a new folder: findings, frames and postmortem are there; a new question could not run."""
    zipped = share(small, tmp_path / "INC-30.zip", mask=rules(few))
    opened = Case.open(unpack(zipped.path, tmp_path / "elsewhere"))
    assert len(opened.outcomes["quoted"].findings) == len(few)
    assert opened.replay().ok
    written = {p.suffix for p in opened.path.iterdir() if p.stem.startswith("INC-30")}
    assert written == {".html", ".md", ".ipynb", ".yaml"}
    assert opened.quoted(first=3).could_not_run == ""
    opened.select(f"{iso(START)}/{iso(START + HOUR // 2)}")
    assert opened.quoted(first=4).could_not_run == ""


def test_what_the_audience_may_see_differs(small: Case, few: dict[str, str], tmp_path: Path) -> None:
    """Responders see people, hosts and addresses; viewers see hosts only; outsiders none of the three."""
    for audience, hidden in (("responder", set()), ("viewer", {"person", "ip"})):
        written = share(small, tmp_path / audience, audience=audience, mask=rules(few))
        left = leaks(written.path, few)
        kinds = {few[text] for text in left}
        assert kinds == {"person", "host", "ip"} - hidden, audience
    with pytest.raises(UsageError, match="responder, viewer, outside"):
        share(small, tmp_path / "x", audience="public")
    with pytest.raises(UsageError, match="at least 4 characters"):
        share(small, tmp_path / "x", mask=["abc"])
    with pytest.raises(UsageError, match="not empty"):
        share(small, tmp_path / "viewer")


def test_only_evidence_that_an_entry_read_goes_along(tmp_path: Path, few: dict[str, str]) -> None:
    """Of two frozen answers, the one that no entry read stays behind."""
    case = made(tmp_path, dict(list(few.items())[:24]))
    case._answer("logs", {"limit": 3})
    assert len(case.evidence) == 2
    written = share(case, tmp_path / "out")
    assert (written.copied.evidence, written.copied.left_out) == (1, 1)


def test_the_shared_notebook_runs_elsewhere_and_keeps_a_static_twin(tmp_path: Path) -> None:
    """Executed in a fresh kernel inside the bundle: every cell ran, outputs are kept, and no secret is in them."""
    import nbformat

    case = Case.create(tmp_path / "INC-31", case_id="INC-31", who="ada", clock=lambda: START)
    case.begin("service:scoring", "lines", f"{iso(START)}/{iso(START + HOUR)}")
    case.note("Asked by mallory@evil.example.com.")
    written = share(case, tmp_path / "out", notebook="executed")
    book = nbformat.read(written.path / "INC-31.ipynb", as_version=4)
    ran = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in ran] == list(range(1, len(ran) + 1))
    assert "text/plain" in ran[-1].outputs[0].data
    assert leaks(written.path, {"mallory@evil.example.com": "email"}) == []
    assert str(tmp_path) not in (written.path / "INC-31.ipynb").read_text("utf-8")
    assert Case.open(written.path).replay().ok


def test_no_export_report_or_metric_of_the_shared_case_leaks(
    folder: Shared, secrets: dict[str, str], tmp_path: Path
) -> None:
    """OpenLineage, Slack and PagerDuty payloads, the report, the metrics as page and JSON, and the lints: 0 of 500."""
    opened = Case.open(folder.path)
    told = [{"kind": p.kind, "body": p.body} for p in payloads(opened, link="https://workbench.example.com")]
    assert {"slack", "pagerduty"} <= {p["kind"] for p in told}
    (tmp_path / "told.json").write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    write_html(opened, tmp_path / "report.html")
    found = measure([folder.path])
    write_page(found, tmp_path / "metrics.html")
    (tmp_path / "metrics.json").write_text(json.dumps(found.plain()), "utf-8")
    marked = (folder.path / "INC-30.md").read_text("utf-8")
    (tmp_path / "lints.txt").write_text("\n".join(map(str, lint(marked))), "utf-8")
    assert leaks(tmp_path, secrets) == []


def test_what_is_told_of_an_unshared_case_is_masked_on_its_way_out(
    case: Case, secrets: dict[str, str], tmp_path: Path
) -> None:
    """Payloads of the case itself, for outsiders: 0 of 500; for responders none that a pattern knows; search works."""
    by_pattern = {text: kind for text, kind in secrets.items() if kind in ("email", "card", "token", "jwt", "aws")}
    told = {
        "outside": payloads(case, audience="outside", mask=rules(secrets), key=b"k" * 32),
        "responder": payloads(case, key=b"k" * 32),
    }
    for name, found in told.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "told.json").write_text(json.dumps([p.body for p in found], ensure_ascii=False), "utf-8")
    assert leaks(tmp_path / "outside", secrets) == []
    assert leaks(tmp_path / "responder", by_pattern) == []
    # The sentence of the best lead quotes a line of the log: without masking it would be found.
    assert leaks(tmp_path / "responder", secrets) != []


def test_the_executed_notebook_and_its_page_leak_nothing(
    small: Case, few: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every finding and table is an output of a cell, and an HTML page is made of them without a kernel: 0 leaks."""
    import nbformat
    from nbconvert import HTMLExporter

    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text(
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('leaks', {str(Path(__file__))!r})\n"
        "sys.modules['leaks'] = module = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\n"
    )
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    written = share(small, tmp_path / "out", audience="outside", mask=rules(few), notebook="executed", key=b"k" * 32)
    book = nbformat.read(written.path / "INC-30.ipynb", as_version=4)
    shown = [o for c in book.cells if c.cell_type == "code" for o in c.outputs if "text/html" in o.get("data", {})]
    assert any("Seen: " in o["data"]["text/html"] for o in shown)
    page, _ = HTMLExporter().from_notebook_node(book)
    (written.path / "page.html").write_text(page, "utf-8")
    assert "Seen: " in page
    assert leaks(written.path, few) == []


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="There is no Chromium at /usr/bin/chromium.")
def test_pictures_and_paper_of_the_shared_page_carry_no_secret_in_their_metadata(
    folder: Shared, secrets: dict[str, str], tmp_path: Path
) -> None:
    """A screenshot has no text chunk at all; neither it nor the PDF, inflated, holds one of 500."""
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((folder.path / "INC-30.html").as_uri())
        picture, paper = page.screenshot(), page.pdf(format="A4")
        browser.close()
    assert chunks(picture) & {b"tEXt", b"iTXt", b"zTXt", b"eXIf"} == set()
    streams = (part.lstrip(b"\r\n") for part in paper.split(b"stream")[1:])
    inflated = [zlib.decompressobj().decompress(part) for part in streams if part[:2] in (b"x\x9c", b"x\xda")]
    assert inflated
    (tmp_path / "page.png").write_bytes(picture)
    (tmp_path / "page.pdf").write_bytes(paper + b"\0".join(inflated))
    assert leaks(tmp_path, secrets) == []


def chunks(png: bytes) -> set[bytes]:
    """Return the kinds of chunks of a PNG file."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, set()
    while at < len(png):
        found.add(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    assert b"IDAT" in found
    return found
