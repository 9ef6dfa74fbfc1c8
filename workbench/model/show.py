"""How a value shows itself in a notebook: escaped text, unless a higher layer registers something richer."""

from __future__ import annotations

from functools import singledispatch
from html import escape


@singledispatch
def html(value: object) -> str:
    """Return safe HTML of a value; register richer forms with ``@html.register``."""
    return f"<pre>{escape(repr(value))}</pre>"
