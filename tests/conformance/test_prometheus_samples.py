"""Prometheus: saved answers, scrapes of real exporters, paging against a server that has its limit, and a real one."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pyarrow as pa
import pytest

from workbench.errors import SourceError, UsageError
from workbench.sources import Batch, Context, Head
from workbench.sources.prometheus import check, pull, read, recognise

NOW_NS = 1_772_366_400_000_000_000
CONTEXT = Context("prod", "scrape.txt", NOW_NS)


def rows(batches: list[Batch], table: str = "metric_samples") -> list[dict[str, Any]]:
    """Return one table's rows of all batches."""
    parts = [b.tables[table] for b in batches if table in b.tables]
    found: list[dict[str, Any]] = pa.concat_tables(parts).to_pylist() if parts else []
    return found


def of_text(text: str) -> list[dict[str, Any]]:
    """Return the samples of a text in which everything can be read."""
    batches = list(read(io.BytesIO(text.encode()), CONTEXT))
    assert [b.rejections for b in batches if b.rejections] == []
    return rows(batches)


SCRAPES = {
    "metrics/federate_node.txt": 512, "metrics/node_exporter_scrape.txt": 507,
    "metrics/prometheus_self_scrape.txt": 604,
    "gpu/prom/dcgm_exporter_T4_datadog.prom": 23, "gpu/prom/triton_datadog_excerpt.prom": 86,
    "gpu/prom/linux-x86_64__nvidia-h200__590.48.01__load.metrics": 139,
}  # fmt: skip


@pytest.mark.parametrize("name", SCRAPES)
def test_every_line_of_a_real_scrape_is_a_sample(name: str, data: Path) -> None:
    """As many samples as lines that are neither empty nor comments, none rejected, no series twice at one time."""
    file = data / name
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert recognise(Head(file.name, file.read_bytes()[:65536])) == 0.9
    batches = list(read(file, CONTEXT))
    found = rows(batches)
    assert len(found) == len(lines) == SCRAPES[name]
    assert [b.rejections for b in batches if b.rejections] == []
    assert len({(s["series"], s["time_ns"]) for s in found}) == len(found)


def test_numbers_are_texts_and_nan_is_unknown(data: Path) -> None:
    """The captured answers hold 6 NaN, 6 +Inf, 14 x 9 rates, one scalar and two instants; an error is a refusal."""
    def read_file(name: str) -> list[Batch]:
        assert recognise(Head(name, (data / "metrics" / name).read_bytes()[:65536])) >= 0.9
        return list(read(data / "metrics" / name, CONTEXT))

    assert [s["value"] for s in rows(read_file("query_range_nan.json"))] == [None] * 6
    assert [s["value"] for s in rows(read_file("query_range_inf_nan.json"))] == [math.inf] * 6
    assert len(rows(read_file("query_range_rate_node_cpu.json"))) == 126
    assert [s["time_ns"] for s in rows(read_file("query_scalar.json"))] == [1_795_225_230_579_000_000]
    up = rows(read_file("query_instant_up.json"))
    assert {(s["entity"], s["value"]) for s in up} == {("service:prometheus", 1.0), ("service:node", 1.0)}
    (error,) = read_file("query_error.json")
    assert [r.reason for r in error.rejections] == [
        "Prometheus answered an error: bad_data: 1:4: parse error: unexpected end of input inside braces"
    ]


def test_a_federated_sample_keeps_its_time_and_its_host(data: Path) -> None:
    """Federation writes ms: 1795225228755 is that instant; node_ figures belong to the host without its port."""
    found = rows(list(read(data / "metrics/federate_node.txt", CONTEXT)))
    assert {s["time_ns"] for s in found} == {1_795_225_228_755_000_000}
    assert {s["entity"] for s in found if s["metric"].startswith("node_")} == {"host:127.0.0.1"}


def test_units_of_dcgm(data: Path) -> None:
    """MiB become bytes, mJ joules, shares percent; the T4 has 300 MHz, 25 degrees, 8.969 W and 128,996.013 J."""
    found = [s for s in rows(list(read(data / "gpu/prom/dcgm_exporter_T4_datadog.prom", CONTEXT)))
             if s["entity"] == "gpu:GPU-20c56d28-0da5-6d26-a36a-e7af1ce2586e"]  # fmt: skip
    values = {s["metric"]: (s["value"], s["unit"]) for s in found}
    assert values["gpu_sm_clock_mhz"] == (300.0, "MHz")
    assert values["gpu_temperature_c"] == (25.0, "Cel")
    assert values["gpu_power_w"] == (8.969, "W")
    assert values["gpu_energy_j"] == (pytest.approx(128_996.013), "J")


