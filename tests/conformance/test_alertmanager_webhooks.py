"""Alertmanager: eight captured webhooks, among them an alert that flaps, and Grafana's superset."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.sources import Batch, Context, Head
from workbench.sources.alertmanager import decode, entity_of, read, recognise, signal_of

CONTEXT = Context("prod", "10.0.0.7", 1)


def rows(*batches: Batch) -> list[dict[str, Any]]:
    """Return the alerts of all batches."""
    found: list[dict[str, Any]] = pa.concat_tables([b.tables["alerts"] for b in batches]).to_pylist()
    return found


def bodies(data: Path) -> list[bytes]:
    """Return the captured bodies in the order of their arrival."""
    return [file.read_bytes() for file in sorted((data / "alerts").glob("*.body"))]


def test_a_flapping_alert_is_one_identity_and_three_occurrences(data: Path) -> None:
    """8 webhooks tell of 3 fingerprints and 5 occurrences; FlapOnce began and ended three times, 40 s apart."""
    alerts = rows(*(decode(body, CONTEXT) for body in bodies(data)))
    assert len(alerts) == 8
    assert len({a["fingerprint"] for a in alerts}) == 3
    assert len({(a["fingerprint"], a["starts_ns"]) for a in alerts}) == 5
    flaps = sorted({a["starts_ns"] for a in alerts if a["name"] == "FlapOnce"})
    assert [b - a for a, b in itertools.pairwise(flaps)] == [40 * 10**9] * 2
    ended = [a["ends_ns"] - a["starts_ns"] for a in alerts if a["status"] == "resolved"]
    assert ended == [20 * 10**9] * 3


def test_still_firing_has_no_end_and_the_end_wins(data: Path) -> None:
    """0001-01-01 is no time; of one occurrence's two rows the resolved one is the later, whatever came first."""
    alerts = rows(*(decode(body, CONTEXT) for body in reversed(bodies(data))))
    assert all(a["ends_ns"] is None for a in alerts if a["status"] == "firing")
    latest: dict[Any, dict[str, Any]] = {}
    for alert in alerts:
        key = (alert["fingerprint"], alert["starts_ns"])
        latest[key] = max(alert, latest.get(key, alert), key=lambda a: a["updated_ns"])
    assert sorted(a["status"] for a in latest.values()) == ["firing"] * 2 + ["resolved"] * 3


def test_what_the_captured_alerts_are_about(data: Path) -> None:
    """Labels name a GPU and a data set; an alert without any is about itself."""
    alerts = {a["name"]: a for a in rows(*(decode(body, CONTEXT) for body in bodies(data)))}
    assert alerts["GpuTempHigh"]["entity"] == "gpu:GPU-1"
    assert alerts["FeatureNullRateHigh"]["entity"] == "dataset:warehouse.features.user_profile"
    assert alerts["FlapOnce"]["entity"] == "alert:f6c43220736814e8"
    assert alerts["FeatureNullRateHigh"]["summary"] == "null rate 0.12 above 5%"
    assert alerts["GpuTempHigh"]["severity"] == "warning"
    assert alerts["FlapOnce"]["group_key"] == '{}:{alertname="FlapOnce", severity="info"}'


def test_the_api_s_alerts_are_the_same_occurrences(data: Path) -> None:
    """The v2 API lists two active alerts: fingerprint and start as in the webhooks, no end although one is expected."""
    listed = rows(*read(data / "metrics/alertmanager_api_v2_alerts.json", CONTEXT))
    hooks = {(a["fingerprint"], a["starts_ns"]) for a in rows(*(decode(body, CONTEXT) for body in bodies(data)))}
    assert {(a["fingerprint"], a["starts_ns"]) for a in listed} <= hooks
    assert {(a["status"], a["ends_ns"]) for a in listed} == {("firing", None)}


def test_every_captured_file_is_recognised(data: Path) -> None:
    """All eight bodies are certainly alerts; a Prometheus answer is none."""
    assert {recognise(Head("x", body)) for body in bodies(data)} == {1.0}
    assert recognise(Head("x", (data / "metrics/query_range_nan.json").read_bytes())) == 0.0


GRAFANA = {
    "receiver": "wb", "status": "firing", "orgId": 1, "title": "[FIRING:1]", "state": "alerting", "version": "1",
    "groupKey": "{}", "truncatedAlerts": 2,
    "alerts": [{
        "status": "firing", "labels": {"alertname": "Approval rate", "kpi": "approval_rate", "grafana_folder": "ml"},
        "annotations": {"summary": "down"}, "startsAt": "2026-03-01T14:00:00+01:00", "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://grafana/alerting/x", "fingerprint": "abc", "silenceURL": "", "dashboardURL": "",
        "values": {"B": 0.61}, "valueString": "[ var='B' value=0.61 ]",
    }],
}  # fmt: skip


def test_grafana_s_superset() -> None:
    """Extra fields are ignored, its values are kept, and that it left out two alerts is said."""
    batch = decode(json.dumps(GRAFANA).encode(), CONTEXT)
    (alert,) = rows(batch)
    assert (alert["entity"], alert["signal"]) == ("kpi:approval_rate", "approval_rate")
    assert alert["starts_ns"] == 1_772_370_000_000_000_000
    assert dict(alert["annotations"])["valueString"] == "[ var='B' value=0.61 ]"
    assert [r.reason for r in batch.rejections] == ["the sender left out 2 more alerts of this group"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"service": "scoring", "model": "fraud", "instance": "n1"}, "service:scoring"),
        ({"model": "fraud", "job": "serving"}, "model:fraud"),
        ({"job": "serving", "instance": "n1:8080"}, "service:serving"),
        ({"entity": "feature:age", "service": "scoring"}, "feature:age"),
        ({"entity": "planet:mars"}, "alert:f"),
    ],
)
def test_the_rule_for_the_entity(labels: dict[str, str | None], expected: str) -> None:
    """A label ``entity`` counts if it is one, then the documented order of labels, then the alert itself."""
    assert entity_of(labels, "f") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://p/graph?g0.expr=sum%28rate%28errors_total%7Bjob%3D%22a%22%7D%5B5m%5D%29%29+%3E+1", "errors_total"),
        ("http://p/graph?g0.expr=vector%281%29", "Errors"),
        ("http://[broken", "Errors"),
        (None, "Errors"),
    ],
)
def test_the_rule_for_the_signal(url: str | None, expected: str) -> None:
    """The first metric of the rule in the generator's address, else the alert's name; nothing is fetched."""
    assert signal_of({"alertname": "Errors"}, {}, url) == expected


def test_one_broken_alert_does_not_hide_the_others() -> None:
    """An alert without a start is refused with its content, its neighbour is a row; garbage gives no table."""
    good = {"labels": {"alertname": "A"}, "startsAt": "2026-03-01T13:00:00Z", "status": "firing"}
    batch = decode(json.dumps({"version": "4", "alerts": [good, {"labels": {"alertname": "B"}}, 7]}).encode(), CONTEXT)
    assert [a["name"] for a in rows(batch)] == ["A"]
    assert [r.reason for r in batch.rejections] == ["alert without labels or a start"]
    for body in (b"", b"{", b"[]x", b'{"a": 1}', b"7"):
        nothing = decode(body, CONTEXT)
        assert (dict(nothing.tables), len(nothing.rejections)) == ({}, 1)
    assert list(read(io.BytesIO(b""), CONTEXT)) == []
