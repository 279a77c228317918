"""Convolutions and fully connected layers in integers, as LiteRT's reference kernels compute them.

Shapes: images (n, h, w, c), vectors (n, k); weights conv (o, h, w, i), depthwise (h, w, c),
dense (o, i), as everywhere in the IR. Activations are int8 with an int32 bias, or int16 with an
int64 (or int32) bias; the bias's type is that of the accumulator. The caller sees to it that an
int32 accumulator cannot overflow (:func:`accumulator_bound`).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edgeprune.ir.fixedpoint.rounding import (
    Clamp,
    Int64s,
    Ints,
    effective_scales,
    quantize_multipliers,
    rescale,
    rescale_once,
    rescale_wide,
    saturate,
)
from edgeprune.ir.types import QuantParams

Pads = tuple[int, int, int, int]
"""Rows above and below, columns left and right."""

_EXACT_FLOAT32 = 2**24
"""Integers up to here, and sums that stay below, are exact in float32 arithmetic."""


def accumulator_bound(
    w: Ints,
    bias: Ints,
    x: QuantParams,
    per_channel_axis: int,
    dtype: type[np.signedinteger] = np.int8,
) -> Int64s:
    """The largest magnitude that each output channel's accumulator can reach, bias included."""
    zero = x.zero_point[0]
    info = np.iinfo(dtype)
    reach = max(abs(int(info.min) - zero), abs(int(info.max) - zero))
    axes = tuple(a for a in range(w.ndim) if a != per_channel_axis % w.ndim)
    total = np.abs(w.astype(np.int64)).sum(axis=axes)
    return np.asarray(total * reach + np.abs(bias.astype(np.int64)), np.int64)


def dense(
    x: Ints,
    w: Ints,
    bias: Ints,
    xq: QuantParams,
    wq: QuantParams,
    yq: QuantParams,
    clamp: Clamp | None = None,
) -> Ints:
    """FULLY_CONNECTED: y = clamp(round(acc * scale) + zero), rounded once.

    Args:
        x: (..., k) int8 or int16.
        w: (o, k) int8; a per-tensor ``wq`` may have a zero point.
        bias: (o,) int32 or int64.
        xq: quantisation of ``x``.
        wq: quantisation of ``w``.
        yq: quantisation of the result.
        clamp: what a fused activation lets through (:func:`clamp_range`).
    """
    zero = wq.zero_point[0] if len(wq.scale) == 1 else 0
    rows = x.astype(np.int64).reshape(-1, x.shape[-1]) - xq.zero_point[0]
    acc = _matmul(rows, w.astype(np.int64) - zero).reshape(*x.shape[:-1], -1) + bias
    return saturate(
        rescale_once(acc, effective_scales(xq, wq, yq)) + yq.zero_point[0], x.dtype, clamp
    )


def conv2d(
    x: Ints,
    w: Ints,
    bias: Ints,
    xq: QuantParams,
    wq: QuantParams,
    yq: QuantParams,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    pads: Pads = (0, 0, 0, 0),
    groups: int = 1,
    clamp: Clamp | None = None,
) -> Ints:
    """CONV_2D: x (n, h, w, i), w (o, h, w, i / groups), rounded twice per output channel."""
    windows = _windows(x.astype(np.int64) - xq.zero_point[0], w.shape[1:3], stride, dilation, pads)
    n, oh, ow, kh, kw, _ = windows.shape
    parts = []
    per_in, per_out = w.shape[3], w.shape[0] // groups
    for g in range(groups):
        part = windows[..., g * per_in : (g + 1) * per_in]
        rows = part.reshape(n * oh * ow, kh * kw * per_in)
        kernel = w[g * per_out : (g + 1) * per_out].reshape(per_out, -1).astype(np.int64)
        parts.append(_matmul(rows, kernel))
    acc = np.concatenate(parts, axis=1).reshape(n, oh, ow, -1)
    return _requantize_channels(acc, x, bias, xq, wq, yq, clamp)


