"""Templates and the pieces they share: chips, findings, causes; everything is escaped unless drawn here."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from workbench.report import words


@cache
def template(name: str) -> Template:
    """Return a template of ``report/templates``; autoescape is on for all of them."""
    environment = Environment(
        loader=PackageLoader("workbench.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        number=words.number, share=words.share, clock=words.clock,
        short=words.short, shape=words.shape, title=words.title, asked=words.asked,
    )  # fmt: skip
    return environment.get_template(name)


@cache
def stylesheet() -> str:
    """Return the style sheet of reports and notebook output."""
    return (files("workbench.report") / "templates" / "style.css").read_text(encoding="utf-8")


def drawn(svg: str) -> Markup:
    """Mark a drawing made by `workbench.report.charts`, whose texts are escaped there, as ready HTML."""
    return Markup(svg)


def output(name: str, **context: object) -> str:
    """Return a piece for a notebook's output, with the style sheet it needs."""
    body = template(name).render(**context)
    return f'<style>{stylesheet()}</style><div class="iw">{body}</div>'
