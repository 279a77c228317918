"""Elementwise and pooling arithmetic in integers, as LiteRT's reference kernels compute it."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from edgeprune.errors import UnsupportedError
from edgeprune.ir.fixedpoint.linear import Pads
from edgeprune.ir.fixedpoint.rounding import (
    Clamp,
    Int64s,
    Ints,
    clamp_range,
    quantize_multiplier,
    rescale,
    saturate,
)
from edgeprune.ir.types import Array, QuantParams

ADD_LEFT_SHIFT = {1: 20, 2: 15}
"""By bytes of an element: how far both operands of a sum are shifted left before they meet."""


def add_multipliers(
    a: QuantParams, b: QuantParams, y: QuantParams, left_shift: int = ADD_LEFT_SHIFT[1]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(mult, shift) of both operands and of the result; in between: 2 max(a, b) / 2^left_shift."""
    twice = 2.0 * max(a.scale[0], b.scale[0])
    return (
        quantize_multiplier(a.scale[0] / twice),
        quantize_multiplier(b.scale[0] / twice),
        quantize_multiplier(twice / ((1 << left_shift) * y.scale[0])),
    )


def add(
    a: Ints,
    b: Ints,
    aq: QuantParams,
    bq: QuantParams,
    yq: QuantParams,
    clamp: Clamp | None = None,
    *,
    sign: int = 1,
) -> Ints:
    """ADD, or SUB with ``sign`` -1; operands broadcast as numpy arrays do."""
    bits = ADD_LEFT_SHIFT[a.dtype.itemsize]
    on_a, on_b, on_y = add_multipliers(aq, bq, yq, bits)
    left = _on_common_scale(a, aq, bits, on_a)
    right = _on_common_scale(b, bq, bits, on_b)
    total = left + sign * right
    return saturate(rescale(total, *on_y) + yq.zero_point[0], a.dtype, clamp)


def _on_common_scale(x: Ints, q: QuantParams, bits: int, factor: tuple[int, int]) -> Int64s:
    """An operand of a sum, shifted left and rescaled; once for each value that it can have."""
    info = np.iinfo(x.dtype)
    values = np.arange(int(info.min), int(info.max) + 1) - q.zero_point[0]
    return rescale(values << bits, *factor)[x.astype(np.int64) - int(info.min)]


def sub(
    a: Ints,
    b: Ints,
    aq: QuantParams,
    bq: QuantParams,
    yq: QuantParams,
    clamp: Clamp | None = None,
) -> Ints:
    """SUB: see :func:`add`."""
    return add(a, b, aq, bq, yq, clamp, sign=-1)


def mul_multiplier(a: QuantParams, b: QuantParams, y: QuantParams) -> tuple[int, int]:
    """(mult, shift) of MUL; the factor is formed in float32."""
    product = np.float32(a.scale[0]) * np.float32(b.scale[0])
    return quantize_multiplier(float(product / np.float32(y.scale[0])))


def mul(
    a: Ints,
    b: Ints,
    aq: QuantParams,
    bq: QuantParams,
    yq: QuantParams,
    clamp: Clamp | None = None,
) -> Ints:
    """MUL; operands broadcast as numpy arrays do."""
    product = (a.astype(np.int64) - aq.zero_point[0]) * (b.astype(np.int64) - bq.zero_point[0])
    return saturate(
        rescale(product, *mul_multiplier(aq, bq, yq)) + yq.zero_point[0], a.dtype, clamp
    )


def ratio(x: QuantParams, y: QuantParams, factor: float = 1.0) -> tuple[int, int]:
    """(mult, shift) of factor * x scale / y scale, formed in float32."""
    scale = np.float32(x.scale[0]) * np.float32(factor) / np.float32(y.scale[0])
    return quantize_multiplier(float(scale))


def clamp(
    q: Ints, x: QuantParams, y: QuantParams, low: float = -math.inf, high: float = math.inf
) -> Ints:
    """RELU, RELU6 and other clamps, with a change of scale."""
    moved = rescale(q.astype(np.int64) - x.zero_point[0], *ratio(x, y)) + y.zero_point[0]
    info = np.iinfo(q.dtype)
    return saturate(moved, q.dtype, clamp_range(low, high, y, (int(info.min), int(info.max))))


def leaky_relu(q: Ints, x: QuantParams, y: QuantParams, alpha: float) -> Ints:
    """LEAKY_RELU: x where x >= 0, else x * alpha."""
    centred = q.astype(np.int64) - x.zero_point[0]
    mult, shift = ratio(x, y, alpha)  # negative where the slope is
    below = rescale(centred, abs(mult), shift) * (1 if mult >= 0 else -1)
    above = rescale(centred, *ratio(x, y))
    return saturate(np.where(centred >= 0, above, below) + y.zero_point[0], q.dtype)


def prelu(x: Ints, alpha: Ints, xq: QuantParams, alpha_q: QuantParams, yq: QuantParams) -> Ints:
    """PRELU: x where x >= 0, else x * alpha; ``alpha`` broadcasts against ``x``."""
    centred = x.astype(np.int64) - xq.zero_point[0]
    slope = alpha.astype(np.int64) - alpha_q.zero_point[0]
    above = rescale(centred, *ratio(xq, yq))
    below = rescale(centred * slope, *mul_multiplier(xq, alpha_q, yq))
    return saturate(np.where(centred >= 0, above, below) + yq.zero_point[0], x.dtype)


