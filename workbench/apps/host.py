"""The app's routes: every one stands in the table of roles, and every answer carries a strict content policy."""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from workbench import plugins
from workbench.apps import Screen, boards, panel_page
from workbench.apps.address import decode, restored
from workbench.apps.desk import Desk
from workbench.apps.doing import Doing, denied, page_of
from workbench.apps.lab import Labs
from workbench.apps.live import Pulse, live
from workbench.apps.page import Page, asset, render
from workbench.apps.panel_socket import PanelSockets
from workbench.apps.respond import HEADERS, asset_text, go, html, origin, part, refuse, sorry, theme
from workbench.apps.roles import ROUTES, Denied, Role, allows
from workbench.apps.session import COOKIE, LASTS_S, Session, Sessions
from workbench.errors import IntegrityError, UnknownNameError, UsageError, WorkbenchError

SCRIPTS = ("app.js", "boards.js", "panels_first.js", "panels.js")
MOST_LINKS = 60
"""A search shows as many links at most."""
_LEADING_ON = '<!doctype html><meta http-equiv="refresh" content="0; url=/inbox"><a href="/inbox">Inbox</a>'
Answer = Callable[[Request, Session], Awaitable[Response]]


def routes(desk: Desk, sessions: Sessions, *, labs: Labs | None = None) -> list[BaseRoute]:
    """Return the routes of the app, for `workbench.intake.server.app`; each is checked against the table of roles."""
    doing, pulse = Doing(desk, labs or Labs()), Pulse(desk)

    async def stream(request: Request, _session: Session) -> Response:
        return await live(pulse, request)

    answers: Mapping[tuple[str, str], Answer] = {
        ("GET", "/"): _home,
        ("GET", "/enter"): partial(_enter, sessions),
        ("GET", "/assets/{name}"): _asset,
        ("GET", "/assets/panel/{path:path}"): _panel_asset,
        ("GET", "/inbox"): _threaded(desk, _inbox),
        ("GET", "/part/inbox"): _threaded(desk, _inbox_part),
        ("GET", "/week"): _threaded(desk, _week),
        ("GET", "/search"): _threaded(desk, _search),
        ("GET", "/live"): stream,
        ("GET", "/at/{code}"): _threaded(desk, _at),
        ("GET", "/case/{case_id}"): _brief,
        ("GET", "/case/{case_id}/{screen}"): _threaded(desk, _case),
        ("GET", "/part/case/{case_id}/{piece}"): _threaded(desk, _case_part),
        ("GET", "/board/{case_id}/{kind}"): _threaded(desk, _board),
        ("GET", "/notebook/{case_id}"): _threaded(desk, _notebook),
        ("GET", "/plan/{case_id}"): doing.plan,
        ("POST", "/do/{case_id}/{operation}"): doing.do,
        ("POST", "/approve/{case_id}"): doing.approve,
        ("POST", "/run/{case_id}"): doing.run,
        ("POST", "/lab/{case_id}"): doing.lab,
    }
    proxied = desk.settings.server.behind_proxy
    sockets = PanelSockets(desk.panels, sessions, proxied=proxied).route()
    return [
        Route(path, _guarded(needed, answers[method, path], sessions, proxied), methods=[method])
        if method != "WEBSOCKET" else sockets
        for (method, path), needed in ROUTES.items()
    ]  # fmt: skip


def _guarded(
    needed: Role, answer: Answer, sessions: Sessions, proxied: bool  # noqa: FBT001 - a setting, passed on
) -> Callable[[Request], Awaitable[Response]]:  # fmt: skip
    """Return an endpoint that knows its visitor before anything of a case is read."""

    async def endpoint(request: Request) -> Response:
        session = sessions.of(request)
        if session.role == "anyone" and needed != "anyone":
            said = "Open the address that `workbench triage` printed; it works once, for this browser."
            return sorry(request, 401, said)
        if not allows(session.role, needed):
            return sorry(request, 403, f"This needs the role {needed}; yours is {session.role}.")
        if not _from_here(request, proxied):
            return sorry(request, 403, "This request was not sent from a page of this server.")
        try:
            return await answer(request, session)
        except Denied as error:
            return denied(error)
        except IntegrityError as error:
            return sorry(request, 409, f"{error}")
        except (UsageError, UnknownNameError) as error:
            return sorry(request, 400 if request.method == "POST" else 404, f"{error}")
        except WorkbenchError as error:
            return sorry(request, 500, f"{error}")

    return endpoint


def _from_here(request: Request, proxied: bool) -> bool:  # noqa: FBT001 - a setting, passed on
    """Say whether a request may be what its page of ours sent: forms must say so, the rest must not say otherwise."""
    ours = {origin(request)}
    if proxied:
        ours.add(f"https://{request.headers.get('host', '')}")
    sent = request.headers.get("origin")
    if request.method not in ("GET", "HEAD"):
        return sent in ours
    navigates = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    elsewhere = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    return (sent is None or sent in ours) and (navigates or not elsewhere)


def _threaded(desk: Desk, answer: Callable[[Desk, Request, Session], Response]) -> Answer:
    """Return an answer that reads files, run beside the loop."""

    async def threaded(request: Request, session: Session) -> Response:
        return await run_in_threadpool(answer, desk, request, session)

    return threaded


