"""The command line: help with examples, exit codes, JSON for programs, one sentence where something is wrong."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner, Result

from workbench import cli
from workbench.cli import application
from workbench.commands._doctor import FOREIGN, PACKAGES, installed, look
from workbench.commands.doctor import age
from workbench.config import Settings, SourceSettings

VERBS = {"init", "ingest", "serve", "investigate", "case", "replay", "lab", "scenario", "doctor", "demo",
         "triage"}  # fmt: skip
SPAN = {"traceId": "1" * 32, "spanId": "1" * 16, "name": "score", "startTimeUnixNano": "1772323200000000000",
        "endTimeUnixNano": "1772323200005000000"}  # fmt: skip
OTLP = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}


def run(*arguments: str | Path, folder: Path | None = None) -> Result:
    """Run the command line within this process, where it does not end it."""
    before = Path.cwd()
    os.chdir(folder or before)
    try:
        return CliRunner().invoke(application(), [str(a) for a in arguments], env={"COLUMNS": "200"})
    finally:
        os.chdir(before)


def process(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as people do."""
    command = [sys.executable, "-c", "from workbench.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, check=False)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return a folder whose store holds one span."""
    (tmp_path / "spans.json").write_text(json.dumps(OTLP), encoding="utf-8")
    assert run("ingest", "spans.json", folder=tmp_path).exit_code == 0
    return tmp_path


def test_help_lists_every_verb_and_the_exit_codes() -> None:
    """What the contract names is there."""
    shown = run("--help")
    assert shown.exit_code == 0
    assert {verb for verb in VERBS if f" {verb} " not in shown.output} == set()
    assert "Exit codes: 0 done" in shown.output


@pytest.mark.parametrize("verb", sorted(VERBS - {"case", "scenario"}))
def test_each_verb_explains_itself_with_an_example(verb: str) -> None:
    """``-h`` works like ``--help``; an example begins with the program's name."""
    shown = run(verb, "-h")
    assert shown.exit_code == 0
    examples = shown.output.partition("Example")[2]
    assert f"workbench {verb}" in examples


def every_verb() -> dict[str, click.Command]:
    """Return each verb by what is typed for it, those of families included."""
    found: dict[str, click.Command] = {}

    def walk(command: click.Command, typed: str) -> None:
        below = getattr(command, "commands", None)
        for name, each in (below or {}).items():
            walk(each, f"{typed} {name}")
        if below is None:
            found[typed] = command

    walk(typer.main.get_command(application()), "workbench")
    return found


def test_all_verbs_show_an_example_of_themselves_and_those_that_programs_read_print_json() -> None:
    """Five verbs have nothing to read: they serve, open a window, record, begin a folder, or are for people."""
    verbs = every_verb()
    assert len(verbs) >= 24
    lacking = [
        typed for typed, verb in verbs.items() if f"{typed} " not in f"{(verb.epilog or '')}\n ".replace("\n", " ")
    ]
    assert lacking == []
    silent = {typed for typed, verb in verbs.items() if not any("--json" in option.opts for option in verb.params)}
    assert {typed.removeprefix("workbench ") for typed in silent} <= {"demo", "init", "lab", "record gpu", "serve"}


def test_the_json_of_an_investigation_has_exactly_the_promised_keys(filled: Path) -> None:
    """Also where there is next to nothing to investigate: what could not run is said, nothing is left out."""
    told = json.loads(
        run("investigate", "--entity", "service:scoring", "--signal", "p95_ms", "--start", "2026-03-01T00:00Z",
            "--end", "2026-03-01T01:00Z", "--json", folder=filled).stdout
    )  # fmt: skip
    assert list(told) == ["case", "verdict", "causes", "first_failure", "impact", "could_not_run"]
    assert told["verdict"] in {"proven", "suspected", "none"}
    keys = ["rank", "entity", "kind", "statement", "confidence", "onset", "evidence"]
    assert all(list(cause) == keys for cause in told["causes"])
    assert told["could_not_run"]


def test_what_was_skipped_for_one_reason_is_one_line(tmp_path: Path) -> None:
    """Three files of no known format take one line of the report, and each is named in it."""
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text("# nothing")
    lines = run("ingest", "a.md", "b.md", "c.md", folder=tmp_path).output.splitlines()
    assert len([line for line in lines if "unrecognised" in line]) == 1
    assert any("a.md, b.md, c.md" in line for line in lines)


@pytest.mark.parametrize("family", ["case", "scenario"])
def test_a_family_without_its_verb_shows_its_verbs(family: str) -> None:
    """``list`` is among them; asked without a verb it is wrong use, 2."""
    shown = run(family)
    assert shown.exit_code == 2
    assert " list " in shown.output


def test_wrong_use_is_exit_code_2_in_one_sentence_without_a_traceback(tmp_path: Path) -> None:
    """An unknown option, a window with one end, a mapping without its equals sign, a settings file that is absent."""
    for arguments in (["investigate", "--start", "2026-03-01T00:00Z"], ["ingest", "a", "--as", "kpis", "--map", "x"],
                      ["doctor", "--config", "absent.toml"]):  # fmt: skip
        done = process(*arguments, folder=tmp_path)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("workbench: ")
        assert len(done.stderr.strip().splitlines()) == 1
        assert "Traceback" not in done.stderr
    assert process("ingest", "--nonsense", folder=tmp_path).returncode == 2


def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    """``unmaped_category`` is a fault nobody has; nothing is written."""
    done = process("scenario", "create", "unmaped_category", "--out", tmp_path / "out", folder=tmp_path)
    assert done.returncode == 2
    assert "Did you mean: unmapped_category?" in done.stderr
    assert not (tmp_path / "out").exists()
    done = process(
        "scenario", "create", "bad_deploy", "--variant", "no-cause", "--out", tmp_path / "out", folder=tmp_path
    )
    assert "There is no variant 'no-cause'. Did you mean: no_cause?" in done.stderr


def test_a_store_that_is_none_is_exit_code_4(tmp_path: Path) -> None:
    """Other files are never taken for a store, and never written over."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mine.txt").write_text("mine")
    done = process("case", "list", "--store", "store", folder=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("workbench: ")
    assert sorted(p.name for p in (tmp_path / "store").iterdir()) == ["mine.txt"]


def test_nothing_read_is_exit_code_3(tmp_path: Path) -> None:
    """A file of no known format is reported with the known ones; a script sees the code."""
    (tmp_path / "notes.md").write_text("# nothing")
    done = run("ingest", "notes.md", folder=tmp_path)
    assert done.exit_code == 3
    assert "no source knows this format" in done.output


def test_ingest_prints_json_for_a_program(tmp_path: Path) -> None:
    """One span read; the same file again is one duplicate."""
    (tmp_path / "spans.json").write_text(json.dumps(OTLP), encoding="utf-8")
    first = process("ingest", "spans.json", "--json", folder=tmp_path)
    again = process("ingest", "spans.json", "--json", folder=tmp_path)
    told, retold = json.loads(first.stdout), json.loads(again.stdout)
    assert [f["outcome"] for f in told["files"]] == ["read"]
    assert told["rows"] == {"spans": 1}
    assert (told["duplicates"], retold["duplicates"]) == (0, 1)


def test_standard_input_is_read(tmp_path: Path) -> None:
    """``cat spans.json | workbench ingest -``."""
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "ingest", "-", "--json"]
    done = subprocess.run(command, input=json.dumps(OTLP), capture_output=True, text=True, cwd=tmp_path, timeout=60,
                          check=True)  # fmt: skip
    assert json.loads(done.stdout)["rows"] == {"spans": 1}


def test_an_empty_list_of_cases_says_how_to_begin_one(filled: Path) -> None:
    """For a program it is an empty list."""
    assert "workbench investigate --alert alert.json" in run("case", "list", folder=filled).output
    assert json.loads(run("case", "list", "--json", folder=filled).output) == []


def test_the_faults_are_listed_with_their_mechanism() -> None:
    """Eight faults or more, each with a title and a sentence."""
    told = json.loads(run("scenario", "list", "--json").output)
    assert len(told) >= 8
    assert all(row["title"] and len(row["mechanism"]) > 20 for row in told)


def test_init_writes_settings_once(tmp_path: Path) -> None:
    """A second time it is refused, and the file stays."""
    assert process("init", "bench", folder=tmp_path).returncode == 0
    content = (tmp_path / "bench/workbench.toml").read_bytes()
    again = process("init", "bench", folder=tmp_path)
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert (tmp_path / "bench/workbench.toml").read_bytes() == content


def test_completion_is_offered_for_the_shells() -> None:
    """The script is printed, not installed."""
    env = {**os.environ, "_WORKBENCH_COMPLETE": "source_bash"}
    code = "import sys; sys.argv[0] = 'workbench'; from workbench.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60, check=False
    )
    assert "complete -o default -F" in done.stdout
    assert "--show-completion" in run("--help").output


def test_telemetry_of_libraries_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a verb imports reads these."""
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["workbench", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    assert (os.environ["MLFLOW_DISABLE_TELEMETRY"], os.environ["DO_NOT_TRACK"]) == ("true", "1")


# -- doctor --------------------------------------------------------------------------------------------------------


def test_doctor_says_how_fresh_each_table_is_and_what_is_missing(filled: Path) -> None:
    """One span of 2026-03-01, seen an hour later; labels have no rows and say who would bring them."""
    hour_later = 1_772_323_200_000_000_000 + 3_600 * 10**9
    health = look(Settings(), filled / "store", "prod", now_ns=lambda: hour_later)
    assert [(t.table, t.rows, t.newest, t.age_s) for t in health.tables] == [
        ("spans", 1, "2026-03-01T00:00:00Z", 3600.0)
    ]
    assert "spans" not in health.missing
    assert "openlineage" in health.missing["lineage_edges"]
    assert health.exit_code == 0


def test_doctor_prints_json_for_a_program(filled: Path) -> None:
    """The versions that matter, the tables, the code it exits with."""
    told = json.loads(run("doctor", "--json", folder=filled).output)
    assert set(told["packages"]) == set(PACKAGES)
    assert told["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert told["exit_code"] == 0
    assert told["tables"][0]["table"] == "spans"


def test_doctor_exits_with_3_where_a_source_cannot_be_reached(tmp_path: Path) -> None:
    """The others are asked all the same; a password is never shown, an unset variable is named."""
    (tmp_path / "workbench.toml").write_text(
        "[[sources]]\nkind = 'mlflow'\nuri = 'http://127.0.0.1:9'\n[[sources]]\nname = 'b'\nkind = 'mlflow'\n"
        "uri = 'env:BENCH_ABSENT'\n[[sources]]\nname = 'c'\nkind = 'mlfow'\nuri = 'x'\n"
        "[[sources]]\nkind = 'otlp'\nuri = 'x'\n"
    )
    shown = run("doctor", "--json", folder=tmp_path)
    assert shown.exit_code == 3
    lines = {line["name"]: line for line in json.loads(shown.output)["sources"]}
    assert {line["state"] for line in lines.values()} == {"unreachable"}
    assert "127.0.0.1:9 cannot be reached" in lines["mlflow"]["says"]
    assert "BENCH_ABSENT, which is not set" in lines["b"]["says"]
    assert "Did you mean: mlflow?" in lines["c"]["says"]
    assert "cannot be pulled" in lines["otlp"]["says"]


def test_doctor_names_a_reachable_source(tmp_path: Path) -> None:
    """A git repository answers with its newest commit."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True, timeout=30)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True, timeout=30)
    health = look(Settings(sources=(SourceSettings("code", "git_log", str(tmp_path)),)), tmp_path / "store", "prod")
    assert [(line.name, line.state) for line in health.sources] == [("code", "reachable")]
    assert health.exit_code == 0


def test_doctor_exits_with_4_where_the_store_cannot_be_trusted(tmp_path: Path) -> None:
    """A folder that is no store is said to be none; nothing is written into it."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mine.txt").write_text("mine")
    shown = run("doctor", folder=tmp_path)
    assert shown.exit_code == 4
    assert "cannot be used" in shown.output
    assert [p.name for p in (tmp_path / "store").iterdir()] == ["mine.txt"]


def test_doctor_warns_of_the_foreign_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another project's ``workbench`` has the same import name."""
    assert not [w for w in look(Settings(), tmp_path / "store", "prod").warnings if "import name" in w]
    (tmp_path / "workbench-2.1.dist-info").mkdir()
    (tmp_path / "workbench-2.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: workbench\nVersion: 2.1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert installed(FOREIGN) == "2.1"
    warnings = look(Settings(), tmp_path / "store", "prod").warnings
    assert [w for w in warnings if "pip uninstall workbench" in w]


def test_an_age_is_told_in_its_largest_fitting_unit() -> None:
    """Seconds up to two minutes, days from two days on; a clock ahead is said to be."""
    told = [age(s) for s in (0, 119, 120, 7200, 172_800, -600)]
    assert told == ["0 s", "119 s", "2 min", "2 h", "2 d", "10 min ahead"]
