"""The rounding rules: how an integer accumulator on one scale becomes an integer on another.

All of int8 stands on the two functions here, and on no third: :func:`rescale` rounds twice, as
gemmlowp's fixed-point arithmetic does, and is the rule of every LiteRT reference kernel but one;
:func:`rescale_once` rounds once and is the rule of the fully connected kernel. Found in the
reference kernels of LiteRT (``kernels/internal``), and measured against them in the tests.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgeprune.errors import UnsupportedError
from edgeprune.ir.types import QuantParams

Ints = NDArray[np.signedinteger[Any]]
Int64s = NDArray[np.int64]
Real = TypeVar("Real", np.float32, np.float64)

QMIN, QMAX = -128, 127
MAX_SHIFT = 31
"""A 32-bit accumulator is shifted left by no more."""
MAX_WIDE_SHIFT = 7
"""What a 48-bit accumulator is multiplied by is below 2 to this power."""


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real factor as (mult, shift): real = mult * 2^(shift - 31).

    Args:
        real: the factor; a negative one (a leaky ReLU's slope) gives a negative mult.

    Returns:
        mult in [2^30, 2^31) or 0, shift in [-31, 31]; factors below 2^-32 become 0.

    Raises:
        UnsupportedError: a factor of 2^31 or more, for which LiteRT's kernels are not defined.
    """
    mult, shift = quantize_multipliers(np.array([real]))
    return int(mult[0]), int(shift[0])


def quantize_multipliers(real: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """:func:`quantize_multiplier` for many factors at once."""
    fraction, exponent = np.frexp(np.asarray(real, np.float64))
    mult = round_half_away(fraction * 2.0**31)
    carry = np.abs(mult) == 2**31
    mult = np.where(carry, mult // 2, mult)
    exponent = np.where(carry, exponent + 1, exponent)
    if exponent.max(initial=0) > MAX_SHIFT:
        raise UnsupportedError(
            "a change of scale",
            f"by a factor of {np.abs(real).max():.3g}, and 32 bits hold less than 2^{MAX_SHIFT}",
            "use --dtype float32",
        )
    tiny = (exponent < -31) | (mult == 0)
    return (
        np.where(tiny, 0, mult).astype(np.int32),
        np.where(tiny, 0, exponent).astype(np.int32),
    )


def round_half_away(x: NDArray[np.floating[Any]]) -> Int64s:
    """C's ``round``: to the nearest integer, halves away from zero."""
    return np.asarray(rounded(x).astype(np.int64))


def rounded(x: NDArray[Real]) -> NDArray[Real]:
    """:func:`round_half_away` of numbers of any size, in their own type."""
    magnitude = np.abs(x)
    whole = np.floor(magnitude)
    whole += magnitude - whole >= 0.5
    return np.asarray(np.copysign(whole, x), x.dtype)


def bit_length(x: Int64s) -> Int64s:
    """Bits up to the highest one, of integers in [0, 2^53)."""
    return np.asarray(np.frexp(x.astype(np.float64))[1], np.int64)


def high_mul(a: Ints | int, b: Ints | int) -> Int64s:
    """The high half of 2*a*b for 32-bit operands, rounded (halves up), saturating at 2^31 - 1.

    gemmlowp's SaturatingRoundingDoublingHighMul; Arm's SQRDMULH.
    """
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 30)) >> 31, 2**31 - 1), np.int64)


def divide_by_pot(x: Ints | int, exponent: Ints | int) -> Int64s:
    """Quotients x / 2^exponent, halves away from zero (gemmlowp's RoundingDivideByPOT)."""
    x, e = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    half = (np.int64(1) << e) >> 1
    return (x + half - ((x < 0) & (e > 0))) >> e


def rescale(x: Ints | int, mult: Ints | int, shift: Ints | int) -> Int64s:
    """Products x * mult * 2^(shift - 31), rounded twice: by the high multiply and by the shift.

    Args:
        x: int32 accumulators; with shift > 0 they are first shifted left, in 32 bits.
        mult: from :func:`quantize_multiplier`, broadcast against ``x``.
        shift: likewise.
    """
    shift = np.asarray(shift, np.int64)
    if shift.max(initial=0) > 0:
        x = (np.asarray(x, np.int64) << np.maximum(shift, 0)).astype(np.int32)
    return divide_by_pot(high_mul(x, mult), np.maximum(-shift, 0))


