"""Functions of int16 activations: interpolated tables of 513 or 256 entries, as in LiteRT.

Activations are symmetric (zero point 0). Sigmoid and tanh give scale 1/32768 and share one table of
the sigmoid; softmax has one of exp and one of the reciprocal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.fixedpoint.rounding import (
    Int64s,
    Ints,
    bit_length,
    clamp_range,
    quantize_multiplier,
    rescale,
    round_half_away,
    saturate,
)
from edgeprune.ir.types import QuantParams

LOW, HIGH = -(2**15), 2**15 - 1
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


def clamp_s16(
    q: Ints, x: QuantParams, y: QuantParams, low: float = -math.inf, high: float = math.inf
) -> Ints:
    """RELU and RELU6 of int16, with a change of scale."""
    ratio = np.float32(x.scale[0]) / np.float32(y.scale[0])
    moved = rescale(q.astype(np.int64), *quantize_multiplier(float(ratio)))
    return saturate(moved, np.int16, clamp_range(low, high, y, (LOW, HIGH)))


def leaky_relu_s16(q: Ints, x: QuantParams, y: QuantParams, alpha: float) -> Ints:
    """LEAKY_RELU of int16."""
    ratio = np.float32(x.scale[0]) / np.float32(y.scale[0])
    slope = np.float32(x.scale[0]) * np.float32(alpha) / np.float32(y.scale[0])
    mult, shift = quantize_multiplier(float(slope))
    below = rescale(q.astype(np.int64), abs(mult), shift) * (1 if mult >= 0 else -1)
    above = rescale(q.astype(np.int64), *quantize_multiplier(float(ratio)))
    return saturate(np.where(q >= 0, above, below), np.int16)


def interpolated_table(
    function: Callable[[float], float], start: float, stop: float, scale: float
) -> Int64s:
    """513 samples of a function in steps of ``scale``, shifted by half their interpolation error.

    LiteRT's LUTPopulate for int16: 512 equal steps from ``start`` to ``stop``.
    """
    inverse = 65536.0 / (scale * 65535.0)
    step = (stop - start) / 512
    value, middle, following = (
        _sampled(function, start, step, shift) * inverse for shift in (0.0, 0.5, 1.0)
    )
    sample = round_half_away(value)
    between = round_half_away((following + sample) / 2)
    bias = round_half_away((between - round_half_away(middle)) / 2)
    last = round_half_away(np.array([function(stop) * inverse]))
    return np.asarray(np.clip(np.concatenate([sample - bias, last]), LOW, HIGH), np.int64)


def _sampled(
    function: Callable[[float], float], start: float, step: float, shift: float
) -> NDArray[np.float64]:
    half = step / 2 if shift == 0.5 else 0.0
    first = 1 if shift == 1.0 else 0
    return np.array([function(start + (i + first) * step + half) for i in range(512)])


def look_up(table: Int64s, q: Int64s) -> Int64s:
    """An interpolated table at int16 arguments: 9 bits of index, 7 of fraction."""
    index = 256 + (q >> 7)
    low, high = table[index], table[index + 1]
    slope = (high - low).astype(np.int16).astype(np.int64)
    return np.asarray(low + ((slope * (q & 0x7F) + 64) >> 7), np.int64)


@cache
def softmax_tables() -> tuple[Int64s, Int64s]:
    """Tables of exp over [-10, 0] and of 1 / (1 + x) over [0, 1]."""
    scale = 2.0 / 65535.0
    exp = interpolated_table(math.exp, 10.0 / 65535 * (LOW - HIGH), 0.0, scale)
    reciprocal = interpolated_table(lambda v: 1.0 / (1.0 + v), 0.0, 65535 * (1.0 / 65535), scale)
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
