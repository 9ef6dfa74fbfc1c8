"""Blocks of Prometheus text say what the same lines say one by one, in their order and with the same refusals."""

from __future__ import annotations

import io
import random

import pytest

from workbench.sources import Batch, Context
from workbench.sources import _prometheus_text as prometheus

CONTEXT = Context("prod", "scrape", 1_700_000_000_000_000_000)
LINES = (
    b'a_total{x="1"} 1 1700000000', b'a_total{x="1"} 2.5e3 1700000000123', b'a_total{x="2"} NaN 1700000000', b"b 3",
    b"b 4 1700000000.5", b"# TYPE a_total counter", b"# UNIT b seconds", b"# TYPE b gauge", b"", b'  c{l="q\\"x"} 1 5',
    b"garbage line", b'd{e="\xc3\xa9"} 7 99999999999', b'd{e="\xff"} 7 1', b"e 1 9223372037", b"e 1 9223372036",
    b"e 1 9223372036855", b"f -0 12\r", b'g{a="}"} 1_0 5', b'g{a="}"} 10 5 # {t="x"} 1', b"h 1e400 5", b"h +1 5",
    b"h .5 5", b"i{} 5 5", b'j{a="1"}  5 5', b"# EOF x", b'a{b="c"}x{d="e"} 1 1', b"# HELP foo", b"nul\x00 1 2",
)  # fmt: skip


def said(body: bytes) -> tuple[list[Batch], list[object]]:
    batches = list(prometheus.read_text(io.BytesIO(body), CONTEXT))
    return batches, [{name: table.to_pylist() for name, table in batch.tables.items()} for batch in batches]


@pytest.mark.parametrize("seed", range(40))
def test_blocks_and_single_lines_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    lines = [rng.choice(LINES) for _ in range(rng.randrange(1, 60))]
    lines += [b"# EOF", *lines[:3]] if seed % 5 == 0 else []
    body = b"\n".join(line for line in lines if seed % 2 or b"\xff" not in line)
    together, rows = said(body)
    monkeypatch.setattr(prometheus, "lines_of", lambda _: None)
    alone, expected = said(body)
    assert repr(rows) == repr(expected)
    assert [batch.rejections for batch in together] == [batch.rejections for batch in alone]


def test_samples_come_in_batches_of_200_000_rows() -> None:
    body = b"\n".join(b'a{x="%d"} %d %d' % (n % 50, n, 1_700_000_000 + n) for n in range(450_001))
    batches = list(prometheus.read_text(io.BytesIO(body), CONTEXT))
    assert [batch.tables["metric_samples"].num_rows for batch in batches] == [200_000, 200_000, 50_001]
    assert batches[2].tables["metric_samples"].column("value")[-1].as_py() == 450_000.0


def test_a_line_without_an_end_is_cut_at_a_mebibyte_and_the_next_one_is_read() -> None:
    batch = next(prometheus.read_text(io.BytesIO(b"x" * (3 * 2**22 + 5) + b"\na 1 2\n"), CONTEXT))
    assert [r.length for r in batch.rejections] == [*[2**20] * 12, 6]
    assert batch.rejections[-1].place == "scrape:13"
    assert batch.tables["metric_samples"].column("time_ns").to_pylist() == [2_000_000_000]
