"""What the settings say about the intake: masking, tables of one's own, and the sources to pull."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from workbench.config import Settings, SourceSettings, TableSettings, secret
from workbench.errors import UsageError
from workbench.intake.background import Pull
from workbench.intake.mask import MaskPolicy
from workbench.intake.patterns import KINDS
from workbench.model.window import parse_duration_ns


def mask_policy(settings: Settings) -> MaskPolicy:
    """Return what is masked: everything, IP addresses only where the settings ask for it."""
    kinds = frozenset(KINDS) if settings.mask.addresses else frozenset(KINDS) - {"ip"}
    return MaskPolicy(kinds, frozenset(settings.mask.keys))


def table_of(settings: Settings, name: str) -> TableSettings | None:
    """Return the mapping declared for files of this name; the first that matches counts."""
    return next((table for table in settings.tables if fnmatchcase(name, table.files)), None)


def pulls(settings: Settings) -> tuple[Pull, ...]:
    """Return the live sources to pull, with the secrets that their options point to."""
    return tuple(_pull(source) for source in settings.sources)


def _pull(source: SourceSettings) -> Pull:
    interval_s = parse_duration_ns(source.interval) / 1e9
    if interval_s <= 0:
        raise UsageError(f"The source {source.name!r} is asked every {source.interval}; write at least 1s.")
    return Pull(source.name, source.kind, asked_with(source), interval_s)


def asked_with(source: SourceSettings) -> dict[str, Any]:
    """Return what a source is asked with: its options and its address, the secrets they point to filled in."""
    options = {name: secret(value) if isinstance(value, str) else value for name, value in source.options.items()}
    address = secret(source.uri)
    return {**options, "uri": address, "url": address}
