"""Sums and differences of int8 as one linear form, tried on every pair of operands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from edgeprune.ir import Array, DType, QuantParams, TensorType
from edgeprune.kernels.portable._spell import int_clamp
from edgeprune.ops import Add, Sub

INT32_MAX = 2**31 - 1
AROUND = 3
"""How far multipliers may be from the nearest ones."""


@dataclass(frozen=True)
class LinearSum:
    """(a * a_mult + b * b_mult + offset) >> shift, which is clamped to the layer's ends."""

    a_mult: int
    b_mult: int
    offset: int
    shift: int


@cache
def linear_sum(op: Add | Sub, a: QuantParams, b: QuantParams, y: QuantParams) -> LinearSum | None:
    """The form that gives what the layer gives, for all 65,536 pairs; None: none was found.

    The layer rounds one operand, then the sum; results near a half may go either way. Of
    multipliers near the real ones those are taken for which one offset serves every pair.
    """
    every = np.arange(-128, 128, dtype=np.int64)
    x_a, x_b = (v.reshape(-1) for v in np.meshgrid(every, every, indexing="ij"))
    out = TensorType((len(x_a),), DType.INT8, y)
    types = [TensorType(out.shape, DType.INT8, q) for q in (a, b)]
    pair = (v.astype(np.int8)[None] for v in (x_a, x_b))
    want = op.evaluate_int(types, out, *pair).reshape(-1).astype(np.int64)
    (scale_a, zero_a), (scale_b, zero_b), (scale_y, zero_y) = a.scalar, b.scalar, y.scalar
    real_a = scale_a / scale_y
    real_b = scale_b / scale_y * (-1 if isinstance(op, Sub) else 1)
    offset = abs(zero_y - zero_a * real_a - zero_b * real_b) + 1
    most = 128 * (abs(real_a) + abs(real_b)) + offset
    shift = min(int(np.log2(INT32_MAX / most)), 31)
    low, high = int_clamp(op.clamp, out).values()
    inside = want > low, want < high
    for some in range(shift, max(shift - 2, 0), -1):
        for near_a, near_b in _around():
            mult_a, mult_b = (
                round(r * 2**some) + n for r, n in ((real_a, near_a), (real_b, near_b))
            )
            found = _offset(x_a * mult_a + x_b * mult_b, want, some, inside)
            ends = 128 * (abs(mult_a) + abs(mult_b))
            if found is not None and ends + abs(found) <= INT32_MAX:
                return LinearSum(mult_a, mult_b, found, some)
    return None


def _around() -> Iterator[tuple[int, int]]:
    """Steps of two multipliers, the smallest first."""
    steps = range(-AROUND, AROUND + 1)
    return iter(sorted(product(steps, steps), key=lambda s: (abs(s[0]) + abs(s[1]), s)))


def _offset(base: Array, want: Array, shift: int, inside: tuple[Array, Array]) -> int | None:
    """What is added so that every sum, shifted, is as wanted, or beyond the end that cuts it."""
    above, below = inside
    least = int(np.max((want << shift) - base, where=above, initial=-INT32_MAX))
    most = int(np.min(((want + 1) << shift) - 1 - base, where=below, initial=INT32_MAX))
    return (least + most) // 2 if least <= most else None
