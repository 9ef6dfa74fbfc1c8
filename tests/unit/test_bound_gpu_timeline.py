"""Devices of a case on a timeline, and kernels on zoom: exact to the nanosecond, none lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from workbench.apps import boards
from workbench.bench import Bench, open_bench
from workbench.case.case import Case
from workbench.columnar import build
from workbench.errors import UsageError
from workbench.model.tables import METRICS
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, iso, parse_time_ns
from workbench.sources.kineto import trace as read_trace
from workbench.views.bind_gpu import gpu, kernel_lanes
from workbench_widgets.gpu import UNKNOWN, GpuTimeline
from workbench_widgets.kernels import MOST_SPANS, Kernels
from workbench_widgets.pyramid import Pyramid

ZERO = 1_770_714_960_123_456_789
DATA = os.environ.get("WORKBENCH_CONFORMANCE_DATA")


def kernels(n: int = 20_000, seed: int = 3) -> Kernels:
    """Return n kernels of 1 to 9 µs about 20 µs apart, on two streams, of three names."""
    dice = np.random.default_rng(seed)
    starts = ZERO + np.arange(n) * 20_000 + dice.integers(0, 9_000, n)
    return Kernels(starts, starts + dice.integers(1_000, 9_000, n), ["gemm", "copy", "<b>norm"], dice.integers(0, 3, n),
                   dice.integers(0, 2, n))  # fmt: skip


def test_a_view_of_one_microsecond_places_a_kernel_to_the_nanosecond() -> None:
    """2026 in floats of ms since 1970 is 244 ns coarse; here begin and end differ from the truth by less than 1 ns."""
    held = kernels()
    board = GpuTimeline([{"name": "GPU-0", "kernels": held}])
    begin = (int(held.starts[500]) - round(board.zero) * 1_000_000) / 1e6
    board.view = {"start": begin - 0.0002, "end": begin + 0.0008, "width": 900}
    lane = board.lanes[0]["kernels"]
    numbers = np.frombuffer(board.points)[lane["offset"] : lane["offset"] + 4 * lane["n"]].reshape(4, -1)
    place = int(np.argmin(np.abs(numbers[0] - begin)))
    truth = np.array([held.starts[500], held.ends[500]]) - round(board.zero) * 1_000_000
    assert np.abs(numbers[:2, place] * 1e6 - truth).max() < 1.0
    assert lane["names"][int(numbers[2, place])] == held.names[held.codes[500]]
    assert board.least == 1e-3


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01])
def test_busy_shares_of_pixels_are_exact_and_no_lone_kernel_is_lost(share: float) -> None:
    """Every pixel's busy time equals a count nanosecond by nanosecond over the union of kernels."""
    held = kernels(MOST_SPANS * 3)
    first, size = int(held.starts[0]), int(held.ends.max()) - int(held.starts[0])
    end = first + int(size * share)
    facts, numbers = held.draw(first, end, first, 120)
    edges = first + np.arange(121) * (end - first) // 120
    if facts["how"] == "share":
        truth = brute(held, edges)
        assert np.abs(numbers[0] * np.diff(edges) - truth).max() < 1e-3
        touched = np.searchsorted(edges, held.starts[held.starts < end], side="right") - 1
        assert (numbers[0][np.unique(touched)] > 0).all()
    else:
        assert facts["n"] == int(((held.starts < end) & (held.ends > first)).sum())