def average_pool2d(
    x: Ints,
    size: tuple[int, int],
    stride: tuple[int, int],
    pads: Pads = (0, 0, 0, 0),
    clamp: Clamp | None = None,
) -> Ints:
    """AVERAGE_POOL_2D over (n, h, w, c): padding is not counted, the mean rounds half away.

    Input and output have the same scale and zero point; the raw integers are averaged.
    """
    total = _pool_windows(x.astype(np.int64), size, stride, pads, 0).sum(axis=(4, 5))
    ones = np.ones((1, *x.shape[1:3], 1), np.int64)
    count = _pool_windows(ones, size, stride, pads, 0).sum(axis=(4, 5))
    return saturate(divide_half_away(total, count), x.dtype, clamp)


def divide_half_away(total: Int64s, count: Int64s | int) -> Int64s:
    """Quotients to the nearest integer, halves away from zero."""
    magnitude = (np.abs(total) + np.asarray(count) // 2) // np.asarray(count)
    return np.asarray(np.where(total < 0, -magnitude, magnitude), np.int64)


def max_pool2d(
    x: Ints,
    size: tuple[int, int],
    stride: tuple[int, int],
    pads: Pads = (0, 0, 0, 0),
    clamp: Clamp | None = None,
) -> Ints:
    """MAX_POOL_2D over (n, h, w, c): padding never wins."""
    lowest = int(np.iinfo(x.dtype).min)
    return saturate(
        _pool_windows(x.astype(np.int64), size, stride, pads, lowest).max(axis=(4, 5)),
        x.dtype,
        clamp,
    )


def _pool_windows(
    x: Int64s, size: tuple[int, int], stride: tuple[int, int], pads: Pads, fill: int
) -> Int64s:
    """(n, h, w, c) -> (n, rows, columns, c, kernel h, kernel w)."""
    padded = np.pad(x, ((0, 0), pads[:2], pads[2:], (0, 0)), constant_values=fill)
    view = sliding_window_view(padded, size, axis=(1, 2))
    return np.asarray(view[:, :: stride[0], :: stride[1]])


def mean_multiplier(x: QuantParams, y: QuantParams, count: int) -> tuple[int, int]:
    """(mult, shift) of MEAN over ``count`` elements: 1 / count is part of the factor, truncated."""
    mult, shift = quantize_multiplier(x.scale[0] / y.scale[0])
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    return (mult << extra) // count, shift - extra


def mean(x: Ints, axes: tuple[int, ...], xq: QuantParams, yq: QuantParams) -> Ints:
    """MEAN over ``axes`` (kept as ones): the sum, times scale / (count * output scale)."""
    count = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    total = x.astype(np.int64).sum(axis=axes, keepdims=True) - xq.zero_point[0] * count
    return saturate(rescale(total, *mean_multiplier(xq, yq, count)) + yq.zero_point[0], x.dtype)


def nearest_indices(
    size_in: int, size_out: int, *, align_corners: bool = False, half_pixel: bool = False
) -> Int64s:
    """The row (or column) of the input that each one of the output copies; float32 arithmetic."""
    aligned = align_corners and size_out > 1
    scale = np.float32(size_in - 1 if aligned else size_in) / np.float32(
        size_out - 1 if aligned else size_out
    )
    offset = np.float32(0.5 if half_pixel else 0.0)
    at = (np.arange(size_out, dtype=np.float32) + offset) * scale
    index = np.floor(at + np.float32(0.5)) if align_corners else np.floor(at)
    return np.asarray(np.clip(index.astype(np.int64), 0, size_in - 1))


def bilinear_taps(
    size_in: int, size_out: int, *, align_corners: bool = False, half_pixel: bool = False
) -> tuple[Int64s, Int64s, Int64s]:
    """For each output row: the row below it, the row above it, and 1/1024 rows behind the first.

    Raises:
        UnsupportedError: positions, in 1/1024 of a row, run beyond the input: LiteRT's reference
            kernel reads what lies behind it there.
    """
    scale = ((1 << 10) * size_in + size_out // 2) // size_out
    if align_corners and size_out > 1:
        scale = ((1 << 10) * (size_in - 1) + (size_out - 1) // 2) // (size_out - 1)
    at = np.arange(size_out, dtype=np.int64) * scale
    if half_pixel:
        at += scale // 2 - (1 << 9)
    floor = np.maximum(np.sign(at) * (np.abs(at) >> 10), 0)  # C division: towards zero
    above = at + (1 << 10) - 1
    ceil = np.sign(above) * (np.abs(above) >> 10)
    if floor.max() >= size_in:
        what = f"{size_in} rows or columns cannot become {size_out} in integers of 1/1024"
        hint = "resize in two steps, align the corners, or use --dtype float32"
        raise UnsupportedError("resize", what, hint)
    return floor, np.minimum(ceil, size_in - 1), at - (floor << 10)


def blend(x: Ints, rows: tuple[Array, Array, Array], columns: tuple[Array, Array, Array]) -> Ints:
    """RESIZE_BILINEAR of (n, h, w, c): 10-bit weights, the 20-bit sum rounds half away.

    Args:
        x: what is read.
        rows: by row of the result, the rows that it is made of, and the weight of the second one.
        columns: likewise.
    """
    (y0, y1, wy), (x0, x1, wx) = rows, columns
    wy, wx = wy[:, None, None], wx[None, :, None]
    v = x.astype(np.int64)
    one = 1 << 10
    total = (
        v[:, y0][:, :, x0] * (one - wy) * (one - wx)
        + v[:, y1][:, :, x0] * wy * (one - wx)
        + v[:, y0][:, :, x1] * (one - wy) * wx
        + v[:, y1][:, :, x1] * wy * wx
    )
    return saturate(divide_half_away(total, 1 << 20), x.dtype)
