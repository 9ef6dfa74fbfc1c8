"""Apps: what is served to a browser. A screen is a file of ``workbench/apps/screens``, found by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

    from workbench.apps.page import Page


@dataclass(frozen=True)
class Screen:
    """One screen of the app: the key that opens it, its name, and how it is written as HTML."""

    number: int
    """Key and place, 1 to 9."""
    title: str
    render: Callable[[Page], Markup]
    """Returns HTML made from templates with autoescape; nothing is computed that a case does not offer."""
