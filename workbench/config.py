"""Settings: read once at the edge from ``workbench.toml``, then passed down unchanged."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from workbench.config_comments import COMMENTED
from workbench.errors import UsageError

FILE = "workbench.toml"
_SECRET_WORDS = ("password", "secret", "token", "api_key", "apikey", "private_key", "credential", "slack", "pagerduty")
PLACEHOLDERS = ("{entity}", "{name}", "{kind}", "{case}")
HOOK_KINDS = ("command", "http", "mlflow_alias", "mlflow_retrain")
_SOURCE_KEYS = ("name", "kind", "interval", "uri", "options")
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "tuple[str, ...]": ((list,), "a list of texts"),
    "Mapping[str, str]": ((dict,), "a table of texts"),
    "Mapping[str, Any]": ((dict,), "a table"),
}
"""Declared type -> what TOML gives for it, and its name in words."""
_WITH_PASSWORD = re.compile(r"^[\w+.-]+://[^/@\s]*:[^/@\s]+@")


@dataclass(frozen=True)
class SourceSettings:
    """Describe one live source that the server pulls."""

    name: str
    """What it is called in messages; by default its kind."""
    kind: str
    """Name of a source, such as mlflow or prometheus."""
    uri: str
    """Where it answers; one with a password in it stands outside: env:NAME or file:PATH."""
    interval: str = "60s"
    """How often it is asked, such as 30s or 5m."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What this kind of source needs further; secrets as env:NAME or file:PATH."""


@dataclass(frozen=True)
class TableSettings:
    """Say how files of one's own whose name matches *files* enter a declared table."""

    files: str
    """Glob over file names, such as predictions*.parquet."""
    table: str
    """Declared table that they enter."""
    map: Mapping[str, str] = field(default_factory=dict)
    """Declared column to own column."""


@dataclass(frozen=True)
class HookSettings:
    """Name one thing that the app may run once somebody has approved it; a placeholder is a whole argument or value."""

    name: str
    """What it is called where it is approved."""
    kind: str
    """command, http, mlflow_alias (move an alias of the registry) or mlflow_retrain (ask for a run)."""
    signatures: tuple[str, ...]
    """Failure signatures that it is offered for."""
    command: tuple[str, ...] = ()
    """Program and arguments, run without a shell; {entity}, {name}, {kind}, {case} each stand alone as one argument."""
    uri: str = ""
    """Address that is called, or MLflow's; nothing from telemetry ever becomes part of it."""
    body: Mapping[str, str] = field(default_factory=dict)
    """Fields of the JSON that http sends; the same placeholders, each as a whole value."""
    model: str = ""
    """Registered model whose alias moves, or that is to be trained."""
    alias: str = ""
    """Alias that moves."""
    version: str = ""
    """Version that the alias moves to; by default the newest one before the present."""
    experiment: str = ""
    """Experiment in which a run is asked for."""
    token: str = ""
    """Bearer token, as env:NAME or file:PATH."""
    role: str = "admin"
    """Least role that may approve it: responder or admin."""
    timeout: str = "60s"
    """A command that takes longer is ended."""


@dataclass(frozen=True)
class ActSettings:
    """Say what is never run from the app, and when a fix counts as verified."""

    never: tuple[str, ...] = ()
    """Signatures, or entities with * as a wildcard, for which nothing is ever run: only copied."""
    windows: int = 3
    """Clean windows in a row that verify a fix."""
    every: str = "15m"
    """Length of such a window."""


@dataclass(frozen=True)
class ServerSettings:
    """Say where the server listens and what it lets in."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 4318
    """Port to listen on; 4318 is where OpenTelemetry's senders look."""
    allowed_hosts: tuple[str, ...] = ()
    """Further names under which senders may address the server, beside this machine's own."""
    outside: bool = False
    """Listen beyond this machine."""
    identity_header: str = ""
    """Header in which a trusted proxy names the visitor; the app is served beyond this machine only with it."""
    identity_secret: str = ""
    """Secret that the proxy sends in X-Workbench-Proxy, as env:NAME or file:PATH, 16 characters or more."""
    identity_keys: str = ""
    """File of public keys (JWKS): what identity_header holds is then an OIDC token (JWT) signed by one of them."""
    identity_issuer: str = ""
    """Who makes these tokens: their iss."""
    identity_audience: str = ""
    """For whom they are made: their aud."""
    identity_claim: str = "email"
    """Which of their claims names the visitor."""
    ingest: Mapping[str, str] = field(default_factory=dict)
    """Sender to 'signal environment sha256': telemetry is then taken only with a token of that hash."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Visitor to role: viewer, responder or admin; who is not named is a viewer."""
    behind_proxy: bool = False
    """A proxy in front ends TLS; otherwise certificate and key are needed beyond this machine."""
    certificate: str = ""
    """File of the TLS certificate."""
    key: str = ""
    """File of its private key."""


