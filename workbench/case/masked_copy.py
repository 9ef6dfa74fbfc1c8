"""A case written anew with its texts replaced: evidence masked, every computed entry computed from it again.

The copy is a case like any other: its digests are its own, and it replays. Only evidence that an entry reads is
taken along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.case import codec, files, operations
from workbench.case.bundle import Frozen, manifest, parquet, question
from workbench.case.canonical import digest, dumps, loads, sha256
from workbench.case.case import run
from workbench.case.identity import identity
from workbench.case.journal import GENESIS, Entry, Head
from workbench.case.masked_table import hosts, masked_table
from workbench.case.offline import offline
from workbench.case.operations import Outcome
from workbench.case.reading import Reading
from workbench.case.replay import replay
from workbench.case.share_mask import ShareMask
from workbench.case.state import fold
from workbench.case.verify import Verified, verify
from workbench.errors import CouldNotRunError, IntegrityError, UnknownNameError


@dataclass(frozen=True)
class Copied:
    """Say what became of a case: entries, evidence taken and left, and entries that were not computed again."""

    entries: int
    evidence: int
    left_out: int
    taken_over: tuple[str, ...]
    """Entries that this version does not compute as recorded, so that their masked record was taken over."""


def look(folder: Path, mask: ShareMask) -> Verified:
    """Pass over everything in a case once, so that *mask* knows what to replace; a changed case is refused."""
    verified = verify(folder)
    if verified.mismatches:
        raise IntegrityError(f"{folder} is not shared: {verified.mismatches[0]}.")
    for entry in verified.entries:
        mask.person(entry.who)
        mask.person(entry.arguments.get("owner") if entry.operation in ("assign", "action") else None)
    tables = {item.id: verified.bundle.read(item.id) for item in verified.bundle.frozen}
    for table in tables.values():
        for name in hosts(table):
            mask.host(name)
    mask.tree(identity(folder))
    for entry in verified.entries:
        mask.tree({"who": entry.who, **entry.arguments})
        mask.tree(loads((folder / files.result_name(entry.seq)).read_bytes()))
    for item in verified.bundle.frozen:
        mask.tree(dict(item.arguments))
        masked_table(tables[item.id], mask)
    mask.settle()
    return verified


def masked_copy(folder: Path, to: Path, mask: ShareMask) -> Copied:
    """Write the case of *folder* into the new folder *to* as *mask* wants it, and say what became of it."""
    verified = look(folder, mask)
    with offline():
        copy = _Copy(folder, to, verified, mask)
        for entry in verified.entries:
            copy.add(entry)
        copy.finish()
    kept = len(copy.kept)
    return Copied(len(copy.entries), kept, len(verified.bundle.frozen) - kept, tuple(copy.taken_over))


class _Copy:
    """Write entries one after the other, each computed in the state that its predecessors left."""

    def __init__(self, folder: Path, to: Path, verified: Verified, mask: ShareMask) -> None:
        self._folder, self._to, self._mask = folder, to, mask
        content = dumps({**mask.tree(identity(folder)), "id": verified.case_id})
        files.write_whole(to / files.CASE, content)
        self._case_sha256 = sha256(content)
        self.kept: dict[str, tuple[Frozen, pa.Table]] = {}
        self._by_question: dict[bytes, str] = {}
        self._keep(verified)
        self._evidence = {name: item.evidence for name, (item, _) in self.kept.items()}
        self._outcomes: dict[int, Outcome] = {}
        self._unequal: set[int] | None = None
        self.entries: list[Entry] = []
        self.taken_over: list[str] = []

    def _keep(self, verified: Verified) -> None:
        """Mask the evidence that some entry read, in its order; what none read stays behind."""
        read = {name for entry in verified.entries for name in entry.inputs}
        for item in (f for f in verified.bundle.frozen if f.id in read):
            table = masked_table(verified.bundle.read(item.id), self._mask)
            content = parquet(table)
            files.write_whole(self._to / files.EVIDENCE / f"E{len(self.kept) + 1}.parquet", content)
            arguments = self._mask.tree(dict(item.arguments))
            kept = Frozen(f"E{len(self.kept) + 1}", item.query, arguments, sha256(content), item.rows)
            self.kept[item.id] = (kept, table)
            self._by_question[_asked(item.query, arguments)] = item.id

    def add(self, entry: Entry) -> None:
        """Write one entry: what was computed is computed again, what people said is taken over."""
        recorded = loads((self._folder / files.result_name(entry.seq)).read_bytes())
        arguments = self._mask.tree(dict(entry.arguments))
        inputs: Mapping[str, str | None] = self._inputs(entry)
        content = codec.encode(codec.decode(self._mask.tree(recorded), self._evidence))
        if entry.mode == "computed":
            computed = self._computed(entry, arguments)
            if computed is None or (computed[0] != content and self._differs_anyway(entry.seq)):
                self.taken_over.append(f"entry {entry.seq}, {entry.operation}")
            else:
                content, inputs = computed
        self._outcomes[entry.seq] = codec.decode(content, {e.id: e for e in self._evidence.values()})
        data = dumps(content)
        files.write_whole(self._to / files.result_name(entry.seq), data)
        prev = self.entries[-1].hash if self.entries else GENESIS
        who = self._mask.value("who", entry.who)
        self.entries.append(replace(entry, who=who, arguments=arguments, inputs=inputs, result=digest(content),
                                    result_sha256=sha256(data), prev=prev, hash="").sealed())  # fmt: skip

    def _inputs(self, entry: Entry) -> dict[str, str | None]:
        """Return what an entry read, with the digests of the copy."""
        now = fold(self.entries).inputs()
        found: dict[str, str | None] = {}
        for name, recorded in entry.inputs.items():
            if name in self.kept:
                found[self.kept[name][0].id] = self.kept[name][0].sha256
            elif name.startswith("earlier:") and recorded is not None:
                earlier = fold(self.entries).earlier(name.partition(":")[2])
                found[name] = earlier.result if earlier else None
            else:
                found[name] = now.get(name, recorded)
        return found

    def _computed(
        self, entry: Entry, arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], Mapping[str, str | None]] | None:
        reading = Reading(fold(self.entries), self._answer, lambda e: self._outcomes[e.seq])
        try:
            operation = operations.find(entry.operation)
        except UnknownNameError:
            return None
        return codec.encode(run(operation, reading, arguments)), reading.inputs

    def _differs_anyway(self, seq: int) -> bool:
        """Say whether the entry does not replay in the original either: then masking is not what changed it."""
        if self._unequal is None:
            self._unequal = {m.entry for m in replay(self._folder).mismatches if m.entry is not None}
        return seq in self._unequal

    def _answer(self, query: str, arguments: Mapping[str, Any]) -> tuple[Frozen, pa.Table]:
        name = self._by_question.get(_asked(query, arguments))
        if name is None:
            raise CouldNotRunError(f"{question(query, arguments)} is not in the bundle.")
        item, table = self.kept[name]
        if dict(item.arguments) != dict(arguments):
            # Pseudonyms sort otherwise than names do; the manifest holds the question as it is asked of the copy.
            item = replace(item, arguments=dict(arguments))
            self.kept[name] = (item, table)
            self._evidence[name] = item.evidence
        return item, table

    def finish(self) -> None:
        """Write manifest, journal and head."""
        listed = manifest(tuple(item for item, _ in self.kept.values()))
        files.write_whole(self._to / files.MANIFEST, listed)
        files.write_whole(self._to / files.JOURNAL, b"".join(e.line() + b"\n" for e in self.entries))
        (self._to / files.RESULTS).mkdir(exist_ok=True)
        last = self.entries[-1].hash if self.entries else GENESIS
        head = Head(len(self.entries), last, fold(self.entries).hash, self._case_sha256, sha256(listed))
        files.write_whole(self._to / files.HEAD, head.content())


def _asked(query: str, arguments: Mapping[str, Any]) -> bytes:
    """Return a question's name in which the order of lists does not matter."""
    return dumps({"query": query, "arguments": {
        k: sorted(v, key=dumps) if isinstance(v, list) else v for k, v in arguments.items()
    }})  # fmt: skip
