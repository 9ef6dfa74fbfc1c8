"""The app's routes: every one stands in the table of roles, and every answer carries a strict content policy."""

from __future__ import annotations

import secrets
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from workbench import plugins
from workbench.apps import Screen
from workbench.apps.desk import Desk
from workbench.apps.page import Page, asset, render, style
from workbench.apps.roles import ROUTES, Role, allows
from workbench.apps.session import COOKIE, LASTS_S, Session, Sessions, same
from workbench.errors import IntegrityError, UnknownNameError, UsageError, WorkbenchError

MOST_FORM_BYTES = 64 * 1024
MOST_LINKS = 60
"""A search shows as many links at most."""
_LEADING_ON = '<!doctype html><meta http-equiv="refresh" content="0; url=/inbox"><a href="/inbox">Inbox</a>'
_NOBODY = Session("anyone", "", 0.0)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
Answer = Callable[[Request, Session], Awaitable[Response]]


def routes(desk: Desk, sessions: Sessions) -> list[Route]:
    """Return the routes of the app, for `workbench.intake.server.app`; each is checked against the table of roles."""
    answers: Mapping[tuple[str, str], Answer] = {
        ("GET", "/"): _home,
        ("GET", "/enter"): partial(_enter, sessions),
        ("GET", "/assets/app.js"): _script,
        ("GET", "/inbox"): partial(_inbox, desk),
        ("GET", "/part/inbox"): partial(_inbox_part, desk),
        ("GET", "/search"): partial(_search, desk),
        ("GET", "/case/{case_id}"): _brief,
        ("GET", "/case/{case_id}/{screen}"): partial(_case, desk),
        ("GET", "/part/case/{case_id}"): partial(_case_part, desk),
        ("GET", "/notebook/{case_id}"): partial(_notebook, desk),
        ("POST", "/do/{case_id}/{operation}"): partial(_do, desk),
    }
    return [
        Route(path, _guarded(needed, answers[method, path], sessions), methods=[method])
        for (method, path), needed in ROUTES.items()
    ]