def brute(held: Kernels, edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Count busy ns between edges by a mask of every nanosecond's tenth."""
    found = np.zeros(len(edges) - 1)
    reach = 0
    for start, end in zip(held.starts.tolist(), held.ends.tolist(), strict=True):
        begin = max(start, reach)
        reach = max(reach, end)
        if end > begin:
            low, high = np.maximum(edges[:-1], begin), np.minimum(edges[1:], end)
            found += np.maximum(high - low, 0)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_drawn_envelope_is_that_of_the_samples_error_0(seed: int) -> None:
    """In 600 pixels of random views of 300,000 samples, lowest and highest drawn over all equal the samples' own."""
    dice = np.random.default_rng(seed)
    n = 300_000
    times = ZERO + np.cumsum(dice.integers(1, 2_000_000, n))
    values = dice.normal(50, 1, n)
    values[dice.choice(n, 30, replace=False)] = dice.choice([-900.0, 900.0], 30)
    values[dice.integers(0, n - 900) :][:800] = np.nan
    pyramid = Pyramid(times, values)
    for _ in range(12):
        first, last = np.sort(dice.choice(n, 2, replace=False)).tolist()
        if np.isnan(values[first : last + 1]).all():
            continue
        places = pyramid.places(first, last + 1, 1200)
        assert np.nanmin(values[places]) == np.nanmin(values[first : last + 1])
        assert np.nanmax(values[places]) == np.nanmax(values[first : last + 1])


START, DAYS, STEP = parse_time_ns("2026-02-10T00:00:00Z"), 4, 5 * MINUTE_NS
NOW = START + DAYS * DAY_NS
SENT = {"gpu_utilization_percent": 70.0, "gpu_temperature_c": 61.0, "gpu_power_w": 240.0, "gpu_sm_clock_mhz": 1900.0,
        "gpu_memory_used_bytes": 3e10, "gpu_memory_total_bytes": 8e10, "gpu_throttled_percent": 0.0}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """4 days of samples of a device every 5 minutes, throttled in the last two hours, and of one that says little."""
    dice, times = np.random.default_rng(2), START + STEP * np.arange(DAYS * DAY_NS // STEP)
    bad = times >= NOW - 2 * HOUR_NS
    worse = {"gpu_temperature_c": 89.0, "gpu_sm_clock_mhz": 1200.0, "gpu_throttled_percent": 100.0}
    parts = []
    for metric, usual in SENT.items():
        values = np.where(bad, worse.get(metric, usual), usual)
        values = values + (0.0 if "bytes" in metric or "throttled" in metric else dice.normal(0, 0.5, len(times)))
        parts += [("gpu:0", metric, values)]
    parts += [("gpu:MIG-1", "gpu_utilization_percent", np.full(len(times), np.nan))]
    stamps = {"environment": "prod", "source": "test", "place": "here", "received_ns": NOW}
    n = len(times)
    tables = [build(METRICS, {**stamps, "series": [f"{entity} {metric}"] * n, "time_ns": times, "metric": metric,
                              "entity": entity, "value": [None if v != v else float(v) for v in values],
                              "type": "gauge", "labels": [{}] * len(times)})
              for entity, metric, values in parts]  # fmt: skip
    with open_bench(tmp_path_factory.mktemp("devices") / "store", who="tester", clock=lambda: NOW) as opened:
        opened.store.append({"metric_samples": pa.concat_tables(tables)})
        yield opened


def begin(bench: Bench, name: str) -> Case:
    window = f"{iso(NOW - 2 * HOUR_NS)}/{iso(NOW)}"
    return bench.case(name, entity="gpu:0", signal="gpu_temperature_c", window=window)


def test_the_devices_of_a_case_have_lanes_and_the_brush_selects(bench: Bench) -> None:
    """Before the verb: what to run. After: four lanes and an unknown one, one band of 2 h; select is one entry."""
    case = begin(bench, "INC-1")
    assert "case.hardware()" in gpu(case).caption
    said = case.call("gpu")
    board = gpu(case)
    found = {lane["title"]: lane for lane in board.lanes}
    assert list(found) == ["0 Utilisation", "0 Memory", "0 Temperature", "0 Power", "MIG-1 Utilisation"]
    assert found["MIG-1 Utilisation"]["state"] == UNKNOWN
    assert found["0 Memory"]["series"][0]["high"] == pytest.approx(37.5)
    (band,) = found["0 Power"]["bands"]
    assert band[1] - band[0] == 2 * 3_600_000
    assert board.caption == said.summary
    assert 0 <= board.extent[0] < 1000  # counted from the first second
    before = case.length()
    window = f"{iso(NOW - HOUR_NS)}/{iso(NOW)}"
    board.action = {"operation": "select", "arguments": {"window": window}, "serial": 1}
    assert case.length() == before + 1
    assert board.said["line"] == case.lines()[-1]
    assert board.said["line"].startswith("case.select(")


def test_the_app_shows_the_timeline_of_devices_with_its_whole_module(bench: Bench) -> None:
    """The state is JSON without NaN, and the module served has one export and both parts."""
    case = begin(bench, "INC-3")
    assert boards.devices(case, "dark") is None
    case.call("gpu")
    shown = boards.devices(case, "dark")
    assert shown is not None
    assert 'data-board="gpu"' in shown.content
    assert "NaN" not in shown.content.split(">")[0]
    code = boards.code("gpu")
    assert code.count("export default") == 1
    assert code.index("class Chart") < code.index("plainLane")


def test_a_trace_that_is_not_there_is_refused_in_words(bench: Bench, tmp_path: Path) -> None:
    case = begin(bench, "INC-2")
    with pytest.raises(UsageError, match="There is no file"):
        gpu(case, str(tmp_path / "none.json"))


def test_kernels_of_a_real_trace_are_drawn_from_the_whole_to_one_microsecond() -> None:
    """Every view from the whole trace by tenths down to 1 µs holds exactly the kernels that touch it."""
    if not DATA:
        pytest.skip("Set WORKBENCH_CONFORMANCE_DATA to the folder of recorded data to read a profiler's trace.")
    place = Path(DATA) / "traces" / "kineto" / "timeline_analysis_sampled_rank-0.json.gz"
    lanes, _ = kernel_lanes(place)
    truth = read_trace(place)
    starts, ends = np.array(truth.start_ns), np.array(truth.end_ns)
    assert sum(len(lane["kernels"].starts) for lane in lanes) == len(starts)
    board = GpuTimeline(lanes)
    zero = round(board.zero) * 1_000_000
    middle, size = int(np.median(starts)), int(ends.max() - starts.min())
    while size >= 1_000:
        a, b = middle - size // 2, middle - size // 2 + size
        board.view = {"start": (a - zero) / 1e6, "end": (b - zero) / 1e6, "width": 900}
        drawn = sum(lane["kernels"]["n"] if lane["kernels"]["how"] == "spans" else lane["kernels"]["of"]
                    for lane in board.lanes)  # fmt: skip
        assert abs(drawn - int(((starts < b) & (ends > a)).sum())) <= (1 if size < 10_000 else 0)
        size //= 10