@dataclass(frozen=True)
class Prices:
    """State what things cost, in the configured currency."""

    gpu_hour: float | None = None
    """One hour of one GPU."""
    energy_kwh: float | None = None
    """One kilowatt-hour."""
    licence_month: float | None = None
    """Licences, a month."""
    observability_month: float | None = None
    """What observing costs, a month: collectors, storage, this workbench's machine."""
    budget_month: float | None = None
    """What may be spent, a month."""
    per_prediction: float | None = None
    """Harm of one wrong prediction, where the business knows it."""


@dataclass(frozen=True)
class MaskSettings:
    """Choose what is masked before anything is written."""

    addresses: bool = False
    """Mask IP addresses too."""
    keys: tuple[str, ...] = ()
    """Further attribute keys whose values are masked. People's names too: no pattern tells one from another word."""


@dataclass(frozen=True)
class ExportSettings:
    """Say where the end of an incident is told; nothing is sent to what is not set."""

    link: str = ""
    """Address of the app, such as https://workbench.example.com, for links to a case."""
    openlineage: str = ""
    """Address that takes OpenLineage events: env:NAME, file:PATH or in clear where it holds no password."""
    cdevents: str = ""
    """Address that takes CDEvents, written as openlineage is."""
    slack: str = ""
    """Address of a Slack webhook; it is a secret, so env:NAME or file:PATH."""
    pagerduty: str = ""
    """Routing key of a PagerDuty service; it is a secret, so env:NAME or file:PATH."""


@dataclass(frozen=True)
class Settings:
    """Hold everything that ``workbench.toml`` says."""

    store: str = "./store"
    """Folder that holds the telemetry and the cases, or sc://host:15002/;path=FOLDER for Spark Connect."""
    environment: str = "prod"
    """Where what arrives ran: prod, dev, ..."""
    zone: str = "UTC"
    """Time zone of the clock shown beside UTC."""
    currency: str = "C$"
    """Sign of the currency that prices are in."""
    retain_days: int | None = None
    """Rows older than this are let go; by default none."""
    sources: tuple[SourceSettings, ...] = ()
    """Live sources that the server pulls, each a [[sources]] section."""
    tables: tuple[TableSettings, ...] = ()
    """Files of one's own, each a [[tables]] section."""
    server: ServerSettings = ServerSettings()
    """Where the server listens: the [server] section."""
    prices: Prices = Prices()
    """What things cost: the [prices] section."""
    mask: MaskSettings = MaskSettings()
    """What is masked: the [mask] section."""
    exports: ExportSettings = ExportSettings()
    """Where the end of an incident is told: the [exports] section."""
    hooks: tuple[HookSettings, ...] = ()
    """What may be run against a cause, each a [[hooks]] section."""
    act: ActSettings = ActSettings()
    """What is never run, and what verifies a fix: the [act] section."""


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
    sources = tuple(_source(s, place) for s in _listed(read, "sources", place))
    for name, times in Counter(source.name for source in sources).items():
        if times > 1:  # each is read from where its name left off
            raise UsageError(f"{place}: {times} [[sources]] are called {name!r}; give each a name of its own.")
    return Settings(
        **_typed(plain, Settings, place),
        sources=sources,
        tables=tuple(_table(t, place) for t in _listed(read, "tables", place)),
        server=ServerSettings(**_section(read, "server", ServerSettings, place)),
        prices=Prices(**_section(read, "prices", Prices, place)),
        mask=MaskSettings(**_section(read, "mask", MaskSettings, place)),
        exports=ExportSettings(**_section(read, "exports", ExportSettings, place)),
        hooks=tuple(_hook(h, place) for h in _listed(read, "hooks", place)),
        act=ActSettings(**_section(read, "act", ActSettings, place)),
    )


def _section(read: Mapping[str, Any], name: str, shape: type, place: str) -> dict[str, Any]:
    section = read.get(name, {})
    if not isinstance(section, dict):
        raise UsageError(f"{place}: [{name}] is a table of settings; found {section!r}.")
    _known(section, [f.name for f in fields(shape)], f"{place} [{name}]")
    return _typed(section, shape, f"{place} [{name}]")


def _listed(read: Mapping[str, Any], name: str, place: str) -> list[dict[str, Any]]:
    entries = read.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{place}: {name} are written as [[{name}]] sections, one each; found {entries!r}.")
    return entries


