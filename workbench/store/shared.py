"""The manifest on shared storage: numbered snapshot files, each written only where none of its number stands.

A snapshot lists every segment. Whoever changes it reads the newest, number n, and puts number n + 1 on condition that
it does not exist; of several that try, one succeeds, and the others read again. So no list is ever changed, a reader
that took one snapshot reads exactly its files, and no clock or lock of the storage is needed. Any fsspec file system
will do that can put conditionally: local and network folders (a hard link), S3 and what is compatible with it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.errors import StoreError, UsageError
from workbench.store.segments import Segment

FORMAT = 1
"""Version of a snapshot file; raised when an older workbench could misread it."""
_NAME = re.compile(r"(\d{20})\.json")
_KEPT = 64
"""Snapshots that are kept for readers that took them before."""
_KEPT_S = 3600.0
"""How long any snapshot is kept at least; nobody may need longer from reading one to putting the next."""
_REPLACED_S = 2 * 86_400.0
"""How long it is remembered which segments compaction has replaced, so that nobody lists them again."""
_ATTEMPTS = 200
_SEGMENT = re.compile(r"[a-z0-9_%-]+/[a-z_0-9]+/day=[0-9a-z-]+/[0-9a-f]{40}\.parquet")


@dataclass(frozen=True)
class Snapshot:
    """One unchanging list of segments."""

    number: int
    segments: tuple[Segment, ...] = ()
    replaced: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Paths that compaction took out, and when (s since 1970)."""
    digest: str = ""
    """SHA-256 of its file; the next snapshot names it as the one that it was made from."""


Change = Callable[[Snapshot], Snapshot]


class SharedStorage:
    """Segments and their manifest at an address: ``s3://bucket/folder``, ``file:///shared/store`` or a plain folder."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        """Take the address and what fsspec's file system is to be told, such as ``endpoint_url``."""
        try:
            core = importlib.import_module("fsspec.core")
            self._fs, root = core.url_to_fs(str(url), **(options or {}))
        except ImportError as error:
            raise StoreError(
                f"A store on shared storage needs what is not installed ({error}): "
                "pip install 'incident-workbench[shared]'."
            ) from error
        except (OSError, ValueError) as error:
            raise UsageError(f"Shared storage is written s3://bucket/folder or file:///folder; got {url!r}.") from error
        self.url, self._root = str(url).rstrip("/"), root.rstrip("/")
        self.options: Mapping[str, Any] = dict(options or {})
        protocols = (self._fs.protocol,) if isinstance(self._fs.protocol, str) else tuple(self._fs.protocol)
        self.local = "file" in protocols
        """Whether it is a folder, seen under the same path by whoever mounts it."""

    def newest(self) -> Snapshot:
        """Return the newest snapshot; number 0, without segments, where none was put yet."""
        for _ in range(_ATTEMPTS):
            numbers = self._numbers()
            if not numbers:
                return Snapshot(0)
            try:
                return self._read(numbers[-1])
            except FileNotFoundError:
                # Taken back by who put it late; what is newest now is listed again.
                continue
        raise StoreError(f"The newest snapshot of {self.url} cannot be read: it goes away whenever it is. Retry.")

    def change(self, step: Change) -> Snapshot:
        """Put the snapshot that *step* makes of the newest one; called again whenever another writer was first.

        A step that returns what it was given changes nothing. StoreError where the storage refused.
        """
        for attempt in range(_ATTEMPTS):
            old = self.newest()
            new = step(old)
            if new is old:
                return old
            number = old.number + 1
            content = _encoded(dataclasses.replace(new, number=number), made_from=old.digest)
            if self._put_new(self._name(number), content):
                digest = hashlib.sha256(content).hexdigest()
                if self._stands(number, digest):
                    self._forget(number)
                    return dataclasses.replace(new, number=number, digest=digest)
                self._fs.rm_file(self._name(number))
            time.sleep(min(0.5, 0.005 * (attempt + 1)))
        raise StoreError(f"The manifest of {self.url} changed {_ATTEMPTS} times while it was to be changed. Retry.")

    def place(self, path: str) -> str:
        """Return where a segment lies, as a Spark server is told: a path of a folder, else the whole address."""
        return f"{self._root}/{path}" if self.local else f"{self.url}/{path}"

    def upload(self, source: Path, segment: Segment) -> None:
        """Bring a segment there; its name is its digest, so that one that is there already is left alone."""
        target = f"{self._root}/{_checked(segment.path)}"
        try:
            if self._size(target) == segment.bytes:
                return
            if self.local:
                partial = f"{target}.{uuid.uuid4().hex}.part"
                self._fs.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
                self._fs.put_file(str(source), partial)
                _sync(Path(partial))
                Path(partial).replace(target)
            else:
                self._fs.put_file(str(source), target)
        except OSError as error:
            raise StoreError(f"{segment.path} cannot be brought to {self.url}: {error}. Retry.") from error

    def fetch(self, segment: Segment, target: Path) -> None:
        """Bring a segment here: a link where the folder can be seen, else a copy."""
        source = f"{self._root}/{_checked(segment.path)}"
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            if self.local:
                partial.symlink_to(source)
            else:
                self._fs.get_file(source, str(partial))
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StoreError(f"{segment.path} cannot be fetched from {self.url}: {error}. Retry.") from error

    def remove(self, path: str) -> None:
        """Delete a segment that no snapshot lists any more."""
        try:
            self._fs.rm_file(f"{self._root}/{_checked(path)}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{path} cannot be removed from {self.url}: {error}. Retry.") from error

    def _size(self, target: str) -> int | None:
        self._fs.invalidate_cache()
        try:
            return int(self._fs.info(target)["size"])
        except FileNotFoundError:
            return None

    def _name(self, number: int) -> str:
        return f"{self._root}/manifest/{number:020d}.json"

    def _numbers(self) -> list[int]:
        self._fs.invalidate_cache()
        try:
            names = self._fs.ls(f"{self._root}/manifest", detail=False)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(
                f"The manifest of {self.url} cannot be listed: {error}. Check address and access."
            ) from error
        found = (_NAME.fullmatch(PurePosixPath(name).name) for name in names)
        return sorted(int(match[1]) for match in found if match)

    def _read(self, number: int) -> Snapshot:
        try:
            text = self._fs.cat_file(self._name(number))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreError(f"Snapshot {number} of {self.url} cannot be read: {error}. Retry.") from error
        return _decoded(text, f"snapshot {number} of {self.url}")

    def _put_new(self, name: str, content: bytes) -> bool:
        """Put a file on condition that there is none of its name; say whether it was put."""
        try:
            if not self.local:
                self._fs.pipe_file(name, content, mode="create")
                return True
            folder = Path(name).parent
            folder.mkdir(parents=True, exist_ok=True)
            partial = folder / f"{uuid.uuid4().hex}.part"
            try:
                partial.write_bytes(content)
                _sync(partial)
                # A link is made whole or not at all, and refused where the name is taken, also on network folders.
                os.link(partial, name)
            finally:
                partial.unlink(missing_ok=True)
            return True
        except FileExistsError:
            return False
        except OSError as error:
            raise StoreError(f"The manifest of {self.url} cannot be written: {error}. Retry.") from error

    def _stands(self, number: int, digest: str) -> bool:
        """Say whether the snapshot that was just put is the newest, or the next one was made from it.

        Whoever read a snapshot, slept until the one after it was forgotten and then put that number would lie below.
        """
        later = [n for n in self._numbers() if n > number]
        if not later:
            return True
        try:
            return later[0] == number + 1 and self._made_from(later[0]) == digest
        except FileNotFoundError:
            return False

    def _made_from(self, number: int) -> str:
        return str(json.loads(self._fs.cat_file(self._name(number)))["made_from"])

    def _forget(self, number: int) -> None:
        limit = time.time() - _KEPT_S
        for old in self._numbers()[:-_KEPT] if number % 16 == 0 else ():
            modified = self._fs.modified(self._name(old)).timestamp()
            if modified < limit:
                self._fs.rm_file(self._name(old))


