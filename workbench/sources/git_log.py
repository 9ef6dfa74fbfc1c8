"""Git: the text that ``git log`` writes (plain, --name-only, --stat, --patch), or a repository, as changes.

A commit becomes one change of kind ``commit`` with its subject, body, paths and diff. One
that moves a version pin (``tag: 1.2.3``) under a deploy folder is of kind ``deploy`` and
names the service and both versions. Authors are left out: causes are never persons.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO

from workbench.errors import SourceError
from workbench.model.entities import entity
from workbench.model.tables import CHANGES
from workbench.sources import Batch, Context, Head, Rejection, Source
from workbench.sources._json import canonical
from workbench.sources._rows import Rows
from workbench.sources._time import epoch_ns, iso_ns

_COMMIT = re.compile(r"commit ([0-9a-f]{7,64})(?: \(.*\))?(?: [0-9a-f]{7,64})*\s*")
_FIELD = re.compile(r"(Author|AuthorDate|Commit|CommitDate|Date|Merge):\s*(.*)")
_STAT_FILE = re.compile(r" (\S.*?)\s+\|\s+(?:\d+\s*[+-]*|Bin\b.*|Unmerged)")
_STAT_SUM = re.compile(r" \d+ files? changed.*")
_STATUS_FILE = re.compile(r"[ACDMRTUX]\d{0,3}\t(.+)")
_DIFF_FILE = re.compile(r'diff --git (?:"?a/.*?"? "?b/(.*?)"?|.*)')
_MOST_DIFF = 256 * 1024
"""Characters of a commit's diff that are kept."""
_MOST_FILES = 10_000
_ROWS_AT_ONCE = 2_000
_SECONDS = 60
_PIN = re.compile(r"^([+-])\s*(?:image|tag|version|appVersion|[\w.-]*_version)\s*[:=]\s*[\"']?([\w.+:/@-]+)", re.M)
_DEPLOY_PATH = re.compile(r"(?:^|/)(?:deploy(?:ments?)?|helm|charts?|k8s|kubernetes|releases?)/([^/]+)/", re.I)
_SAFE = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "-c", "core.pager=cat")


@dataclass
class _Commit:
    sha: str
    place: str
    fields: dict[str, str] = field(default_factory=dict)
    message: list[str] = field(default_factory=list)
    files: dict[str, None] = field(default_factory=dict)
    diff: list[str] = field(default_factory=list)
    diff_length: int = 0


def recognise(head: Head) -> float:
    """Recognise the text by its first line and an author, a repository by its folders."""
    if head.name.endswith("/"):
        return 1.0 if {b"HEAD", b"objects", b"refs"} <= set(head.start.split(b"\n")) else 0.0
    start = head.start.lstrip()[:4000].decode("utf-8", "replace").splitlines()
    if not start or not _COMMIT.fullmatch(start[0]):
        return 0.0
    return 1.0 if any(_FIELD.match(line) for line in start[1:4]) else 0.0


def read(what: BinaryIO | Path, context: Context) -> Iterator[Batch]:
    """Yield the commits of a log, or of a repository (its folder, or its ``.git``)."""
    if isinstance(what, Path) and what.is_dir():
        yield from _batches(_lines(io.BytesIO(_log_of(what))), context)
    elif isinstance(what, Path):
        with what.open("rb") as stream:
            yield from _batches(_lines(stream), context)
    else:
        yield from _batches(_lines(what), context)


def _lines(stream: BinaryIO) -> Iterator[str]:
    for line in iter(lambda: stream.readline(2**20), b""):
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def _log_of(repository: Path, since: str | None = None) -> bytes:
    """Ask git for the log; what a repository's own configuration could make it run is switched off."""
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--format=fuller")
    span = (f"{since}..HEAD",) if since else ()
    return _git(repository, "log", *options, "--date=iso-strict", "--patch", "--no-renames", *span)


