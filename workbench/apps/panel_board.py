"""Panel documents of the app: a notebook's widget over a case in one visitor's hands, drawn anew at news."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import panel as pn
import param
from panel.custom import AnyWidgetComponent
from panel.io.state import set_curdoc, state

from workbench.apps.kept import Kept
from workbench.apps.respond import panel_address
from workbench.apps.roles import Denied, Role, allows
from workbench.case.case import Case
from workbench.case.operations import Outcome
from workbench.errors import WorkbenchError
from workbench.views.bind import wire
from workbench.views.components import component
from workbench.views.verbs import Kind, widget
from workbench_widgets.board import Board
from workbench_widgets.causes import Causes
from workbench_widgets.contrast import Contrast

if TYPE_CHECKING:
    from bokeh.document import Document

KINDS: Mapping[str, frozenset[str]] = {
    "timeline": frozenset({"select"}),
    "contrast": frozenset({"inspect", "filter", "exclude", "hypothesis"}),
    "waterfall": frozenset({"trace", "slower", "hypothesis"}),
    "comparator": frozenset({"compare"}),
    "lineage": frozenset({"compare", "hypothesis"}),
    "gpu": frozenset({"select"}),
    "causes": frozenset({"reject"}),
}
"""Boards that a page may hold -> the operations that clicks there may call; every other one is refused."""
_KEPT = frozenset({"action", "ask", "said", "theme"})
"""Values that are a visitor's own."""
_LEFT = _KEPT | {"view"}
"""Values that stay as the visitor left them when the case has news."""
_ALIKE: Mapping[str, Callable[[], Board]] = {
    "causes": lambda: Causes([]), "contrast": lambda: Contrast([]),
}  # fmt: skip
"""Boards that show every visitor the same: what they draw is derived once for each state of a case.

Timelines are not among them: each holds the samples from which a visitor's zoom is answered.
"""
Opened = Callable[[str, str], "VisitedCase"]


class VisitedCase(Case):
    """A case in the hands of one visitor: it writes in their name, and only what their role and the board allow."""

    role: Role = "viewer"
    allowed: frozenset[str] = frozenset()

    def call(self, operation: str, *args: Any, **kwargs: Any) -> Outcome:
        """Run an operation that the board offers; `Denied` for another one, or where the role is too low."""
        if operation not in self.allowed:
            raise Denied(f"{operation} cannot be called from here.")
        if not allows(self.role, "responder"):
            raise Denied(f"This needs the role responder; yours is {self.role}.")
        return super().call(operation, *args, **kwargs)


class News(AnyWidgetComponent):
    """Hear from the page that the case has news and nobody types or draws, and tell why a board cannot be shown."""

    # One kind of component for all: Panel 1.9 keeps a single way of rendering for every kind on a page.

    heard = param.Integer(default=0)
    said = param.String(default="")
    _esm = """
    function render({ model, el }) {
      const line = document.createElement("p");
      line.setAttribute("role", "status");
      const tell = () => { line.textContent = model.get("said"); };
      addEventListener("workbench:news", () => {
        if (!line.isConnected) return;
        model.set("heard", model.get("heard") + 1);
        model.save_changes();
      });
      model.on("change:said", tell);
      tell();
      el.append(line);
    }
    export default { render };
    """


def build(opened: Opened, kept: Kept, document: Document, given: Mapping[str, str]) -> None:
    """Fill a document with the board that a page's token names; a board that cannot be shown says why."""
    news = cast("Any", News)(height=0, margin=0)
    column = pn.Column(news, sizing_mode="stretch_width", margin=0)
    with set_curdoc(document):
        state.rel_path = panel_address()
        document.template_variables["dist_url"] = f"{panel_address()}/static/extensions/panel/"
        with _shown(news):
            _board(opened, kept, document, given, column, news)
        document.title = "Incident Workbench"
        # The page says itself when the connection is lost.
        document.config.update(notify_connection_status=False, reconnect_session=False)
        column.server_doc(document, location=False)


def _board(
    opened: Opened, kept: Kept, document: Document, given: Mapping[str, str], column: pn.Column, news: News
) -> None:
    kind, of = given["kind"], given["of"]
    if kind not in KINDS:
        raise Denied(f"There is no board {kind!r}.")
    case = opened(given["case"], given["who"])
    case.role, case.allowed = cast("Role", given["role"]), KINDS[kind]
    board = _alike(case, kind, kept) if kind in _ALIKE else widget(case, cast("Kind", kind), of)
    board.theme = given["theme"]
    column.insert(0, component(board))
    document.on_session_destroyed(lambda _context: board.close())

    def renew(_event: object) -> None:
        with _shown(news):
            case.refresh()
            if kind in _ALIKE:
                _draw(board, case, kind, kept, left=_LEFT)

    # A board that holds where its visitor has looked waits for the next click.
    news.param.watch(renew, "heard")


def _alike(case: VisitedCase, kind: str, kept: Kept) -> Board:
    board = _ALIKE[kind]()
    _draw(board, case, kind, kept, left=_KEPT)
    wire(board, case, lambda: _draw(board, case, kind, kept, left=_LEFT))
    return board


def _draw(board: Board, case: VisitedCase, kind: str, kept: Kept, *, left: frozenset[str]) -> None:
    """Give a board what the case says now, but for the values that are *left* as they are."""

    def derived() -> dict[str, Any]:
        fresh = widget(case, cast("Kind", kind))
        try:
            return fresh.state()
        finally:
            fresh.close()

    for name, value in kept.piece(case, f"board {kind}", derived).items():
        if name not in left and getattr(board, name) != value:
            board.set_trait(name, value)


@contextlib.contextmanager
def _shown(news: News) -> Iterator[None]:
    """Show what went wrong in the page instead of ending the session."""
    try:
        yield
    except (WorkbenchError, OSError) as error:
        news.said, news.height = str(error), None