# -- answers -----------------------------------------------------------------------------------------------------------


async def _home(_request: Request, _session: Session) -> Response:
    return go("/inbox")


async def _enter(sessions: Sessions, request: Request, session: Session) -> Response:
    if session.role != "anyone":
        return go("/inbox")
    cookie = sessions.enter(request.query_params.get("token", ""))
    if cookie is None:
        return refuse(401, "This address was used already, or is too old. Start `workbench triage` anew for another.")
    # A page of ours leads on: after a redirect from elsewhere a browser would hold a Strict cookie back.
    leading = HTMLResponse(_LEADING_ON)
    leading.headers.update({**HEADERS, "Content-Security-Policy": "default-src 'none'"})
    leading.set_cookie(COOKIE, cookie, max_age=LASTS_S, httponly=True, samesite="strict",
                       secure=request.url.scheme == "https")  # fmt: skip
    return leading


async def _asset(request: Request, _session: Session) -> Response:
    name = request.path_params["name"]
    if name in SCRIPTS:
        return asset_text(asset(name), "text/javascript")
    kind = name.removesuffix(".widget.js")
    if name != kind and kind in boards.kinds():
        return asset_text(boards.code(kind), "text/javascript")
    return refuse(404, "There is no such file.")


async def _panel_asset(request: Request, _session: Session) -> Response:
    return await run_in_threadpool(panel_page.asset, request)


async def _brief(request: Request, _session: Session) -> Response:
    return go(f"/case/{urllib.parse.quote(request.path_params['case_id'], safe='')}/brief")


def _inbox(desk: Desk, request: Request, session: Session) -> Response:
    page = page_of(desk, session, request)
    return html(page, "inbox", plugins.load("screen", "inbox").render(page))


def _inbox_part(desk: Desk, request: Request, session: Session) -> Response:
    return part(render("inbox_rows.html.j2", page_of(desk, session, request)))


def _week(desk: Desk, request: Request, session: Session) -> Response:
    from workbench.apps.week import screen

    page = page_of(desk, session, request)
    return html(page, "week", screen(page, desk, request.query_params.get("of", "")))


def _case(desk: Desk, request: Request, session: Session) -> Response:
    name = request.path_params["screen"]
    screen: Screen = plugins.load("screen", name)
    with desk.case(request.path_params["case_id"]) as case:
        page = page_of(desk, session, request, case=case)
        answer = html(page, name, screen.render(page))
    # Whoever reads the brief opens a board next: it is made ready behind the page, never before it.
    desk.panels.start()
    return answer


def _at(desk: Desk, request: Request, session: Session) -> Response:
    """Restore the view of a link: a pinned one from the first entries of the journal, checked against its digest."""
    view = decode(request.path_params["code"])
    with desk.case(view.case) as live_case:
        folder = str(live_case.path)
    if not view.length:
        return go(f"/case/{urllib.parse.quote(view.case, safe='')}/{view.screen}")
    case = restored(folder, view, desk.clock)
    words = f"Pinned after entry {view.length - 1}, state {view.digest[:12]}…"
    page = page_of(desk, session, request, case=case, pinned=words)
    screen: Screen = plugins.load("screen", view.screen)
    return html(page, view.screen, screen.render(page))


def _case_part(desk: Desk, request: Request, session: Session) -> Response:
    from workbench.apps.screens.brief import seven
    from workbench.apps.screens.handoff import noted
    from workbench.apps.tail import tail

    pieces = {"seven": seven, "notes": noted, "tail": tail, "words": _words}
    piece = request.path_params["piece"]
    if piece not in pieces:
        raise UsageError(f"There is no part {piece!r}.")
    with desk.case(request.path_params["case_id"]) as case:
        return part(pieces[piece](page_of(desk, session, request, case=case)))


def _words(page: Page) -> Markup:
    symptom = page.required().symptom
    return escape(f"{symptom.words()}." if symptom else "The case has not begun.")


def _board(desk: Desk, request: Request, _session: Session) -> Response:
    with desk.case(request.path_params["case_id"]) as case:
        asked = request.query_params.get("asks", "[]")
        content = boards.answered(case, request.path_params["kind"], asked, theme(request))
    return asset_text(content, "application/json")


def _search(desk: Desk, request: Request, session: Session) -> Response:
    text = request.query_params.get("text", "").strip()
    page = page_of(desk, session, request)
    found = desk.bench.find(text) if text else None
    rows = found.places.to_dict("records") if found else []
    links = found.links[["left", "rule", "right"]].head(MOST_LINKS).to_numpy().tolist() if found else []
    return html(page, "search", render("search.html.j2", page, text=text, rows=rows, links=links, ids=desk.case_ids()))


def _notebook(desk: Desk, request: Request, _session: Session) -> Response:
    import nbformat

    from workbench.report.notebook import notebook

    with desk.case(request.path_params["case_id"]) as case:
        content = nbformat.writes(notebook(case, case.path.parent / f"{case.id}.ipynb"))
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{case.id}.ipynb"'}
    return Response(content, media_type="application/x-ipynb+json", headers=headers)
