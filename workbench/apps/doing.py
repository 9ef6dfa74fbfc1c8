"""What forms do: an operation of the case, an approval, the run of a hook; each leads back to its screen."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from workbench import plugins
from workbench.apps.desk import Clash, Desk
from workbench.apps.lab import Labs
from workbench.apps.page import Page, render
from workbench.apps.panel_socket import mark
from workbench.apps.respond import form, go, html, origin, refuse, theme
from workbench.apps.roles import Denied, Role, allows
from workbench.apps.session import Session, same
from workbench.errors import UsageError, WorkbenchError
from workbench.hooks import Plan


@dataclass(frozen=True)
class Doing:
    """Answer the app's POST requests, and the page that shows what a hook would do."""

    desk: Desk
    labs: Labs

    async def do(self, request: Request, session: Session) -> Response:
        """Call an operation of the case."""
        fields, case_id = await self._form(request, session), request.path_params["case_id"]
        operation = request.path_params["operation"]
        try:
            await run_in_threadpool(self.desk.run, case_id, operation, fields, who=session.who)
        except Clash as clash:
            return await run_in_threadpool(self._clash, request, session, clash, fields.get("screen", "brief"))
        return go(_back(case_id, fields.get("screen", "brief")))

    async def plan(self, request: Request, session: Session) -> Response:
        """Show exactly what a hook would run against a cause."""
        return await run_in_threadpool(self._plan, request, session)

    async def approve(self, request: Request, session: Session) -> Response:
        """Approve what was shown, if it is still what would run."""
        fields, case_id = await self._form(request, session), request.path_params["case_id"]
        await run_in_threadpool(self._approve, session, case_id, fields)
        return go(_back(case_id, "act"))

    async def run(self, request: Request, session: Session) -> Response:
        """Run what was approved."""
        fields, case_id = await self._form(request, session), request.path_params["case_id"]
        if not fields.get("approval", "").isdigit():
            raise UsageError("The form names no approval; open Act again.")
        approval = int(fields["approval"])
        await run_in_threadpool(self._run, session, case_id, approval)
        return go(_back(case_id, "act"))

    async def lab(self, request: Request, session: Session) -> Response:
        """Open JupyterLab on the case."""
        await self._form(request, session)
        case_id = request.path_params["case_id"]
        if session.who:
            raise Denied("JupyterLab opens on the machine that serves the app only; use `workbench lab` there.")
        return await run_in_threadpool(self._lab, request, session, case_id)

    # -- in threads ------------------------------------------------------------------------------------------------

    async def _form(self, request: Request, session: Session) -> dict[str, str]:
        fields = await form(request)
        if not same(fields.get("form_token", ""), session.form_token):
            raise Denied("The form is not of this session; load the page again and send it once more.")
        return fields

    def _planned(self, session: Session, case_id: str, cause: str, hook: str) -> Plan:
        chosen = next((h for h in self.desk.settings.hooks if h.name == hook), None)
        needed: Role = "admin" if chosen is None or chosen.role == "admin" else "responder"
        if not allows(session.role, needed):
            raise Denied(f"Approving {hook} needs the role {needed}; yours is {session.role}.")
        with self.desk.case(case_id) as case:
            return self.desk.bench.plan(case, cause, hook)

    def _plan(self, request: Request, session: Session) -> Response:
        case_id, asked = request.path_params["case_id"], request.query_params
        problem, plan = "", None
        try:
            plan = self._planned(session, case_id, asked.get("cause", ""), asked.get("hook", ""))
        except WorkbenchError as error:
            problem = str(error)
        with self.desk.case(case_id) as case:
            page = page_of(self.desk, session, request, case=case)
            body = render("plan.html.j2", page, plan=plan, problem=problem, hook=asked.get("hook", ""))
            return html(page, "act", body)

    def _approve(self, session: Session, case_id: str, fields: dict[str, str]) -> None:
        plan = self._planned(session, case_id, fields.get("cause", ""), fields.get("hook", ""))
        if plan.digest != fields.get("plan"):
            raise UsageError(f"What {plan.hook} would do has changed since it was shown; it is now: {plan.words}. Look "
                             "at it again.")  # fmt: skip
        with self.desk.case(case_id, who=session.who) as case:
            self.desk.bench.approve(case, plan)

    def _run(self, session: Session, case_id: str, approval: int) -> None:
        with self.desk.case(case_id) as case:
            known = case.entries[approval].arguments if approval < case.length() else {}
        self._planned(session, case_id, str(known.get("cause", "")), str(known.get("hook", "")))
        self.desk.act(case_id, approval, who=session.who)

    def _lab(self, request: Request, session: Session, case_id: str) -> Response:
        # A page with a link: the content policy lets no form lead to another port.
        address = self.labs.open(self.desk, case_id)
        with self.desk.case(case_id) as case:
            page = page_of(self.desk, session, request, case=case)
            return html(page, "handoff", render("lab.html.j2", page, address=address))

    def _clash(self, request: Request, session: Session, clash: Clash, screen: str) -> Response:
        with self.desk.case(clash.case_id) as case:
            page = page_of(self.desk, session, request, case=case)
            lines = [(e.who, e.time[11:16], ", ".join(str(v) for v in e.arguments.values())) for e in clash.theirs]
            body = render("clash.html.j2", page, clash=clash, theirs=lines, screen=_screen(screen))
            return html(page, "brief", Markup(body), status=409)


def page_of(desk: Desk, session: Session, request: Request, *, case: object = None, pinned: str = "") -> Page:
    """Return what a page of a case, or of none, is made from; a pinned page lets nobody write."""
    from workbench.case.case import Case

    held = case if isinstance(case, Case) else None

    def token(kind: str, of: str) -> str:
        desk.panels.start()
        return desk.panels.token({
            "case": held.id if held else "", "kind": kind, "of": of, "theme": theme(request), "role": session.role,
            "who": session.who, "mark": mark(session),
        })  # fmt: skip

    return Page(
        desk.bench, held, () if held else desk.inbox(), desk.clock(), session.form_token,
        allows(session.role, "responder") and not pinned, origin(request),
        running=desk.running(held.id) if held else "", role=session.role, who=session.who or desk.bench.who,
        theme=theme(request), pinned=pinned, settings=desk.settings, kept=desk.kept,
        token=token if held and not pinned else None, asked=dict(request.query_params),
        can_open_lab=allows(session.role, "admin") and not session.who,
    )  # fmt: skip


def _screen(name: str) -> str:
    return name if name in plugins.names("screen") else "brief"


def _back(case_id: str, screen: str) -> str:
    return f"/case/{urllib.parse.quote(case_id, safe='')}/{_screen(screen)}"


def denied(error: Denied) -> Response:
    """Answer 403 with the reason."""
    return refuse(403, str(error))
