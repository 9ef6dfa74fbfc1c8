"""What the settings say about the intake: masking, tables of one's own, and the sources to pull."""

from __future__ import annotations

from fnmatch import fnmatchcase

from workbench.config import Settings, SourceSettings, TableSettings, secret
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
    options = {name: secret(value) if isinstance(value, str) else value for name, value in source.options.items()}
    interval_s = parse_duration_ns(source.interval) / 1e9
    return Pull(source.name, source.kind, {**options, "url": source.uri}, interval_s)
