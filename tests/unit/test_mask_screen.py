"""The stages before the exact patterns: what they drop could not have been masked."""

from __future__ import annotations

import re
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.columnar import build
from workbench.intake.mask import Masker, MaskPolicy
from workbench.intake.patterns import KINDS, PLAIN
from workbench.model.tables import LOGS
from workbench.sources import Batch

EVERYTHING = Masker(MaskPolicy(frozenset(KINDS)), b"k" * 32)


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.from_regex(re.compile(PLAIN.replace("$", r"\Z"), re.ASCII)),
        st.from_regex(r"\A-?[0-9]{9,12}(\.[2-6][0-9]{12,18})?\Z"),
        st.text("0123456789abcdef", min_size=16, max_size=64).map(lambda digits: digits + "a"),
    )
)
def test_what_the_first_stage_drops_no_pattern_of_any_kind_finds(text: str) -> None:
    """400 numbers and ids, addresses asked for too: each is dropped, and the exact patterns leave it alone."""
    assert pc.match_substring_regex(pa.array([text]), PLAIN).to_pylist() == [True]
    counts: Counter[str] = Counter()
    assert EVERYTHING.text(text, counts) == text
    assert not counts


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111", "4111111111111111\n", "378282246310005", "416.555.0199", "416-555-0199", "046-454-286",
        "219-09-9999", "+14165550199", "10.0.0.7", "fe80::1:2", "a@b.ca", "12 a@b.ca", "a\n4111111111111111", "",
    ],
)  # fmt: skip
def test_the_first_stage_drops_nothing_that_a_pattern_finds(text: str) -> None:
    """Cards, phones, insurance numbers and addresses, though digits alone, go on to the patterns."""
    assert pc.match_substring_regex(pa.array([text]), PLAIN).to_pylist() == [False]


def test_a_card_among_numbers_and_ids_is_masked_in_its_own_row() -> None:
    """Of 7 distinct bodies the fourth and the last are masked; the others keep their places."""
    bodies = ["1.5", "550790104", "3f9a0c51d2e87b46", "4111111111111111", None, "plain", "a@x.org"]
    rows = build(
        LOGS,
        {"log_id": list("1234567"), "time_ns": [1] * 7, "body": bodies, "environment": "prod", "source": "t",
         "place": "t", "received_ns": 1},
    )  # fmt: skip
    batch, counts = EVERYTHING.mask(Batch({"logs": rows}))
    masked = batch.tables["logs"].column("body").to_pylist()
    assert [at for at, (old, new) in enumerate(zip(bodies, masked, strict=True)) if old != new] == [3, 6]
    assert masked[3].startswith("card_")
    assert masked[6].startswith("email_")
    assert counts == {"card": 1, "email": 1}
