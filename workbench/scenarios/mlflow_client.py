"""Keep the process with the MLflow client for the next store: importing it takes longer than writing one."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path

from workbench.errors import SourceError

LIMIT_S = 120
"""The longest that one store may take."""
WRITTEN = "written"
"""The answer where all went well; any other says what went wrong."""


class ClientProcess:
    """Write stores in one process, begun when first asked; it ends by itself when idle, or with this process."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def write(self, plan: Path, store: Path, empty: Path) -> None:
        """Write the plan into *store*; raise SourceError with the client's own words where it could not."""
        asked = json.dumps([str(plan), str(store), str(empty)]) + "\n"
        with self._turn:
            answer = self._asked(asked) or self._asked(asked)  # one that went while idle is begun anew
        if answer != WRITTEN:
            said = answer.strip()[-400:] or f"its process ended without a word, or took more than {LIMIT_S} s"
            raise SourceError(f"The MLflow client could not write {store.name}: {said}")

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _asked(self, line: str) -> str:
        """Return the answer; nothing where the process has ended, and then forget it."""
        process = self._process = self._process or _begun()
        assert process.stdin is not None
        assert process.stdout is not None
        stop = threading.Timer(LIMIT_S, process.kill)
        stop.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            stop.cancel()
        if answer:
            return str(json.loads(answer))
        self.close()
        return ""


def _begun() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.scenarios.mlflow_process"],
        env=dict(os.environ, MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@cache
def client_process() -> ClientProcess:
    """Return this process's own."""
    kept = ClientProcess()
    atexit.register(kept.close)
    return kept
