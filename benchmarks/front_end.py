"""Widgets under the hand: JupyterLab or Panel on a free port of this machine, Chromium in front, times in the page."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from workbench.commands.lab import lab_options
from workbench.errors import UsageError

TOKEN = "a-token-of-this-machine"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
SERVED_S = 120
WAIT_MS = 20_000
WATCH = """
(() => {
  let began = null, prior = null, done = null;
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  window.arm = () => { began = null; window.repainted = new Promise((resolve) => { done = resolve; }); };
  for (const kind of ["pointermove", "keydown"]) addEventListener(kind, () => { began ??= performance.now(); }, true);
  // Time ends with the frame after the one that was drawn: by then it is on the screen.
  addEventListener("workbench:repainted", (event) => {
    const drawn = event.detail;
    if (same(drawn, prior) || (Array.isArray(drawn) && !drawn.length)) return;
    prior = drawn;
    const finish = done, from = began;
    requestAnimationFrame(() => finish?.({ ms: from === null ? null : performance.now() - from, at: Date.now() }));
  }, true);
  window.arm();
})();
"""
"""Laid into the page before anything else: `arm()`, then an input, then `await repainted` gives its milliseconds."""


def chromium() -> str:
    """Return where Chromium is; raise where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise UsageError("No Chromium was found; install it to measure widgets in a browser.")
    return found


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def served(command: Sequence[str], address: str, log: Path, env: dict[str, str]) -> Iterator[None]:
    """Run a server until *address* answers, and end it and all that it started."""
    with log.open("wb") as said:
        running = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, **env}, start_new_session=True)
        try:
            until = time.monotonic() + SERVED_S
            while not _answers(address):
                if running.poll() is not None or time.monotonic() > until:
                    raise UsageError(f"{command[2]} did not start: {log.read_text('utf-8')[-800:]}")
                time.sleep(0.2)
            yield
        finally:
            # The server and its kernels are of a process group of their own, which this started.
            os.killpg(running.pid, signal.SIGTERM)
            try:
                running.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait(timeout=10)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=30) as reply:  # this benchmark's own server
            return bool(reply.status == 200)
    except OSError:
        return False


@contextmanager
def panel(folder: Path, make: str) -> Iterator[str]:
    """Serve with Panel what the expression *make* gives, an import and a call: ``package.module:name``."""
    port, (module, _, name) = free_port(), make.partition(":")
    code = (f"import panel as pn\nfrom {module} import {name}\nfrom workbench.views.components import component\n"
            f"made = {name}()\n"
            f"pn.serve({{'board': lambda: component(made), 'blank': lambda: pn.pane.Str('')}}, address='127.0.0.1', "
            f"port={port}, show=False)")  # fmt: skip
    command = [sys.executable, "-c", code, str(folder)]
    with served(command, f"http://127.0.0.1:{port}/blank", folder / "panel.log", {"BENCH_FOLDER": str(folder)}):
        yield f"http://127.0.0.1:{port}/board"


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab as ``workbench lab`` starts it; yield its address, to be asked with `TOKEN`.

    Its own settings, workspaces and history lie in ``.home`` of the folder, so that nobody else's are read or written.
    """
    port, home = free_port(), folder / ".home"
    root = ["--allow-root"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", *root,
               "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser",
               f"--ServerApp.root_dir={folder}", *lab_options()]  # fmt: skip
    env = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "RUNTIME")}
    env |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "IPYTHONDIR": str(home / "ipython"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"), "DO_NOT_TRACK": "1",
            "BENCH_FOLDER": str(folder)}  # fmt: skip
    place = f"http://127.0.0.1:{port}"
    with served(command, f"{place}/api/status?token={TOKEN}", folder / "lab.log", env):
        yield place


@contextmanager
def lab(folder: Path, cells: Sequence[str]) -> Iterator[str]:
    """Serve a notebook of these cells with JupyterLab; yield the address that opens it."""
    nbformat.write(new_notebook(cells=[new_code_cell(c) for c in cells], metadata={"kernelspec": KERNEL}),
                   folder / "bench.ipynb")  # fmt: skip
    with jupyterlab(folder) as place:
        yield f"{place}/lab/tree/bench.ipynb?token={TOKEN}&reset"


@contextmanager
def page() -> Iterator[Any]:
    """Open one page of headless Chromium that watches repaints and asks nothing outside this machine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = driver.chromium.launch(executable_path=chromium(), args=flags)
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.outside = []
        opened.on("request", lambda r: None if "127.0.0.1" in r.url or r.url.startswith(("data:", "blob:")) else
                  opened.outside.append(r.url))  # fmt: skip
        opened.add_init_script(WATCH)
        try:
            yield opened
        finally:
            browser.close()


def open_lab(opened: Any, address: str, *, before: int) -> float:
    """Run all cells of the notebook, the first *before* of them untimed; return s from then to the first repaint."""
    opened.goto(address, wait_until="commit")
    status = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
    opened.wait_for_function(f"() => {status} === 'idle'", timeout=90_000)
    run = """async (n) => { const app = window.jupyterapp; app.shell.activateById(app.shell.currentWidget.id);
      for (let k = 0; k < n; k++) await app.commands.execute('notebook:run-cell-and-select-next'); }"""
    opened.evaluate(run, before)
    opened.wait_for_function(f"() => {status} === 'idle'", timeout=90_000)
    opened.evaluate("arm()")
    begun = time.time()
    opened.evaluate(run, 1)
    return float(opened.evaluate("repainted.then((r) => r.at)")) / 1000 - begun


def open_panel(opened: Any, address: str) -> float:
    """Return s from asking for the page to the board's first repaint; an empty page was loaded before it."""
    opened.goto(address.replace("/board", "/blank"))
    opened.wait_for_timeout(500)
    begun = time.time()
    opened.goto(address, wait_until="commit")
    return float(opened.evaluate("repainted.then((r) => r.at)")) / 1000 - begun


def timed(opened: Any, act: Any) -> float:
    """Return ms from the input that *act* gives to the end of the frame after its repaint; inf where none came."""
    opened.evaluate("arm()")
    act()
    late = f"new Promise((done) => setTimeout(() => done(null), {WAIT_MS}))"
    found = opened.evaluate(f"Promise.race([repainted, {late}])")
    return float("inf") if found is None or found["ms"] is None else float(found["ms"])


def said(name: str, times: Sequence[float], bar: float) -> str:
    """Return median and 95th percentile in ms beside the bar."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"{name:<34}{statistics.median(ordered):>8.0f}{p95:>8.0f}{bar:>8.0f}  {'met' if p95 <= bar else 'MISSED'}"