def _guarded(needed: Role, answer: Answer, sessions: Sessions) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that knows its visitor before anything of a case is read."""

    async def endpoint(request: Request) -> Response:
        session = sessions.find(request.cookies.get(COOKIE)) or _NOBODY
        if session.role == "anyone" and needed != "anyone":
            said = "Open the address that `workbench triage` printed; it works once, for this browser."
            return _refuse(401, said)
        if not allows(session.role, needed):
            return _refuse(403, f"This needs the role {needed}; yours is {session.role}.")
        if request.method not in ("GET", "HEAD") and not _from_here(request):
            return _refuse(403, "This form was not sent from a page of this server.")
        try:
            return await answer(request, session)
        except IntegrityError as error:
            return _refuse(409, f"{error}")
        except (UsageError, UnknownNameError) as error:
            return _refuse(400 if request.method == "POST" else 404, f"{error}")
        except WorkbenchError as error:
            return _refuse(500, f"{error}")

    return endpoint


def _from_here(request: Request) -> bool:
    """Say whether a browser states that its own page, served from here, sends the request."""
    return request.headers.get("origin", "") == _origin(request)


def _refuse(status: int, message: str) -> Response:
    return PlainTextResponse(message + "\n", status, _HEADERS)


# -- answers -----------------------------------------------------------------------------------------------------------


async def _home(_request: Request, _session: Session) -> Response:
    return RedirectResponse("/inbox", 303, _HEADERS)


async def _enter(sessions: Sessions, request: Request, session: Session) -> Response:
    if session.role != "anyone":
        return RedirectResponse("/inbox", 303, _HEADERS)
    cookie = sessions.enter(request.query_params.get("token", ""))
    if cookie is None:
        return _refuse(401, "This address was used already, or is too old. Start `workbench triage` anew for another.")
    # A page of ours leads on: after a redirect from elsewhere a browser would hold a Strict cookie back.
    leading = HTMLResponse(_LEADING_ON)
    leading.headers.update({**_HEADERS, "Content-Security-Policy": "default-src 'none'"})
    leading.set_cookie(COOKIE, cookie, max_age=LASTS_S, httponly=True, samesite="strict",
                       secure=request.url.scheme == "https")  # fmt: skip
    return leading


async def _script(_request: Request, _session: Session) -> Response:
    return Response(asset("app.js"), media_type="text/javascript", headers=_HEADERS)


async def _brief(request: Request, _session: Session) -> Response:
    return RedirectResponse(f"/case/{urllib.parse.quote(request.path_params['case_id'], safe='')}/brief", 303, _HEADERS)


async def _inbox(desk: Desk, request: Request, session: Session) -> Response:
    return await run_in_threadpool(_whole_inbox, desk, session, _origin(request))


def _whole_inbox(desk: Desk, session: Session, origin: str) -> Response:
    page = _page(desk, session, origin)
    return _html(page, "inbox", plugins.load("screen", "inbox").render(page))


async def _inbox_part(desk: Desk, request: Request, session: Session) -> Response:
    page = await run_in_threadpool(_page, desk, session, _origin(request))
    return _part(await run_in_threadpool(render, "inbox_rows.html.j2", page))


async def _case(desk: Desk, request: Request, session: Session) -> Response:
    return await run_in_threadpool(
        _whole_case, desk, session, request.path_params["case_id"], request.path_params["screen"]
    )


def _whole_case(desk: Desk, session: Session, case_id: str, name: str) -> Response:
    screen: Screen = plugins.load("screen", name)
    with desk.case(case_id) as case:
        page = Page(desk.bench, case, (), desk.clock(), session.form_token, allows(session.role, "responder"),
                    running=desk.running(case_id))  # fmt: skip
        return _html(page, name, screen.render(page))


async def _case_part(desk: Desk, request: Request, session: Session) -> Response:
    return await run_in_threadpool(_brief_part, desk, session, request.path_params["case_id"])


def _brief_part(desk: Desk, session: Session, case_id: str) -> Response:
    from workbench.apps.screens.brief import seven

    with desk.case(case_id) as case:
        page = Page(desk.bench, case, (), desk.clock(), session.form_token, False, running=desk.running(case_id))
        return _part(seven(page))


async def _search(desk: Desk, request: Request, session: Session) -> Response:
    return await run_in_threadpool(_found, desk, session, request.query_params.get("text", "").strip())


def _found(desk: Desk, session: Session, text: str) -> Response:
    page = Page(desk.bench, None, (), desk.clock(), session.form_token, False)
    found = desk.bench.find(text) if text else None
    rows = found.places.to_dict("records") if found else []
    links = found.links[["left", "rule", "right"]].head(MOST_LINKS).to_numpy().tolist() if found else []
    return _html(page, "search", render("search.html.j2", page, text=text, rows=rows, links=links, ids=desk.case_ids()))


async def _notebook(desk: Desk, request: Request, _session: Session) -> Response:
    return await run_in_threadpool(_written_notebook, desk, request.path_params["case_id"])


def _written_notebook(desk: Desk, case_id: str) -> Response:
    import nbformat

    from workbench.report.notebook import notebook

    with desk.case(case_id) as case:
        content = nbformat.writes(notebook(case, case.path.parent / f"{case.id}.ipynb"))
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{case.id}.ipynb"'}
    return Response(content, media_type="application/x-ipynb+json", headers=headers)


async def _do(desk: Desk, request: Request, session: Session) -> Response:
    fields = await _form(request)
    if not same(fields.get("form_token", ""), session.form_token):
        return _refuse(403, "The form is not of this session; load the page again and send it once more.")
    case_id, operation = request.path_params["case_id"], request.path_params["operation"]
    await run_in_threadpool(desk.run, case_id, operation, fields)
    back = fields.get("screen", "brief")
    back = back if back in plugins.names("screen") else "brief"
    return RedirectResponse(f"/case/{case_id}/{back}", 303, _HEADERS)


async def _form(request: Request) -> dict[str, str]:
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


# -- pages -------------------------------------------------------------------------------------------------------------


def _page(desk: Desk, session: Session, origin: str) -> Page:
    writes = allows(session.role, "responder")
    return Page(desk.bench, None, desk.inbox(), desk.clock(), session.form_token, writes, origin)


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def _html(page: Page, name: str, body: Markup) -> Response:
    nonce = secrets.token_urlsafe(16)
    screens = sorted(plugins.load_all("screen").items(), key=lambda pair: pair[1].number)
    known = dict(screens)
    heading = known[name].title if name in known else name.capitalize()
    content = render("frame.html.j2", page, nonce=nonce, style=Markup(style()), name=name, title=heading,
                     screens=[(n, s.number, s.title) for n, s in screens], body=body)  # fmt: skip
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; script-src-attr 'none'; style-src 'nonce-{nonce}'; "
        "style-src-attr 'none'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return HTMLResponse(content, headers={**_HEADERS, "Content-Security-Policy": policy})


def _part(body: Markup) -> Response:
    return HTMLResponse(body, headers={**_HEADERS, "Content-Security-Policy": "default-src 'none'"})