def rescale_once(x: Ints, real: NDArray[np.float64] | float) -> Int64s:
    """Products x * real rounded once, halves away from zero: the fully connected kernel's rule.

    The product is taken in double precision, as LiteRT does. The integers
    that give the same in C are found by :mod:`edgeprune.ir.fixedpoint.single`.
    """
    return round_half_away(np.asarray(x, np.float64) * real)


def rescale_wide(x: Ints, mult: Ints | int, shift: Ints | int) -> Int64s:
    """The rule for 48-bit accumulators (int16 activations): a 16-bit multiplier, rounded once."""
    reduced, total = reduced_multipliers(mult, shift)
    return (np.asarray(x, np.int64) * reduced + (np.int64(1) << (total - 1))) >> total


def reduced_multipliers(mult: Ints | int, shift: Ints | int) -> tuple[Int64s, Int64s]:
    """The 16 bits of a multiplier and the right shift that :func:`rescale_wide` takes.

    Raises:
        UnsupportedError: a factor of 2^7 or more, for which LiteRT's kernels are not defined.
    """
    m, left = np.asarray(mult, np.int64), np.asarray(shift, np.int64)
    if left.max(initial=0) > MAX_WIDE_SHIFT:
        raise UnsupportedError(
            "a change of scale",
            f"by a factor of 2^{MAX_WIDE_SHIFT} or more, which sums of 48 bits have no room for",
            "use --dtype float32",
        )
    reduced = np.where(m < 0x7FFF0000, (m + (1 << 15)) >> 16, 0x7FFF)
    return np.asarray(reduced, np.int64), 15 - left


def effective_scales(x: QuantParams, w: QuantParams, y: QuantParams) -> NDArray[np.float64]:
    """Scale of an accumulator over the output's scale, per output channel (or one for all)."""
    scales = np.asarray(w.scale, np.float64)
    return np.asarray(x.scale[0] * scales / y.scale[0], np.float64)


def clamp_range(
    low: float | None, high: float | None, y: QuantParams, limits: tuple[int, int] = (QMIN, QMAX)
) -> tuple[int, int]:
    """The integers that a fused clamp lets through, bounds rounded half away in float32.

    Args:
        low: smallest real value (ReLU: 0); None or minus infinity: unbounded.
        high: largest real value (ReLU6: 6); None or infinity: unbounded.
        y: quantisation of the clamped value.
        limits: the range of its integer type.
    """
    scale, zero = y.scalar

    def bound(real: float | None) -> int:
        assert real is not None
        with np.errstate(over="ignore"):  # "no bound" is also written as 1e30
            steps = np.clip(np.float32(real) / np.float32(scale), -(2.0**31), 2.0**31)
        return zero + int(round_half_away(np.array([steps]))[0])

    return (
        limits[0] if low in (None, -np.inf) else max(limits[0], bound(low)),
        limits[1] if high in (None, np.inf) else min(limits[1], bound(high)),
    )


Clamp = tuple[int, int]
"""The lowest and the highest integer of a result."""


def saturate(x: Ints, dtype: DTypeLike, clamp: Clamp | None = None) -> Ints:
    """Wide integers held within a range (None: all of the type) and given a narrow type."""
    info = np.iinfo(np.dtype(dtype))
    low, high = clamp if clamp is not None else (int(info.min), int(info.max))
    return np.clip(x, low, high).astype(dtype)


def quantize(x: NDArray[np.floating[Any]], quant: QuantParams, dtype: DTypeLike = np.int8) -> Ints:
    """Real values as integers of one scale: QUANTIZE of float32 (round half away, saturating)."""
    scale, zero = quant.scalar
    steps = np.asarray(x, np.float32) / np.float32(scale)
    bounded = np.clip(steps, np.float32(-(2.0**24)), np.float32(2.0**24))
    return saturate(round_half_away(bounded) + zero, dtype)


def dequantize(q: Ints, quant: QuantParams) -> NDArray[np.float32]:
    """Integers as real values: DEQUANTIZE, float32 arithmetic."""
    scale, zero = quant.scalar
    centred = np.asarray(q, np.int64) - zero
    return np.asarray(np.float32(scale) * centred.astype(np.float32), np.float32)


def requantize(q: Ints, x: QuantParams, y: QuantParams, dtype: DTypeLike = np.int8) -> Ints:
    """Integers of one scale as integers of another: QUANTIZE of int8, int16 or uint8."""
    mult, shift = quantize_multiplier(x.scale[0] / y.scale[0])
    out = rescale(np.asarray(q, np.int64) - x.zero_point[0], mult, shift) + y.zero_point[0]
    return saturate(out, dtype)
