"""What every widget is: plain data in, one module beside it, an action out, and a twin that needs no kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

_FOLDER = Path(__file__).parent
Action = Mapping[str, Any]
"""``operation`` and ``arguments`` of what was clicked."""


_RESTS_ON = {"timeline": ("tiles",), "gpu": ("tiles", "timeline")}
"""Modules that extend others: their parts stand before it."""
SHARED = frozenset({"base", "tiles"})
"""Parts that are no widget of their own."""
_EXPORT = "export default { render };"


def module(name: str) -> str:
    """Return a widget's whole ES module: the shared part and its own, without imports, with one export."""
    parts = [(_FOLDER / f"{part}.js").read_text("utf-8") for part in ("base", *_RESTS_ON.get(name, ()), name)]
    return "\n".join([*(part.replace(_EXPORT, "") for part in parts[:-1]), parts[-1]])


class Board(anywidget.AnyWidget):
    """Base of the widgets; `action` is set by clicks, `said` shows the line of Python that they became.

    `ask` is set by clicks that change no state: they look further.
    """

    title = traitlets.Unicode("").tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
    theme = traitlets.Unicode("").tag(sync=True)
    action = traitlets.Dict().tag(sync=True)
    said = traitlets.Dict().tag(sync=True)
    # What asks is not sent back to who asked: an answer is one message, and the first one.
    ask = traitlets.Dict().tag(sync=True, echo_update=False)
    _twin = traitlets.Unicode("").tag(sync=True)
    """Class of the twin beside it in a notebook's output; empty where there is none."""
    actions: ClassVar[tuple[str, ...]] = ()
    """Every operation that clicks can ask for; ``*`` stands for a step of the playbook."""
    _holding = 0
    _following: tuple[Callable[[], None], ...] = ()

    def on_ask(self, answer: Callable[[Mapping[str, Any]], None]) -> None:
        """Call ``answer(asked)`` at every click that only wants to see more; `asked` has `what` and what it is of."""

        def told(change: Mapping[str, Any]) -> None:
            if change["new"]:
                answer(dict(change["new"]))

        self.observe(told, names="ask")

    @contextmanager
    def hold_sync(self) -> Iterator[None]:
        """Send what is set within at once, to the front end and to those that `follow`."""
        self._holding += 1
        try:
            with super().hold_sync():
                yield
        finally:
            self._holding -= 1
            if not self._holding:
                for tell in self._following:
                    tell()

    def follow(self, told: Callable[[dict[str, Any]], None]) -> None:
        """Call ``told(values)`` after each change of what is drawn; changes held together come together."""
        changed: dict[str, Any] = {}

        def tell() -> None:
            if changed:
                values = dict(changed)
                changed.clear()
                told(values)

        def keep(change: Mapping[str, Any]) -> None:
            changed[change["name"]] = change["new"]
            if not self._holding:
                tell()

        self._following = (*self._following, tell)
        self.observe(keep, names=list(self.state()))

    def on_action(self, run: Callable[[str, Mapping[str, Any]], None]) -> None:
        """Call ``run(operation, arguments)`` at every click that asks for something."""

        def told(change: Mapping[str, Any]) -> None:
            asked = change["new"]
            if asked:
                run(str(asked["operation"]), dict(asked.get("arguments") or {}))

        self.observe(told, names="action")

    def state(self) -> dict[str, Any]:
        """Return the synchronised values that the module draws, by name; bytes stay bytes."""
        drawn = {name for name in self._drawn() if not name.startswith("_")}
        return {name: getattr(self, name) for name in self.traits(sync=True) if name in drawn}

    def code(self) -> str:
        """Return the widget's ES module."""
        return str(self._esm)

    def twin(self) -> str:
        """Return the same content as static, safe HTML."""
        return f"<h3>{escape(self.title)}</h3><p>{escape(self.caption)}</p>"

    def _drawn(self) -> set[str]:
        return {name for kind in type(self).__mro__ if issubclass(kind, Board) for name in vars(kind)}

    def _ipython_display_(self) -> None:
        """Show the widget, and its twin as an output of its own, which the living widget hides.

        One output with both would lose the twin where a page is made of an executed notebook: nbconvert then prefers
        the widget, whose code it would fetch from the network.
        """
        from IPython.display import publish_display_data

        publish: Callable[..., None] = publish_display_data
        self._twin = f"wbw-twin-{self.model_id}"
        found = super()._repr_mimebundle_()
        content = found[0] if isinstance(found, tuple) else found
        publish({**(content or {}), "text/plain": ""})
        publish({"text/plain": ": ".join(filter(None, (self.title, self.caption))),
                 "text/html": f"<div class='{self._twin}'>{self.twin()}</div>"})  # fmt: skip

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        found = super()._repr_mimebundle_(**kwargs)
        content, metadata = found if isinstance(found, tuple) else (found, {})
        return {**(content or {}), "text/html": self.twin()}, metadata


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return an HTML table; every cell is escaped."""
    top = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(words(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def words(value: object) -> str:
    """Return a value as readers see it: three significant digits, unknown for null."""
    if value is None or (isinstance(value, float) and value != value):
        return "unknown"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
