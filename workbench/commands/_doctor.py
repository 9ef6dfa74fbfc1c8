"""What ``workbench doctor`` looks at: this Python, the configured sources, the store's freshness, what is missing."""

from __future__ import annotations

import platform
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from workbench import plugins
from workbench.config import Settings, SourceSettings
from workbench.errors import IntegrityError, StoreError, WorkbenchError
from workbench.intake.policy import asked_with
from workbench.model.tables import TABLES
from workbench.model.window import iso, parse_duration_ns
from workbench.store.cluster import Address, engine_at, parse, portable_queries

State = Literal["reachable", "unreachable", "not asked"]

PACKAGES = ("incident-workbench", "duckdb", "pyarrow", "pandas", "numpy", "scikit-learn", "mlflow", "evidently",
            "jupyterlab", "panel", "starlette", "uvicorn")  # fmt: skip
"""Distributions whose versions decide what works."""
FOREIGN = "workbench"
"""Somebody else's distribution with the same import name."""
_LONGEST_S = 10.0
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@dataclass(frozen=True)
class SourceLine:
    """Say how one configured source fares."""

    name: str
    kind: str
    uri: str
    state: State
    says: str
    """What the source answers, or why it does not."""


@dataclass(frozen=True)
class TableLine:
    """Say how much one table holds and how old its newest row is."""

    table: str
    rows: int
    newest: str
    age_s: float
    """Negative where a sender's clock runs ahead."""


@dataclass(frozen=True)
class EngineLine:
    """Say who answers questions of the store, how fast, and what it leaves to DuckDB."""

    name: str
    version: str
    latency_ms: float | None
    tables: int
    """Tables with rows."""
    fall_back: tuple[str, ...]
    """Queries that the engine cannot answer yet."""
    state: State
    says: str


@dataclass(frozen=True)
class Health:
    """Hold everything that was looked at."""

    python: str
    packages: Mapping[str, str | None]
    store: str
    environment: str
    store_problem: str
    tables: tuple[TableLine, ...]
    engine: EngineLine
    missing: Mapping[str, tuple[str, ...]]
    """Table without rows -> sources that would fill it."""
    sources: tuple[SourceLine, ...]
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """4 where the store cannot be opened or trusted, 3 where a source or the engine does not answer, else 0."""
        if self.store_problem:
            return StoreError.exit_code
        asked = (self.engine.state, *(source.state for source in self.sources))
        return 3 if "unreachable" in asked else 0

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {**asdict(self), "exit_code": self.exit_code}


def look(
    settings: Settings, store: Path | Address, environment: str, *, now_ns: Callable[[], int] = time.time_ns
) -> Health:  # fmt: skip
    """Look at everything; sources are asked at the same time, each for at most ten seconds."""
    where = store if isinstance(store, Address) else parse(store)
    problem, tables = _store(where.path, environment, now_ns())
    packages = {name: installed(name) for name in PACKAGES}
    warnings = _warnings(tables, installed(FOREIGN))
    if not where.path.exists():
        warnings.append("There is no store yet: `workbench ingest PATH` or `workbench serve` makes one.")
    return Health(
        python=f"{platform.python_version()} ({sys.platform})",
        packages=packages,
        store=str(where.path),
        environment=environment,
        store_problem=problem,
        tables=tables,
        engine=_engine(where, len(tables)),
        missing=_missing({line.table for line in tables}) if not problem else {},
        sources=ask_all(settings.sources),
        warnings=tuple(warnings),
    )


