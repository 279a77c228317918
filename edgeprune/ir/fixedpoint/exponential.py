"""Softmax and log-softmax of int8 in gemmlowp's fixed-point arithmetic.

A number Qm.n is held in an int32 with m integer bits and n = 31 - m fractional bits. Constants and
steps are those of gemmlowp's ``fixedpoint.h`` and of LiteRT's reference ``softmax.h``; C repeats
them operation by operation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir.fixedpoint.rounding import (
    QMAX,
    QMIN,
    Int64s,
    Ints,
    bit_length,
    divide_by_pot,
    high_mul,
    quantize_multiplier,
    rescale,
    saturate,
)
from edgeprune.ir.types import QuantParams

DIFF_BITS = 5
"""Integer bits of the scaled difference to the largest logit: Q5.26, down to -32."""
SUM_BITS = 12
"""Integer bits of the sum of exponentials: Q12.19, up to 4,095 terms."""

EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8), Q0.31
ONE_THIRD = 715827883  # 1/3, Q0.31
EXP_MINUS_POWERS = (  # exp(-2^k), Q0.31, k = -2 ... 4
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
FORTY_EIGHT_17THS = 1515870810  # 48/17, Q2.29
MINUS_THIRTY_TWO_17THS = -1010580540  # -32/17, Q2.29
ONE = 2**31 - 1  # 1 in Q0.31, saturated


@dataclass(frozen=True)
class SoftmaxParams:
    """Constants of one softmax.

    Attributes:
        mult: brings a difference of logits to Q5.26: high_mul(diff << left_shift, mult).
        left_shift: see ``mult``.
        diff_min: smaller differences count as exp = 0.
    """

    mult: int
    left_shift: int
    diff_min: int


def softmax_params(x: QuantParams, beta: float = 1.0) -> SoftmaxParams:
    """The constants for logits of one scale.

    Raises:
        UnsupportedError: the logits are so close to each other that LiteRT's kernel aborts.
    """
    real = min(float(np.float32(beta)) * x.scale[0] * (1 << (31 - DIFF_BITS)), 2.0**31 - 1.0)
    if real <= 1.0:
        raise UnsupportedError("softmax", f"of logits with a scale of {x.scale[0]:.3g}, too small")
    mult, left_shift = quantize_multiplier(real)
    reach = ((1 << DIFF_BITS) - 1) * (1 << (31 - DIFF_BITS)) / (1 << left_shift)
    return SoftmaxParams(mult, left_shift, -math.floor(reach))


def softmax(
    x: Ints, xq: QuantParams, beta: float = 1.0, dtype: type[np.signedinteger] = np.int8
) -> Ints:
    """SOFTMAX over the last axis; the result has scale 1/256 and zero point -128.

    As int16 it has scale 1/65536 and zero point -32768.

    Where 512 terms or more are close to each other, LiteRT's kernel aborts (gemmlowp asserts that
    a shift is below 32); all results are below half a step there, and -128.

    Args:
        x: (..., k) int8 logits, k <= 4,095.
        xq: their quantisation.
        beta: factor on the logits.
        dtype: int8 or int16, of the result.
    """
    p, kind = softmax_params(xq, beta), np.iinfo(dtype)
    diff = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    counted = diff >= p.diff_min
    exps = exp_on_negative(high_mul(np.where(counted, diff, 0) << p.left_shift, p.mult))
    total = np.where(counted, divide_by_pot(exps, SUM_BITS), 0).sum(axis=-1, keepdims=True)
    reciprocal, over_unit = _reciprocal(total)
    out = divide_by_pot(high_mul(reciprocal, exps), over_unit + 31 - kind.bits) + kind.min
    return saturate(np.where(counted, out, kind.min), dtype)


def exp_on_negative(a: Int64s) -> Int64s:
    """exp(a) in Q0.31 for a <= 0 in Q5.26: a Taylor series on [-1/4, 0), then a barrel shifter."""
    fraction_bits = 31 - DIFF_BITS
    quarter = 1 << (fraction_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(_shift_left_saturating(rest, DIFF_BITS))
    remainder = rest - a
    for power, factor in EXP_MINUS_POWERS:
        bit = 1 << (fraction_bits + power)
        result = np.where(remainder & bit, high_mul(result, factor), result)
    return np.where(a == 0, ONE, result)


def _exp_on_last_quarter(a: Int64s) -> Int64s:
    """exp(a) in Q0.31 for a in [-1/4, 0), by its series around -1/8."""
    x = a + (1 << 28)
    x2 = high_mul(x, x)
    x3 = high_mul(x2, x)
    x4_over_4 = divide_by_pot(high_mul(x2, x2), 2)
    series = divide_by_pot(high_mul(x4_over_4 + x3, ONE_THIRD) + x2, 1)
    return EXP_MINUS_EIGHTH + high_mul(EXP_MINUS_EIGHTH, x + series)


def _shift_left_saturating(a: Int64s, bits: Int64s | int) -> Int64s:
    return np.asarray(np.clip(a << bits, -(2**31), 2**31 - 1))


def _reciprocal(x: Int64s) -> tuple[Int64s, Int64s]:
    """1 / x for x in Q12.19 as (mantissa in Q0.31, number of bits of x above 1)."""
    headroom = 32 - bit_length(x)
    fraction = (x << headroom) - (1 << 31)
    return one_over_one_plus(fraction), SUM_BITS - headroom


def one_over_one_plus(a: Int64s) -> Int64s:
    """1 / (1 + a) in Q0.31 for a in [0, 1): three Newton-Raphson steps in Q2.29."""
    half_denominator = (a + ONE + 1) >> 1  # both are non-negative: RoundingHalfSum
    x = FORTY_EIGHT_17THS + high_mul(half_denominator, MINUS_THIRTY_TWO_17THS)
    for _ in range(3):
        error = (1 << 29) - high_mul(half_denominator, x)
        x = x + _shift_left_saturating(high_mul(x, error), 2)
    return _shift_left_saturating(x, 1)  # Q2.29 of 1 / (2 half_denominator), as Q0.31


LOG_2 = 1488522236  # log 2, Q0.31
SQRT_SQRT_HALF = 1805811301  # (1/2)^(1/4), Q0.31
SQRT_HALF = 1518500250  # (1/2)^(1/2), Q0.31
LOG_ALPHA_N = 117049297  # 11/240 2^(1/4), Q0.31
LOG_ALPHA_D = 127690142  # 1/20 2^(1/4), Q0.31
LOG_ALPHA_I = 1057819769  # 2 / 2^(1/4) - 2^(1/4), Q0.31
LOG_ALPHA_F = 638450708  # 1/4 2^(1/4), Q0.31
LOG_BITS = DIFF_BITS + 1
"""Integer bits in which a logarithm is put together: one more than it needs."""
QUARTER = 1 << (29 - LOG_BITS)  # 1/4, Q6.25


def log_softmax(x: Ints, xq: QuantParams) -> Ints:
    """LOG_SOFTMAX over the last axis; the result has scale 1/16 and zero point 127."""
    p = softmax_params(xq)
    back = (1 << (31 - p.left_shift)) / p.mult
    back_mult, back_shift = quantize_multiplier(back)
    diff = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    scaled = rescale(np.maximum(diff, p.diff_min), p.mult, p.left_shift)
    exps = divide_by_pot(exp_on_negative(scaled), SUM_BITS)
    total = np.where(diff >= p.diff_min, exps, 0).sum(axis=-1, keepdims=True)
    log_total = log_at_least_one(total)
    reach = rescale(log_total - 2**31, back_mult, back_shift)
    counted = diff > np.maximum(p.diff_min - 1, reach)
    out = divide_by_pot(scaled - log_total, 31 - DIFF_BITS - 4) + QMAX
    return saturate(np.where(counted, out, QMIN), np.int8)


def log_at_least_one(x: Int64s) -> Int64s:
    """Logarithms of numbers >= 1 in Q12.19, as Q5.26: a rational function around a power of two.

    The power is taken both from x and from x sqrt(1/2), whichever leaves the fraction smaller.
    """
    headroom_a = 32 - bit_length(x)
    fraction_a = _shift_left_saturating(x, headroom_a - 1)
    r_a = _shift_left_saturating(high_mul(fraction_a, SQRT_HALF), 1)
    power_a = ((SUM_BITS - headroom_a) << (31 - LOG_BITS)) + QUARTER
    headroom_b = 31 - bit_length(high_mul(x, SQRT_HALF))
    r_b = _shift_left_saturating(x, headroom_b)
    power_b = ((SUM_BITS - headroom_b) << (31 - LOG_BITS)) - QUARTER
    r, power = np.minimum(r_a, r_b), np.maximum(power_a, power_b)
    p = (r + SQRT_SQRT_HALF + 1) >> 1  # both are positive: RoundingHalfSum
    q = 2 * (r - SQRT_SQRT_HALF)
    square = high_mul(q, q)
    numerator = high_mul(q, r) + high_mul(high_mul(q, square), LOG_ALPHA_N)
    series = LOG_ALPHA_I + q + high_mul(LOG_ALPHA_D, square)
    reciprocal = one_over_one_plus(high_mul(p, series) + high_mul(LOG_ALPHA_F, q))
    log = high_mul(power, LOG_2) + high_mul(divide_by_pot(numerator, LOG_BITS), reciprocal)
    return _shift_left_saturating(log, 1)
