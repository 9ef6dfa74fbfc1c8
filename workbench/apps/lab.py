"""JupyterLab on a case: the journal as a notebook beside it, served on this machine for as long as the app runs."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from workbench.apps.desk import Desk
from workbench.errors import SourceError

START_S = 90.0


class Labs:
    """Keep one JupyterLab for all cases of a bench."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""
        self._token = ""

    def open(self, desk: Desk, case_id: str) -> str:
        """Write the case's notebook where there is none, start JupyterLab once, and return the address to open."""
        folder = desk.bench.store.root.resolve().parent
        with desk.case(case_id) as case:
            notebook = _written(case.path.resolve().parent / f"{case.id}.ipynb", case)
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start(folder)
            return f"{self._address}/lab/tree/{notebook.relative_to(folder).as_posix()}?token={self._token}"

    def _start(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._token = secrets.token_urlsafe(32)
        self._address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--allow-root",
                   f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
                   "--LabApp.news_url=''",
                   "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
        # The token goes by the environment: arguments can be read by everybody on the machine.
        self._process = subprocess.Popen(command, env={**os.environ, "JUPYTER_TOKEN": self._token},
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self._address}/api", timeout=1).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        self.close()
        raise SourceError(f"JupyterLab did not answer within {START_S:g} s; try `workbench lab {folder}`.")

    def close(self) -> None:
        """End JupyterLab, if it runs."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _written(path: Path, case: object) -> Path:
    """Write the journal as a notebook; one that is there is somebody's work and is left alone."""
    import nbformat

    from workbench.case.case import Case
    from workbench.report.notebook import notebook

    assert isinstance(case, Case)
    if not path.exists():
        path.write_text(nbformat.writes(notebook(case, path)), encoding="utf-8")
    return path
