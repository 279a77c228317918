"""Functions of int16 activations: interpolated tables of 513 or 256 entries, as in LiteRT.

Activations are symmetric (zero point 0). Sigmoid and tanh give scale 1/32768 and share one table of
the sigmoid; softmax has one of exp and one of the reciprocal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from edgeprune.ir.fixedpoint.rounding import (
    Int64s,
    Ints,
    Real,
    bit_length,
    quantize_multiplier,
    rescale,
    round_half_away,
    rounded,
    saturate,
)
from edgeprune.ir.types import QuantParams

LOW, HIGH = -(2**15), 2**15 - 1
WHOLE: Int64s = np.arange(LOW, HIGH + 1, dtype=np.int64)
"""Every int16."""
SIGMOID_STEP = 24
"""Entries of the sigmoid table for one unit of its argument."""


@cache
def sigmoid_table() -> Int64s:
    """Values of sigmoid(i / 24) in 1/65536, i = 0 ... 255, lifted by half the interpolation error.

    The last entry stands for infinity.
    """
    at = np.arange(512) / (2 * SIGMOID_STEP)
    exact = 65536 / (1 + np.exp(-at))
    value, middle = exact[0:-2:2], exact[1:-2:2]
    error = (value + exact[2::2]) / 2 - middle
    return np.append(round_half_away(value - error / 2), 65535)


def sigmoid_scale(x: QuantParams, exact_shifts: tuple[int, ...]) -> tuple[int, int]:
    """(multiplier, shift) that bring an input to 1/(3 * 4096); multiplier 0: its scale is a power.

    LiteRT decides by the float32 logarithm whether a scale counts as a power of two.
    """
    log2 = np.float32(np.log(np.float32(x.scale[0]))) * (
        np.float32(1) / np.float32(np.log(np.float32(2)))
    )
    nearest = int(round_half_away(np.array([log2]))[0])
    if abs(float(log2) - nearest) < 1e-3 and 12 + nearest in exact_shifts:
        return 0, 12 + nearest
    real, shift = float(np.float32(x.scale[0])) * 4096.0 * 3.0, 0
    while real <= 32767.0 / 2.0 and shift <= 30:
        shift += 1
        real *= 2.0
    return int(real), shift


def logistic_s16(q: Ints, x: QuantParams) -> Ints:
    """LOGISTIC of int16; the result has scale 1/32768."""
    mult, shift = sigmoid_scale(x, (0,))
    if mult == 0:
        mult, shift = 3 << shift, 0
    half = 1 << (shift - 1) if shift > 0 else 0
    at = (q.astype(np.int64) * mult + half) >> shift
    result = _sigmoid(np.abs(at), 9, 0x7FFF << 10)
    positive = result + (1 << 9)
    negative = (1 << 25) - result + (1 << 9) - 1
    return (np.where(at >= 0, positive, negative) >> 10).astype(np.int16)


def tanh_s16(q: Ints, x: QuantParams) -> Ints:
    """TANH of int16, as 2 sigmoid(2 x) - 1; the result has scale 1/32768."""
    mult, shift = sigmoid_scale(x, (0, 1))
    half = 1 << (shift - 1) if shift > 0 else 0
    if mult == 0:
        mult, shift, half = 3 << shift, 0, 0
    at = (q.astype(np.int64) * mult + half) >> shift
    result = _sigmoid(np.abs(at), 8, 0xFFFF << 8)
    positive = result - (1 << 23) + (1 << 7)
    negative = -result + (1 << 23) + (1 << 7) - 1
    return (np.where(at >= 0, positive, negative) >> 8).astype(np.int16)


def _sigmoid(at: Int64s, bits: int, top: int) -> Int64s:
    """The table between its entries, ``bits`` of fraction; ``top`` beyond its end."""
    table = sigmoid_table()
    index = at >> bits
    inside = np.minimum(index, 254)
    low, high = table[inside], table[inside + 1]
    between = (low << bits) + (at & ((1 << bits) - 1)) * (high - low)
    return np.asarray(np.where(index >= 255, top, between))


def interpolated_table(
    function: Callable[[Real], Real], start: Real, stop: Real, reach: Real
) -> Int64s | None:
    """513 samples of a function, shifted by half their interpolation error.

    LiteRT's LUTPopulate for int16: 512 equal steps from ``start`` to ``stop``; ``reach`` is what
    lies between its results for -32768 and 32767. None where a sample is infinite: no number is
    defined for it. LiteRT computes it in the type of these numbers; every step rounds to that.
    """
    real = type(start)
    inverse = real(65536) / reach
    step = (stop - start) / real(512)
    at = start + np.arange(513, dtype=real) * step
    middle = np.array([function(v + step / real(2)) for v in at[:-1]], real) * inverse
    value = np.array([function(v) for v in at], real) * inverse
    last = np.array([function(stop)], real) * inverse
    if not (np.isfinite(value).all() and np.isfinite(middle).all() and np.isfinite(last).all()):
        return None
    sample = rounded(value[:-1])
    between = rounded((value[1:] + sample) / real(2))
    bias = rounded((between - rounded(middle)) / real(2))
    table = np.concatenate([sample - bias, rounded(last)])
    return np.asarray(np.clip(table, LOW, HIGH), np.int64)


def look_up(table: Int64s, q: Int64s) -> Int64s:
    """An interpolated table at int16 arguments: 9 bits of index, 7 of fraction."""
    index = 256 + (q >> 7)
    low, high = table[index], table[index + 1]
    slope = (high - low).astype(np.int16).astype(np.int64)
    return np.asarray(low + ((slope * (q & 0x7F) + 64) >> 7), np.int64)


def tabulate_s16(function: Callable[[float], float], x: QuantParams, y: QuantParams) -> Int64s:
    """The results of a function for every 128th int16 and 32768, rounded once, half away from zero.

    Args:
        function: in double precision; an infinite result is the end of the range.
        x: quantisation of the input.
        y: quantisation of the result.

    Returns:
        The 513 ends of the pieces that :func:`interpolate` goes straight between.
    """
    (xs, xz), (ys, yz) = x.scalar, y.scalar
    with np.errstate(over="ignore"):
        real = np.array([function(xs * (q - xz)) for q in range(LOW, HIGH + 2, 128)]) / ys
    rounded = np.copysign(np.floor(np.abs(real) + 0.5), real) + yz
    return np.asarray(np.clip(rounded, LOW, HIGH), np.int64)


def interpolate(table: Ints, q: Ints) -> Ints:
    """The int16 results of int16 arguments, straight between the entries of a table of 513."""
    at = q.astype(np.int64)
    low, high = (table.astype(np.int64)[256 + (at >> 7) + i] for i in (0, 1))
    return np.asarray(low + (((high - low) * (at & 127) + 64) >> 7), np.int16)


def ends(results: Ints) -> Int64s | None:
    """The table of 513 that gives the results of every int16 by :func:`interpolate`; None: none."""
    last = results[-128:].astype(np.int64)
    rise = round(int(last[-1] - last[0]) * 128 / 127)
    for end in range(int(last[0]) + rise - 2, int(last[0]) + rise + 3):
        table = np.append(results[::128].astype(np.int64), end)
        if (interpolate(table, WHOLE) == results).all():
            return table
    return None


@cache
def softmax_tables() -> tuple[Int64s, Int64s]:
    """Tables of exp over [-10, 0] and of 1 / (1 + x) over [0, 1]."""
    one, reach = np.float64(1), np.float64(2.0 / 65535.0 * 65535.0)
    lowest = np.float64(10.0 / 65535 * (LOW - HIGH))
    exp = interpolated_table(lambda v: np.float64(math.exp(v)), lowest, np.float64(0), reach)
    reciprocal = interpolated_table(lambda v: one / (one + v), np.float64(0), one, reach)
    assert exp is not None
    assert reciprocal is not None
    return exp, reciprocal


def softmax_s16(q: Ints, x: QuantParams, beta: float = 1.0) -> Ints:
    """SOFTMAX of int16 over the last axis; the result has scale 1/32768."""
    exp_table, reciprocal_table = softmax_tables()
    real = float(np.float32(x.scale[0]) * np.float32(beta)) / (10.0 / 65535.0)
    diff = q.astype(np.int64) - q.max(axis=-1, keepdims=True)
    scaled = rescale(diff, *quantize_multiplier(real))
    exps = look_up(exp_table, np.clip(scaled + 32767, LOW, HIGH))
    total = exps.sum(axis=-1, keepdims=True)
    headroom = 32 - bit_length(total)
    shifted = ((total << (headroom - 1)) + (1 << 13)) >> 14
    centred = np.clip(shifted - ((1 << 15) + (1 << 16)), LOW, HIGH)
    reciprocal = look_up(reciprocal_table, centred)
    right = 31 - headroom
    out = (exps * reciprocal + (np.int64(1) << (right - 1))) >> right
    return saturate(out, np.int16, (0, HIGH))
