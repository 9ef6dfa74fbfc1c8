"""What the settings say about the intake: masking, hosts, retention and the sources to pull."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.intake.background import Pull
from workbench.intake.mask import MaskPolicy

if TYPE_CHECKING:
    from workbench.config import Settings


def mask_policy(settings: Settings | None) -> MaskPolicy:
    """Return what is masked; without settings, everything but IP addresses."""
    return MaskPolicy()


def allowed_hosts(settings: Settings | None) -> tuple[str, ...]:
    """Return the names, beside loopback, under which the server may be addressed."""
    return ()


def allows_outside(settings: Settings | None) -> bool:
    """Return whether the settings let the server listen beyond this machine."""
    return False


def retain_days(settings: Settings | None) -> int | None:
    """Return after how many days rows are let go, or None for never."""
    return None


def pulls(settings: Settings | None) -> tuple[Pull, ...]:
    """Return the live sources to pull."""
    return ()
