"""Bloom filters, looked into without an engine, rule nothing out that is there, and nearly all that is not."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.store.bloom import filters, may_hold, with_bits, xxh64

GROUP = 2000


@pytest.mark.parametrize(
    ("data", "digest"),
    [(b"", 0xEF46DB3751D8E999), (b"a", 0xD24EC4F1A98C6E5B), (b"abc", 0x44BC2CF5AD770999),
     (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1)],
)  # fmt: skip
def test_hashes_are_the_published_ones(data, digest):
    assert xxh64(data) == digest


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    rng = random.Random(1)
    ids = [rng.randbytes(16).hex() for _ in range(5 * GROUP)]
    path = str(tmp_path_factory.mktemp("bloom") / "ids.parquet")
    rows = pa.table({"at": pa.array(range(len(ids))), "id": ids})
    pq.write_table(rows, path, row_group_size=GROUP, bloom_filter_options={"id": {"ndv": GROUP, "fpp": 0.001}})
    return path, ids


@pytest.mark.parametrize("held", [True, False])
def test_each_id_is_found_in_its_row_group_and_hardly_elsewhere(written, held):
    path, ids = written
    known = filters(path, pq.read_metadata(path), "id")
    assert known.blocks.tolist() == [known.blocks[0]] * 5
    assert known.size == known.blocks.sum() * 32 > 5 * GROUP
    known = with_bits(path, known) if held else known
    there = [may_hold(path, known, xxh64(text.encode())).tolist() for text in ids[::7]]
    assert all(at * 7 // GROUP in groups for at, groups in enumerate(there))
    rng = random.Random(2)
    wrong = sum(len(may_hold(path, known, xxh64(rng.randbytes(16)))) for _ in range(2000))
    # 10,000 filters asked at one in a thousand.
    assert wrong < 30


def test_a_column_without_filters_rules_nothing_out(written):
    path, _ = written
    known = filters(path, pq.read_metadata(path), "at")
    for filled in (known, with_bits(path, known)):
        assert may_hold(path, filled, xxh64(b"x")).tolist() == [0, 1, 2, 3, 4]


def test_bits_in_memory_and_on_disk_say_the_same(written):
    path, _ = written
    known = filters(path, pq.read_metadata(path), "id")
    held, rng = with_bits(path, known), np.random.default_rng(3)
    for hashed in rng.integers(0, 2**63, 300).tolist():
        assert may_hold(path, known, hashed * 2).tolist() == may_hold(path, held, hashed * 2).tolist()
