"""Integers that repeat the fully connected kernel's rounding in C, for every input.

LiteRT rounds acc * scale in double precision, halves away from zero. A microcontroller computes
(acc * mult + half) >> total. Both are staircases over the accumulator; they are the same function
when every step lies at the same accumulator, which is checked here, step by step. The nearest
31-bit multiplier almost always has that property; where a step is off by one (a tie below zero, a
scale between two multipliers), the interval of multipliers that put all steps right is computed
exactly, and the one nearest to the scale is taken from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.fixedpoint.rounding import (
    Int64s,
    quantize_multiplier,
    quantize_multipliers,
    rescale_once,
)

_NEVER = 2**40
"""An accumulator that no int32 reaches."""


_LONGEST = 52
"""Bits that the nearest multiplier's product is shifted by, up to which 64 bits hold its steps."""


def single_multipliers(
    real: NDArray[np.float64], low: Int64s, high: Int64s, zero: int, clamp: tuple[int, int]
) -> tuple[Int64s, Int64s]:
    """:func:`single_multiplier` of many channels, (n,) each: multipliers and shifts."""
    worst = int(np.argmax(np.maximum(-low, high) * real))
    _require_32_bits(float(real[worst]), int(low[worst]), int(high[worst]))
    mult, shift = (a.astype(np.int64) for a in quantize_multipliers(real))
    steps = np.arange(clamp[0] + 1, clamp[1] + 1) - zero
    for k in np.flatnonzero(~_repeats(steps, real, low, high, mult, 31 - shift)):
        ends = int(low[k]), int(high[k])
        mult[k], shift[k] = single_multiplier(float(real[k]), *ends, zero, clamp)
    return mult, shift


def single_multiplier(
    real: float, low: int, high: int, zero: int, clamp: tuple[int, int]
) -> tuple[int, int]:
    """(mult, shift) with ((acc * mult + 2^(30 - shift)) >> (31 - shift)) + zero exact after clamp.

    Args:
        real: accumulator scale over output scale (:func:`effective_scales`).
        low: the smallest accumulator that can occur, bias included.
        high: the largest.
        zero: the output's zero point.
        clamp: the output's range.

    Returns:
        mult in [0, 2^31) and shift, 31 - shift in [1, 62].

    Raises:
        ValueError: results do not fit into 32 bits before they are clamped, or no 31-bit multiplier
            repeats the double-precision rounding over this range.
    """
    _require_32_bits(real, low, high)
    mult, shift = quantize_multiplier(real)
    total = 31 - shift
    steps = np.arange(clamp[0] + 1, clamp[1] + 1) - zero
    alone = (np.array([v]) for v in (real, low, high, mult, total))
    if _repeats(steps, *alone)[0]:
        return mult, shift
    first = _first_reaching(steps, real, low, high)
    lower, upper = (0, 2**31 - 1)
    for k, at in zip(steps.tolist(), first.tolist(), strict=True):
        half_step = (2 * k - 1) << (total - 1)  # the sum must reach this for a result of k
        if at <= high:
            lower, upper = _reach(max(at, low), half_step, lower, upper)
        if at > low:
            lower, upper = _miss(min(at, high + 1) - 1, half_step, lower, upper)
    if lower > upper:
        raise ValueError(f"no multiplier repeats the rounding of {real!r} over [{low}, {high}]")
    return min(max(mult, lower), upper), shift


