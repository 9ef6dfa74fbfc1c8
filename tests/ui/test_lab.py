"""A real JupyterLab in a real browser: widgets render, clicks become entries and cells, and all of it survives."""

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from workbench.case.case import Case
from workbench.commands.lab import lab_options, lay_notebooks

TOKEN = "a-token-of-this-test"
WINDOW = "2026-02-10T10:00:00Z/2026-02-10T11:00:00Z"
OPEN = 'import workbench as wb\nfrom workbench.views.bind_steps import stepper\n\ncase = wb.Case.open("INC-1")'
SHOW = "board = stepper(case)\nboard"
TELL = 'print("said", case.length(), board.hunch, case.state_hash)'
SERVED_S = 90


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a case, a notebook about it, and the shipped notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    case = Case.create(folder / "INC-1", case_id="INC-1", who="tester")
    case.call("begin", entity="service:a", signal="error_rate", window=WINDOW)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=[new_code_cell(s) for s in (OPEN, SHOW, TELL)], metadata={"kernelspec": kernel})
    nbformat.write(book, folder / "case.ipynb")
    lay_notebooks(folder / "notebooks")
    return folder


@pytest.fixture(scope="module")
def address(browser: Any, workspace: Path) -> Iterator[str]:
    """Serve the folder with JupyterLab as ``workbench lab`` starts it, on a free port of this machine only."""
    pytest.importorskip("jupyterlab")
    port, home = free_port(), workspace / ".home"
    root = ["--allow-root"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", *root,
               "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser",
               f"--ServerApp.root_dir={workspace}", *lab_options()]  # fmt: skip
    env = {**os.environ, "DO_NOT_TRACK": "1", "JUPYTER_CONFIG_DIR": str(home / "config"),
           "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
           "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"), "IPYTHONDIR": str(home / "ipython")}  # fmt: skip
    with (workspace / "lab.log").open("wb") as log:
        served = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
        try:
            place = f"http://127.0.0.1:{port}"
            until = time.monotonic() + SERVED_S
            while not answers(f"{place}/api/status?token={TOKEN}"):
                assert served.poll() is None, (workspace / "lab.log").read_text()[-2000:]
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

    def said(self) -> list[str]:
        """Return what the last cell printed, word by word; empty before it did."""
        text = self.page.locator(".jp-OutputArea").last.inner_text()
        return re.findall(r"said (\d+) (\w*) ([0-9a-f]{64})", text)[-1:] and text.split()[1:]


def opened(browser: Any, address: str, name: str) -> Lab:
    """Return a page that shows a notebook."""
    lab = Lab(browser.new_page(viewport={"width": 1300, "height": 900}), address)
    lab.show(name)
    return lab


@pytest.mark.browser
def test_a_click_in_jupyterlab_is_an_entry_and_a_cell_below_and_both_survive(
    browser: Any, address: str, workspace: Path
) -> None:
    """Run all, click, read the state in Python, switch the theme, save, reopen: 1 entry, 1 cell, 0 requests outside."""
    lab = opened(browser, address, "case.ipynb")
    assert lab.do("notebook:run-all-cells")
    lab.page.wait_for_selector(".jp-OutputArea .wbw li.step", timeout=90_000)
    assert lab.page.locator(".wbw li.step").count() == 15
    lab.page.get_by_role("button", name="My hunch is step 8: Which").click()
    lab.page.wait_for_selector(".wbw .said code")
    assert lab.page.locator(".wbw .said code").inner_text() == 'case.hunch("serving")'
    assert lab.sources() == [OPEN, SHOW, 'case.hunch("serving")', TELL]
    lab.page.get_by_role("button", name="My hunch is step 9").click()
    lab.wait("() => document.querySelector('.wbw .said code')?.textContent.includes('hardware')")
    assert lab.sources()[2:4] == ['case.hunch("serving")', 'case.hunch("hardware")']
    # Running all again repeats both lines; what stands already appends nothing.
    case = Case.open(workspace / "INC-1")
    assert [e.operation for e in case.entries] == ["begin", "hunch", "hunch"]
    lab.do("apputils:change-theme", '{theme: "JupyterLab Dark"}')
    lab.wait("() => document.querySelector('.wbw').dataset.theme === 'dark'")
    lab.do("docmanager:save")
    lab.wait("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert (lab.outside, lab.wrong) == ([], [])
    lab.page.close()
    saved = nbformat.read(workspace / "case.ipynb", as_version=4)
    twin = saved.cells[1].outputs[-1]["data"]["text/html"]
    assert "<table>" in twin
    assert "Which service is slow or failing by itself" in twin
    again = opened(browser, address, "case.ipynb")
    again.page.wait_for_selector(".jp-OutputArea .wbw li.step", timeout=90_000)
    assert again.page.locator(".wbw .tag", has_text="your hunch").count() == 1
    assert again.page.locator(".wbw").get_attribute("data-theme") == "dark"
    assert len(again.sources()) == 5
    again.page.close()


@pytest.mark.full
@pytest.mark.browser
def test_restart_and_run_all_ends_in_the_same_state_hash(browser: Any, address: str, workspace: Path) -> None:
    """A scratch copy of the case runs the inserted lines: the hash is the case's, whoever clicked."""
    case = Case.open(workspace / "INC-1")
    case.call("hunch", step="drift")
    lines = "\n".join(case.lines())
    book = nbformat.read(workspace / "case.ipynb", as_version=4)
    book.cells = [new_code_cell(OPEN.replace('"INC-1")', '"INC-1", at="start")')), new_code_cell(lines),
                  new_code_cell('print("said", case.length(), "x", case.state_hash)')]  # fmt: skip
    nbformat.write(book, workspace / "again.ipynb")
    lab = opened(browser, address, "again.ipynb")
    lab.do("notebook:run-all-cells")
    lab.page.wait_for_selector("text=/said \\d+/", timeout=90_000)
    assert lab.said()[-1] == case.state_hash
    lab.page.close()


@pytest.mark.full
@pytest.mark.browser
def test_the_launcher_opens_a_copy_of_the_investigation(browser: Any, address: str, workspace: Path) -> None:
    """The command is there, and the copy lies in the folder."""
    lab = opened(browser, address, "case.ipynb")
    lab.do("incident-workbench:new-investigation")
    lab.wait("() => window.jupyterapp.shell.currentWidget.title.label.startsWith('investigation')")
    assert (workspace / "investigation.ipynb").is_file()
    assert lab.wrong == []
    lab.page.close()


@pytest.mark.full
@pytest.mark.browser
def test_a_notebook_whose_kernel_is_gone_shows_the_static_twin(browser: Any, address: str, workspace: Path) -> None:
    """The widget's model is unknown to every kernel: the table stands in its place."""
    book = nbformat.read(workspace / "case.ipynb", as_version=4)
    shown = [o for c in book.cells if c.cell_type == "code" for o in c.outputs if "text/html" in o.get("data", {})]
    shown[-1]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"] = "0" * 32
    book.cells = [new_code_cell("board", outputs=shown[-1:])]
    nbformat.write(book, workspace / "gone.ipynb")
    lab = opened(browser, address, "gone.ipynb")
    lab.page.wait_for_selector(".jp-OutputArea table", timeout=60_000)
    assert "Which service is slow or failing by itself" in lab.page.locator(".jp-OutputArea").inner_text()
    lab.page.close()
