"""``case.cost()``: configured prices, an inference's cost by version, tenant and region, tokens, the month's end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.bench import Bench, open_bench
from workbench.case.case import Case
from workbench.columnar import build
from workbench.config import read_settings
from workbench.model.tables import METRICS, PREDICTIONS, SPANS
from workbench.model.window import DAY_NS, HOUR_NS, MINUTE_NS, iso, parse_time_ns

FIRST = parse_time_ns("2026-02-01T00:00:00Z")
NOW = FIRST + 10 * DAY_NS
STEP = 10 * MINUTE_NS
DEVICES = ("gpu:a", "gpu:b")
CONFIG = """currency = "¥"
[prices]
gpu_hour = 3.0
energy_kwh = 0.5
licence_month = 280.0
observability_month = 56.0
budget_month = 4000.0
"""


def tables() -> dict[str, pa.Table]:
    """Return 10 days of two devices, half idle at 500 W, and the last hour's 40 predictions of two versions."""
    stamps = {"environment": "prod", "source": "test", "place": "here", "received_ns": NOW}
    times = list(range(FIRST, NOW, STEP))
    samples = [
        {"series": f"{entity} {metric}", "time_ns": t, "entity": entity, "metric": metric, "value": value,
         "type": "gauge", "labels": {}}
        for entity in DEVICES for metric, value in (("gpu_utilization_percent", 50.0), ("gpu_power_w", 500.0))
        for t in times
    ]  # fmt: skip
    spans, made = [], []
    for i in range(40):
        trace, start = f"{i:032x}", NOW - HOUR_NS + i * MINUTE_NS
        new = i % 4 == 0
        spans.append({"trace_id": trace, "span_id": f"{i:016x}", "service": "scorer", "name": "score", "gpu": "a",
                      "start_ns": start, "end_ns": start + 10**8, "duration_ns": 10**8,
                      "region": "ca-east" if i < 30 else None, "model_version": "2" if new else "1",
                      "forward_pass_ms": 60.0 if new else 20.0,
                      "attributes": {"tenant": "north" if i < 10 else "south"}})  # fmt: skip
        made.append({"prediction_id": f"p{i}", "trace_id": trace, "time_ns": start, "attributes": {},
                     "model_version": "2" if new else "1", "tokens_in": 300 if new else 100,
                     "tokens_out": 100})  # fmt: skip
    rows = ((METRICS, samples), (SPANS, spans), (PREDICTIONS, made))
    return {table.name: build(table, {**{k: [r[k] for r in own] for k in own[0]}, **stamps}) for table, own in rows}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bench whose settings hold prices in ¥."""
    folder = tmp_path_factory.mktemp("cost")
    (folder / "workbench.toml").write_text(CONFIG, encoding="utf-8")
    with open_bench(
        folder / "store", settings=read_settings(folder / "workbench.toml"), who="tester", clock=lambda: NOW
    ) as opened:
        opened.store.append(tables())
        yield opened


def begin(bench: Bench, name: str) -> Case:
    window = f"{iso(NOW - HOUR_NS)}/{iso(NOW)}"
    return bench.case(name, entity="gpu:a", signal="gpu_power_w", window=window)


def test_an_hour_at_configured_prices_in_any_currency(bench: Bench) -> None:
    """2 GPU hours, 1 kWh and an hour of licences: 6.00 + 0.50 + 280/672 = ¥6.917; half idle; observing takes 1.2 %."""
    case = begin(bench, "INC-1")
    found = case.call("cost")
    assert found.values["gpu_hours"] == pytest.approx(2.0)
    assert found.values["energy_kwh"] == pytest.approx(1.0)
    assert found.values["total"] == pytest.approx(6.5 + 280 / 672)
    assert found.values["wasted"] == pytest.approx(3.0)
    assert found.values["observability_share"] == pytest.approx((56 / 672) / (6.5 + 336 / 672))
    assert "cost ¥6.92, of which ¥3 (50 % of GPU hours) idle" in found.summary
    assert case.lines()[-1].startswith("case.cost(3.0, energy_kwh=0.5")
    assert "currency='¥'" in case.lines()[-1].replace('"', "'")


def test_of_an_inference_and_of_tokens(bench: Bench) -> None:
    """40 inferences of 10,000 tokens share ¥6.917: ¥0.173 each, ¥0.692 for 1,000 tokens."""
    found = begin(bench, "INC-2").call("cost")
    total = found.values["total"]
    assert found.values["inferences"] == 40
    assert found.values["cost_per_inference"] == pytest.approx(total / 40)
    assert found.values["cost_per_1000_tokens"] == pytest.approx(total / 10)
    assert "An inference costs ¥0.173, 1,000 tokens ¥0.692." in found.summary


@pytest.mark.parametrize(("by", "costs"), [
    ("model_version", {"1": 0.5, "2": 0.5}), ("tenant", {"north": 0.26, "south": 0.74}),
    ("region", {"ca-east": 0.76, "unknown": 0.24}), ("service", {"scorer": 1.0}), ("gpu", {"a": 1.0}),
])  # fmt: skip
def test_cost_is_shared_out_by_device_time(by: str, costs: dict[str, float], bench: Bench) -> None:
    """Ten requests of version 2 take 600 of 1,200 ms: half of the cost with a quarter of the inferences."""
    found = begin(bench, f"INC-{by}").call("cost", by=by)
    shared = found.frames["allocated"].set_index(by)
    total = found.values["total"]
    times = {i: 60.0 if i % 4 == 0 else 20.0 for i in range(40)}
    groups = {"tenant": lambda i: "north" if i < 10 else "south",
              "region": lambda i: "ca-east" if i < 30 else "unknown",
              "model_version": lambda i: "2" if i % 4 == 0 else "1"}  # fmt: skip
    for name, share in costs.items():
        inside = [i for i in times if groups.get(by, lambda _, only=name: only)(i) == name]
        truth = sum(times[i] for i in inside) / sum(times.values())
        assert truth == pytest.approx(share, abs=0.01)
        assert shared.loc[name, "cost"] == pytest.approx(total * truth)
        assert shared.loc[name, "cost_per_prediction"] == pytest.approx(total * truth / len(inside))
    assert shared["cost"].sum() == pytest.approx(total)


def test_the_month_ends_at_what_ten_days_say_beside_the_budget(bench: Bench) -> None:
    """A day costs 48 GPU hours, 24 kWh and 12 of fixed prices, ¥168: 28 days are ¥4,704, over the budget of ¥4,000."""
    found = begin(bench, "INC-3").call("cost")
    assert found.values["month_days_known"] == 10
    assert found.values["month_so_far"] == pytest.approx(1_680.0)
    assert found.values["month_expected"] == pytest.approx(4_704.0)
    assert found.values["month_low"] <= 4_704.0 <= found.values["month_high"]
    assert found.values["budget_verdict"] == "over"
    assert "over its budget of ¥4000" in found.summary
    within = begin(bench, "INC-4").call("cost", budget_month=5000.0)
    assert within.values["budget_verdict"] == "within"


def test_without_prices_only_hours_and_energy_are_told(tmp_path: Path) -> None:
    """No price, no cost: 2 GPU hours and 1 kWh, shares in GPU hours, no month's end, nothing called 0."""
    with open_bench(tmp_path / "store", who="tester", clock=lambda: NOW) as opened:
        opened.store.append(tables())
        case = begin(opened, "INC-1")
        found = case.call("cost", by="tenant")
        values: dict[str, Any] = dict(found.values)
        assert (values["total"], values["allocated_unit"], values["month_days_known"]) == (None, "GPU hours", 0)
        assert "cost_per_inference" not in values
        assert found.frames["allocated"]["cost"].sum() == pytest.approx(2.0)
        assert "service, gpu, model_version, tenant or region" in case.call("cost", by="planet").could_not_run


def test_a_cost_replays_to_the_same_numbers(bench: Bench) -> None:
    """Prices stand in the journal: a replay without the settings gives what was said."""
    case = begin(bench, "INC-5")
    case.call("cost", by="tenant")
    assert case.replay().ok
