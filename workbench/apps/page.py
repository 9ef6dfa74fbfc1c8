"""What a screen sees: the bench, the case, the clock and what the visitor may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.apps.facts import Facts
from workbench.apps.kept import Kept
from workbench.apps.roles import Role
from workbench.bench import Bench
from workbench.case.case import Case
from workbench.config import Settings
from workbench.errors import UsageError
from workbench.report import pages, words

Token = Callable[[str, str], str]
"""Takes the kind of a Panel board and what it is of; returns the token that opens its session."""


@dataclass(frozen=True)
class Page:
    """Hold what one request is answered from."""

    bench: Bench
    case: Case | None
    """The case of the address; None on the inbox."""
    inbox: Sequence[Facts]
    """Every case in short, the most urgent first; empty on the screens of one case."""
    now_ns: int
    form_token: str
    """Goes into every form; a POST without it is refused."""
    may_write: bool
    origin: str = "http://127.0.0.1:4318"
    """Where this server is reached, as senders of telemetry are told."""
    running: str = ""
    """What the playbook is at, in words; empty when it does not run."""
    role: Role = "viewer"
    who: str = ""
    """The visitor as the journal names them."""
    theme: str = ""
    """light or dark; empty follows the system's."""
    pinned: str = ""
    """Of a link that carries a digest: what was pinned, in words; empty on live pages."""
    settings: Settings = field(default_factory=Settings)
    kept: Kept = field(default_factory=Kept)
    """Pieces that were made before."""
    token: Token | None = None
    """Makes the token of a Panel board; None on pages that are pinned, which hold boards without a server."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """What the address asks for beyond its path."""
    can_open_lab: bool = False
    """True on the machine of whoever runs the server."""

    @property
    def seen(self) -> int:
        """Return the number of entries that the page shows; forms carry it."""
        return self.case.length() if self.case else 0

    def required(self) -> Case:
        """Return the case; raise `UsageError` on a page that has none."""
        if self.case is None:
            raise UsageError("This screen shows one case; open one from the inbox.")
        return self.case


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("workbench.apps"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters.update(
        number=words.number, share=words.share, clock=words.clock, duration=words.duration,
        short=words.short, shape=words.shape, title=words.title,
    )  # fmt: skip
    return made


def render(template: str, page: Page, **context: object) -> Markup:
    """Return a template of ``apps/templates`` as HTML; every value in it is escaped."""
    return Markup(_environment().get_template(template).render(page=page, **context))


def bare(template: str, **context: object) -> Markup:
    """Return a template that needs no case and no visitor as HTML; every value in it is escaped."""
    return Markup(_environment().get_template(template).render(**context))


@cache
def style() -> str:
    """Return the style sheet: the reports' tokens and pieces, then the app's own."""
    return pages.stylesheet() + asset("app.css")


@cache
def asset(name: str) -> str:
    """Return a file of ``apps/assets``."""
    return (files("workbench.apps") / "assets" / name).read_text(encoding="utf-8")
