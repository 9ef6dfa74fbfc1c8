"""Cost: what is known and what is not, shares, the month's end, and forecasts held to their own past."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.cost import allocate, month_end, spend
from workbench.analysis.forecast import backtest, exhaustion, forecast
from workbench.config import Prices
from workbench.errors import UsageError


def test_an_hour_of_two_devices() -> None:
    """Two devices, an hour at 2.80 and half idle: 5.60, of which 2.80 wasted; 300 W are 0.6 kWh at 0.14."""
    samples = pd.DataFrame({"gpu_utilization_percent": [50.0] * 120, "gpu_power_w": [300.0] * 120})
    found = spend(samples, Prices(gpu_hour=2.8, energy_kwh=0.14), 60)
    assert [found.gpu_hours, found.allocated, found.wasted, found.energy_kwh, found.energy, found.total] == (
        pytest.approx([2.0, 5.6, 2.8, 0.6, 0.084, 5.684])
    )


def test_what_nobody_said_is_unknown() -> None:
    """Without prices nothing has a cost; a MIG without utilisation has no known waste, never none."""
    samples = pd.DataFrame({"gpu_utilization_percent": [None] * 60})
    assert spend(samples, Prices(), 60).total is None
    found = spend(samples, Prices(gpu_hour=2.0), 60)
    assert (found.allocated, found.wasted, found.energy_kwh, found.measured_share) == (2.0, None, None, 0.0)


def test_shares_follow_device_time_and_add_up() -> None:
    """v2 takes 30 of 40 ms: 75 % of C$ 8.00; per prediction 3.00, and per 1,000 tokens where tokens are known."""
    use = pd.DataFrame({"model_version": ["v1", "v2", "v2"], "forward_pass_ms": [10.0, 20.0, 10.0],
                        "tokens": [100, 200, 100]})  # fmt: skip
    found = allocate(8.0, use, ["model_version"])
    assert found["cost"].tolist() == [2.0, 6.0]
    assert found["cost_per_prediction"].tolist() == [2.0, 3.0]
    assert found["cost_per_1000_tokens"].tolist() == pytest.approx([20.0, 20.0])
    assert allocate(8.0, use.drop(columns="tokens"), ["model_version"])["cost_per_1000_tokens"].isna().all()


def test_the_months_end_covers_what_it_says() -> None:
    """Of 400 seeded months projected after 10 days, 86 to 94 % end within the 90 % interval."""
    dice = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        days = dice.normal(100, 15, 30)
        found = month_end(days[:10].tolist(), 30)
        hits += found.low <= days.sum() <= found.high
    assert 0.86 <= hits / 400 <= 0.94
    assert month_end([10.0] * 30, 30).expected == 300.0
    with pytest.raises(UsageError, match="3 to 30 complete days; got 2"):
        month_end([1.0, 2.0], 30)


def test_memory_that_grows_a_point_a_day_runs_out() -> None:
    """From 70 of 92 % at a point a day the limit is 22 days ahead; a flat series never gets there."""
    dice = np.random.default_rng(3)
    growing = (11 + np.arange(60) + dice.normal(0, 0.3, 60)).tolist()
    found = exhaustion(growing, 92.0, 60)
    assert found.expected == pytest.approx(22, abs=1)
    assert found.earliest is not None
    assert found.earliest <= (found.expected or 0)
    assert exhaustion([50.0] * 60, 92.0, 60).expected is None


def test_forecasts_hold_in_their_own_past() -> None:
    """On a noisy trend 80 to 100 % of forecasts 7 days ahead fall within the 90 % interval."""
    dice = np.random.default_rng(11)
    values = (50 + 0.4 * np.arange(90) + dice.normal(0, 2, 90)).tolist()
    coverage, error, made = backtest(values, 7)
    assert made == 64
    assert 0.8 <= coverage <= 1.0
    assert error < 4
    assert backtest(values[:10], 7)[2] == 0
    assert len(forecast([1.0], 3)[0]) == 3