def test_labels_of_dcgm_drifted_and_the_device_did_not() -> None:
    """Hostname became hostname and pci_bus_id came: entity and series stay the same; a MIG instance is its own."""
    old = 'DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-20c5",device="nvidia0",modelName="T4",Hostname="n1"} 100\n'
    new = 'DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-20c5",pci_bus_id="00:1E.0",modelName="T4",hostname="n1"} 100\n'
    mig = 'DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-20c5",GPU_I_PROFILE="1g.10gb",GPU_I_ID="7",Hostname="n1"} 100\n'
    none = 'DCGM_FI_DEV_FB_USED{gpu="0",Hostname="n1:9400"} 100\n'
    (a,), (b,), (c,), (d,) = (of_text(text) for text in (old, new, mig, none))
    assert (a["entity"], a["series"], a["value"]) == (b["entity"], b["series"], 100 * 2.0**20)
    assert (a["entity"], c["entity"], d["entity"]) == ("gpu:GPU-20c5", "gpu:GPU-20c5/mig-7", "gpu:n1/0")
    assert dict(a["labels"])["hostname"] == dict(b["labels"])["hostname"] == "n1"


def test_an_exporter_in_base_units_gives_the_same_figures(data: Path) -> None:
    """nvidia_gpu_exporter writes Hz, bytes and shares: the H200 under load draws 627.4 W of 700 W at 1,980 MHz."""
    found = rows(list(read(data / "gpu/prom/linux-x86_64__nvidia-h200__590.48.01__load.metrics", CONTEXT)))
    values = {s["metric"]: s["value"] for s in found}
    assert (values["gpu_power_w"], values["gpu_power_limit_w"], values["gpu_sm_clock_mhz"]) == (627.4, 700.0, 1980.0)
    assert values["gpu_memory_used_bytes"] == 33_934_016_512


def test_openmetrics_with_time_stamps_units_and_exemplars() -> None:
    """Seconds with decimals, ms as integers, exemplars behind #, escapes and # and } inside labels."""
    found = of_text(
        "# TYPE kpi_approval_rate gauge\n# UNIT kpi_approval_rate ratio\n"
        'kpi_approval_rate{segment="EU \\"west\\" # } \\n"} 0.91 1772366400.5\n'
        "# TYPE latency_seconds histogram\n"
        'latency_seconds_bucket{le="+Inf",job="scoring"} 3 1772366400 # {trace_id="a"} 0.5\n'
        "# TYPE hits counter\nhits_total 7 1772366400000\n# EOF\nafter 1\n"
    )
    assert [s["time_ns"] - NOW_NS for s in found] == [500_000_000, 0, 0]
    assert [s["type"] for s in found] == ["gauge", "histogram part", "counter"]
    assert [s["unit"] for s in found] == ["ratio", "s", None]
    assert dict(found[0]["labels"]) == {"segment": 'EU "west" # } \n'}


def test_business_figures_stand_in_kpis_as_well() -> None:
    """kpi_revenue_eur of two segments gives two samples of kpi:revenue_eur and two rows of kpis."""
    text = 'kpi_revenue_eur{segment="b2b"} 5 1772366400\nkpi_revenue_eur{country="DE",job="x"} NaN 1772366400\n'
    batches = list(read(io.BytesIO(text.encode()), CONTEXT))
    assert {s["entity"] for s in rows(batches)} == {"kpi:revenue_eur"}
    found = [(k["kpi"], k["segment"], k["value"], k["time_ns"]) for k in rows(batches, "kpis")]
    assert found == [("revenue_eur", "b2b", 5.0, NOW_NS), ("revenue_eur", "country=DE", None, NOW_NS)]


def test_a_broken_line_is_refused_alone() -> None:
    """Of five lines three are no samples: an unclosed label, a word for a value, a time that is none."""
    text = '# TYPE up gauge\nup 1\nup{a="b 1\nup one\nup 1 2 3\nup{a="c"} 2\n'
    batches = list(read(io.BytesIO(text.encode()), CONTEXT))
    assert [s["value"] for s in rows(batches)] == [1.0, 2.0]
    assert [r.place for b in batches for r in b.rejections] == ["scrape.txt:3", "scrape.txt:4", "scrape.txt:5"]


