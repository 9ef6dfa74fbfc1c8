"""Commits become changes: from the log of a real repository, and from text that others wrote."""

import io
import json
import subprocess
from pathlib import Path

import pytest

from workbench.errors import SourceError
from workbench.sources import Context, Head
from workbench.sources.git_log import SOURCE

CONTEXT = Context("prod", "git.log", 1)


def _git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q")
    for tag in ("1.0", "1.1"):
        path = tmp_path / "deploy" / "scoring" / "values.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"image:\n  tag: {tag}\n")
        _git(tmp_path, "add", "-A")
        _git(tmp_path, "commit", "-qm", f"Release {tag}\n\nSay why <b>here</b>.")
    return tmp_path


def _changes(stream: bytes) -> list[dict]:
    (batch,) = SOURCE.read(io.BytesIO(stream), CONTEXT)
    return batch.tables["changes"].to_pylist()


def test_a_real_repository_gives_one_change_a_commit_and_tells_the_deployed_service(repository: Path) -> None:
    (batch,) = SOURCE.read(repository, CONTEXT)
    newest, oldest = batch.tables["changes"].to_pylist()
    assert (newest["title"], newest["body"]) == ("Release 1.1", "Say why <b>here</b>.")
    assert (newest["kind"], newest["entity"]) == ("deploy", "service:scoring")
    assert (newest["version_before"], newest["version_after"]) == ("1.0", "1.1")
    assert json.loads(oldest["files"]) == ["deploy/scoring/values.yaml"]


@pytest.mark.parametrize("flag", ["--patch", "--stat", "--name-only"])
def test_every_form_of_the_log_names_the_paths(repository: Path, flag: str) -> None:
    text = subprocess.run(["git", "-C", str(repository), "log", flag], check=True, capture_output=True).stdout
    assert SOURCE.recognise(Head("history.txt", text)) > 0.9
    assert all(json.loads(c["files"]) == ["deploy/scoring/values.yaml"] for c in _changes(text))


def test_pulling_again_brings_only_what_is_new(repository: Path) -> None:
    ((batch, cursor),) = SOURCE.pull({"uri": str(repository)}, None, CONTEXT)
    assert batch.tables["changes"].num_rows == 2
    assert list(SOURCE.pull({"uri": str(repository)}, cursor, CONTEXT)) == []
    (repository / "a.txt").write_text("x")
    _git(repository, "add", "-A")
    _git(repository, "commit", "-qm", "Third")
    ((batch, _),) = SOURCE.pull({"uri": str(repository)}, cursor, CONTEXT)
    assert [c["title"] for c in batch.tables["changes"].to_pylist()] == ["Third"]


def test_a_commit_without_a_date_is_refused_and_the_others_are_kept() -> None:
    text = b"commit abcdef1\nDate: never\n\n    One\n\n"
    text += b"commit abcdef2\nDate:   Tue Feb 10 08:34:03 2026 +0100\n\n    Two\n"
    (batch,) = SOURCE.read(io.BytesIO(text), CONTEXT)
    assert [r.reason for r in batch.rejections] == ["a commit without a readable date"]
    (kept,) = batch.tables["changes"].to_pylist()
    assert kept["time_ns"] == 1_770_708_843 * 10**9


def test_a_folder_without_a_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no git repository"):
        SOURCE.check({"uri": str(tmp_path)})
