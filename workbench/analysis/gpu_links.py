"""How full the links of a device are: what it moves over PCIe and NVLink, as a share of what they can carry one way.

PCIe carries 250 MB/s a lane and direction in its first generation and 500 in its second (8b/10b code), then 8 GT/s a
lane at 128b/130b, doubled from generation to generation (PCI Express Base Specification 6.0; its FLITs code without
that loss). What NVLink can carry the driver says: speed of a link times the number of links.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

PCIE_BUSY, NVLINK_BUSY = "gpu_pcie_busy_percent", "gpu_nvlink_busy_percent"
LINKS = ("gpu_pcie", "gpu_nvlink")
"""What names of figures of links begin with."""
LANE_BYTES_PER_S = {
    1: 0.25e9, 2: 0.5e9, 3: 8e9 * 128 / 130 / 8, 4: 16e9 * 128 / 130 / 8, 5: 32e9 * 128 / 130 / 8, 6: 64e9 / 8,
}  # fmt: skip
"""PCIe generation to bytes a second of one lane, one way."""


def with_links(frame: pd.DataFrame) -> pd.DataFrame:
    """Add how full its links are, in percent, where traffic and limit are known; index time_ns where it counts bytes.

    Traffic of NVLink is either a rate or a counter of bytes; after a counter starts anew the rate is unknown once.
    """
    if not any(str(name).startswith(LINKS) for name in frame):
        return frame
    links = {
        PCIE_BUSY: (_traffic(frame, "gpu_pcie"), _pcie_limit(frame)),
        NVLINK_BUSY: (_traffic(frame, "gpu_nvlink"), column(frame, "gpu_nvlink_limit_bytes_per_s")),
    }
    found = {name: 100.0 * traffic / limit.where(limit > 0) for name, (traffic, limit) in links.items()}
    return frame.assign(**{n: busy for n, busy in found.items() if n not in frame and busy.notna().any()})


def _traffic(frame: pd.DataFrame, link: str) -> pd.Series[float]:
    """Return bytes a second in the busier direction: a link is full when one of them is."""
    ways = [_rate(frame, f"{link}_{way}_bytes") for way in ("sent", "received")]
    return pd.concat(ways, axis=1).max(axis=1)


def _rate(frame: pd.DataFrame, counted: str) -> pd.Series[float]:
    stated = f"{counted}_per_s"
    if stated in frame or counted not in frame or not pd.api.types.is_integer_dtype(frame.index):
        return column(frame, stated)
    seconds = np.diff(frame.index.to_numpy(dtype=np.int64), prepend=0) / 1e9
    rate = frame[counted].astype(float).diff() / seconds
    return rate.where(rate >= 0)


def _pcie_limit(frame: pd.DataFrame) -> pd.Series[float]:
    generation = column(frame, "gpu_pcie_generation").round()
    return generation.map(LANE_BYTES_PER_S).astype(float) * column(frame, "gpu_pcie_width")


def column(frame: pd.DataFrame, metric: str) -> pd.Series[float]:
    """Return a figure by sample time; all NaN where nobody measured it."""
    return frame[metric].astype(float) if metric in frame else pd.Series(np.nan, index=frame.index)
