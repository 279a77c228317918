"""Pools over a sliding window or over a whole image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.resize import Rule, by_axis
from edgeprune.frontends.from_onnx.shape import pick
from edgeprune.frontends.from_onnx.value import IMAGE, Act, Shape, Value
from edgeprune.frontends.from_onnx.window import auto_pad, padding_of, pair
from edgeprune.ir import Array, TensorType
from edgeprune.ops import AvgPool2d, DepthwiseConv2d, Maximum, MaxPool2d, Mean, Mul, Pad
from edgeprune.ops._window import Padding, Pair, out_length, tflite_padding

MAX_TAPS = 32  # shifted images of a dilated window


def _grown(size: Pair, kernel: Pair, stride: Pair, dilation: Pair, pad: Padding) -> Pair:
    """Rows and columns that ceil_mode adds at the end."""
    grown = []
    for i, (before, after) in enumerate(((pad.top, pad.bottom), (pad.left, pad.right))):
        span = (kernel[i] - 1) * dilation[i] + 1
        room = size[i] + before + after - span
        steps = -(-room // stride[i])
        if steps * stride[i] >= size[i] + before:  # a window must begin in the image
            steps -= 1
        grown.append(max(steps * stride[i] - room, 0))
    return grown[0], grown[1]


@dataclass(frozen=True)
class _Pool:
    """How a pool's window moves over an image.

    Attributes:
        rank: spatial axes in ONNX.
        kernel: rows and columns of the window.
        stride: from one position to the next.
        dilation: from one of its elements to the next.
        padding: around the image.
        grown: rows and columns that ceil_mode adds at the end.
    """

    rank: int
    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: Padding
    grown: Pair

    @property
    def around(self) -> Padding:
        """Padding with what ceil_mode adds."""
        p = self.padding
        return Padding(p.top, p.left, p.bottom + self.grown[0], p.right + self.grown[1])

    def taps(self, axis: int, size: int) -> Array:
        """What each position reads along an axis: (positions, taps), outside of the image too."""
        p = self.around
        before, after = ((p.top, p.bottom), (p.left, p.right))[axis]
        kernel, stride, dilation = (v[axis] for v in (self.kernel, self.stride, self.dilation))
        starts = np.arange(out_length(size, kernel, stride, dilation, before, after)) * stride
        return starts[:, None] - before + np.arange(kernel) * dilation


def _pool_of(call: Call, x: Act) -> _Pool:
    rank = len(call.act(0).shape) - 2
    if call.ints("kernel_shape") is None:
        raise call.error("has no attribute 'kernel_shape'")
    kernel = pair(call, "kernel_shape", 1, rank, 1)
    stride, dilation = pair(call, "strides", 1, rank, 1), pair(call, "dilations", 1, rank, 1)
    dilation = tuple(d if k > 1 else 1 for d, k in zip(dilation, kernel, strict=True))  # type: ignore[assignment]
    size = (x.type.shape[0], x.type.shape[1])
    padding = padding_of(call, rank, size, kernel, stride, dilation)
    ceil = bool(call.attr("ceil_mode", 0)) and auto_pad(call) in ("NOTSET", "", "VALID")
    grown = _grown(size, kernel, stride, dilation, padding) if ceil else (0, 0)
    pool = _Pool(rank, kernel, stride, dilation, padding, grown)
    if not all(len(pool.taps(axis, n)) for axis, n in enumerate(size)):
        raise call.error(f"its window {list(kernel)} is larger than the image {list(size)}")
    return pool


def max_pool(r: Reader, call: Call) -> Value:
    """MaxPool; its indices are not computed."""
    if len(call.outputs) > 1:
        raise call.unsupported("its second result, the indices, is used")
    x = r.image(call)
    pool = _pool_of(call, x)
    if pool.dilation != (1, 1):
        made = _dilated_max(r, call, x, pool)
    else:
        made = r.emit(call, MaxPool2d(pool.kernel, pool.stride, pool.around), x)
    return r.from_image(call, made, pool.rank + 2, x.batch or 1)


def _dilated_max(r: Reader, call: Call, x: Act, pool: _Pool) -> tuple[str, TensorType]:
    """The larger of shifted images: first by rows, then by columns.

    In place of an element outside of the image another of the same window is read.
    """
    if sum(pool.kernel) > MAX_TAPS:
        raise call.unsupported(f"has a dilated window of {list(pool.kernel)}", "use a smaller one")
    for axis, size in enumerate(x.type.shape[:2]):
        taps = pool.taps(axis, size)
        inside = (taps >= 0) & (taps < size)
        if not inside.any(axis=1).all():
            raise call.error("has windows that are all padding")
        first = np.take_along_axis(taps, inside.argmax(axis=1)[:, None], axis=1)
        taps = np.where(inside, taps, first)
        if not inside.all():  # not a Slice: let all shifts share one transposed image
            x = r.last(call, x, 1 + axis)
        y: Act | None = None
        for k in range(pool.kernel[axis]):
            part = pick(r, call, x, 2 + axis, taps[:, k].tolist(), role=f"axis{axis}/{k}")
            if y is not None:
                part = r.like(y, r.emit(call, Maximum(), y, r.ordered(call, part, y.perm)))
            y = part
        assert y is not None
        x = y
    x = r.ordered(call, x, IMAGE)
    return x.name, x.type


def average_pool(r: Reader, call: Call) -> Value:
    """AveragePool; zeros are put around an image whose padding counts, or has no name in TFLite."""
    x = r.image(call)
    pool = _pool_of(call, x)
    counted = bool(call.attr("count_include_pad", 0))
    around, shape = pool.around, x.type.shape
    plain = pool.dilation == (1, 1) and not (counted and around.any)
    if plain and tflite_padding(shape, pool.kernel, pool.stride, (1, 1), around) is not None:
        made = r.emit(call, AvgPool2d(pool.kernel, pool.stride, around), x)
        return r.from_image(call, made, pool.rank + 2, x.batch or 1)
    area, found = pool.kernel[0] * pool.kernel[1], _counts(pool, shape, counted)
    if not found.all():
        raise call.error("has windows that are all padding")
    made = _with_zeros(r, call, x, pool)
    if (found != area).any():
        factor = r.constant(call, area / found, "factor")
        made = r.emit(call, Mul(), Act(*made, IMAGE, x.batch), factor, role="counted")
    return r.from_image(call, made, pool.rank + 2, x.batch or 1)


def _counts(pool: _Pool, shape: Shape, counted: bool) -> Array:
    """How many elements of each window count: (rows, columns, 1)."""
    p = pool.padding
    borders = ((p.top, p.bottom), (p.left, p.right)) if counted else ((0, 0), (0, 0))
    found = []
    for axis, (before, after) in enumerate(borders):
        taps = pool.taps(axis, shape[axis])
        found.append(((taps >= -before) & (taps < shape[axis] + after)).sum(axis=1))
    return np.asarray(found[0][:, None, None] * found[1][:, None])


def _with_zeros(r: Reader, call: Call, x: Act, pool: _Pool) -> tuple[str, TensorType]:
    """Averages over whole windows, zeros outside of the image; dilated ones by a convolution."""
    around, channels = pool.around, x.type.shape[2]
    if pool.dilation != (1, 1):
        area = pool.kernel[0] * pool.kernel[1]
        weights = r.constant(call, np.full((*pool.kernel, channels), 1 / area), "weights")
        bias = r.constant(call, np.zeros(channels, np.float32), "bias")
        return r.emit(call, DepthwiseConv2d(pool.stride, around, pool.dilation), x, weights, bias)
    pad = Pad((around.top, around.left, 0), (around.bottom, around.right, 0))
    padded = Act(*r.emit(call, pad, x, role="pad"), IMAGE, x.batch)
    return r.emit(call, AvgPool2d(pool.kernel, pool.stride), padded)


def global_average_pool(r: Reader, call: Call) -> Value:
    """GlobalAveragePool: the mean of each channel."""
    rank = len(call.act(0).shape)
    x = r.image(call)
    made = r.emit(call, Mean((0, 1), keep=True), x)
    return r.from_image(call, made, rank, x.batch or 1)


def global_max_pool(r: Reader, call: Call) -> Value:
    """GlobalMaxPool: the largest value of each channel."""
    rank = len(call.act(0).shape)
    x = r.image(call)
    kernel = (x.type.shape[0], x.type.shape[1])
    return r.from_image(call, r.emit(call, MaxPool2d(kernel, kernel), x), rank, x.batch or 1)


def unequal_average(r: Reader, call: Call, windows: list[list[range]]) -> Value:
    """The mean of windows of any sizes, by axis: a product with a matrix for each."""
    x = r.image(call)
    rank = len(call.act(0).shape)
    for axis, found in enumerate(_both(windows)):
        size = x.sample[1 + axis]
        matrix = np.asarray([[(i in w) / len(w) for i in range(size)] for w in found])
        x = by_axis(r, call, x, 1 + axis, Rule(matrix, np.zeros(len(found))))
    x = r.ordered(call, x, IMAGE)
    return r.from_image(call, (x.name, x.type), rank, x.batch or 1)


def unequal_max(r: Reader, call: Call, windows: list[list[range]]) -> Value:
    """The largest value of windows of any sizes: short ones read their last element again."""
    x = r.image(call)
    rank = len(call.act(0).shape)
    kernel = []
    for axis, found in enumerate(_both(windows)):
        kernel.append(max(map(len, found)))
        at = [w[min(k, len(w) - 1)] for w in found for k in range(kernel[-1])]
        x = pick(r, call, x, 2 + axis, at, role=f"axis{axis}")
    x, size = r.ordered(call, x, IMAGE), (kernel[0], kernel[1])
    return r.from_image(call, r.emit(call, MaxPool2d(size, size), x), rank, x.batch or 1)


def _both(windows: list[list[range]]) -> list[list[range]]:
    """Windows of rows and columns; one axis is a row."""
    return [[range(1)], *windows][-2:]
