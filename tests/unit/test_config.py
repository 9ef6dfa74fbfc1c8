"""Settings: read once, checked by their declared types, secrets only from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.config import COMMENTED, Settings, read_settings, secret, write_commented
from workbench.errors import UsageError


def settings(folder: Path, text: str) -> Settings:
    """Read a settings file with this text."""
    path = folder / "workbench.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def refusal(folder: Path, text: str) -> str:
    """Return in which words a settings file with this text is refused."""
    with pytest.raises(UsageError) as refused:
        settings(folder, text)
    return str(refused.value).replace(str(folder / "workbench.toml"), "FILE")


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1:4318, ./store, prod, no live source."""
    monkeypatch.chdir(tmp_path)
    found = read_settings()
    assert found == Settings()
    assert (found.store, found.environment, found.server.host, found.server.port) == (
        "./store",
        "prod",
        "127.0.0.1",
        4318,
    )
    assert found.sources == ()


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Otherwise a typing error would silently mean the defaults."""
    with pytest.raises(UsageError, match=r"no settings file .*`workbench init` writes one"):
        read_settings(tmp_path / "absent.toml")


def test_every_section_is_read(tmp_path: Path) -> None:
    """Each value reaches its field."""
    found = settings(
        tmp_path,
        """
store = "s"
environment = "dev"
retain_days = 90
[[sources]]
kind = "mlflow"
uri = "http://127.0.0.1:5000"
interval = "5m"
options = { timeout_s = 2 }
[[tables]]
files = "scores*.parquet"
as = "predictions"
map = { score = "p" }
[server]
port = 9000
allowed_hosts = ["bench.example"]
outside = true
[prices]
gpu_hour = 3
[mask]
addresses = true
keys = ["customer_ref"]
""",
    )
    assert (found.store, found.environment, found.retain_days) == ("s", "dev", 90)
    assert [(s.name, s.kind, s.interval, s.options) for s in found.sources] == [
        ("mlflow", "mlflow", "5m", {"timeout_s": 2})
    ]
    assert [(t.files, t.table, t.map) for t in found.tables] == [("scores*.parquet", "predictions", {"score": "p"})]
    assert (found.server.port, found.server.allowed_hosts, found.server.outside) == (9000, ("bench.example",), True)
    assert found.prices.gpu_hour == 3
    assert found.mask.addresses
    assert found.mask.keys == ("customer_ref",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stoer = 's'", "FILE has no setting 'stoer'. Did you mean: store?"),
        ("[server]\nprt = 1", "FILE [server] has no setting 'prt'. Did you mean: port?"),
        ("store = 5", "FILE: store is text; found 5."),
        ("retain_days = true", "FILE: retain_days is a whole number; found True."),
        ("[server]\nport = '4318'", "FILE [server]: port is a whole number; found '4318'."),
        ("[server]\nallowed_hosts = 'a'", "FILE [server]: allowed_hosts is a list of texts; found 'a'."),
        ("[server]\nallowed_hosts = [1]", "FILE [server]: allowed_hosts is a list of texts; found [1]."),
        ("server = 1", "FILE: [server] is a table of settings; found 1."),
        ("sources = 'mlflow'", "FILE: sources are written as [[sources]] sections, one each; found 'mlflow'."),
        ("[[sources]]\nkind = 'mlflow'", "FILE [[sources]]: an entry needs uri; found kind."),
        ("[[tables]]\nfiles = 'a'", "FILE [[tables]]: an entry needs as; found files."),
        ("[[tables]]\nfiles = 'a'\nas = 'kpis'\nmap.v = 1",
         "FILE [[tables]]: map is a table of texts; found {'v': 1}."),
        ("[mask]\naddresses = 1", "FILE [mask]: addresses is true or false; found 1."),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_with_what_was_seen(tmp_path: Path, text: str, words: str) -> None:
    """The file, the place, the value and what is wanted stand in one sentence."""
    assert refusal(tmp_path, text) == words


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    """With the line where reading stopped."""
    assert "is not valid TOML" in refusal(tmp_path, "store = ")


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    """Both would go on from the cursor of the other."""
    two = "[[sources]]\nkind='mlflow'\nuri='http://a'\n[[sources]]\nkind='mlflow'\nuri='http://b'\n"
    assert refusal(tmp_path, two) == "FILE: 2 [[sources]] are called 'mlflow'; give each a name of its own."
    named = two.replace("uri='http://b'", "uri='http://b'\nname='second'")
    assert [s.name for s in settings(tmp_path, named).sources] == ["mlflow", "second"]


@pytest.mark.parametrize(
    "line",
    ["options = { token = 'abc' }", "options = { db_password = 'abc' }", "options = { nested = { api_key = 'abc' } }",
     "options = { base = 'https://user:abc@host/' }"],
)  # fmt: skip
def test_a_secret_in_clear_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    """The message names the setting, never its value."""
    words = refusal(tmp_path, f"[[sources]]\nkind = 'mlflow'\nuri = 'http://a'\n{line}")
    assert "holds a secret in clear; write env:NAME or file:PATH instead." in words
    assert "abc" not in words


def test_an_address_with_a_password_is_refused(tmp_path: Path) -> None:
    """The same one from the environment is taken."""
    assert "uri holds a secret" in refusal(tmp_path, "[[sources]]\nkind = 'mlflow'\nuri = 'http://me:abc@a'")
    assert settings(tmp_path, "[[sources]]\nkind = 'mlflow'\nuri = 'env:MLFLOW'").sources[0].uri == "env:MLFLOW"


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trailing line ends of a file are cut; other text is itself."""
    monkeypatch.setenv("BENCH_TOKEN", "t0")
    (tmp_path / "token").write_text("t1\n", encoding="utf-8")
    assert (secret("env:BENCH_TOKEN"), secret(f"file:{tmp_path}/token"), secret("http://a")) == ("t0", "t1", "http://a")
    with pytest.raises(UsageError, match="environment variable BENCH_ABSENT, which is not set"):
        secret("env:BENCH_ABSENT")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        secret(f"file:{tmp_path}/absent")


def test_the_commented_file_reads_and_every_comment_in_it_does_too(tmp_path: Path) -> None:
    """Each example that is commented out is a valid setting once the sign is taken away."""
    assert settings(tmp_path, COMMENTED) == Settings()
    sentences = ("# Settings of", "# Live sources", "# Secrets stand", "# Files of your own", "# What may be run",
                 "# Told when")  # fmt: skip
    lines = [line for line in COMMENTED.splitlines() if not line.startswith(sentences)]
    told = settings(tmp_path, "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines))
    assert [s.kind for s in told.sources] == ["mlflow", "prometheus"]
    assert told.tables[0].table == "predictions"
    assert told.prices.gpu_hour == 2.8
    assert told.mask.keys == ("customer_ref",)
    assert told.exports.slack == "env:SLACK_WEBHOOK"
    assert [h.alias for h in told.hooks] == ["champion"]
    assert told.act.never == ("dataset:payments*", "telemetry_fault")


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    """Nobody's settings are written over."""
    path = write_commented(tmp_path / "workbench.toml")
    path.write_text("store = 'mine'", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        write_commented(path)
    assert path.read_text(encoding="utf-8") == "store = 'mine'"
