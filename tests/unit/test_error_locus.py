"""Where a failure began: small traces by hand."""

from __future__ import annotations

import random

import pytest

from workbench.analysis.error_locus import TracedSpan, error_locus, repetitions
from workbench.errors import CouldNotRunError

MS = 1_000_000


def span(name: str, parent: str | None, start: int, end: int, *, failed: str = "") -> TracedSpan:
    """Make a span whose service is its name; times in ms; *failed* is what it said."""
    return TracedSpan(name, parent, name, "call", start * MS, end * MS, bool(failed), failed)


def test_a_trace_without_failure_has_no_locus() -> None:
    """Slow is not failed."""
    assert error_locus([span("a", None, 0, 900)]) is None
    assert error_locus([]) is None


def test_the_earliest_failed_call_is_followed_to_its_end() -> None:
    """The e-mail failed since the payment had."""
    spans = [
        span("shop", None, 0, 200, failed="order failed"), span("pay", "shop", 20, 60, failed="declined"),
        span("bank", "pay", 22, 58, failed="card rejected"), span("mail", "shop", 120, 180, failed="no order"),
    ]  # fmt: skip
    for seed in range(5):
        random.Random(seed).shuffle(spans)
        found = error_locus(spans)
        assert found is not None
        assert (found.span.service, found.path) == ("bank", ("shop", "pay", "bank"))


def test_a_caller_that_timed_out_points_at_what_it_waited_for() -> None:
    """The proxy failed after 15 s; the shop below it took all of them without an error, the cache 10 ms."""
    spans = [
        span("proxy", None, 0, 15000, failed="504"), span("shop", "proxy", 1, 15001), span("cache", "shop", 2, 12),
    ]  # fmt: skip
    found = error_locus(spans)
    assert found is not None
    assert (found.span.service, found.reason) == ("shop", "still running when its caller gave up")


def test_a_caller_that_failed_by_itself_stays_the_locus() -> None:
    """A null pointer is not blamed on the slow call before it."""
    found = error_locus([span("shop", None, 0, 100, failed="null pointer"), span("db", "shop", 1, 98)])
    assert found is not None
    assert (found.span.service, found.reason) == ("shop", "first failure")


@pytest.mark.parametrize(("step", "found"), [(10, 1), (4, 0)])
def test_serial_calls_are_a_repetition_and_overlapping_ones_a_fan_out(step: int, found: int) -> None:
    """Six calls of 8 ms, started every 10 ms or every 4 ms."""
    starts = [i * step * MS for i in range(6)]
    calls = [TracedSpan(f"c{t}", "p", "shop", "GET", t, t + 8 * MS, failed=False) for t in starts]
    assert len(repetitions(calls)) == found


def test_a_span_given_twice_is_refused() -> None:
    """Counting it twice would make a repetition of one call."""
    with pytest.raises(CouldNotRunError, match="'a'"):
        repetitions([span("a", None, 0, 1), span("a", None, 0, 1)])
