"""Parquet's split-block bloom filters: which row groups may hold an id, told by 32 bytes of each."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

_BLOCK = 32
_SALT = np.array(
    [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31], np.uint32
)
_KIND = b"\x1c\x1c\x00\x00" * 3 + b"\x00"
"""End of a filter's header: split blocks, xxHash, not packed; the only kind there is so far."""
_LONGEST_HEADER = 32
_WORD = 2**64 - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """One column's filters of a file: of each row group where its bits begin, and of how many blocks they are.

    No blocks where a row group has no filter. *bits* holds all blocks, shape (n, 8), and begins count them; without it
    begins count the file's bytes.
    """

    begins: NDArray[np.int64]
    blocks: NDArray[np.int64]
    bits: NDArray[np.uint32] | None

    @property
    def size(self) -> int:
        """Bytes of all bits."""
        return int(self.blocks.sum()) * _BLOCK


def filters(file: str, footer: pq.FileMetaData, column: str) -> Filters:
    """Find a column's filters by a file's footer, their bits still to be read. OSError where the file cannot be."""
    at = next(n for n in range(footer.num_columns) if footer.schema.column(n).path == column)
    found = np.zeros((footer.num_row_groups, 2), np.int64)
    handle = os.open(file, os.O_RDONLY)
    try:
        for group in range(footer.num_row_groups):
            chunk = footer.row_group(group).column(at)
            offset, length = chunk.bloom_filter_offset, chunk.bloom_filter_length
            head = os.pread(handle, _LONGEST_HEADER, offset) if offset and length else b""
            size = _size(head)
            if 0 < size < (length or 0):
                found[group] = offset + length - size, size // _BLOCK
    finally:
        os.close(handle)
    return Filters(found[:, 0], found[:, 1], None)


def with_bits(file: str, known: Filters) -> Filters:
    """Return filters with their bits read."""
    handle = os.open(file, os.O_RDONLY)
    try:
        read = [
            os.pread(handle, blocks * _BLOCK, begin)
            for begin, blocks in zip(known.begins.tolist(), known.blocks.tolist(), strict=True)
        ]
    finally:
        os.close(handle)
    # What has no filter reads the last block: all ones.
    bits = np.frombuffer(b"".join([*read, b"\xff" * _BLOCK]), "<u4").reshape(-1, len(_SALT))
    begins = np.where(known.blocks > 0, np.cumsum(known.blocks) - known.blocks, len(bits) - 1)
    return Filters(begins, known.blocks, bits)


def may_hold(file: str, known: Filters, hashed: int) -> NDArray[np.intp]:
    """Return the row groups whose filter does not rule the hashed value out; those without a filter are among them."""
    # Less than 2^31 blocks times less than 2^32 fit in 63 bits.
    block = known.blocks * (hashed >> 32) >> 32
    if known.bits is not None:
        words = known.bits[known.begins + block]
    else:
        handle = os.open(file, os.O_RDONLY)
        try:
            places = zip((known.begins + block * _BLOCK).tolist(), known.blocks.tolist(), strict=True)
            read = [os.pread(handle, _BLOCK, at) if blocks else b"\xff" * _BLOCK for at, blocks in places]
        finally:
            os.close(handle)
        words = np.frombuffer(b"".join(read), "<u4").reshape(-1, len(_SALT))
    bits = np.uint32(1) << (np.uint32(hashed & 0xFFFFFFFF) * _SALT >> np.uint32(27))
    return np.flatnonzero(((words & bits) == bits).all(axis=1))


def xxh64(data: bytes) -> int:
    """Return the 64-bit xxHash of some bytes, seed 0."""
    rest, many = data, len(data)
    if many >= _BLOCK:
        lanes = [(_P1 + _P2) & _WORD, _P2, 0, -_P1 & _WORD]
        whole = many // _BLOCK * _BLOCK
        for at in range(0, whole, 8):
            lane = at // 8 % 4
            lanes[lane] = _round(lanes[lane], int.from_bytes(data[at : at + 8], "little"))
        found = sum(_turned(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _WORD
        for lane in lanes:
            found = ((found ^ _round(0, lane)) * _P1 + _P4) & _WORD
        rest = data[whole:]
    else:
        found = _P5
    found = (found + many) & _WORD
    while len(rest) >= 8:
        found = (_turned(found ^ _round(0, int.from_bytes(rest[:8], "little")), 27) * _P1 + _P4) & _WORD
        rest = rest[8:]
    if len(rest) >= 4:
        found = (_turned(found ^ (int.from_bytes(rest[:4], "little") * _P1 & _WORD), 23) * _P2 + _P3) & _WORD
        rest = rest[4:]
    for byte in rest:
        found = _turned(found ^ (byte * _P5 & _WORD), 11) * _P1 & _WORD
    found = (found ^ found >> 33) * _P2 & _WORD
    found = (found ^ found >> 29) * _P3 & _WORD
    return found ^ found >> 32


def _round(lane: int, word: int) -> int:
    return _turned((lane + word * _P2) & _WORD, 31) * _P1 & _WORD


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 64 - by) & _WORD


def _size(head: bytes) -> int:
    """Return how many bytes of bits follow a filter's header (compact Thrift); 0 where it is not of the known kind."""
    if not head.startswith(b"\x15"):
        return 0
    size, at = 0, 1
    while at < len(head):
        size |= (head[at] & 0x7F) << 7 * (at - 1)
        at += 1
        if head[at - 1] < 0x80:
            break
    size >>= 1
    return size if head[at:].startswith(_KIND) and size % _BLOCK == 0 else 0