def _git(repository: Path, *arguments: str) -> bytes:
    quiet = {
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-pager", *_SAFE, "-C", str(repository), *arguments]
    try:
        done = subprocess.run(command, env=kept | quiet, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError as error:
        raise SourceError("git is not installed; save the output of 'git log --patch' as a file instead.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"git did not run: {error}. Save the output of 'git log --patch' as a file.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[:500]
        raise SourceError(f"{repository.name} is no git repository whose log can be read: {said}")
    return done.stdout


def _batches(lines: Iterable[str], context: Context) -> Iterator[Batch]:
    rows = Rows("git_log", context, (CHANGES,))
    for commit in _commits(lines, context, rows):
        time_ns = _time_of(commit)
        if time_ns is None:
            dates = {k: v for k, v in commit.fields.items() if "Date" in k}
            rows.refuse("a commit without a readable date", commit.place, canonical(dates).encode())
        else:
            rows.add(CHANGES, _row(commit, time_ns), commit.place)
        if len(rows) >= _ROWS_AT_ONCE:
            yield rows.batch()
    if len(rows):
        yield rows.batch()


def _commits(lines: Iterable[str], context: Context, rows: Rows) -> Iterator[_Commit]:
    commit: _Commit | None = None
    for number, line in enumerate(lines, 1):
        begins = _COMMIT.fullmatch(line)
        if begins is not None:
            if commit is not None:
                yield commit
            commit = _Commit(begins[1], f"{context.place}:{number}")
        elif commit is not None:
            _add_line(commit, line)
        elif line.strip():
            rows.reject(Rejection.of("text before the first commit", f"{context.place}:{number}", line.encode()))
    if commit is not None:
        yield commit


def _add_line(commit: _Commit, line: str) -> None:
    """Take one line as header, message, file or diff; only the message is indented by four."""
    if commit.diff or line.startswith("diff --"):
        _add_diff(commit, line)
        return
    field_ = _FIELD.fullmatch(line) if not commit.message else None
    if field_ is not None:
        commit.fields[field_[1]] = field_[2].strip()
    elif line.startswith("    "):
        commit.message.append(line[4:])
    elif not line.strip() or _STAT_SUM.fullmatch(line) or line == "---":
        if commit.message and not commit.files:
            commit.message.append("")
    elif commit.message:
        found = _STAT_FILE.fullmatch(line) or _STATUS_FILE.fullmatch(line)
        _add_file(commit, found[1] if found else line)


def _add_diff(commit: _Commit, line: str) -> None:
    begins = _DIFF_FILE.fullmatch(line)
    if begins is not None and begins[1]:
        _add_file(commit, begins[1])
    if commit.diff_length <= _MOST_DIFF:
        commit.diff.append(line)
        commit.diff_length += len(line) + 1


def _add_file(commit: _Commit, name: str) -> None:
    name = name.split("\t")[-1].strip().strip('"')
    if len(commit.files) < _MOST_FILES:
        commit.files[name] = None


def _time_of(commit: _Commit) -> int | None:
    """Return when a commit took effect: the committer's date where it is written, else the author's."""
    said = next((commit.fields[k] for k in ("CommitDate", "Date", "AuthorDate") if k in commit.fields), "")
    found = iso_ns(said)
    if found is not None:
        return found
    seconds = re.fullmatch(r"(\d{9,11})(?: [+-]\d{4})?", said)
    if seconds is not None:
        return epoch_ns(int(seconds[1]))
    for pattern in ("%a %b %d %H:%M:%S %Y %z", "%a %b %d %H:%M:%S %Y"):
        try:
            moment = datetime.strptime(said, pattern)  # noqa: DTZ007 - the zone is looked at below
        except ValueError:
            continue
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000
    try:
        return int(parsedate_to_datetime(said).timestamp()) * 1_000_000_000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _row(commit: _Commit, time_ns: int) -> dict[str, object]:
    lines = "\n".join(commit.message).strip("\n").split("\n")
    diff = "\n".join(commit.diff)
    if len(diff) > _MOST_DIFF:
        diff = diff[:_MOST_DIFF] + "\n[cut]"
    pins = dict(_PIN.findall(diff))
    deployed = next((found[1] for path in commit.files if (found := _DEPLOY_PATH.search(path))), None)
    return {
        "change_id": commit.sha, "time_ns": time_ns, "kind": "deploy" if deployed and "+" in pins else "commit",
        "entity": entity("service", deployed) if deployed else entity("change", commit.sha),
        "title": lines[0] or None, "body": "\n".join(lines[1:]).strip() or None,
        "files": canonical(list(commit.files)), "diff": diff or None,
        "version_before": pins.get("-"), "version_after": pins.get("+"), "attributes": {},
    }  # fmt: skip


def pull(settings: Mapping[str, Any], saved: str | None, context: Context) -> Iterator[tuple[Batch, str]]:
    """Yield the commits of a repository (``uri``, a folder) since the commit that the cursor names."""
    folder = Path(str(settings.get("uri", ".")))
    newest = _newest(folder)
    if newest == saved:
        return
    since = saved if saved and re.fullmatch(r"[0-9a-f]{7,64}", saved) and _still_there(folder, saved) else None
    batches = list(_batches(_lines(io.BytesIO(_log_of(folder, since))), context))
    for number, batch in enumerate(batches, 1):
        yield batch, newest if number == len(batches) else saved or ""


def _newest(folder: Path) -> str:
    return _git(folder, "rev-parse", "--verify", "HEAD").decode("ascii", "replace").strip()


def _still_there(folder: Path, commit: str) -> bool:
    """Say whether a commit is in the history; one that a rewrite removed is not, and all is read anew."""
    try:
        _git(folder, "merge-base", "--is-ancestor", commit, "HEAD")
    except SourceError:
        return False
    return True


def check(settings: Mapping[str, Any]) -> str:
    """Return one line on the repository, or raise SourceError."""
    folder = Path(str(settings.get("uri", ".")))
    return f"git repository {folder.name or '.'}, newest commit {_newest(folder)[:12]}"


SOURCE = Source(
    name="git_log",
    title="Git log",
    doc="Commits with their files and diffs, from the text of 'git log' or from a repository.",
    reads=(CHANGES.name,),
    recognise=recognise,
    read=read,
    pull=pull,
    check=check,
)
