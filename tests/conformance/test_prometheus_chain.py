"""The real chain: an exporter's text, Debian's Prometheus that scrapes it, its Alertmanager, and the server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from workbench.config import Settings, SourceSettings
from workbench.intake.server import serving
from workbench.sources.prometheus import MOST_POINTS
from workbench.store import Store

WAIT_S = 40
GPU = "GPU-5fd4f087-86f3-7a43-b711-4771313afc50"
HOT_C, COOL_C = 91, 55
RULES = """
groups:
- name: gpus
  interval: 1s
  rules:
  - alert: GpuHot
    expr: DCGM_FI_DEV_GPU_TEMP > 85
    labels: {severity: page}
    annotations: {summary: "GPU at {{ $value }} C"}
"""
PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
- job_name: scoring
  static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
"""
ALERTMANAGER = """
route: {{receiver: workbench, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: workbench
  webhook_configs: [{{url: "{server}/webhooks/alertmanager", send_resolved: true}}]
"""


class _Exporter(BaseHTTPRequestHandler):
    """Answer a DCGM scrape and a business figure as an exporter does."""

    def do_GET(self) -> None:
        """Answer the text."""
        labels = f'gpu="0",UUID="{GPU}",device="nvidia0",modelName="H100",Hostname="node-7"'
        text = (
            "# TYPE DCGM_FI_DEV_GPU_TEMP gauge\n"
            f"DCGM_FI_DEV_GPU_TEMP{{{labels}}} {self.server.temperature_c}\n"  # type: ignore[attr-defined]
            f"# TYPE DCGM_FI_DEV_GPU_UTIL gauge\nDCGM_FI_DEV_GPU_UTIL{{{labels}}} NaN\n"
            '# TYPE kpi_approval_rate gauge\nkpi_approval_rate{segment="eu"} 0.91\n'
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def exporter() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    server.temperature_c = HOT_C  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}.")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, ready: Callable[[], Any]) -> Any:
    """Return what *ready* gives once it gives something."""
    until = time.monotonic() + WAIT_S
    while not (found := ready()):
        assert time.monotonic() < until, f"{what}: not after {WAIT_S} s"
        time.sleep(0.2)
    return found


@contextmanager
def running(command: list[str], folder: Path, ready_url: str) -> Iterator[None]:
    """Run a real server until the block ends."""

    def answers() -> bool:
        assert server.poll() is None, (folder / "log").read_text()
        try:
            with urllib.request.urlopen(ready_url, timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            wait_for(command[0], answers)
            yield
        finally:
            server.terminate()
            server.wait(20)


def served(url: str, port: int) -> Settings:
    """Return settings under which the server pulls Prometheus each second, the first time four hours of seconds."""
    options = {"queries": ["DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_UTIL", "kpi_approval_rate"], "step": "1s",
               "lookback": "4h"}  # fmt: skip
    return Settings(sources=(SourceSettings("metrics", "prometheus", f"http://127.0.0.1:{port}", "1s", options),))


def queries_answered(url: str) -> int:
    """Return how many range queries Prometheus says it answered."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    started = 'prometheus_http_requests_total{code="200",handler="/api/v1/query_range"}'
    return sum(int(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(started))


def test_a_scrape_and_an_alert_come_through_real_servers(exporter: ThreadingHTTPServer, tmp_path: Path) -> None:
    """91 C is scraped, pulled in 2 pages of 3 queries, alerted on, and the alert ends once it is 55 C; NaN is unknown.

    No sample comes twice over the pulls of each second, and the cursor moves on.
    """
    prometheus = program("prometheus", "prometheus")
    alertmanager = program("prometheus-alertmanager", "prometheus-alertmanager")
    ports = {name: free_port() for name in ("prometheus", "alertmanager")}
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "prometheus.yml").write_text(
        PROMETHEUS.format(alertmanager=ports["alertmanager"], exporter=exporter.server_address[1])
    )
    (tmp_path / "am").mkdir()
    url = f"http://127.0.0.1:{ports['prometheus']}"
    metrics = [
        prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
    ]  # fmt: skip
    alerts = [
        alertmanager, "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=",
        f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
    ]  # fmt: skip
    with Store.open(tmp_path / "store") as store, running(metrics, tmp_path, f"{url}/-/ready"):
        with serving(store, served(url, ports["prometheus"])) as server:
            (tmp_path / "am" / "alertmanager.yml").write_text(ALERTMANAGER.format(server=server))
            ready = f"http://127.0.0.1:{ports['alertmanager']}/-/ready"
            with running(alerts, tmp_path / "am", ready):
                check_firing(store)
                first = store.cursor("metrics")
                exporter.temperature_c = COOL_C  # type: ignore[attr-defined]
                check_resolved(store)
                wait_for("the cool sample", lambda: COOL_C in temperatures(store))
        assert store.cursor("metrics") != first
        assert queries_answered(url) >= 3 * (4 * 3600 // MOST_POINTS + 1)
        check_samples(store)


def check_firing(store: Store) -> None:
    """See the alert firing, about the GPU, with the figure that its rule watches."""
    alert = wait_for("the alert", lambda: store.ask("rows", table="alerts").to_pylist())[0]
    assert (alert["status"], alert["name"], alert["severity"], alert["ends_ns"]) == ("firing", "GpuHot", "page", None)
    assert (alert["entity"], alert["signal"]) == (f"gpu:{GPU}", "DCGM_FI_DEV_GPU_TEMP")
    assert alert["summary"] == f"GPU at {HOT_C} C"


def check_resolved(store: Store) -> None:
    """See the same occurrence end: one row, not two."""
    rows = wait_for(
        "the end of the alert",
        lambda: store.ask("rows", table="alerts", equals={"status": "resolved"}).to_pylist(),
    )
    assert store.ask("rows", table="alerts").num_rows == len(rows) == 1
    assert rows[0]["ends_ns"] > rows[0]["starts_ns"]


def check_samples(store: Store) -> None:
    """See each second's sample once, the utilisation unknown, the business figure as one."""
    rows = store.ask("rows", table="metric_samples").to_pylist()
    warm = [r for r in rows if r["entity"] == f"gpu:{GPU}" and r["value"] in (HOT_C, COOL_C)]
    assert temperatures(store) == {HOT_C, COOL_C}
    assert len({(r["series"], r["time_ns"]) for r in rows}) == len(rows)
    unknown = [r for r in rows if r["entity"] == f"gpu:{GPU}" and r["metric"] not in {w["metric"] for w in warm}]
    assert unknown
    assert all(r["value"] is None for r in unknown)
    kpis = store.ask("rows", table="kpis").to_pylist()
    assert {(k["kpi"], k["segment"], k["value"]) for k in kpis} == {("approval_rate", "eu", 0.91)}


def temperatures(store: Store) -> set[float]:
    """Return the known figures of the GPU."""
    rows = store.ask("rows", table="metric_samples", equals={"entity": f"gpu:{GPU}"}).to_pylist()
    return {row["value"] for row in rows if row["value"] is not None}
