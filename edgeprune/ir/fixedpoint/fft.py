"""The real Fourier transform of int16, as KISS FFT computes it with FIXED_POINT=16.

Source: M. Borgerding's kissfft (``kiss_fft.c``, ``kiss_fftr.c``, ``_kiss_fft_guts.h``), which the
signal library of TFLite Micro calls. Every stage divides by its radix first, so that sums hardly
reach the ends of int16; those that do wrap round.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from edgeprune.ir.fixedpoint.rounding import Int64s, Ints

ONE = 2**15 - 1


def wrap16(x: Int64s) -> Int64s:
    """What is left of integers in int16."""
    return np.asarray(((x + 2**15) & (2**16 - 1)) - 2**15)


def radices(n: int) -> list[int]:
    """The stages of a transform of n points, a power of two: fours, then perhaps a two."""
    bits = n.bit_length() - 1
    return [4] * (bits // 2) + [2] * (bits % 2)


@cache
def twiddles(n: int) -> tuple[Ints, Ints]:
    """Roots of unity in Q0.15, rows of (real, imaginary).

    Args:
        n: complex points, half of the real ones.

    Returns:
        Those of the stages, (n, 2), and of the step from complex points to real ones, (n / 2, 2).
    """
    stages = -2 * np.pi * np.arange(n) / n
    last = -np.pi * (np.arange(1, n // 2 + 1) / n + 0.5)
    first, second = (
        np.floor(0.5 + ONE * np.stack([np.cos(p), np.sin(p)], axis=1)).astype(np.int16)
        for p in (stages, last)
    )
    return first, second


def _rounded(x: Int64s) -> Int64s:
    return wrap16((x + (1 << 14)) >> 15)


def _divided(x: Int64s, by: int) -> Int64s:
    return _rounded(x * (ONE // by))


def _times(a: Int64s, root: Int64s) -> Int64s:
    """Complex products: the first axis is (real, imaginary) of both."""
    return np.stack(
        [_rounded(a[0] * root[0] - a[1] * root[1]), _rounded(a[0] * root[1] + a[1] * root[0])]
    )


def _turned(a: Int64s) -> Int64s:
    """Times -i."""
    return np.stack([a[1], -a[0]])


def _order(n: int) -> Ints:
    """Which point comes where in front of the first stage: the digits of its number, reversed."""
    at, stride = np.zeros(1, np.int64), 1
    for p in radices(n):
        at = (at[:, None] + stride * np.arange(p)).ravel()
        stride *= p
    return at


def complex_fft(x: Int64s) -> Int64s:
    """Transform of (2, batch, n) numbers of int16, divided by n; n is a power of two."""
    n = x.shape[2]
    roots = twiddles(n)[0].astype(np.int64).T
    v, m = x[:, :, _order(n)], 1
    for p in reversed(radices(n)):
        blocks = n // (p * m)
        v = _divided(v.reshape(2, -1, blocks, p, m), p)
        steps = blocks * np.arange(m) * np.arange(p)[:, None]
        v = np.concatenate(
            [v[..., :1, :], _times(v[..., 1:, :], roots[:, None, None, steps[1:]])], axis=3
        )
        first, *rest = (v[..., k, :] for k in range(p))
        if p == 2:
            made = [first + rest[0], first - rest[0]]
        else:
            low, high = wrap16(first - rest[1]), wrap16(first + rest[1])
            total, gap = wrap16(rest[0] + rest[2]), _turned(wrap16(rest[0] - rest[2]))
            made = [high + total, low + gap, high - total, low - gap]
        v = wrap16(np.stack(made, axis=3)).reshape(2, -1, n)
        m *= p
    return v


def real_fft(x: Int64s) -> Int64s:
    """Transform of (batch, 2 n) numbers of int16, divided by 2 n.

    Returns:
        (2, batch, n + 1): real and imaginary parts up to half of the rate.
    """
    n = x.shape[1] // 2
    v = complex_fft(np.moveaxis(x.reshape(len(x), n, 2), 2, 0))
    ends = _divided(v[:, :, 0], 2)
    k = np.arange(1, n // 2 + 1)
    a = _divided(v[:, :, k], 2)
    b = _divided(np.stack([v[0][:, n - k], wrap16(-v[1][:, n - k])]), 2)
    even = wrap16(a + b)
    odd = _times(wrap16(a - b), twiddles(n)[1].astype(np.int64).T[:, None])
    made = np.zeros((2, len(x), n + 1), np.int64)
    made[0, :, 0], made[0, :, n] = wrap16(ends[0] + ends[1]), wrap16(ends[0] - ends[1])
    made[:, :, k] = (even + odd) >> 1
    made[0][:, n - k] = (even[0] - odd[0]) >> 1
    made[1][:, n - k] = (odd[1] - even[1]) >> 1
    return made