def depthwise_conv2d(
    x: Ints,
    w: Ints,
    bias: Ints,
    xq: QuantParams,
    wq: QuantParams,
    yq: QuantParams,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    pads: Pads = (0, 0, 0, 0),
    clamp: Clamp | None = None,
) -> Ints:
    """DEPTHWISE_CONV_2D: x (n, h, w, i), w (h, w, c) with c a multiple of i, rounded twice."""
    multiplier = w.shape[2] // x.shape[3]
    wide = np.repeat(x, multiplier, axis=3) if multiplier > 1 else x
    windows = _windows(
        wide.astype(np.int64) - xq.zero_point[0], w.shape[:2], stride, dilation, pads
    )
    acc = np.einsum("nyxhwc,hwc->nyxc", windows, w.astype(np.int64))
    return _requantize_channels(acc, x, bias, xq, wq, yq, clamp)


def transpose_conv2d(
    x: Ints,
    w: Ints,
    bias: Ints,
    xq: QuantParams,
    wq: QuantParams,
    yq: QuantParams,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    pads: Pads = (0, 0, 0, 0),
    output: tuple[int, int],
    clamp: Clamp | None = None,
) -> Ints:
    """TRANSPOSE_CONV: x (n, h, w, i), w (o, h, w, i); ``pads`` are cut off the full result."""
    n, h, wd, _ = x.shape
    o, kh, kw, _ = w.shape
    centred = x.astype(np.int64) - xq.zero_point[0]
    full_h = max((h - 1) * stride[0] + (kh - 1) * dilation[0] + 1, output[0] + pads[0])
    full_w = max((wd - 1) * stride[1] + (kw - 1) * dilation[1] + 1, output[1] + pads[2])
    acc = np.zeros((n, full_h, full_w, o), np.int64)
    for dy in range(kh):
        for dx in range(kw):
            part = _matmul(centred.reshape(n * h * wd, -1), w[:, dy, dx, :].astype(np.int64))
            top, left = dy * dilation[0], dx * dilation[1]
            rows = slice(top, top + (h - 1) * stride[0] + 1, stride[0])
            columns = slice(left, left + (wd - 1) * stride[1] + 1, stride[1])
            acc[:, rows, columns] += part.reshape(n, h, wd, o)
    cut = acc[:, pads[0] : pads[0] + output[0], pads[2] : pads[2] + output[1]]
    return _requantize_channels(cut, x, bias, xq, wq, yq, clamp)


def _requantize_channels(
    acc: Int64s,
    x: Ints,
    bias: Ints,
    xq: QuantParams,
    wq: QuantParams,
    yq: QuantParams,
    clamp: Clamp | None,
) -> Ints:
    """Sums and their bias on the output's scale; a 64-bit bias means 64-bit sums and their rule."""
    mult, shift = quantize_multipliers(effective_scales(xq, wq, yq))
    rule = rescale_wide if bias.dtype == np.int64 else rescale
    return saturate(rule(acc + bias, mult, shift) + yq.zero_point[0], x.dtype, clamp)


def _windows(
    x: Int64s, size: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int], pads: Pads
) -> Int64s:
    """(n, h, w, c) -> (n, rows, columns, kernel h, kernel w, c); padding contributes 0."""
    padded = np.pad(x, ((0, 0), pads[:2], pads[2:], (0, 0)))
    reach = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    view = sliding_window_view(padded, reach, axis=(1, 2))
    view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return np.asarray(view.transpose(0, 1, 2, 4, 5, 3))


def _matmul(rows: Int64s, kernel: Int64s) -> Int64s:
    """Exact product of rows (m, k) and a kernel (o, k), transposed, in floating point.

    Every partial sum is an integer below the bound, so float32 (24 bits) or float64 (53 bits)
    holds it without rounding, in whatever order it is summed.
    """
    reach = int(np.abs(rows).max(initial=0))
    bound = reach * int(np.abs(kernel).sum(axis=1).max(initial=0))
    exact: type[np.float32] | type[np.float64] = (
        np.float32 if bound < _EXACT_FLOAT32 else np.float64
    )
    product: NDArray[np.floating] = rows.astype(exact) @ kernel.T.astype(exact)
    return product.astype(np.int64)
