"""The verbs of the postmortem on the command line: what they print, what they write, and what they exit with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import workbench.bench  # noqa: F401 - attaches the verbs
from workbench.bench import open_bench
from workbench.case.case import Case
from workbench.case.operations import Outcome, operation, register
from workbench.case.reading import Reading
from workbench.cli import application
from workbench.model.findings import Finding
from workbench.model.window import HOUR_NS, iso, parse_time_ns

START = parse_time_ns("2026-03-01T13:40:00Z")


def counted(reading: Reading) -> Outcome:
    """How many were counted?"""
    answer = reading.ask("rows")
    total = int(answer.frame["value"].sum())
    finding = Finding(f"{total} were counted for mallory@evil.example.com.", "service:s", "n", (answer.evidence,))
    return Outcome((finding,), {"n": total}, summary=f"{total} were counted.")


register(operation("counted", mode="computed", run=counted, doc="How many were counted?"))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a case in a store: one finding, a person's words, a complete and an incomplete action."""
    store = tmp_path / "store"
    open_bench(store).close()
    rows = pa.table({"time_ns": [START + n for n in range(40)], "value": list(range(40))})
    case = Case.create(store / "cases" / "INC-7", case_id="INC-7", ask=lambda *_, **__: rows, who="ada",
                       clock=lambda: START + HOUR_NS)  # fmt: skip
    case.begin("service:s", "error_rate", f"{iso(START)}/{iso(START + HOUR_NS)}")
    case.counted()
    case.action("Guard the feed", owner="payments", due="2026-03-15", verify_by="case.counted()")
    case.action("Alert on it")
    case.lesson("It was human error.")
    return case


def run(*arguments: object) -> tuple[int, str]:
    """Run one verb; return its exit code and what it printed, with line breaks of narrow terminals mended."""
    done = CliRunner().invoke(application(), [str(a) for a in arguments])
    return done.exit_code, done.output


def test_a_postmortem_is_written_verified_and_lints_are_told(case: Case, tmp_path: Path) -> None:
    """Three files, a badge of 5/5, what is to mend with its line; the page and the case verify with exit code 0."""
    code, said = run("postmortem", case.path, "--out", tmp_path / "out", "--json")
    told = json.loads(said)
    assert code == 0
    assert {Path(f).suffix for f in told["files"]} == {".html", ".md", ".ipynb"}
    assert (told["replay"]["matched"], told["replay"]["total"]) == (5, 5)
    rules = {d["rule"] for d in told["to_mend"]}
    assert {"human error", "incomplete action"} <= rules
    marked = (tmp_path / "out" / "INC-7.md").read_text("utf-8").splitlines()
    lines = [marked[d["line"] - 1] for d in told["to_mend"] if d["rule"] == "human error"]
    assert lines
    assert all("It was human error." in line for line in lines)
    page = tmp_path / "out" / "INC-7.html"
    for path in ((page,), (page, "--case", case.path), (case.path,)):
        assert run("verify", *path)[0] == 0


def test_verify_names_what_was_changed_in_page_case_and_bundle(case: Case, tmp_path: Path) -> None:
    """An edited sentence with its chip, an edited result by its file, a flipped zip by its name: exit code 5 each."""
    page = case.postmortem(tmp_path / "out").html
    edited = tmp_path / "edited.html"
    edited.write_text(page.read_text("utf-8").replace("It was human error.", "It was Bob."), "utf-8")
    code, said = run("verify", edited, "--json")
    assert code == 5
    assert any("'It was Bob." in p and "[J4]" in p for p in json.loads(said)["problems"])
    assert run("share", case.path, tmp_path / "INC-7.zip")[0] == 0
    assert run("verify", tmp_path / "INC-7.zip")[0] == 0
    content = bytearray((tmp_path / "INC-7.zip").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "bad.zip").write_bytes(bytes(content))
    code, said = run("verify", tmp_path / "bad.zip")
    assert code == 5
    assert "bad.zip" in said.replace("\n", "")
    assert run("open", tmp_path / "bad.zip", tmp_path / "never")[0] != 0
    assert not (tmp_path / "never").exists()
    path = case.path / "results" / "000001.json"
    path.write_bytes(path.read_bytes().replace(b"780", b"781"))
    code, said = run("verify", case.path)
    assert code == 5
    assert "results/000001.json" in said.replace("\n", "")
    code, said = run("postmortem", case.path, "--out", tmp_path / "red", "--json")
    assert code == 5
    red = (tmp_path / "red" / "INC-7.html").read_text("utf-8")
    assert re.search(r'class="tag fail"[^>]*>✕ Replay failed: \d/5', red)
    assert re.search(r"Do not trust the figures of [^<]*J1", red)


