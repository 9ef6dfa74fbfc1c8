"""Verify a written postmortem: its own digest, each sentence, and the case that it was written from."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from workbench.case.verify import verify
from workbench.errors import UsageError
from workbench.report.postmortem import DIGEST, text_digest

_LAST = re.compile(rb"<!-- " + DIGEST.encode() + rb" ([0-9a-f]{64}) -->\n\Z")


class _Sentences(HTMLParser):
    """Collect the words below each ``data-s``, without chips, and the list of digests."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.chips: dict[str, list[str]] = {}
        self.digests = ""
        self._last = ""
        self._at = self._cell = self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Follow into sentences and cells."""
        given = dict(attrs)
        if given.get("name") == "workbench-digests":
            self.digests = given.get("content") or ""
        if given.get("data-s"):
            self._at, self._tag = given["data-s"] or "", tag
            self.texts.setdefault(self._at, [])
            self._last = self._at
        if given.get("class") == "chip" and self._last and (given.get("href") or "").startswith("#"):
            self.chips.setdefault(self._last, []).append((given["href"] or "")[1:])
        if tag == "td" and self._tag == "tr":
            self._cell = "chips" if "data-chips" in given else "cell"
            if self._cell == "cell":
                self.texts[self._at].append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave a sentence."""
        if tag == self._tag:
            self._at = self._tag = self._cell = ""

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        if not self._at or (self._tag == "tr" and self._cell != "cell"):
            return
        if self._tag == "tr":
            self.texts[self._at][-1] += data
        else:
            self.texts[self._at].append(data)

    def read(self) -> dict[str, str]:
        """Return each sentence's words by its id."""
        return {name: (" | " if "-row-" in name else "").join(parts) for name, parts in self.texts.items()}


def verify_page(path: str | Path, case: str | Path | None = None) -> list[str]:
    """Return what is wrong with a postmortem's HTML, in words; empty where it is as it was written.

    With the folder of its *case*, evidence, journal and head are compared too.
    """
    content = Path(path).read_bytes()
    found = _LAST.search(content)
    problems = []
    if found is None:
        problems.append(f"{path}: the last line is not the digest that a postmortem ends in")
    elif hashlib.sha256(content[: found.start()]).hexdigest() != found[1].decode():
        problems.append(f"{path}: the SHA-256 of the page is not the one in its last line")
    page = _Sentences(content.decode("utf-8", "replace"))
    try:
        digests = json.loads(page.digests)
        problems += _sentences(page, digests["sentences"])
    except (ValueError, TypeError, KeyError, AttributeError):
        if not problems:
            raise UsageError(f"{path} is no postmortem: it holds no list of digests.") from None
        return [*problems, f"{path}: the list of digests cannot be read"]
    return problems + (_case(Path(case), digests) if case is not None else [])


def told(path: str | Path) -> tuple[str, list[tuple[str, str]]]:
    """Return the case of a written page, and each of its sentences with the section it stands in, in reading order."""
    page = _Sentences(Path(path).read_text(encoding="utf-8", errors="replace"))
    try:
        case = str(json.loads(page.digests)["case"])
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} is no postmortem: it holds no list of digests.") from error
    return case, [(name.partition("-")[0], text.strip()) for name, text in page.read().items()]


def _sentences(page: _Sentences, recorded: dict[str, str]) -> list[str]:
    seen = page.read()
    changed = [name for name, digest in recorded.items() if name in seen and text_digest(seen[name]) != digest]
    problems = [f"sentence {name} was changed: {seen[name][:100]!r}{_cited(page.chips.get(name, []))}"
                for name in changed]  # fmt: skip
    problems += [f"sentence {name} was removed" for name in recorded if name not in seen]
    return problems + [f"sentence {name} was added" for name in seen if name not in recorded]


def _cited(chips: list[str]) -> str:
    return f", which cites {''.join(f'[{chip}]' for chip in chips)}" if chips else ""


def _case(folder: Path, digests: dict[str, Any]) -> list[str]:
    """Compare what the page cites with a case; a journal that has grown since is no mismatch."""
    verified = verify(folder)
    problems = [str(m) for m in verified.mismatches]
    now = {f.id: f.sha256 for f in verified.bundle.frozen} | {f"J{e.seq}": e.hash for e in verified.entries}
    problems += [f"{name}: the case holds another digest than the page cites"
                 for name, digest in digests["sources"].items() if now.get(name) != digest]  # fmt: skip
    if digests["head"] not in {e.hash for e in verified.entries}:
        problems.append("the journal's head that the page names is not in the case")
    return problems