def adding(segments: list[Segment]) -> Change:
    """Return the change that lists segments, each once, and none that compaction has replaced meanwhile."""

    def step(old: Snapshot) -> Snapshot:
        known = {s.path for s in old.segments} | set(old.replaced)
        fresh = {s.path: s for s in segments if s.path not in known}
        return dataclasses.replace(old, segments=_ordered((*old.segments, *fresh.values()))) if fresh else old

    return step


def replacing(gone: list[Segment], written: list[Segment]) -> Change:
    """Return the change that puts segments in the place of others; nothing where one is not listed any more."""

    def step(old: Snapshot) -> Snapshot:
        paths = {s.path for s in gone}
        if not paths <= {s.path for s in old.segments}:
            return old
        now = time.time()
        kept = (s for s in old.segments if s.path not in paths)
        replaced = {path: at for path, at in old.replaced.items() if now - at < _REPLACED_S} | dict.fromkeys(paths, now)
        written_paths = {s.path for s in written}
        return Snapshot(
            old.number,
            _ordered((*kept, *written)),
            {path: at for path, at in replaced.items() if path not in written_paths},
        )

    return step


def _ordered(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    return tuple(sorted(segments, key=lambda s: (s.environment, s.table, s.day, s.min_ns, s.path)))


def _encoded(snapshot: Snapshot, *, made_from: str) -> bytes:
    body = {
        "format": FORMAT, "made_from": made_from, "number": snapshot.number, "replaced": dict(snapshot.replaced),
        "segments": [dataclasses.asdict(s) for s in snapshot.segments],
    }  # fmt: skip
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _decoded(text: bytes, what: str) -> Snapshot:
    try:
        body = json.loads(text)
        if int(body["format"]) > FORMAT:
            raise StoreError(f"The {what} has format {body['format']}, this workbench reads up to {FORMAT}. Update it.")
        segments = tuple(Segment(**{**s, "path": _checked(s["path"])}) for s in body["segments"])
        return Snapshot(int(body["number"]), segments, {str(k): float(v) for k, v in body["replaced"].items()},
                        hashlib.sha256(text).hexdigest())  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"The {what} is no manifest of the workbench: {error}.") from error


def _checked(path: str) -> str:
    """Refuse a path that no segment has: what a manifest says is read from storage that others write."""
    if not _SEGMENT.fullmatch(path):
        raise StoreError(f"A manifest names {path[:120]!r}, which is no segment's path.")
    return path


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
