"""The detail chart of the comparator holds the bars that the widget shows, and follows what is chosen within 1 s."""

from __future__ import annotations

import time

import pytest

from workbench.errors import UnknownNameError
from workbench_widgets.comparator import Comparator

pytest.importorskip("holoviews")


def board() -> Comparator:
    """Return a comparator of two columns of three bars, and one without rows."""
    made = Comparator("orders")
    one = {"type": "text", "verdict": "ok", "words": "as before", "effect": 0.1, "q": 0.5, "nulls_before": 0.0,
           "nulls_now": 0.0, "labels": ["a", "b", "c"], "reference": [0.5, 0.25, 0.25],
           "current": [0.25, 0.25, 0.5]}  # fmt: skip
    made.show([{**one, "name": "kind"}, {**one, "name": "shop", "words": "<b>x</b>"},
               {**one, "name": "gone", "labels": [], "reference": [], "current": []}])  # fmt: skip
    return made


def test_the_chart_has_the_widgets_own_numbers() -> None:
    """Six bars: three values in two windows."""
    from workbench.views.drift_chart import column_chart

    frame = column_chart(board(), "kind").dframe()
    held = {(row.value, row.window): row.share for row in frame.itertuples()}
    assert held[("a", "baseline")] == 0.5
    assert held[("c", "current")] == 0.5
    assert len(held) == 6
    with pytest.raises(UnknownNameError):
        column_chart(board(), "nobody")


def test_the_chart_beside_the_widget_follows_the_chosen_column_within_a_second() -> None:
    from workbench.views.drift_chart import beside

    made = board()
    shown = beside(made)
    assert shown[1][0].object.opts.get().kwargs["title"].startswith("kind")
    begun = time.process_time()
    made.chosen = "shop"
    assert time.process_time() - begun < 1.0
    assert shown[1][0].object.opts.get().kwargs["title"].startswith("shop")
    made.chosen = "gone"
    assert shown[1][0].object.opts.get().kwargs["title"].startswith("kind")
