"""A flag is blamed for failures of its variant only where the variant is new: not what was served before unharmed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.case.reading import Answer
from workbench.model.findings import Evidence
from workbench.model.window import HOUR_NS
from workbench.playbook.times import Times
from workbench.playbook.traffic import flag_errors

ONSET = 48 * HOUR_NS


def _asked(switched_ns: int) -> Answer:
    """Return 600 evaluations over 54 hours, all 'on' from a time; six of ten in one region fail from hour 48 on."""
    rng = np.random.default_rng(5)
    start = np.sort(rng.integers(0, 54 * HOUR_NS, 600))
    region = rng.choice(["north", "south"], 600)
    fails = (start >= ONSET) & (region == "north") & (rng.random(600) < 0.6)
    frame = pd.DataFrame({
        "service": "pay", "span_id": [f"{n:016x}" for n in range(600)], "start_ns": start, "flag": "fast",
        "variant": np.where(start >= switched_ns, "on", "off"), "region": region, "service_version": "1.0",
        "status": np.where(fails, "error", "ok"),
    })  # fmt: skip
    return Answer(frame, Evidence("E1", "flag_evaluations", "", "0" * 64, len(frame)))


@pytest.mark.parametrize(("hours_before", "blamed"), [(0, ["flag:fast"]), (12, [])])
def test_a_variant_served_unharmed_before_the_onset_is_not_blamed(hours_before: int, blamed: list[str]) -> None:
    """Switched with the onset the flag is named; on for twelve quiet hours before, it is not."""
    times = Times(ONSET, 54 * HOUR_NS, 0, ONSET - HOUR_NS)
    found = flag_errors(_asked(ONSET - hours_before * HOUR_NS), times)
    assert [f.entity for f in found] == blamed
