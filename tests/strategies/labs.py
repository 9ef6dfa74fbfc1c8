"""A real JupyterLab on a free port of this machine, with one page of a browser in front of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.commands.lab import lab_options

TOKEN = "a-token-of-this-test"
SERVED_S = 90
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab as ``workbench lab`` starts it; yield its address."""
    port, home = free_port(), folder / ".home"
    root = ["--allow-root"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", *root,
               "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser",
               f"--ServerApp.root_dir={folder}", *lab_options()]  # fmt: skip
    env = {**os.environ, "DO_NOT_TRACK": "1", "JUPYTER_CONFIG_DIR": str(home / "config"),
           "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
           "JUPYTERLAB_WORKSPACES_DIR": str(home / "folders"), "IPYTHONDIR": str(home / "ipython")}  # fmt: skip
    with (folder / "lab.log").open("wb") as log:
        served = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
        try:
            place = f"http://127.0.0.1:{port}"
            until = time.monotonic() + SERVED_S
            while not answers(f"{place}/api/status?token={TOKEN}"):
                assert served.poll() is None, (folder / "lab.log").read_text()[-2000:]
                assert time.monotonic() < until, "JupyterLab did not answer in time."
                time.sleep(0.2)
            yield place
        finally:
            # Its kernels are of its own process group, which this test started.
            os.killpg(served.pid, signal.SIGTERM)
            try:
                served.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(served.pid, signal.SIGKILL)
                served.wait(timeout=10)


def answers(url: str) -> bool:
    """Say whether a server answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # the address is this test's own
            return bool(reply.status == 200)
    except OSError:
        return False


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
