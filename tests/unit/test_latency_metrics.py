"""Model servers' counters become a split of a request's time: units of each server, restarts, what nobody counts."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.analysis.latency_metrics import COLUMNS, split_servers


def scrapes(counters: dict[str, list[float]], labels: dict[str, str], entity: str = "service:m") -> pd.DataFrame:
    """Return rows of metric_samples: the values of each counter, a scrape a minute."""
    rows = [
        {"series": f"{entity}{m}{labels}", "entity": entity, "metric": m, "labels": labels, "time_ns": k, "value": v}
        for m, values in counters.items() for k, v in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("server", "counters", "labels", "expected"),
    [
        ("vLLM", {"vllm:e2e_request_latency_seconds_sum": [10, 20], "vllm:e2e_request_latency_seconds_count": [0, 100],
                  "vllm:request_queue_time_seconds_sum": [0, 6], "vllm:request_queue_time_seconds_count": [0, 100],
                  "vllm:request_prefill_time_seconds_sum": [0, 1], "vllm:request_prefill_time_seconds_count": [0, 100],
                  "vllm:request_decode_time_seconds_sum": [0, 2], "vllm:request_decode_time_seconds_count": [0, 100]},
         {"model_name": "m"}, {"total_ms": 100, "queue_wait_ms": 60, "forward_pass_ms": 30, "residual_ms": 10}),
        ("SGLang", {"sglang:e2e_request_latency_seconds_sum": [0, 5],
                    "sglang:e2e_request_latency_seconds_count": [0, 50],
                    "sglang:queue_time_seconds_sum": [0, 1], "sglang:queue_time_seconds_count": [0, 50]},
         {"model_name": "m"}, {"total_ms": 100, "queue_wait_ms": 20, "residual_ms": 80}),
        ("TorchServe", {"ts_queue_latency_microseconds": [0, 4e5], "ts_inference_latency_microseconds": [0, 1e6],
                        "ts_inference_requests_total": [0, 10]},
         {"model_name": "m"}, {"total_ms": 100, "queue_wait_ms": 40, "residual_ms": 60}),
        ("KServe", {f"request_{p}_seconds_{k}": [0, v] for p, s in (("preprocess", 0.1), ("predict", 0.7),
                    ("postprocess", 0.2)) for k, v in (("sum", s), ("count", 10))},
         {"model_name": "m"}, {"pre_ms": 10, "forward_pass_ms": 70, "post_ms": 20}),
        ("Ray Serve", {"ray_serve_http_request_latency_ms_sum": [0, 900],
                       "ray_serve_http_request_latency_ms_count": [0, 9],
                       "ray_serve_deployment_processing_latency_ms_sum": [0, 270],
                       "ray_serve_deployment_processing_latency_ms_count": [0, 9]},
         {"deployment": "m"}, {"total_ms": 100, "forward_pass_ms": 30, "residual_ms": 70}),
    ],
)  # fmt: skip
def test_each_server_in_its_unit(
    server: str, counters: dict[str, list[float]], labels: dict[str, str], expected: dict[str, float]
) -> None:
    """Means in ms from s, µs and ms; what the server does not count is null, never 0."""
    (found,) = split_servers(scrapes(counters, labels)).to_dict("records")
    assert (found["server"], found["model"]) == (server, "m")
    for column in (c for c in COLUMNS if c.endswith("_ms")):
        if column in expected:
            assert found[column] == pytest.approx(expected[column])
        else:
            assert pd.isna(found[column])


def test_a_restart_begins_at_zero_and_no_requests_give_no_row() -> None:
    """Counters 100 → 0 → 30 grew by 30; a model that served nothing has no mean."""
    name = "sglang:queue_time_seconds"
    found = split_servers(scrapes({f"{name}_sum": [50, 0, 3], f"{name}_count": [100, 0, 30]}, {}))
    assert found["queue_wait_ms"].tolist() == pytest.approx([100.0])
    assert split_servers(scrapes({f"{name}_sum": [5, 5], f"{name}_count": [9, 9]}, {})).empty
