"""Settings: read once at the edge from ``workbench.toml``, then passed down unchanged."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from workbench.errors import UsageError

FILE = "workbench.toml"
_SECRET_WORDS = ("password", "secret", "token", "api_key", "apikey", "private_key", "credential")
_SOURCE_KEYS = ("name", "kind", "interval", "uri", "options")


@dataclass(frozen=True)
class SourceSettings:
    """Describe one live source that the server pulls."""

    name: str
    kind: str
    """Name of a source, such as mlflow or prometheus."""
    uri: str
    interval: str = "60s"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableSettings:
    """Say how files of one's own whose name matches *files* enter a declared table."""

    files: str
    table: str
    map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerSettings:
    """Say where the server listens and what it lets in."""

    host: str = "127.0.0.1"
    port: int = 4318
    allowed_hosts: tuple[str, ...] = ()
    outside: bool = False
    """Listen beyond this machine."""


@dataclass(frozen=True)
class Prices:
    """State what things cost, in the configured currency."""

    gpu_hour: float | None = None
    energy_kwh: float | None = None
    licence_month: float | None = None
    per_prediction: float | None = None
    """Harm of one wrong prediction, where the business knows it."""


@dataclass(frozen=True)
class MaskSettings:
    """Choose what is masked before anything is written."""

    addresses: bool = False
    """Mask IP addresses too."""
    keys: tuple[str, ...] = ()
    """Further attribute keys whose values are masked."""


@dataclass(frozen=True)
class Settings:
    """Hold everything that ``workbench.toml`` says."""

    store: str = "./store"
    environment: str = "prod"
    zone: str = "UTC"
    currency: str = "C$"
    retain_days: int | None = None
    sources: tuple[SourceSettings, ...] = ()
    tables: tuple[TableSettings, ...] = ()
    server: ServerSettings = ServerSettings()
    prices: Prices = Prices()
    mask: MaskSettings = MaskSettings()


def read_settings(path: str | Path | None = None) -> Settings:
    """Read *path*, or ``workbench.toml`` in the working folder where it exists; otherwise the defaults."""
    chosen = Path(path) if path is not None else Path(FILE)
    if not chosen.is_file():
        if path is not None:
            raise UsageError(f"There is no settings file {chosen}; `workbench init` writes one.")
        return Settings()
    try:
        read = tomllib.loads(chosen.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{chosen} is not valid TOML: {error}.") from error
    _refuse_secrets(read, str(chosen))
    return _settings(read, str(chosen))


def secret(value: str) -> str:
    """Return what ``env:NAME`` or ``file:PATH`` points to; anything else as it is."""
    kind, colon, name = value.partition(":")
    if not colon or kind not in {"env", "file"}:
        return value
    if kind == "env":
        if name not in os.environ:
            raise UsageError(f"The settings point to the environment variable {name}, which is not set.")
        return os.environ[name]
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"The settings point to the file {name}, which cannot be read: {error.strerror}.") from error


def _settings(read: Mapping[str, Any], place: str) -> Settings:
    _known(read, [f.name for f in fields(Settings)], place)
    plain = {k: v for k, v in read.items() if k in {"store", "environment", "zone", "currency", "retain_days"}}
    server = _section(read, "server", ServerSettings, place)
    return Settings(
        **plain,
        sources=tuple(_source(s, place) for s in read.get("sources", [])),
        tables=tuple(_table(t, place) for t in read.get("tables", [])),
        server=ServerSettings(**{**server, "allowed_hosts": tuple(server.get("allowed_hosts", ()))}),
        prices=Prices(**_section(read, "prices", Prices, place)),
        mask=MaskSettings(**{k: tuple(v) if isinstance(v, list) else v for k, v in _section(
            read, "mask", MaskSettings, place).items()}),
    )  # fmt: skip


def _section(read: Mapping[str, Any], name: str, shape: type, place: str) -> dict[str, Any]:
    section = read.get(name, {})
    if not isinstance(section, dict):
        raise UsageError(f"{place}: [{name}] is a table of settings; found {section!r}.")
    _known(section, [f.name for f in fields(shape)], f"{place} [{name}]")
    return section


def _source(entry: Mapping[str, Any], place: str) -> SourceSettings:
    _known(entry, _SOURCE_KEYS, f"{place} [[sources]]")
    missing = [k for k in ("kind", "uri") if k not in entry]
    if missing:
        raise UsageError(f"{place}: a [[sources]] entry needs {' and '.join(missing)}; found {sorted(entry)}.")
    return SourceSettings(**{"name": entry["kind"], **entry})


def _table(entry: Mapping[str, Any], place: str) -> TableSettings:
    _known(entry, ("files", "as", "map"), f"{place} [[tables]]")
    missing = [k for k in ("files", "as") if k not in entry]
    if missing:
        raise UsageError(f"{place}: a [[tables]] entry needs {' and '.join(missing)}; found {sorted(entry)}.")
    return TableSettings(entry["files"], entry["as"], entry.get("map", {}))


def _known(entry: Mapping[str, Any], known: list[str] | tuple[str, ...], place: str) -> None:
    for name in entry:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean: {near[0]}?" if near else f"Known: {', '.join(known)}."
            raise UsageError(f"{place} has no setting {name!r}. {hint}")


def _refuse_secrets(entry: Any, place: str, name: str = "") -> None:  # noqa: ANN401 - whatever TOML holds
    if isinstance(entry, dict):
        for key, value in entry.items():
            _refuse_secrets(value, place, key)
    elif isinstance(entry, list):
        for value in entry:
            _refuse_secrets(value, place, name)
    elif isinstance(entry, str) and any(word in name.lower() for word in _SECRET_WORDS):
        if not entry.startswith(("env:", "file:")):
            raise UsageError(f"{place}: {name} holds a secret in clear; write env:NAME or file:PATH instead.")


COMMENTED = '''\
# Settings of Incident Workbench. Every line is optional; what is commented out shows the default or an example.

store = "./store"
environment = "prod"
# zone = "America/Toronto"        # clock shown beside UTC
# currency = "C$"
# retain_days = 90                # rows older than this are let go; by default none

# Live sources that `workbench serve` pulls, each on its own and from where it left off.
# [[sources]]
# kind = "mlflow"
# uri = "http://127.0.0.1:5000"
# interval = "60s"
#
# [[sources]]
# kind = "prometheus"
# uri = "http://127.0.0.1:9090"
# interval = "30s"
# options = { queries = ["up", "DCGM_FI_DEV_GPU_UTIL"] }
# Secrets stand outside: options = { token = "env:PROMETHEUS_TOKEN" } or "file:/run/secrets/token".

# Files of your own that enter a declared table: own columns on the right.
# [[tables]]
# files = "predictions*.parquet"
# as = "predictions"
# map = { prediction_id = "id", time_ns = "ts", score = "p" }

[server]
host = "127.0.0.1"
port = 4318

# [prices]
# gpu_hour = 2.80
# energy_kwh = 0.14

# [mask]
# addresses = true                # mask IP addresses as well
# keys = ["customer_ref"]
'''


def write_commented(path: Path) -> Path:
    """Write a commented settings file; one that is there already is left alone."""
    if path.exists():
        raise UsageError(f"{path} exists already; edit it, or move it away first.")
    path.write_text(COMMENTED, encoding="utf-8")
    return path
