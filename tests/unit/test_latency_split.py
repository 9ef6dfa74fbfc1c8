"""A request's time in parts: vLLM, SGLang, plain spans, Triton, batches, and sources that contradict each other."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from workbench.analysis.latency import growth, split_requests, split_triton

MS = 1_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(span_id: str, name: str, start: float, end: float, parent: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a row of spans; times in ms."""
    return {
        "trace_id": TRACE, "span_id": span_id, "parent_span_id": parent, "service": "serving", "name": name,
        "start_ns": int(start * MS), "end_ns": int(end * MS), "duration_ns": int((end - start) * MS), **more,
    }  # fmt: skip


def one(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return the split of the only request."""
    (found,) = split_requests(pd.DataFrame(rows)).to_dict("records")
    return {str(k): v for k, v in found.items()}


def test_vllm_states_seconds() -> None:
    """0.040 s in the queue and 0.030 + 0.007 s in the model of 100 ms leave a residual of 23 ms."""
    attributes = {"gen_ai.latency.time_in_queue": "0.040", "gen_ai.latency.time_in_model_prefill": "0.030",
                  "gen_ai.latency.time_in_model_decode": "0.007"}  # fmt: skip
    found = one(span("a", "llm_request", 0, 100, attributes=attributes))
    assert [found[f"{p}_ms"] for p in ("queue_wait", "forward_pass", "residual")] == pytest.approx([40, 37, 23])
    assert found["queue_wait_source"] == "vLLM attribute gen_ai.latency.time_in_queue"
    assert found["pre_ms"] is None
    assert found["contradictions"] == []


def test_sglang_says_its_queue_by_a_child_span() -> None:
    """prefill_waiting of 30 ms is the queue; two forward spans that overlap count once: 50, not 60 ms."""
    found = one(
        span("a", "request", 0, 100), span("b", "prefill_waiting", 0, 30, "a"),
        span("c", "prefill_forward", 30, 60, "a"), span("d", "prefill_forward", 50, 80, "a"),
    )  # fmt: skip
    assert [found[f"{p}_ms"] for p in ("queue_wait", "forward_pass", "residual")] == [30, 50, 20]
    assert found["forward_pass_source"] == "SGLang child span prefill_forward"


def test_sources_that_disagree_are_both_named() -> None:
    """A column of 5 ms beside a child span of 20 ms: the column gives the number, the span is a contradiction."""
    found = one(span("a", "POST /predict", 0, 60, queue_wait_ms=5.0), span("b", "queue_wait", 0, 20, "a"))
    assert found["queue_wait_ms"] == 5.0
    assert found["contradictions"] == [
        "queue_wait: 5.000 ms by OTel span column queue_wait_ms, "
        "yet 20.000 ms by plain spans child span queue_wait"
    ]  # fmt: skip


def test_parts_beyond_the_whole_are_flagged() -> None:
    """70 ms of queue and 50 ms of forward pass in a request of 100 ms: a residual of -20 ms, said in words."""
    found = one(span("a", "POST /predict", 0, 100, queue_wait_ms=70.0, forward_pass_ms=50.0))
    assert found["residual_ms"] == -20
    assert found["contradictions"] == ["the parts add up to 120.000 ms, yet the request took 100.000 ms"]


@pytest.mark.parametrize("said", ["NaN", "inf", "-1", "soon", ""])
def test_what_is_no_time_is_unknown(said: str) -> None:
    """NaN, infinite, negative and words give null and no residual: nothing is known."""
    found = one(span("a", "r", 0, 100, attributes={"gen_ai.latency.time_in_queue": said}))
    assert (found["queue_wait_ms"], found["residual_ms"], found["queue_wait_source"]) == (None, None, None)


def test_a_batch_is_found_by_its_links() -> None:
    """A forward pass of 40 ms in a trace of its own links to two requests: both took it, of a batch of 2."""
    links = json.dumps([{"trace_id": TRACE, "span_id": s} for s in "ab"])
    batch = {**span("z", "forward_pass", 10, 50), "trace_id": "f" * 32, "service": "engine", "links": links}
    found = split_requests(pd.DataFrame([span("a", "r", 0, 60), span("b", "r", 5, 60), batch]))
    own = found[found["trace_id"] == TRACE]
    assert own["forward_pass_ms"].tolist() == [40, 40]
    assert set(own["forward_pass_source"]) == {"span forward_pass of a batch of 2, by its link"}


def test_circles_and_nothing_end() -> None:
    """Spans that are each other's parents have no request; an empty frame has none either."""
    circle = pd.DataFrame([span("a", "x", 0, 1, "b"), span("b", "x", 0, 1, "a")])
    assert len(split_requests(circle)) == 0
    assert len(split_requests(circle.head(0))) == 0


def test_tritons_counters_are_deltas_of_microseconds() -> None:
    """Of 10 requests: 100 ms each, 60 in the queue, 5 + 25 + 5 computing, 5 unaccounted; a restart is survived."""
    grown = {"nv_inference_request_success": 10, "nv_inference_request_duration_us": 1e6,
             "nv_inference_queue_duration_us": 6e5, "nv_inference_compute_input_duration_us": 5e4,
             "nv_inference_compute_infer_duration_us": 2.5e5,
             "nv_inference_compute_output_duration_us": 5e4}  # fmt: skip
    rows = [
        {"series": metric, "entity": "model:net", "metric": metric, "time_ns": t, "value": value,
         "labels": {"model": "net", "version": "1"}}
        for metric, growth_ in grown.items() for t, value in ((1, 1e9), (2, 1e9 + growth_ / 2), (3, growth_ / 2))
    ]  # fmt: skip
    (found,) = split_triton(pd.DataFrame(rows)).to_dict("records")
    shown = [found[k] for k in ("requests", "total_ms", "queue_wait_ms", "pre_ms", "forward_pass_ms", "post_ms")]
    assert shown == pytest.approx([10, 100, 60, 5, 25, 5])
    assert found["residual_ms"] == pytest.approx(5)
    assert growth([5.0]) == 0.0