def _source(entry: Mapping[str, Any], place: str) -> SourceSettings:
    place = f"{place} [[sources]]"
    _known(entry, _SOURCE_KEYS, place)
    _needed(entry, ("kind", "uri"), place)
    return SourceSettings(**_typed({"name": entry["kind"], **entry}, SourceSettings, place))


def _table(entry: Mapping[str, Any], place: str) -> TableSettings:
    place = f"{place} [[tables]]"
    _known(entry, ("files", "as", "map"), place)
    _needed(entry, ("files", "as"), place)
    return TableSettings(**_typed({"table" if k == "as" else k: v for k, v in entry.items()}, TableSettings, place))


def _hook(entry: Mapping[str, Any], place: str) -> HookSettings:
    place = f"{place} [[hooks]]"
    _known(entry, [f.name for f in fields(HookSettings)], place)
    needs = {"command": ("command",), "http": ("uri",), "mlflow_alias": ("uri", "model", "alias"),
             "mlflow_retrain": ("uri", "model", "experiment")}  # fmt: skip
    _needed(entry, ("name", "kind", "signatures"), place)
    if entry["kind"] not in HOOK_KINDS:
        raise UsageError(f"{place}: kind is {', '.join(HOOK_KINDS[:-1])} or {HOOK_KINDS[-1]}; found {entry['kind']!r}.")
    _needed(entry, needs[entry["kind"]], place)
    made = HookSettings(**_typed(entry, HookSettings, place))
    if made.role not in ("responder", "admin"):
        raise UsageError(f"{place}: role is responder or admin; found {made.role!r}.")
    for text in (*made.command, *made.body.values()):
        if re.search(r"\{\w+\}", text) and text not in PLACEHOLDERS:
            raise UsageError(f"{place}: {text!r} mixes a placeholder with other text; each of "
                             f"{', '.join(PLACEHOLDERS)} stands alone, so that telemetry is never part of a "
                             "larger argument.")  # fmt: skip
    if made.command and made.command[0] in PLACEHOLDERS:
        raise UsageError(f"{place}: the program of {made.name!r} is named by {made.command[0]}; name it yourself.")
    return made


def _needed(entry: Mapping[str, Any], names: tuple[str, ...], place: str) -> None:
    missing = [name for name in names if name not in entry]
    if missing:
        found = ", ".join(sorted(entry)) or "none"
        raise UsageError(f"{place}: an entry needs {' and '.join(missing)}; found {found}.")


def _typed(entry: Mapping[str, Any], shape: type, place: str) -> dict[str, Any]:
    """Return the values as the declaration wants them; refuse those of another type."""
    declared = {f.name: str(f.type).removesuffix(" | None") for f in fields(shape)}
    return {name: _value(value, declared[name], f"{place}: {name}") for name, value in entry.items()}


def _value(value: Any, wanted: str, place: str) -> Any:  # whatever TOML holds
    kinds, words = _TYPES[wanted]
    fits = isinstance(value, kinds) and (wanted == "bool" or not isinstance(value, bool))
    inner = value.values() if isinstance(value, dict) and wanted == "Mapping[str, str]" else value
    if fits and wanted in {"tuple[str, ...]", "Mapping[str, str]"}:
        fits = all(isinstance(each, str) for each in inner)
    if not fits:
        raise UsageError(f"{place} is {words}; found {value!r}.")
    return tuple(value) if wanted == "tuple[str, ...]" else value


def _known(entry: Mapping[str, Any], known: list[str] | tuple[str, ...], place: str) -> None:
    for name in entry:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean: {near[0]}?" if near else f"Known: {', '.join(known)}."
            raise UsageError(f"{place} has no setting {name!r}. {hint}")


def _refuse_secrets(entry: Any, place: str, name: str = "") -> None:  # whatever TOML holds
    if isinstance(entry, dict):
        for key, value in entry.items():
            _refuse_secrets(value, place, key)
    elif isinstance(entry, list):
        for value in entry:
            _refuse_secrets(value, place, name)
    elif isinstance(entry, str) and _in_clear(name, entry):
        raise UsageError(f"{place}: {name} holds a secret in clear; write env:NAME or file:PATH instead.")


def _in_clear(name: str, value: str) -> bool:
    if value.startswith(("env:", "file:")):
        return False
    return any(word in name.lower() for word in _SECRET_WORDS) or _WITH_PASSWORD.match(value) is not None


def write_commented(path: Path) -> Path:
    """Write a commented settings file; one that is there already is left alone."""
    if path.exists():
        raise UsageError(f"{path} exists already; edit it, or move it away first.")
    path.write_text(COMMENTED, encoding="utf-8")
    return path
