"""Layers with weights or windows of a TFLite file."""

from __future__ import annotations

import math
from collections.abc import Callable

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, option
from edgeprune.frontends.from_tflite.moves import (
    same_scale,
)
from edgeprune.frontends.from_tflite.reader import Reader, counts
from edgeprune.ops import (
    AvgPool2d,
    Conv2d,
    ConvTranspose2d,
    Dense,
    DepthwiseConv2d,
    MatMul,
    MaxPool2d,
    Reshape,
    Transpose,
)
from edgeprune.ops._window import NO_PADDING, Padding, Pair, same_padding

Read = Callable[[Reader, Operator], None]


def _padding(r: Reader, op: Operator, kernel: Pair, stride: Pair, dilation: Pair) -> Padding:
    image = r.operand(op, 0).shape
    if len(image) != 4:
        raise EdgePruneError(r.where(op), f"{list(image)} is no image")
    scheme = option(op, 0, "b")
    if scheme not in (0, 1):
        raise EdgePruneError(r.where(op), f"padding scheme number {scheme}")
    return same_padding(image[1:], kernel, stride, dilation) if scheme == 0 else NO_PADDING


def conv(r: Reader, op: Operator) -> None:
    """CONV_2D: Conv2DOptions(padding, stride_w, stride_h, activation, dilation_w, dilation_h)."""
    image, w, bias = r.layer(op, 0, 1, 2, 0)
    if w.ndim != 4 or w.shape[3] == 0 or r.operand(op, 0).shape[-1] % w.shape[3]:
        raise EdgePruneError(r.where(op), f"has weights of shape {list(w.shape)}")
    r.need_symmetric(op, 1, 0)
    sw, sh, dw, dh = counts(r, op, (1, 0), (2, 0), (4, 1), (5, 1))
    kernel = (w.shape[1], w.shape[2])
    padding = _padding(r, op, kernel, (sh, sw), (dh, dw))
    groups = r.operand(op, 0).shape[-1] // w.shape[3]
    made = Conv2d((sh, sw), padding, (dh, dw), groups, r.clamp(op, 3))
    r.add(op, made, (image, r.weights(op, 1, w, 0), bias))


def depthwise(r: Reader, op: Operator) -> None:
    """DEPTHWISE_CONV_2D: as CONV_2D, with depth_multiplier as field 3; weights (1, h, w, c)."""
    image, w, bias = r.layer(op, 0, 1, 2, 3)
    if w.ndim != 4 or w.shape[0] != 1:
        raise EdgePruneError(r.where(op), f"has weights of shape {list(w.shape)}")
    r.need_symmetric(op, 1, 3)
    sw, sh, dw, dh = counts(r, op, (1, 0), (2, 0), (5, 1), (6, 1))
    padding = _padding(r, op, (w.shape[1], w.shape[2]), (sh, sw), (dh, dw))
    made = DepthwiseConv2d((sh, sw), padding, (dh, dw), r.clamp(op, 4))
    r.add(op, made, (image, r.weights(op, 1, w[0], 2), bias))


def transpose_conv(r: Reader, op: Operator) -> None:
    """TRANSPOSE_CONV: operands are output shape, weights, image, bias."""
    image, w, bias = r.layer(op, 2, 1, 3, 0)
    x, y = r.operand(op, 2).shape, r.result(op).shape
    if w.ndim != 4 or len(x) != 4 or r.integers(op, 0) != list(y):
        raise EdgePruneError(r.where(op), f"{list(x)}, {list(w.shape)} do not make {list(y)}")
    r.need_symmetric(op, 1, 0)
    sw, sh = counts(r, op, (1, 0), (2, 0))
    sides = [(x[1 + i] - 1) * s + w.shape[1 + i] - y[1 + i] for i, s in enumerate((sh, sw))]
    half = [max(n, 0) // 2 if option(op, 0, "b") == 0 else 0 for n in sides]
    behind = [max(n, 0) - h for n, h in zip(sides, half, strict=True)]
    extra = (max(-sides[0], 0), max(-sides[1], 0))
    padding = Padding(half[0], half[1], behind[0], behind[1])
    made = ConvTranspose2d((sh, sw), padding, (1, 1), extra, r.clamp(op, 3))
    r.add(op, made, (image, r.weights(op, 1, w, 0), bias))


def dense(r: Reader, op: Operator) -> None:
    """FULLY_CONNECTED: FullyConnectedOptions(activation, weights_format, keep_num_dims)."""
    source, w, bias = r.layer(op, 0, 1, 2, 0)
    if option(op, 1, "b") != 0:
        raise UnsupportedError(r.where(op), "has shuffled weights")
    shape = r.operand(op, 0).shape
    if w.ndim != 2:
        raise EdgePruneError(r.where(op), f"has weights of shape {list(w.shape)}")
    keep = op.options is not None and op.options.flag(2)
    if len(shape) > 2 and not keep:
        source = r.between(op, Reshape(shape=(math.prod(shape[1:]),)), (source,), "flatten")
    quant = r.operand(op, 1).quant
    if quant is not None and quant.axis is not None:
        r.need_symmetric(op, 1, 0)
    r.add(op, Dense(r.clamp(op, 0)), (source, r.weights(op, 1, w, 0), bias))


def matmul(r: Reader, op: Operator) -> None:
    """BATCH_MATMUL of two computed values: BatchMatMulOptions(adj_x, adj_y)."""
    r.check_types(op, 0, 1)
    if any(r.operand(op, p).name not in r.known for p in (0, 1)):
        raise UnsupportedError(r.where(op), "multiplies by a constant", "use a dense layer")
    left, right = r.value(op, 0), r.value(op, 1)
    if op.options is not None and op.options.flag(0):
        axes = range(len(r.operand(op, 0).shape) - 1)
        left = r.between(op, Transpose((*axes[:-2], *axes[:-3:-1])), (left,), "turned")
    transposed = op.options is not None and op.options.flag(1)
    r.add(op, MatMul(transposed), (left, right))


def pool(make: type[MaxPool2d] | type[AvgPool2d]) -> Read:
    """Pools: Pool2DOptions(padding, stride_w, stride_h, filter_w, filter_h, activation)."""

    def read(r: Reader, op: Operator) -> None:
        r.check_types(op, 0)
        sw, sh, kw, kh = counts(r, op, (1, 0), (2, 0), (3, 0), (4, 0))
        padding = _padding(r, op, (kh, kw), (sh, sw), (1, 1))
        same_scale(r, op)
        r.add(op, make((kh, kw), (sh, sw), padding, r.clamp(op, 5)), (r.value(op, 0),))

    return read
