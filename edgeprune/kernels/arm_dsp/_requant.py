"""Constants of requantisation in the form of the assembler tiles, and the proofs they rest on.

See ``runtime_c/arch/arm_dsp/ep_arm_dsp_tile.h`` for the arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, QuantParams
from edgeprune.ir.fixedpoint import (
    QMIN,
    effective_scales,
    quantize_multipliers,
    single_multipliers,
)
from edgeprune.kernels.accumulators import Accumulators
from edgeprune.kernels.layer import DenseLayer, Layer

Int64s = NDArray[np.int64]

_INT32_MAX = 2**31 - 1


@dataclass(frozen=True)
class Rescale:
    """The double rounding per output channel: multiplier in [2^30, 2^31) or 0, right shift >= 1."""

    mult: Int64s
    shift: Int64s
    zero: int

    def part(self, channels: slice) -> Rescale:
        """That of some channels."""
        return Rescale(self.mult[channels], self.shift[channels], self.zero)


class Mode(IntEnum):
    """How the tiles round: twice, twice with a fused ReLU, once."""

    TWICE = 0
    RELU = 1
    ONCE = 2


def rescaled(acc: Accumulators, layer: Layer | DenseLayer) -> tuple[Rescale, Mode] | None:
    """How the results of a layer are rounded; None where the tiles' arithmetic does not hold."""
    scales = (layer.xq, layer.wq, layer.yq)
    if layer.once:
        found, mode = rescale_once(acc, *scales, layer.clamp), Mode.ONCE
    else:
        found = rescale_twice(acc, *scales)
        mode = Mode.RELU if layer.clamp[0] >= layer.yq.scalar[1] else Mode.TWICE
    return (found, mode) if found else None


def narrow_fits(acc: Accumulators, w: Array, r: Rescale, mode: Mode) -> bool:
    """Whether channels may be paired as A + 256 * B, and rescaled from that."""
    if not narrow_holds(acc, w):
        return False
    if mode is Mode.ONCE:
        return _once_fits(acc, r, narrow=True)
    return mode is not Mode.RELU or narrow_relu_holds(acc, r)


def rescale_twice(
    acc: Accumulators, xq: QuantParams, wq: QuantParams, yq: QuantParams
) -> Rescale | None:
    """Multipliers and shifts of a convolution; None where the tiles' arithmetic does not hold."""
    mult32, shift = quantize_multipliers(effective_scales(xq, wq, yq))
    channels = len(acc.bias)
    mult = np.broadcast_to(mult32.astype(np.int64), channels).copy()
    right = np.broadcast_to(-shift.astype(np.int64), channels).copy()
    # What rounds to zero from any accumulator is as well multiplied by zero, with a small shift.
    first = ((acc.reach * mult) >> 31) + 1
    vanishes = (mult == 0) | (first < np.int64(1) << np.clip(right - 1, 0, 40))
    mult, right = np.where(vanishes, 0, mult), np.where(vanishes, 1, right)
    rescale = Rescale(mult, right, yq.scalar[1])
    rounded = np.abs(rounding(rescale)) + first + 1
    if np.any(right < 1) or np.any(acc.reach >= 2**30) or np.any(rounded > _INT32_MAX):
        return None
    return rescale


def rescale_once(
    acc: Accumulators, xq: QuantParams, wq: QuantParams, yq: QuantParams, clamp: tuple[int, int]
) -> Rescale | None:
    """Multipliers and shifts >= 2 with which one rounding is exact; None where there are none."""
    scales = effective_scales(xq, wq, yq)
    zero = yq.scalar[1]
    shared = len(scales) == 1
    low = acc.low.min(keepdims=True) if shared else acc.low
    high = acc.high.max(keepdims=True) if shared else acc.high
    try:
        mult, left = single_multipliers(scales, low, high, zero, clamp)
    except ValueError:
        return None
    mult, shift = (np.broadcast_to(a, len(acc.bias)) for a in (mult, -left))
    if np.any(shift < 2):
        return None
    # Where the shift is too long for the rounding constant and the result is the zero point,
    # whatever comes, a factor of zero and a short shift give the same.
    long = np.abs(2 * zero + 1) << np.minimum(shift + 6, 40) >= 2**31
    vanishes = long & ((acc.reach + 1) * mult < np.int64(1) << np.minimum(30 + shift, 62))
    mult, shift = np.where(vanishes, 0, mult), np.where(vanishes, 2, shift)
    rescale = Rescale(mult, shift, zero)
    return rescale if _once_fits(acc, rescale, narrow=False) else None