def test_lint_takes_a_case_or_a_file_and_says_line_and_fix(case: Case, tmp_path: Path) -> None:
    """The case's own draft, and an edited Markdown whose 780 became 870: exit code 1, the line and what to do."""
    code, said = run("lint", case.path, "--json")
    assert code == 1
    assert all(d["line"] > 0 and d["fix"] for d in json.loads(said))
    marked = case.postmortem(tmp_path / "out").markdown
    edited = marked.read_text("utf-8").replace("Guard the feed", "Guard the 870 feeds", 1)
    marked.write_text(edited, "utf-8")
    code, said = run("lint", marked, "--case", case.path, "--json")
    assert code == 1
    (unheld,) = [d for d in json.loads(said) if "870" in d["message"]]
    assert "870" in edited.splitlines()[unheld["line"] - 1]


def test_open_actions_and_a_preview_write_nothing(case: Case, tmp_path: Path) -> None:
    """Two open actions, the dated one first; a preview counts one mail address and leaves the folder as it was."""
    code, said = run("actions", "--store", tmp_path / "store", "--json")
    assert code == 0
    assert [(a["what"], a["due"]) for a in json.loads(said)] == [
        ("Guard the feed", "2026-03-15"),
        ("Alert on it", None),
    ]
    before = sorted(tmp_path.rglob("*"))
    code, said = run("share", case.path, "--preview", "--audience", "viewer")
    assert code == 0
    assert re.search(r"\d+ values will be masked: 1 email", said.replace("\n", " "))
    assert sorted(tmp_path.rglob("*")) == before
    assert run("share", case.path)[0] != 0


def test_a_bundle_is_opened_elsewhere_and_replayed_strictly(case: Case, tmp_path: Path) -> None:
    """Zip, open, verify, replay --strict: exit code 0, without the store; a second opening into it is refused."""
    assert run("share", case.path, tmp_path / "INC-7.zip", "--audience", "outside")[0] == 0
    assert run("open", tmp_path / "INC-7.zip", tmp_path / "there")[0] == 0
    assert run("verify", tmp_path / "there")[0] == 0
    assert run("replay", tmp_path / "there", "--strict")[0] == 0
    assert run("open", tmp_path / "INC-7.zip", tmp_path / "there")[0] != 0
    limits = (tmp_path / "there" / "INC-7.md").read_text("utf-8")
    assert "This copy was masked for outside: email" in limits


def test_telling_shows_payloads_and_sends_nothing_that_is_not_configured(case: Case, tmp_path: Path) -> None:
    """--show prints JSON; without settings nothing is sent and no outbox appears."""
    code, said = run("tell", case.path, "--show")
    assert code == 0
    assert {p["kind"] for p in json.loads(said)} == {"slack", "pagerduty"}
    assert "mallory" not in said
    settings = tmp_path / "workbench.toml"
    settings.write_text("", "utf-8")
    code, said = run("tell", case.path, "--config", settings)
    assert code == 0
    assert "Nothing to send" in said
    assert not (tmp_path / "store" / "outbox").exists()


def test_metrics_are_a_table_a_plot_and_json_that_say_the_same(case: Case, tmp_path: Path) -> None:
    """One case: the table counts it, the page draws it without a script, JSON holds its stages."""
    store = ("--store", tmp_path / "store")
    code, table = run("metrics", *store, "--plot", tmp_path / "m.html")
    assert code == 0
    assert re.search(r"Cases\s+1", table)
    assert re.search(r"Replay rate\s+100 %", table)
    page = (tmp_path / "m.html").read_text("utf-8")
    assert "<script" not in page
    told = json.loads(run("metrics", *store, "--json")[1])
    assert (told["count"], told["replay_rate"]) == (1, 1.0)
    assert told["cases"][0]["case"] == case.id


def test_revisions_name_each_changed_sentence(case: Case, tmp_path: Path) -> None:
    """A review and a note later: one sentence changed, some added; revisions of two cases are refused."""
    first = case.postmortem(tmp_path / "a").html
    case.review("in review")
    case.note("The feed came back.")
    second = case.postmortem(tmp_path / "b").html
    code, said = run("revisions", first, second)
    assert code == 0
    assert "- draft\n+ in review" in said
    assert "+ " in said
    assert "The feed came back." in said
    assert run("revisions", first, first)[1].strip() == "The two revisions say the same."
