"""Convolutions and fully connected layers in integers, as LiteRT's reference kernels compute them.

Shapes: images (n, h, w, c), vectors (n, k); weights conv (o, h, w, i), depthwise (h, w, c),
dense (o, i), as everywhere in the IR. Activations are int8 with an int32 bias, or int16 with an
int64 (or int32) bias; the bias's type is that of the accumulator. The caller sees to it that an
int32 accumulator cannot overflow (:mod:`edgeprune.kernels.accumulators`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edgeprune.ir.fixedpoint.rounding import (
    Clamp,
    Int64s,
    Ints,
    effective_scales,
    quantize_multiplier,
    quantize_multipliers,
    rescale,
    rescale_once,
    rescale_wide,
    saturate,
)
from edgeprune.ir.types import QuantParams

Pads = tuple[int, int, int, int]
"""Rows above and below, columns left and right."""

Exact = NDArray[np.floating[Any]]
ExactType = type[np.float32] | type[np.float64]

_PART_ELEMENTS = 1 << 20
"""About how many elements of unfolded windows are held at once."""

_EXACT_FLOAT32 = 2**24
"""Integers up to here, and sums that stay below, are exact in float32 arithmetic."""


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
    centred_w = w.astype(np.int64) - (wq.zero_point[0] if len(wq.scale) == 1 else 0)
    exact = _exact(x, xq, centred_w)
    rows = _centred(x, xq, exact).reshape(-1, x.shape[-1])
    acc = (rows @ centred_w.T.astype(exact)).reshape(*x.shape[:-1], -1).astype(np.int64) + bias
    scaled = rescale_once(acc, effective_scales(xq, wq, yq))
    return saturate(scaled + yq.zero_point[0], x.dtype, clamp)


def matmul(a: Ints, b: Ints, aq: QuantParams, bq: QuantParams, yq: QuantParams) -> Ints:
    """BATCH_MATMUL: a (..., m, k) times b (..., k, n), rounded twice."""
    centred = b.astype(np.float64) - bq.scalar[1]
    acc = ((a.astype(np.float64) - aq.scalar[1]) @ centred).astype(np.int64)
    mult, shift = matmul_multiplier(aq, bq, yq)
    scaled = rescale_wide(acc, mult, shift) if a.dtype == np.int16 else rescale(acc, mult, shift)
    return saturate(scaled + yq.scalar[1], a.dtype)


def matmul_multiplier(a: QuantParams, b: QuantParams, y: QuantParams) -> tuple[int, int]:
    """(mult, shift) of BATCH_MATMUL: the scales are multiplied in float32."""
    product = np.float32(a.scalar[0]) * np.float32(b.scalar[0])
    return quantize_multiplier(float(product) / float(np.float32(y.scalar[0])))


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
    per_in, per_out = w.shape[3], w.shape[0] // groups
    kernels = w.reshape(groups, per_out, -1)
    exact = _exact(x, xq, w.reshape(w.shape[0], -1))

    def part(image: Ints) -> Ints:
        windows = _windows(_centred(image, xq, exact), w.shape[1:3], stride, dilation, pads)
        n, oh, ow = windows.shape[:3]
        sums = [
            windows[..., g * per_in : (g + 1) * per_in].reshape(n * oh * ow, -1)
            @ kernels[g].T.astype(exact)
            for g in range(groups)
        ]
        acc = np.concatenate(sums, axis=1).reshape(n, oh, ow, -1)
        return _requantize_channels(acc, image, bias, xq, wq, yq, clamp)

    return _in_parts(part, x, w[0].size)


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
    exact = _exact(x, xq, w.reshape(-1, w.shape[2]).T)
    kernel: Exact = w.astype(exact)
    multiplier = w.shape[2] // x.shape[3]

    def part(image: Ints) -> Ints:
        wide: Exact = np.repeat(_centred(image, xq, exact), multiplier, axis=3)
        windows = _windows(wide, w.shape[:2], stride, dilation, pads)
        acc = np.einsum("nyxhwc,hwc->nyxc", windows, kernel)
        return _requantize_channels(acc, image, bias, xq, wq, yq, clamp)

    return _in_parts(part, x, w.shape[0] * w.shape[1] * multiplier)


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
    exact = _exact(x, xq, w.reshape(o, -1))
    centred = _centred(x, xq, exact).reshape(n * h * wd, -1)
    full_h = max((h - 1) * stride[0] + (kh - 1) * dilation[0] + 1, output[0] + pads[0])
    full_w = max((wd - 1) * stride[1] + (kw - 1) * dilation[1] + 1, output[1] + pads[2])
    acc = np.zeros((n, full_h, full_w, o), np.int64)
    for dy in range(kh):
        for dx in range(kw):
            part = (centred @ w[:, dy, dx, :].T.astype(exact)).astype(np.int64)
            top, left = dy * dilation[0], dx * dilation[1]
            rows = slice(top, top + (h - 1) * stride[0] + 1, stride[0])
            columns = slice(left, left + (wd - 1) * stride[1] + 1, stride[1])
            acc[:, rows, columns] += part.reshape(n, h, wd, o)
    cut = acc[:, pads[0] : pads[0] + output[0], pads[2] : pads[2] + output[1]]
    return _requantize_channels(cut, x, bias, xq, wq, yq, clamp)


def _requantize_channels(
    acc: Exact | Int64s,
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
    total = acc.astype(np.int64) + bias
    return saturate(rule(total, mult, shift) + yq.zero_point[0], x.dtype, clamp)


def _windows(
    x: Exact, size: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int], pads: Pads
) -> Exact:
    """(n, h, w, c) -> (n, rows, columns, kernel h, kernel w, c); padding contributes 0."""
    padded = np.pad(x, ((0, 0), pads[:2], pads[2:], (0, 0)))
    reach = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    view = sliding_window_view(padded, reach, axis=(1, 2))
    view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return view.transpose(0, 1, 2, 4, 5, 3)


def _exact(x: Ints, xq: QuantParams, kernel: Ints) -> ExactType:
    """The floating type in which sums of products with a kernel (o, k) are exact.

    Every partial sum is an integer below the bound, so that 24 or 53 bits hold it without
    rounding, in whatever order it is summed.
    """
    info, zero = np.iinfo(x.dtype), xq.zero_point[0]
    reach = max(abs(int(info.min) - zero), abs(int(info.max) - zero))
    bound = reach * int(np.abs(kernel.astype(np.int64)).sum(axis=1).max(initial=0))
    return np.float32 if bound < _EXACT_FLOAT32 else np.float64


def _centred(x: Ints, xq: QuantParams, exact: ExactType) -> Exact:
    """Activations without their zero point, as exact floating-point integers."""
    return np.subtract(x, xq.zero_point[0], dtype=exact)


def _in_parts(part: Callable[[Ints], Ints], x: Ints, per_element: int) -> Ints:
    """Apply a function to a few samples at a time, so that what lies between stays in the cache."""
    step = max(1, _PART_ELEMENTS // max(1, x[0].size * per_element // max(1, x.shape[-1])))
    return np.concatenate([part(x[i : i + step]) for i in range(0, len(x), step)])
