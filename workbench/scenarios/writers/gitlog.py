"""Write the change history as ``git log --patch`` prints it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.scenarios.mechanisms import Commit
from workbench.scenarios.vocabulary import PEOPLE
from workbench.scenarios.world import World, stream

if TYPE_CHECKING:
    from workbench.scenarios.incident import Incident


def write(incident: Incident, out: Path) -> None:
    """Write ``changes/git.log``, newest first."""
    folder = out / "changes"
    folder.mkdir()
    seen = [c for c in incident.plan.commits if 0 <= c.second <= incident.plan.moment.end_s]
    seen.sort(key=lambda c: -c.second)
    authors = stream(incident.world.seed, "authors").integers(0, len(PEOPLE), len(seen))
    entries = [_entry(incident.world, c, PEOPLE[int(a)]) for c, a in zip(seen, authors, strict=True)]
    (folder / "git.log").write_text("\n".join(entries))


def _entry(world: World, commit: Commit, author: str) -> str:
    sha = hashlib.sha1(f"{world.seed}{commit}".encode(), usedforsecurity=False).hexdigest()
    when = world.moment(commit.second)
    lines = [
        f"commit {sha}",
        f"Author: {author.title()} <{author}@{world.company}.example>",
        f"Date:   {when:%a %b} {when.day} {when:%H:%M:%S %Y} +0000",
        "",
        f"    {commit.title}",
        *(["", f"    {commit.body}"] if commit.body else []),
        "",
    ]
    for place, path in enumerate(commit.files):
        patch = commit.patch if place == 0 and commit.patch else (" # settings", "-  old", "+  new")
        old = sum(not p.startswith("+") for p in patch)
        new = sum(not p.startswith("-") for p in patch)
        blobs = [hashlib.sha1(f"{sha}{path}{k}".encode(), usedforsecurity=False).hexdigest()[:7] for k in range(2)]
        lines += [
            f"diff --git a/{path} b/{path}",
            f"index {blobs[0]}..{blobs[1]} 100644",
            f"--- a/{path}",
            f"+++ b/{path}",
            f"@@ -1,{old} +1,{new} @@",
            *patch,
        ]
    return "\n".join([*lines, ""])
