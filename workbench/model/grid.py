"""Grids that values are counted on: constants and versions, so that counts of one grid add up and two never mix.

A number x falls in bin ``sign(z) * (top bits of y - top bits of s0)`` with ``z = x - c`` and ``y = |z| + s0``, where
the top bits of a float64 are its exponent and the first *k* bits of its mantissa: linear near the median c,
logarithmic far from it, open at both ends. A change of scale therefore needs no new grid.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from typing import Literal

from workbench.errors import UsageError

VERSION = 1
"""Raised whenever a value could fall in another bin than before; part of every grid's id."""
MANTISSA_BITS = 7
"""Bins are 0.8 % wide where they are logarithmic."""
MOST_MANTISSA_BITS = 20
"""Integers up to two million away from the median still have bins of their own."""
EXACT_INTEGERS = 4096
"""Distinct integers in the baseline up to which a column is counted on its exact values."""
MOST_LEVELS = 50_000
"""Distinct levels from which a column of text is counted by digest instead of by name."""
HASHED = 65_536
"""Digests that levels are counted by then; the number of distinct ones is estimated from them."""
INFINITE_EXPONENT = 2047
_NUMBERS = re.compile(r"numbers/(\d+);k=(\d+);c=([^;]+);s0=([^;]+)")
_LEVELS = re.compile(r"(levels|hashed)/(\d+)")


@dataclass(frozen=True)
class Grid:
    """One version of the bins of one column; ``Grid.parse(grid.id) == grid``."""

    kind: Literal["numbers", "levels", "hashed"]
    center: float = 0.0
    """Median of the baseline that taught the grid."""
    scale: float = 1.0
    """s0, a power of two: |z| below it is counted in equal bins of ``s0 / 2**bits``."""
    bits: int = MANTISSA_BITS

    @property
    def id(self) -> str:
        """Return the version as one text that holds every constant."""
        if self.kind != "numbers":
            return f"{self.kind}/{VERSION}"
        return f"numbers/{VERSION};k={self.bits};c={self.center!r};s0={self.scale!r}"

    @property
    def shift(self) -> int:
        """Bits of a float64 below those that number the bin."""
        return 52 - self.bits

    @property
    def base(self) -> int:
        """Top bits of s0."""
        return top_bits(self.scale, self.shift)

    @property
    def limit(self) -> int:
        """First bin number that no finite value has: infinity and, above it, not-a-number."""
        return (INFINITE_EXPONENT << self.bits) - self.base

    @classmethod
    def parse(cls, text: str) -> Grid:
        """Read a grid's id; one of another version is refused, since its counts mean something else."""
        numbers, levels = _NUMBERS.fullmatch(text), _LEVELS.fullmatch(text)
        version = numbers[1] if numbers else levels[2] if levels else None
        if version is None or int(version) != VERSION:
            raise UsageError(f"Not a grid of version {VERSION}: {text!r}. Profile the table anew.")
        if numbers:
            return cls("numbers", float(numbers[3]), float(numbers[4]), int(numbers[2]))
        return LEVELS if text.startswith("levels") else cls("hashed")

    @classmethod
    def of_numbers(
        cls, *, low: float, quarter: float, median: float, three_quarters: float, high: float, distinct: int,
        integers: bool,
    ) -> Grid:  # fmt: skip
        """Return the grid that a baseline's quantiles teach.

        Few distinct integers get bins of their own. Where the middle half is one value, the
        whole range stands in for it; where the column is constant, the value itself does.
        """
        reach = max(high - median, median - low)
        if integers and distinct <= EXACT_INTEGERS and reach < 2**MOST_MANTISSA_BITS and abs(median) < 2.0**52:
            bits = max(MANTISSA_BITS + 1, math.ceil(math.log2(reach + 2)))
            return cls("numbers", float(round(median)), 1.0, min(bits, MOST_MANTISSA_BITS))
        spread = three_quarters - quarter or high - low or abs(median) or 1.0
        if not math.isfinite(spread):
            spread = abs(median) or 1.0
        power = min(max(math.floor(math.log2(spread / 8)), -1000), 1000) if spread >= 2.0**-990 else -1000
        return cls("numbers", median, 2.0**power)

    def bin_of(self, value: float) -> int:
        """Return the number of the bin that a finite value falls in."""
        z = value - self.center
        number = top_bits(abs(z) + self.scale, self.shift) - self.base
        return -number if z < 0 else number

    def position(self, number: int) -> float:
        """Return the middle of a bin, in the column's own unit."""
        low, high = (from_top_bits(abs(number) + self.base + step, self.shift) for step in (0, 1))
        # Whole numbers stand at the begin of their bins.
        exact = number == 0 or (self.bits > MANTISSA_BITS and high - low <= 1.0)
        middle = low if exact else (low + high) / 2
        return self.center + math.copysign(middle - self.scale, number)


LEVELS = Grid("levels")
"""Text counted by name."""


def top_bits(value: float, shift: int) -> int:
    """Return the leading bits of a positive float64: its exponent and the first bits of its mantissa."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0]) >> shift


def from_top_bits(bits: int, shift: int) -> float:
    """Return the smallest float64 that has these leading bits."""
    return float(struct.unpack("<d", struct.pack("<q", bits << shift))[0])
