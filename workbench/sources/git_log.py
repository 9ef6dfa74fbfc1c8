"""Git: the text of ``git log`` with dates, paths and patches, or a repository folder, as changes.

A commit becomes one change of kind ``commit`` with its subject, body, paths and diff. A commit
that moves a version pin (``tag: 1.2.3`` under deploy, helm or similar paths) says so in its versions, which is
what tells a deployment from other commits. Authors are left out: causes are never persons.
"""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from workbench.errors import SourceError
from workbench.model.entities import entity
from workbench.model.tables import CHANGES
from workbench.sources import Batch, Context, Head, Source
from workbench.sources._rows import Rows
from workbench.sources._time import iso_ns

NAME = "git_log"
MOST_DIFF = 20_000
"""Characters of one commit's diff that are kept."""
_AT_ONCE = 2_000
_COMMIT = re.compile(r"commit ([0-9a-f]{7,64})(?: \(.*\))?\s*$")
_DATE = re.compile(r"(?:Date|AuthorDate|CommitDate):\s+(.+?)\s*$")
_STAT = re.compile(r" (\S.*?)\s+\|\s+(?:\d+|Bin)")
_PLAIN_PATH = re.compile(r"[^\s:][^:\n]*\.[A-Za-z0-9]{1,10}$|[^\s:]+/[^:\n]*$")
_PIN = re.compile(r"^([+-])\s*(?:image|tag|version|appVersion|[\w.-]*_version)\s*[:=]\s*[\"']?([\w.+:/@-]+)", re.M)
_DEPLOY_PATH = re.compile(r"(?:^|/)(?:deploy(?:ments?)?|helm|charts?|k8s|kubernetes|releases?)/([^/]+)/", re.I)
_SECONDS_LIMIT = 5


@dataclass
class _Commit:
    """Gather the lines of one commit."""

    sha: str
    line: int
    when: str = ""
    message: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    diff: list[str] = field(default_factory=list)
    diff_size: int = 0

    def take(self, line: str) -> None:
        """Sort one line into date, message, paths or diff."""
        if self.diff or line.startswith("diff --git "):
            self._take_diff(line)
        elif line.startswith("    "):
            self.message.append(line[4:])
        elif (dated := _DATE.match(line)) is not None:
            self.when = dated.group(1)
        elif (stat := _STAT.match(line)) is not None:
            self._touch(stat.group(1))
        elif self.message and _PLAIN_PATH.match(line):
            self._touch(line.strip())

    def _take_diff(self, line: str) -> None:
        if line.startswith("diff --git "):
            self._touch(line.rsplit(" b/", 1)[-1])
        if self.diff_size < MOST_DIFF:
            self.diff.append(line)
            self.diff_size += len(line) + 1

    def _touch(self, path: str) -> None:
        if path not in self.files:
            self.files.append(path)


def _row(commit: _Commit) -> Mapping[str, Any] | None:
    time_ns = _time_ns(commit.when)
    if time_ns is None:
        return None
    while commit.message and not commit.message[0].strip():
        commit.message.pop(0)
    title, body = (commit.message[0].strip() if commit.message else ""), "\n".join(commit.message[1:]).strip()
    diff = "\n".join(commit.diff)[:MOST_DIFF]
    pins = dict(_PIN.findall(diff))
    deployed = next((m.group(1) for path in commit.files if (m := _DEPLOY_PATH.search(path))), None)
    return {
        "change_id": commit.sha,
        "time_ns": time_ns,
        "kind": "deploy" if deployed and "+" in pins else "commit",
        "entity": entity("service", deployed) if deployed else entity("change", commit.sha),
        "title": title,
        "body": body or None,
        "files": orjson.dumps(commit.files).decode(),
        "diff": diff or None,
        "version_before": pins.get("-"),
        "version_after": pins.get("+"),
        "attributes": {},
    }


def _time_ns(text: str) -> int | None:
    """Read git's default, ISO, RFC and unix dates; one without an offset is no moment."""
    for form in ("%a %b %d %H:%M:%S %Y %z", "%a, %d %b %Y %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z"):
        try:
            return int(datetime.strptime(text, form).timestamp()) * 1_000_000_000
        except ValueError:
            continue
    unix = re.fullmatch(r"(\d{9,11})(?: [+-]\d{4})?", text)
    return int(unix.group(1)) * 1_000_000_000 if unix else iso_ns(text)


def _commits(stream: BinaryIO) -> Iterator[_Commit]:
    commit: _Commit | None = None
    for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8", errors="replace"), start=1):
        line = line.rstrip("\n")
        begun = _COMMIT.match(line)
        if begun is not None:
            if commit is not None:
                yield commit
            commit = _Commit(begun.group(1).lower(), number)
        elif commit is not None:
            commit.take(line)
    if commit is not None:
        yield commit


def _read(stream: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    if isinstance(stream, Path):
        yield from _read(io.BytesIO(_log(stream, ())), context)
        return
    rows = Rows(NAME, context, (CHANGES,))
    for commit in _commits(stream):
        row, place = _row(commit), f"{context.place}:{commit.line}"
        if row is None:
            rows.refuse("a commit without a readable date", place, "\n".join([commit.when, *commit.message]).encode())
        else:
            rows.add(CHANGES, row, place)
        if len(rows) >= _AT_ONCE:
            yield rows.batch()
    yield rows.batch()


def _log(folder: Path, since: tuple[str, ...]) -> bytes:
    # No pager, no external diff, no hooks: nothing that the repository configures is run.
    command = ["git", "--no-pager", "-c", "core.fsmonitor=false", "-C", str(folder), "log", "--patch", "--no-ext-diff",
               "--no-textconv", "--no-color", "--unified=1", "--date=iso-strict", *since]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"git log of {folder} did not run: {error}. Is git installed?") from error
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise SourceError(f"git log of {folder} failed: {' '.join(reason)}")
    return done.stdout


def _pull(settings: Mapping[str, Any], cursor: str | None, context: Context) -> Iterator[tuple[Batch, str]]:
    folder = Path(str(settings.get("uri", ".")))
    newest = _head(folder)
    if newest == cursor:
        return
    known = (f"{cursor}..HEAD",) if cursor else ()
    for batch in _read(io.BytesIO(_log(folder, known)), context):
        yield batch, newest


def _head(folder: Path) -> str:
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS_LIMIT, check=False, text=True)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"git in {folder} did not answer: {error}.") from error
    if done.returncode != 0:
        raise SourceError(f"{folder} is no git repository with a commit; name its folder as uri.")
    return done.stdout.strip()


def _check(settings: Mapping[str, Any]) -> str:
    folder = Path(str(settings.get("uri", ".")))
    return f"git repository {folder}, newest commit {_head(folder)[:12]}"


def _recognise(head: Head) -> float:
    if head.name == ".git":
        return 1.0
    lines = head.start[:4096].decode("utf-8", "replace").splitlines()
    if not lines or _COMMIT.match(lines[0]) is None:
        return 0.0
    return 0.95 if any(_DATE.match(line) for line in lines[:8]) else 0.4


SOURCE = Source(
    name=NAME,
    title="Git",
    doc="The text of `git log` (with `--patch`, `--stat` or `--name-only`), or a repository folder, as changes.",
    reads=("changes",),
    recognise=_recognise,
    read=_read,
    pull=_pull,
    check=_check,
)
