"""Where a page holds a Panel board: its place, its token, and the files of Panel and Bokeh that draw it."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from workbench.apps.page import Token
from workbench.apps.respond import HEADERS, PANEL_SCRIPTS, panel_address, refuse

_STYLES = ("css", "bundled/theme")
_STYLED = "static/extensions/panel/"
"""Panel names its styles below this."""
KEPT_S = 31_536_000


@cache
def vendored() -> Mapping[str, Path]:
    """Return the files that may be asked for, by what follows the address; there are no others."""
    bokeh, panel = _home("bokeh") / "server" / "static" / "js", _home("panel") / "dist"
    found = {name: bokeh / name for name in PANEL_SCRIPTS[:-1]} | {PANEL_SCRIPTS[-1]: panel / PANEL_SCRIPTS[-1]}
    for folder in _STYLES:
        found |= {f"{_STYLED}{folder}/{path.name}": path for path in sorted((panel / folder).glob("*.css"))}
    return found


def _home(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@cache
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


def asset(request: Request) -> Response:
    """Answer with one of the files, which a browser may keep."""
    wanted = request.path_params["path"]
    release, _, name = wanted.partition("/")
    path = vendored().get(name)
    if path is None or not panel_address().endswith(f"/{release}"):
        return refuse(404, "There is no such file.")
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    headers = {**HEADERS, "Cache-Control": f"private, max-age={KEPT_S}, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_packed(path), media_type=kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(path.read_bytes(), media_type=kind, headers=headers)


def placed(token: Token, kind: str, *, of: str = "", height: int) -> Markup:
    """Return the place of a board; *height* in px is kept free, so that nothing moves when it is drawn."""
    return Markup('<div class="panel-board" data-panel="{}" data-token="{}" data-height="{}" aria-busy="true">'
                  '<p class="skeleton" role="status">Opening the board …</p></div>').format(
                      kind, token(kind, of), height)  # fmt: skip
