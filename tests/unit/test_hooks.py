"""Hooks: no shell, telemetry only as whole arguments, nothing inherited but a few variables, failures told."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from workbench.config import ActSettings, HookSettings, read_settings
from workbench.errors import UsageError
from workbench.hooks import Plan
from workbench.hooks.planning import forbidden, plan
from workbench.hooks.running import MOST_SAID, run

SHOW = (sys.executable, "-c", "import sys, os, json; print(json.dumps([sys.argv[1:], sorted(os.environ)]))")
HOSTILE = ["; rm -rf /", "$(id)", "`id`", "a && b", "| cat", "'\"", "x\\y", "../../etc/passwd", "*", "${HOME}"]


def command(*arguments: str, timeout: str = "20s") -> HookSettings:
    """Return a hook that prints its arguments and the names of its variables."""
    return HookSettings("Show", "command", ("null_burst",), command=(*SHOW, *arguments), timeout=timeout)


def made(hook: HookSettings, entity: str) -> Plan:
    """Return the plan of a hook against an entity."""
    return plan(hook, ActSettings(), case_id="INC-1", kind="null_burst", entity=entity)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_argument_and_no_shell_reads_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten names that a shell would take apart arrive as they are; no secret of ours is in the environment."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    hook = command("--", "{name}", "{case}")
    ran = run(hook, made(hook, f"dataset:{name}"))
    arguments, variables = json.loads(ran.said.splitlines()[1])
    assert (ran.succeeded, arguments) == (True, ["--", name, "INC-1"])
    assert "AWS_SECRET_ACCESS_KEY" not in variables


@pytest.mark.parametrize("name", ["--delete", "-rf", "a\nb", "a\x00b", "x" * 301])
def test_a_name_that_could_be_an_option_or_a_control_is_refused(name: str) -> None:
    """Before anybody is asked to approve it."""
    with pytest.raises(UsageError, match="cannot be an argument"):
        made(command("{name}"), f"dataset:{name}")


def test_failures_and_long_answers_are_told_and_cut() -> None:
    """Exit status, a program that is not there, one that hangs, and a flood of text."""
    fails = HookSettings("F", "command", ("null_burst",), command=(sys.executable, "-c", "raise SystemExit(3)"))
    assert run(fails, made(fails, "dataset:x")).said == "Exit status 3."
    absent = HookSettings("A", "command", ("null_burst",), command=("/nowhere/program",))
    assert "could not be started" in run(absent, made(absent, "dataset:x")).said
    hangs = HookSettings("H", "command", ("null_burst",), timeout="1s",
                         command=(sys.executable, "-c", "import time; time.sleep(30)"))  # fmt: skip
    assert "no result after 1 s" in run(hangs, made(hangs, "dataset:x")).said
    floods = HookSettings("L", "command", ("null_burst",), command=(sys.executable, "-c", "print('\\x1b[31m' * 9999)"))
    said = run(floods, made(floods, "dataset:x")).said
    assert len(said) < MOST_SAID + 40
    assert "\x1b" not in said


class _Receiver(BaseHTTPRequestHandler):
    seen: list[tuple[str, Any]] = []  # noqa: RUF012 - a record of one test's requests

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.path, body))
        self.send_response(500 if body.get("entity") == "dataset:broken" else 200)
        self.end_headers()
        self.wfile.write(b"paused")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the base class's
        return


@pytest.fixture
def receiver() -> Iterator[str]:
    """Serve an address that takes a POST; what it saw is emptied first."""
    _Receiver.seen.clear()
    with HTTPServer(("127.0.0.1", 0), _Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/pause"
        server.shutdown()
        thread.join()


def test_a_call_sends_names_as_whole_values_to_the_configured_address_only(receiver: str) -> None:
    """The path is the owner's; a name with slashes and quotes stands in the body; 500 is a failure."""
    hook = HookSettings("Pause", "http", ("null_burst",), uri=receiver, body={"entity": "{entity}", "by": "workbench"})
    ran = run(hook, made(hook, 'dataset:/../"x'))
    assert (ran.succeeded, ran.said) == (True, "paused")
    assert _Receiver.seen == [("/pause", {"entity": 'dataset:/../"x', "by": "workbench"})]
    assert "answered 500" in run(hook, made(hook, "dataset:broken")).said


@pytest.mark.parametrize(("line", "why"), [
    ('kind = "command"\ncommand = ["sh", "-c", "echo {name}"]', "mixes a placeholder"),
    ('kind = "command"\ncommand = ["{name}"]', "the program"),
    ('kind = "shell"\ncommand = ["x"]', "kind is"),
    ('kind = "http"\nuri = "http://127.0.0.1"\ntoken = "abc"', "secret in clear"),
    ('kind = "mlflow_alias"\nuri = "http://127.0.0.1"', "needs model and alias"),
    ('kind = "command"\ncommand = ["x"]\nrole = "viewer"', "role is"),
])  # fmt: skip
def test_settings_that_would_mix_telemetry_into_a_command_are_refused(tmp_path: Path, line: str, why: str) -> None:
    """When the file is read, not when the pager goes."""
    path = tmp_path / "workbench.toml"
    path.write_text(f'[[hooks]]\nname = "x"\nsignatures = ["null_burst"]\n{line}\n')
    with pytest.raises(UsageError, match=why):
        read_settings(path)


def test_the_never_list_names_signatures_and_entities() -> None:
    """A star stands for any text; everything else is compared whole."""
    act = ActSettings(never=("telemetry_fault", "dataset:pay*"))
    assert forbidden(act, "telemetry_fault", "service:x")
    assert forbidden(act, "null_burst", "dataset:payments")
    assert forbidden(act, "null_burst", "dataset:orders") == ""
