"""A real JupyterLab on a free port of this machine, with one page of a browser in front of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from benchmarks.front_end import KERNEL, TOKEN
from benchmarks.front_end import jupyterlab as served

__all__ = ["KERNEL", "Lab", "opened", "served"]


@dataclass
class Lab:
    """One page of JupyterLab with a notebook in front."""

    page: Any
    place: str
    outside: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def show(self, name: str) -> None:
        """Open a notebook and wait until its kernel is idle."""
        mine = (self.place, self.place.replace("http", "ws"), "data:", "blob:", "about:")
        self.page.on("request", lambda r: None if r.url.startswith(mine) else self.outside.append(r.url))
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.goto(f"{self.place}/lab/tree/{name}?token={TOKEN}&reset", wait_until="commit")
        self.wait("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady")
        self.idle()

    def wait(self, condition: str) -> None:
        """Wait until JavaScript holds."""
        self.page.wait_for_function(condition, timeout=90_000)

    def idle(self) -> None:
        """Wait until the kernel has nothing to do."""
        status = "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
        self.wait(f"() => {status} === 'idle'")

    def do(self, command: str, arguments: str = "{}") -> Any:
        """Run one of JupyterLab's own commands with the notebook in front."""
        return self.page.evaluate(
            f"""async () => {{ const app = window.jupyterapp; app.shell.activateById(app.shell.currentWidget.id);
            const done = await app.commands.execute({command!r}, {arguments}); return done === true; }}"""
        )

    def sources(self) -> list[str]:
        """Return the text of every cell."""
        cells = "window.jupyterapp.shell.currentWidget.content.widgets"
        return list(self.page.evaluate(f"() => {cells}.map((c) => c.model.sharedModel.source)"))

    def type_into(self, cell: int, text: str) -> None:
        """Replace the text of a cell, as an editor does."""
        cells = "window.jupyterapp.shell.currentWidget.content.widgets"
        self.page.evaluate(f"([at, text]) => {cells}[at].model.sharedModel.setSource(text)", [cell, text])

    def said(self) -> list[str]:
        """Return what the last cell printed, word by word; empty before it did."""
        text = self.page.locator(".jp-OutputArea").last.inner_text()
        return re.findall(r"said (\d+) (\w*) ([0-9a-f]{64})", text)[-1:] and text.split()[1:]


def opened(browser: Any, address: str, name: str, *, high: int = 900) -> Lab:
    """Return a page that shows a notebook."""
    lab = Lab(browser.new_page(viewport={"width": 1300, "height": high}), address)
    lab.show(name)
    return lab
