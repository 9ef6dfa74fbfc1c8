"""Git: commits of a real repository, from its text in five forms and from the repository itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.errors import SourceError
from workbench.sources import Context, Head
from workbench.sources.git_log import read, recognise

CONTEXT = Context("prod", "git.log", 1)
WHEN = ("2026-03-01T12:00:00+01:00", "2026-03-02T09:30:00-05:00")
WHEN_NS = (1_772_362_800_000_000_000, 1_772_461_800_000_000_000)
FORMS = {
    "plain": [], "names": ["--name-only"], "status": ["--name-status"], "stat": ["--stat"], "patch": ["--patch"],
    "iso": ["--date=iso", "--name-only"], "rfc": ["--date=rfc"], "unix": ["--date=unix"], "raw": ["--date=raw"],
    "fuller": ["--format=fuller"], "stat and patch": ["--stat", "--patch"],
}  # fmt: skip


def git(folder: Path, *arguments: str, when: str = WHEN[0]) -> bytes:
    """Run git without any configuration but the repository's own."""
    quiet = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    dated = quiet | {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, env=dated, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with two commits, the second with a message that looks like a log."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q", "-b", "main")
    (folder / "providers.yaml").write_text("visa: card\n")
    (folder / "a b.py").write_text("x = 1\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Add providers")
    (folder / "providers.yaml").write_text("visa: card\nnewpay: wallet\n")
    git(folder, "add", "-A")
    message = "Map the new provider\n\ncommit 0123456789abcdef\nAuthor: <script>alert(1)</script>\n\nIt was unmapped."
    git(folder, "commit", "-q", "-m", message, when=WHEN[1])
    return folder


def changes(content: bytes | Path) -> list[dict[str, Any]]:
    """Return all changes of a log."""
    batches = list(read(io.BytesIO(content) if isinstance(content, bytes) else content, CONTEXT))
    assert [b.rejections for b in batches if b.rejections] == []
    found: list[dict[str, Any]] = pa.concat_tables([b.tables["changes"] for b in batches]).to_pylist()
    return found


@pytest.mark.parametrize("form", FORMS)
def test_two_commits_in_every_form(form: str, repository: Path) -> None:
    """Eleven forms of one log give the same two commits, times and messages; no line of a message is a commit."""
    content = git(repository, "log", "--no-color", *FORMS[form])
    assert recognise(Head("git.log", content[:65536])) == 1.0
    second, first = changes(content)
    assert (first["title"], second["title"]) == ("Add providers", "Map the new provider")
    assert (first["time_ns"], second["time_ns"]) == WHEN_NS
    assert second["body"].endswith("It was unmapped.")
    assert {c["kind"] for c in (first, second)} == {"commit"}
    assert (len(second["change_id"]), second["entity"]) == (40, f"change:{second['change_id']}")


@pytest.mark.parametrize("form", ["names", "status", "stat", "patch", "iso", "stat and patch"])
def test_files_are_named_whatever_names_them(form: str, repository: Path) -> None:
    """Names, status, statistics and diffs give the same files, one of them with a space."""
    second, first = changes(git(repository, "log", "--no-color", *FORMS[form]))
    assert json.loads(second["files"]) == ["providers.yaml"]
    assert sorted(json.loads(first["files"])) == ["a b.py", "providers.yaml"]


def test_a_repository_is_its_log_with_diffs(repository: Path) -> None:
    """The folder and its .git give both commits, with the diff that added the line."""
    for path in (repository, repository / ".git"):
        second, _ = changes(path)
        assert "+newpay: wallet" in second["diff"]
    entries = "\n".join(sorted(p.name for p in (repository / ".git").iterdir())).encode()
    assert recognise(Head(".git/", entries)) == 1.0
    assert recognise(Head("project/", b".git\nsrc")) == 0.0


def test_a_hostile_repository_runs_nothing(repository: Path, tmp_path: Path) -> None:
    """Programs named in a repository's own configuration are not run when its log is read."""
    copy = tmp_path / "hostile"
    git(tmp_path, "clone", "-q", str(repository), str(copy))
    mark = tmp_path / "ran"
    for name in ("core.fsmonitor", "diff.external", "diff.x.textconv", "gpg.program", "core.pager", "core.sshCommand"):
        git(copy, "config", name, f"touch {mark}")
    git(copy, "config", "log.showSignature", "true")
    (copy / ".git/info/attributes").write_text("* diff=x\n")
    assert len(changes(copy)) == 2
    assert not mark.exists()


def test_a_folder_without_a_repository_is_refused_in_words(tmp_path: Path) -> None:
    """git's own words stand in the error."""
    with pytest.raises(SourceError, match="not a git repository"):
        list(read(tmp_path, CONTEXT))


def test_a_commit_without_a_date_is_refused_alone() -> None:
    """Of two commits the one with an unreadable date is refused, the other is a row."""
    head = "commit {}\nAuthor: A\nDate:   {}\n\n    {}\n\n"
    content = (head.format("1111111", "someday", "One") + head.format("2222222", "2026-03-01", "Two")).encode()
    (batch,) = read(io.BytesIO(content), CONTEXT)
    assert batch.tables["changes"].column("title").to_pylist() == ["Two"]
    assert [(r.reason, r.place) for r in batch.rejections] == [("a commit without a readable date", "git.log:1")]
