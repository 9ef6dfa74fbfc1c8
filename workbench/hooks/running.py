"""Run an approved plan: a program without a shell, one HTTP call, or a change in the model registry."""

from __future__ import annotations

import json
import os
import subprocess
import time

from workbench.config import HookSettings, secret
from workbench.errors import SourceError
from workbench.hooks import Plan, Ran
from workbench.hooks.planning import API, alias_version, peer
from workbench.model.window import SECOND_NS, parse_duration_ns
from workbench.sources._http import Peer

MOST_SAID = 2000
"""Characters of an answer that are kept."""
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")
"""A hook's program sees these variables of ours and no other, so that no secret reaches it by accident."""


def run(hook: HookSettings, plan: Plan) -> Ran:
    """Do exactly what *plan* says and tell how it ended; what goes wrong is told, never raised."""
    try:
        if plan.kind == "command":
            return _command(plan, parse_duration_ns(hook.timeout) / SECOND_NS)
        if plan.kind == "http":
            return _call(hook, plan)
        return _move(hook, plan) if plan.kind == "mlflow_alias" else _request_run(hook, plan)
    except SourceError as error:
        return Ran(False, clean(str(error)))


def clean(text: str) -> str:
    """Return an answer cut to what is kept, without control characters."""
    shown = "".join(c if c == "\n" or ord(c) >= 32 else "\N{REPLACEMENT CHARACTER}" for c in text.strip())
    return shown if len(shown) <= MOST_SAID else f"{shown[:MOST_SAID]} … ({len(shown)} characters)"


def _command(plan: Plan, timeout_s: float) -> Ran:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        done = subprocess.run(plan.steps, capture_output=True, timeout=timeout_s, check=False, env=environment,
                              stdin=subprocess.DEVNULL)  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ran(False, f"It was ended: no result after {timeout_s:g} s.")
    except (OSError, ValueError) as error:
        return Ran(False, clean(f"It could not be started: {error}"))
    said = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    return Ran(done.returncode == 0, clean(f"Exit status {done.returncode}.\n{said}"))


def _call(hook: HookSettings, plan: Plan) -> Ran:
    _, address, body = plan.steps
    asked = Peer(hook.name, {"url": address, "token": secret(hook.token) if hook.token else ""})
    return Ran(True, clean(asked.send("", json.loads(body)).decode("utf-8", "replace")) or "Answered 2xx, no text.")


def _move(hook: HookSettings, plan: Plan) -> Ran:
    _, model, alias, now, then, _ = plan.steps
    asked = peer(hook)
    found = alias_version(asked, model, alias)
    if found != now:
        return Ran(False, f"Nothing was moved: {alias} of {model} points to {found} by now, not to {now} as approved.")
    asked.post(f"{API}/registered-models/alias", {"name": model, "alias": alias, "version": then})
    seen = alias_version(asked, model, alias)
    return Ran(seen == then, f"{alias} of {model}: {now} → {seen}.")


def _request_run(hook: HookSettings, plan: Plan) -> Ran:
    _, model, experiment, tags, _ = plan.steps
    asked = peer(hook)
    found = asked.get(f"{API}/experiments/get-by-name", {"experiment_name": experiment})
    experiment_id = found["experiment"]["experiment_id"]
    listed = [{"key": k, "value": v} for k, v in {**json.loads(tags), "workbench.model": model}.items()]
    body = {"experiment_id": experiment_id, "run_name": f"retrain {model}", "tags": listed,
            "start_time": time.time_ns() // 10**6}  # fmt: skip
    run_id = asked.post(f"{API}/runs/create", body)["run"]["info"]["run_id"]
    asked.post(f"{API}/runs/update", {"run_id": run_id, "status": "SCHEDULED"})
    return Ran(True, f"Run {run_id} of {experiment} asks for {model} to be trained again; its status is SCHEDULED.")
