"""How fine the scale of a result may be, for what rescales or multiplies its operands."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from edgeprune.ir.types import DType

FINEST_RESULT = 2.0**-30
"""As a part of the largest magnitude that the operands can make: 32 bits hold such a result before
it is clamped, with a bit to spare. float32 does not tell values so far below that magnitude from
0."""


def reaches(scales: Sequence[float], dtype: DType) -> list[float]:
    """The widest range that each operand can have, by its scale."""
    levels = 65536.0 if dtype is DType.INT16 else 256.0
    return [levels * scale for scale in scales]


def finest_product(scales: Sequence[float], dtype: DType, terms: int = 1) -> float:
    """The smallest scale of a sum of so many products of the operands, or of one rescaled."""
    return terms * prod(reaches(scales, dtype)) * FINEST_RESULT
