"""What every answer of the app carries, and how its forms are read."""

from __future__ import annotations

import re
import secrets
import urllib.parse
from functools import cache
from importlib.metadata import version
from typing import Literal

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from workbench import plugins
from workbench.apps.page import Page, bare, render, style
from workbench.errors import UsageError
from workbench.intake.patterns import KINDS

MOST_FORM_BYTES = 64 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
PANEL_SCRIPTS = ("bokeh.min.js", "bokeh-widgets.min.js", "bokeh-tables.min.js", "panel.min.js")
"""Panel's script extends the three of Bokeh; the order counts."""
THEMES = ("light", "dark")
THEME_COOKIE = "workbench_theme"


def origin(request: Request) -> str:
    """Return the address under which a visitor reaches this server."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def theme(request: Request) -> str:
    """Return the theme that was asked for, light or dark; empty follows the system's."""
    asked = request.query_params.get("theme") or request.cookies.get(THEME_COOKIE, "")
    return asked if asked in THEMES else ""


def refuse(status: int, message: str) -> Response:
    """Answer with a status and one sentence."""
    return PlainTextResponse(message + "\n", status, HEADERS)


def sorry(request: Request, status: int, message: str) -> Response:
    """Answer with a status and one sentence: to a browser's visitor as a page that leads on, to programs as text."""
    if "text/html" not in request.headers.get("accept", ""):
        return refuse(status, message)
    nonce = secrets.token_urlsafe(16)
    content = bare("refused.html.j2", nonce=nonce, style=Markup(style()), theme=theme(request), message=message)
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(content, status, headers={**HEADERS, "Content-Security-Policy": policy})


def go(path: str) -> Response:
    """Lead the browser to another page of this server."""
    return RedirectResponse(path, 303, HEADERS)


def html(page: Page, name: str, body: Markup, *, status: int = 200) -> Response:
    """Return a whole page: scripts and styles only by nonce, or as files of this server's own assets."""
    nonce = secrets.token_urlsafe(16)
    screens = sorted(plugins.load_all("screen").items(), key=lambda pair: pair[1].number)
    known = dict(screens)
    heading = known[name].title if name in known else name.capitalize()
    panels = 'data-panel="' in body
    content = render("frame.html.j2", page, nonce=nonce, style=Markup(style()), name=name, title=heading,
                     screens=[(n, s.number, s.title) for n, s in screens], body=body, masked=masked(body),
                     panel_files=[f"{panel_address()}/{n}" for n in PANEL_SCRIPTS] if panels else [])  # fmt: skip
    headers = {**HEADERS, "Content-Security-Policy": policy(page.origin, nonce, panels="shown" if panels else "none")}
    made = HTMLResponse(content, status, headers=headers)
    if page.theme:
        made.set_cookie(THEME_COOKIE, page.theme, httponly=True, samesite="strict")
    return made


def policy(origin: str, nonce: str, *, panels: Literal["shown", "none"]) -> str:
    """Return a page's content policy; what Panel needs more is let in on pages that hold one of its boards alone.

    That is: modules that Panel's script hands to the browser as blobs, its style files from our own address, and the
    WebSocket of this server. Nothing inline, no eval, no other host.
    """
    scripts, styles, reached = f"'nonce-{nonce}' {origin}/assets/", f"'nonce-{nonce}'", "'self'"
    if panels == "shown":
        scripts, styles = f"{scripts} blob:", f"{styles} {origin}/assets/panel/"
        reached = f"{reached} {origin.replace('http', 'ws', 1)}"
    return (
        f"default-src 'none'; script-src {scripts}; script-src-attr 'none'; style-src {styles}; style-src-attr 'none'; "
        f"connect-src {reached}; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def panel_address() -> str:
    """Return where the files of the installed Panel and Bokeh are served; another version has another address."""
    return f"/assets/panel/{version('panel')}-{version('bokeh')}"


def part(body: Markup) -> Response:
    """Return a piece of a page, which this server's own script puts in."""
    return HTMLResponse(body, headers={**HEADERS, "Content-Security-Policy": "default-src 'none'"})


def asset_text(content: str, kind: str) -> Response:
    """Return a script or a text of our own."""
    return Response(content, media_type=kind, headers=HEADERS)


@cache
def _pseudonyms() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, KINDS)))})_[0-9a-f]{{16}}\b")


def masked(text: str) -> bool:
    """Say whether a page shows names that stand for masked values."""
    return _pseudonyms().search(text) is not None


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a small URL-encoded form; `UsageError` for anything else."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise UsageError("Forms are sent URL-encoded.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            raise UsageError(f"A form holds at most {MOST_FORM_BYTES} bytes.")
    try:
        return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=32, errors="strict"))
    except ValueError as error:
        raise UsageError(f"The form cannot be read: {error}.") from error
