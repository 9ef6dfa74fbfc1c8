"""How full PCIe and NVLink are: what lanes carry, counters that start anew, and what stays unknown."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.analysis.gpu_links import NVLINK_BUSY, PCIE_BUSY, with_links
from workbench.analysis.gpu_verdict import verdict
from workbench.scenarios.gpu_recordings import Condition, recording

SECOND = 10**9


@pytest.mark.parametrize(
    ("generation", "width", "carries_gb_s"), [(1, 16, 4.0), (3, 16, 15.754), (4, 8, 15.754), (5, 16, 63.015)]
)
def test_the_limit_is_that_of_the_lanes(generation: int, width: int, carries_gb_s: float) -> None:
    """Of the busier direction, as a share of what all lanes carry one way."""
    moved = {"gpu_pcie_sent_bytes_per_s": [1e9], "gpu_pcie_received_bytes_per_s": [3e9]}
    frame = pd.DataFrame({"gpu_pcie_generation": [float(generation)], "gpu_pcie_width": [float(width)], **moved})
    assert with_links(frame)[PCIE_BUSY].tolist() == pytest.approx([300 / carries_gb_s], rel=1e-4)


def test_a_counter_that_starts_anew_is_unknown_once() -> None:
    """After a reset of the driver the rate between two samples is not told; the next one is."""
    counted = {"gpu_nvlink_sent_bytes": [0.0, 5e10, 1e10, 3e10], "gpu_nvlink_limit_bytes_per_s": [1e11] * 4}
    frame = pd.DataFrame(counted, index=pd.Index([SECOND * n for n in range(4)], name="time_ns"))
    busy = with_links(frame)[NVLINK_BUSY]
    assert busy.isna().tolist() == [True, False, True, False]
    assert busy.dropna().tolist() == pytest.approx([50.0, 20.0])


def test_traffic_without_a_limit_is_no_share() -> None:
    """DCGM tells bytes over NVLink and not what it carries: no share is made up."""
    frame = pd.DataFrame({"gpu_nvlink_sent_bytes_per_s": [4e11], "gpu_pcie_sent_bytes_per_s": [3e10]})
    assert not {PCIE_BUSY, NVLINK_BUSY} & set(with_links(frame))


@pytest.mark.parametrize("cause", ["pcie_limit", "nvlink_limit"])
def test_a_full_link_alone_is_no_harm(cause: Condition) -> None:
    """Where requests are as fast as ever nothing is wrong with a full link."""
    baseline, window = recording(cause, 7)
    assert verdict(window, baseline).cause == cause
    unharmed = {"forward_pass_ms": baseline["forward_pass_ms"].median(), "queue_wait_ms": 1.0}
    assert verdict(window.assign(**unharmed), baseline).cause == "healthy"