def installed(name: str) -> str | None:
    """Return a distribution's version, or None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def ask_all(sources: Sequence[SourceSettings]) -> tuple[SourceLine, ...]:
    """Ask every configured source at once; one that hangs is said to be unreachable."""
    pool = ThreadPoolExecutor(max_workers=max(1, min(len(sources), 8)))
    try:
        asked = [(source, pool.submit(_ask, source)) for source in sources]
        until = time.monotonic() + _LONGEST_S
        return tuple(_line(source, future, until - time.monotonic()) for source, future in asked)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ask(source: SourceSettings) -> tuple[State, str]:
    plugin = plugins.load("source", source.kind)
    if plugin.pull is None:
        reads = f"{plugin.title} is read from files or sent to `workbench serve`; it cannot be pulled."
        return "unreachable", reads
    parse_duration_ns(source.interval)
    settings = asked_with(source)
    return ("reachable", plugin.check(settings)) if plugin.check else ("not asked", "it has no check")


def _line(source: SourceSettings, future: Future[tuple[State, str]], seconds: float) -> SourceLine:
    try:
        state, says = future.result(timeout=max(seconds, 0.0))
    except TimeoutError:
        state, says = "unreachable", f"no answer within {_LONGEST_S:g} s"
    except (WorkbenchError, OSError) as error:
        state, says = "unreachable", str(error)
    return SourceLine(source.name, source.kind, _PASSWORD.sub("***", source.uri), state, says)


def _store(path: Path, environment: str, now_ns: int) -> tuple[str, tuple[TableLine, ...]]:
    """Return what is wrong with the store, and its tables; a store that is not there yet has none."""
    from workbench.store import Store

    if not path.exists():
        return "", ()
    try:
        with Store.open(path, environment=environment, mode="read") as store:
            rows, newest = store.counts(), store.freshness()
    except (StoreError, IntegrityError) as error:
        return str(error), ()
    lines = (TableLine(name, rows[name], iso(newest[name]), round((now_ns - newest[name]) / 1e9, 3))
             for name in TABLES if name in rows and name in newest)  # fmt: skip
    return "", tuple(lines)


def _engine(where: Address, tables: int) -> EngineLine:
    """Ask the engine nothing, three times; a store that is not there yet is asked by nobody."""
    portable, fall_back = portable_queries()
    found = f"{tables} tables found"
    if where.server is None:
        number = installed("duckdb") or ""
        says = f"Engine duckdb {number} in this process, {found}, all {len(portable) + len(fall_back)} queries."
        return EngineLine("duckdb", number, None, tables, (), "reachable", says)
    address = where.server.partition(";")[0]
    engine = engine_at(where.server)
    fall_back = sorted({*fall_back, *engine.unable})
    try:
        state = engine.state()
    except WorkbenchError as error:
        says = f"Engine {engine.name} at {address} does not answer: {error}"
        return EngineLine(engine.name, "", None, tables, tuple(fall_back), "unreachable", says)
    finally:
        engine.close()
    others = "fall back to DuckDB here" if where.missing == "duckdb" else "are refused"
    rest = f"{len(fall_back)} {others}: {', '.join(fall_back)}" if fall_back else "none falls back to DuckDB"
    says = (
        f"Engine {engine.name} {state.version} at {address}, {state.latency_ms:.0f} ms, {found}, "
        f"{len(portable) - len(engine.unable)} queries there; {rest}."
    )
    return EngineLine(engine.name, state.version, state.latency_ms, tables, tuple(fall_back), "reachable", says)


def _missing(filled: set[str]) -> dict[str, tuple[str, ...]]:
    sources = plugins.load_all("source")
    return {
        name: tuple(source for source, plugin in sources.items() if name in plugin.reads)
        for name in TABLES if name not in filled
    }  # fmt: skip


def _warnings(tables: Sequence[TableLine], foreign: str | None) -> list[str]:
    warnings = []
    if foreign is not None:
        warnings.append(
            f"Another project's distribution {FOREIGN!r} {foreign} is installed and has the same import name: "
            f"pip uninstall {FOREIGN}, then install incident-workbench again."
        )
    ahead = [line.table for line in tables if line.age_s < -60]
    if ahead:
        warnings.append(f"Rows of {', '.join(ahead)} lie in the future: a sender's clock runs ahead.")
    return warnings