class _Limited(BaseHTTPRequestHandler):
    """Answer query_range as Prometheus does: inclusive ends, and an error beyond 11,000 points."""

    asked: list[dict[str, str]]

    def do_POST(self) -> None:
        """Answer a constant series."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {k: v[0] for k, v in parse_qs(body).items()}
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        start, end, step = (int(asked[k]) for k in ("start", "end", "step"))
        times = range(start, end + 1, step)
        if len(times) > 11_000:
            said = "exceeded maximum resolution of 11,000 points per timeseries"
            self._say(400, {"status": "error", "errorType": "bad_data", "error": said})
            return
        result = [{"metric": {"__name__": "kpi_x", "job": "j"}, "values": [[t, "1"] for t in times]}]
        self._say(200, {"status": "success", "data": {"resultType": "matrix", "result": result}})

    def _say(self, status: int, answer: object) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def limited() -> Iterator[ThreadingHTTPServer]:
    """Serve on the loopback interface until the test ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Limited)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_thirty_days_are_asked_for_in_pages(limited: ThreadingHTTPServer) -> None:
    """43,201 points of a minute come in 5 pages, none twice and none missing; from the cursor on only the new ones."""
    url = f"http://127.0.0.1:{limited.server_address[1]}"
    settings = {"url": url, "queries": {"x": "kpi_x"}, "lookback": "30d", "step": "1m"}
    pages = list(pull(settings, None, CONTEXT))
    times = [s["time_ns"] for batch, _ in pages for s in rows([batch])]
    assert len(pages) == 5
    assert times == list(range(NOW_NS - 30 * 86_400 * 10**9, NOW_NS + 1, 60 * 10**9))
    later = Context("prod", "p", NOW_NS + 150 * 10**9)
    again = list(pull(settings, pages[-1][1], later))
    assert [s["time_ns"] - NOW_NS for batch, _ in again for s in rows([batch])] == [60 * 10**9, 120 * 10**9]
    assert list(pull(settings, again[-1][1], later)) == []
    assert [s["time_ns"] for batch, _ in pull(settings, "broken cursor", CONTEXT) for s in rows([batch])] == times


def test_a_server_that_is_not_there_is_named() -> None:
    """One sentence with the address; wrong settings are refused before anything is asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceError, match=f"127.0.0.1:{port} cannot be reached"):
        list(pull({"url": f"http://127.0.0.1:{port}"}, None, CONTEXT))
    with pytest.raises(UsageError, match="needs an address"):
        check({"url": "file:///etc/passwd"})
    with pytest.raises(UsageError, match="queries as a table"):
        list(pull({"url": "http://127.0.0.1:1", "queries": "up"}, None, CONTEXT))


def test_a_real_prometheus_with_backfilled_blocks(tmp_path: Path) -> None:
    """Three days of a minute, backfilled by promtool, come back sample by sample from a real server."""
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if prometheus is None or promtool is None:
        pytest.skip("Debian's prometheus and promtool are not installed: apt-get install prometheus.")
    count, end_s = 3 * 1440, int(time.time()) // 60 * 60 - 3 * 3600
    times = [end_s - 60 * (count - 1 - i) for i in range(count)]
    lines = ["# TYPE kpi_approval_rate gauge"]
    lines += [f'kpi_approval_rate{{segment="eu"}} {0.9 + (i % 7) / 100:.2f} {t}' for i, t in enumerate(times)]
    (tmp_path / "kpi.om").write_text("\n".join([*lines, "# EOF"]) + "\n")
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "kpi.om", "data"], cwd=tmp_path, check=True,
                   capture_output=True, timeout=60)  # fmt: skip
    (tmp_path / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--storage.tsdb.retention.time=365d",
         f"--web.listen-address=127.0.0.1:{port}"],
        cwd=tmp_path, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(150):
            try:
                urllib.request.urlopen(f"{url}/-/ready", timeout=1).close()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.2)
        context = Context("prod", "p", end_s * 10**9)
        settings = {"url": url, "queries": {"approval": "kpi_approval_rate"}, "lookback": (count - 1) * 60, "step": 60}
        found = rows([batch for batch, _ in pull(settings, None, context)], "kpis")
        expected = [t * 10**9 for t in times]
        assert [k["time_ns"] for k in found] == expected
        assert [k["value"] for k in found] == [pytest.approx(0.9 + (i % 7) / 100) for i in range(count)]
        assert check({"url": url}).startswith("Prometheus 2.")
        with pytest.raises(SourceError, match="400"):
            list(pull(settings | {"queries": {"bad": "sum("}}, None, context))
        scraped = [batch for batch, _ in pull({"url": url, "scrape": "/metrics"}, None, context)]
        assert {s["entity"] for s in rows(scraped)} == {"host:127.0.0.1"}
    finally:
        server.terminate()
        server.wait(20)