def _once_fits(acc: Accumulators, r: Rescale, *, narrow: bool) -> bool:
    """Whether rounding constant and high word stay within 32 bits."""
    constant = np.abs(2 * r.zero + 1) * (np.int64(1) << (r.shift - 2))
    product = ((acc.reach * r.mult) >> 32) + 1
    total = constant + product
    if narrow:
        total[1::2] *= 256
    return bool(np.all(total < 2**31) and np.all(acc.reach < 2**31))


def rounding(r: Rescale) -> Int64s:
    """Half a step, and the output's zero point, in units of the first rounding's result."""
    return (np.int64(1) << (r.shift - 1)) + (np.int64(r.zero) << r.shift)


def narrow_holds(acc: Accumulators, w: Array) -> bool:
    """Whether channels may be paired as A + 256 * B.

    B must stay below 2^23, and its bytes, reduced by one where A is negative, must be int8.
    """
    pairs = len(w) // 2
    a, b = w[: 2 * pairs : 2].astype(np.int64), w[1 : 2 * pairs : 2].astype(np.int64)
    fits = bool(np.all(b - (a < 0) >= QMIN))
    return fits and bool(np.all(acc.reach[1 : 2 * pairs : 2] < 2**23))


def narrow_relu_holds(acc: Accumulators, r: Rescale) -> bool:
    """Whether B may be rescaled as 256 * B, with constants 128 times as large."""
    total = np.abs(rounding(r)) * 128 + 64 + ((acc.reach * 256 * r.mult) >> 32) + 1
    return bool(np.all(total[1::2] <= _INT32_MAX))


def shifted(mode: Mode, *, narrow: bool) -> tuple[int, int]:
    """By how much less code shifts than was said, and by how much more in channels B."""
    less = 2 if mode is Mode.ONCE else 1  # SMMLA halves, and the last bit is shifted apart
    return less, {Mode.TWICE: 0, Mode.RELU: 7, Mode.ONCE: 8}[mode] if narrow else 0


def requant_table(acc: Accumulators, r: Rescale, mode: Mode, *, narrow: bool) -> Array:
    """The table that the tiles read, int32; 12 bytes a channel.

    Args:
        acc: biases.
        r: multipliers and shifts.
        mode: how the tile rounds.
        narrow: channels are paired as A + 256 * B.
    """
    less, ahead = shifted(mode, narrow=narrow)
    rows: list[int] = []
    channels = len(acc.bias)
    for k in range(0, channels - 1, 2):
        a, b = int(acc.bias[k]), int(acc.bias[k + 1])
        rows += [a, a + 256 * b if narrow else b]
        rows += [int(r.mult[k]), int(r.shift[k]) - less]
        rows += [int(r.mult[k + 1]), int(r.shift[k + 1]) - less + ahead]
    if channels % 2:
        rows += [int(acc.bias[-1]), int(r.mult[-1]), int(r.shift[-1]) - less]
    return np.array([wrap32(v) for v in rows], np.int32)


def wrap32(value: int) -> int:
    """A value modulo 2^32, as int32."""
    return (value + 2**31) % 2**32 - 2**31


def requant_singles(acc: Accumulators, r: Rescale) -> Array:
    """{bias, multiplier, shift - 1} of each channel, int32."""
    return np.stack([acc.bias, r.mult, r.shift - 1], axis=1).astype(np.int32).reshape(-1)
