"""A store whose bulk questions a Spark Connect server answers; journal, manifest and sealing stay where they are."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote

import pyarrow as pa

from workbench import plugins
from workbench.errors import UsageError
from workbench.store.engines.clickhouse import ClickHouseEngine
from workbench.store.engines.duckdb import Session
from workbench.store.engines.spark import EngineState, SparkEngine
from workbench.store.query import Query
from workbench.store.store import Store

Missing = Literal["duckdb", "refuse"]
Compacting = Literal["here", "engine"]
_PATH, _MISSING, _CACHE, _ENDPOINT, _COMPACT = "path", "missing", "cache", "endpoint_url", "compact"
_CLICKHOUSE = "clickhouse:"
"""Begin of an address whose questions ClickHouse answers in this process (experimental)."""
_OWN = (_PATH, _MISSING, _CACHE, _ENDPOINT, _COMPACT)
"""Parts of an address that are ours; others are handed to the client."""


@dataclass(frozen=True)
class Address:
    """Where a store lies and who answers questions of it."""

    path: Path
    server: str | None = None
    """``sc://host:port`` with what else the client is to be told, ``clickhouse:``, or None: DuckDB in this process."""
    missing: Missing = "duckdb"
    """Who answers queries that have no portable expression yet."""
    shared: str | None = None
    """``s3://bucket/folder`` or ``file:///folder`` to share segments at; *path* then holds journal and copies."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the shared storage's file system is told, such as ``endpoint_url``."""
    compact: Compacting = "here"
    """Who compacts what is shared: DuckDB in this process, or the server."""


def parse(text: str | Path) -> Address:
    """Read ``./store``, ``s3://bucket/store``, ``file:///shared/store``, or ``sc://host:port/;path=`` any of these.

    ``clickhouse:./store`` reads a folder by ClickHouse in this process (experimental).
    Further parts: ``;cache=./folder`` (what shared storage needs here; ``./shared-store`` if not said),
    ``;endpoint_url=`` (an S3 server other than Amazon's), ``;missing=refuse``, ``;compact=engine`` (the server).
    """
    if isinstance(text, Path):
        # A path has lost one of the two slashes.
        text = re.sub(r"^(sc|s3|file):/(?!/)", r"\1://", str(text))
    if text.startswith(_CLICKHOUSE):
        folder, _, said_missing = text.removeprefix(_CLICKHOUSE).partition(";missing=")
        return Address(Path(folder or "./store"), _CLICKHOUSE, "refuse" if said_missing == "refuse" else "duckdb")
    if not re.match(r"(sc|s3|file):", text):
        return Address(Path(text))
    head, *parts = text.split(";")
    said = {name: unquote(value) for name, _, value in (p.partition("=") for p in parts)}
    own = {name: said.get(name) for name in _OWN}
    server = None
    if text.startswith("sc:"):
        if not text.startswith("sc://") or not text.removeprefix("sc://").partition("/")[0]:
            raise UsageError(f"A Spark Connect server is written sc://host:15002; got {text!r}.")
        others = [p for p in parts if p and p.partition("=")[0] not in _OWN]
        server = ";".join([head.rstrip("/") + ("/" if others else ""), *others])
        head = own[_PATH] or "./store"
    missing = own[_MISSING] or "duckdb"
    if missing not in {"duckdb", "refuse"}:
        raise UsageError(f"missing= says who answers what the cluster cannot: duckdb or refuse; got {missing!r}.")
    chosen: Missing = "refuse" if missing == "refuse" else "duckdb"
    by = own[_COMPACT] or "here"
    if by not in {"here", "engine"} or (by == "engine" and (server is None or not re.match(r"(s3|file):", head))):
        raise UsageError(
            "compact= says who compacts shared storage: here, or engine where a server sc://host:15002 reads it; "
            f"got {by!r} for {text!r}."
        )
    if not re.match(r"(s3|file):", head):
        return Address(Path(head), server, chosen)
    options = {_ENDPOINT: own[_ENDPOINT]} if own[_ENDPOINT] else {}
    return Address(Path(own[_CACHE] or "./shared-store"), server, chosen, head.rstrip("/"), options,
                   "engine" if by == "engine" else "here")  # fmt: skip


def engine_at(server: str) -> SparkEngine | ClickHouseEngine:
    """Return the engine of an address; nothing is connected or loaded yet."""
    return ClickHouseEngine() if server == _CLICKHOUSE else SparkEngine(server)


def open_store(address: str | Path, *, environment: str = "prod", mode: Literal["write", "read"] = "write") -> Store:
    """Open the store at an address: a folder, shared storage, or a Spark Connect server that reads one of them."""
    where = parse(address)
    if where.shared is not None:
        from workbench.store.sharing import SharedStore

        return SharedStore.open_shared(where, environment=environment, mode=mode)
    if where.server is None:
        return Store.open(where.path, environment=environment, mode=mode)
    return ClusterStore.open(where.path, environment=environment, mode=mode).answered_by(where)


class ClusterStore(Store):
    """Ask the server wherever a query has a portable expression; what is kept, and what is missing, is the store's."""

    _other_engine: SparkEngine | ClickHouseEngine | None = None
    _missing: Missing = "duckdb"

    def answered_by(self, address: Address) -> Self:
        """Name the server; nothing is connected before the first question."""
        if address.server is None:
            raise UsageError("A cluster's store needs the address of a Spark Connect server, sc://host:15002.")
        self._other_engine, self._missing = engine_at(address.server), address.missing
        return self

    def engine_of(self, query: str) -> str:
        """Return which engine answers a named query: ``spark``, ``duckdb``, or ``none`` where that was refused."""
        asked: Query = plugins.load("query", query)
        if asked.portable is not None and self._other_engine is not None and query not in self._other_engine.unable:
            return self._other_engine.name
        return "duckdb" if self._missing == "duckdb" else "none"

    def state(self) -> EngineState:
        """Return the server's version and latency; StoreError where it does not answer."""
        if self._other_engine is None:
            raise UsageError("This store has no server; name one with answered_by.")
        return self._other_engine.state()

    def _ask(self, name: str, asked: Query, arguments: Mapping[str, Any], environment: str) -> pa.Table:
        if self._other_engine is None:
            return super()._ask(name, asked, arguments, environment)
        if asked.portable is None or name in self._other_engine.unable:
            if self._missing == "refuse":
                raise UsageError(
                    f"This query has no portable expression yet, so {self._other_engine.address} cannot answer it: "
                    f"{asked.doc} Leave missing=refuse out of the store's address to let DuckDB answer it here."
                )
            return super()._ask(name, asked, arguments, environment)
        elsewhere = functools.partial(_elsewhere, self._other_engine, asked)
        return super()._ask(name, dataclasses.replace(asked, run=elsewhere), arguments, environment)

    def close(self) -> None:
        """Leave the server, then release everything here."""
        if self._other_engine is not None:
            self._other_engine.close()
        super().close()


def _elsewhere(engine: SparkEngine | ClickHouseEngine, asked: Query, session: Session, /, **arguments: Any) -> pa.Table:
    if asked.portable is None:
        raise UsageError(f"This query has no portable expression: {asked.doc}")
    return engine.answer(session, asked.portable, arguments)


def portable_queries() -> tuple[list[str], list[str]]:
    """Return the names of queries with a portable expression, and of those that fall back."""
    queries: dict[str, Query] = plugins.load_all("query")
    portable = [name for name, query in queries.items() if query.portable is not None]
    return portable, [name for name in queries if name not in portable]