def wide_multiplier(
    real: float, low: int, high: int, zero: int, clamp: tuple[int, int]
) -> tuple[int, int]:
    """(mult, total) with ((acc * mult + 2^(total - 1)) >> total) + zero exact after clamp.

    For results of 16 bits, whose many steps no 31-bit multiplier puts right.

    Args:
        real: see :func:`single_multiplier`, as the other arguments.
        low: likewise.
        high: likewise.
        zero: likewise.
        clamp: likewise.

    Returns:
        mult in [0, 2^47) and total in [17, 78].

    Raises:
        ValueError: no such multiplier was found.
    """
    _require_32_bits(real, low, high)
    fraction, exponent = np.frexp(real)
    nearest, total = round(float(fraction) * 2.0**47), 47 - int(exponent)
    if real == 0.0 or total > 78:
        return 0, 47
    steps = np.arange(clamp[0] + 1, clamp[1] + 1) - zero
    first = _first_reaching(steps, real, low, high)
    reaches, misses = np.clip(first, low, high), np.clip(first, low + 1, high + 1) - 1
    for mult in (nearest, nearest + 1, nearest - 1, nearest + 2):
        if total < 17:
            break
        right = (first > high) | (_halves(reaches, mult, total) >= 2 * steps - 1)
        right &= (first <= low) | (_halves(misses, mult, total) < 2 * steps - 1)
        if right.all():
            return mult, total
    raise ValueError(f"no multiplier repeats the rounding of {real!r} over [{low}, {high}]")


def _require_32_bits(real: float, low: int, high: int) -> None:
    """Refuse products that LiteRT's conversion to int32 is not defined for."""
    reach = max(-low, high) * real
    if reach >= 2.0**31 - 1:
        raise ValueError(f"a scale of {real:.3g} takes results to {reach:.3g}, beyond 32 bits")


def _halves(acc: Int64s, mult: int, total: int) -> Int64s:
    """floor(acc * mult / 2^(total - 1)) of int32 and at most 48 bits, exactly, in 64 bits."""
    above, below = acc * (mult >> 24), acc * (mult & 0xFFFFFF)
    down = total - 1
    if down >= 24:
        return np.asarray((above + (below >> 24)) >> min(down - 24, 63))
    return np.asarray((above << (24 - down)) + (below >> down))


def _first_reaching(steps: Int64s, real: float, low: int, high: int) -> Int64s:
    """For each k the smallest accumulator whose rounded product is at least k (or an end)."""
    if real == 0.0:
        return np.where(steps <= 0, low, _NEVER)
    guess: NDArray[np.float64] = np.ceil((steps - 0.5) / real)
    start = np.clip(guess, low - 4, high + 4).astype(np.int64)
    near = start[:, None] + np.arange(-3, 4)
    reached = rescale_once(near, real) >= steps[:, None]
    index = np.argmax(reached, axis=1)
    found = np.take_along_axis(near, index[:, None], axis=1)[:, 0]
    return np.where(reached.any(axis=1), found, _NEVER)


def _repeats(
    steps: Int64s,
    real: NDArray[np.float64],
    low: Int64s,
    high: Int64s,
    mult: Int64s,
    total: Int64s,
) -> NDArray[np.bool_]:
    """By channel, whether a multiplier puts every step where the double precision has it.

    Asked of the accumulators where its own steps lie and of those just below. False as well where
    64 bits do not tell.
    """
    known = (mult > 0) & (total <= _LONGEST)
    mult, total = np.where(known, mult, 1), np.where(known, total, 1)
    low, high, real = low[:, None], high[:, None], real[:, None]
    at = -(-((2 * steps - 1) << (total[:, None] - 1)) // mult[:, None])
    reaches = rescale_once(np.maximum(at, low), real) >= steps
    misses = rescale_once(np.minimum(at - 1, high), real) < steps
    right = (reaches | (at > high)) & (misses | (at <= low))
    return np.asarray(known & right.all(axis=1))


def _reach(acc: int, half_step: int, lower: int, upper: int) -> tuple[int, int]:
    """Keep the multipliers with acc * mult >= half_step."""
    if acc > 0:
        return max(lower, -(-half_step // acc)), upper
    if acc < 0:
        return lower, min(upper, half_step // acc)
    return (lower, upper) if half_step <= 0 else (1, 0)


def _miss(acc: int, half_step: int, lower: int, upper: int) -> tuple[int, int]:
    """Keep the multipliers with acc * mult < half_step."""
    if acc > 0:
        return lower, min(upper, -(-half_step // acc) - 1)
    if acc < 0:
        return max(lower, half_step // acc + 1), upper
    return (lower, upper) if half_step > 0 else (1, 0)
