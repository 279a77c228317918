"""Random int8 networks of one node, for kernels that are tested on a core."""

from __future__ import annotations

import numpy as np
from kernels.cases import int8_type, layer_constants, output_scale
from kernels.harness import one_node

from edgeprune.ir import Array, Graph, TensorType
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    LeakyRelu,
    MatMul,
    MaxPool2d,
    Mean,
    Mul,
    Relu,
    Sigmoid,
    Softmax,
    Sub,
)
from edgeprune.ops._window import Padding

EXTREMES = (-128, -127, -7, 0, 5, 127)
CLAMPS = (None, None, (0.0, np.inf), (0.0, np.inf), (0.0, 6.0), (-1.0, 1.0))

Rng = np.random.Generator


def zero(rng: Rng) -> int:
    return int(rng.choice(EXTREMES))


def clamp(rng: Rng) -> tuple[float, float] | None:
    return CLAMPS[rng.integers(len(CLAMPS))]


def pick(rng: Rng, low: int, high: int, count: int) -> tuple[int, ...]:
    return tuple(int(v) for v in rng.integers(low, high + 1, count))


def settle(rng: Rng, constants: dict[str, tuple[Array, TensorType]]) -> None:
    """Now and then weights as training leaves them (channels can be paired), or an outlier."""
    kind = rng.integers(3)
    w, t = constants["w"]
    if kind == 0:
        w = np.clip(np.round(rng.normal(0, 30, w.shape)), -127, 127).astype(np.int8)
    elif kind == 1:
        w = w.copy()
        w.flat[rng.integers(w.size)] = -128
    constants["w"] = (w, t)


def image_layer(
    rng: Rng, *, depthwise: bool = False, kernel: tuple[int, ...] | None = None
) -> Graph:
    stride, dilation = pick(rng, 1, 3, 2), pick(rng, 1, 2, 2)
    if depthwise and kernel:
        stride, dilation = pick(rng, 1, 2, 2), (1, 1)
    kernel = kernel or pick(rng, 1, 5, 2)
    pad = Padding(*pick(rng, 0, 3, 4))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    depth = int(rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 12, 17, 22, 34, 47]))
    height = max(1, reach[0] - pad.top - pad.bottom) + int(rng.integers(0, 9))
    width = max(1, reach[1] - pad.left - pad.right) + int(rng.integers(0, 14))
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    x = int8_type((height, width, depth), xs, zero(rng))
    if depthwise:
        shape: tuple[int, ...] = (*kernel, depth * int(rng.integers(1, 3)))
        constants = layer_constants(rng, shape, 2, xs)
        op: Conv2d | DepthwiseConv2d = DepthwiseConv2d(stride, pad, dilation, clamp(rng))
    else:
        groups = int(rng.choice([1, 1, 1, 2, depth])) if depth % 2 == 0 else 1
        shape = (groups * int(rng.integers(1, 10 // min(groups, 4))), *kernel, depth // groups)
        constants = layer_constants(rng, shape, 0, xs)
        op = Conv2d(stride, pad, dilation, groups, clamp(rng))
    settle(rng, constants)
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(op, [x], y, constants)


def winograd_layer(rng: Rng) -> Graph:
    """3x3 with strides of 1, of any size, the border there or not."""
    pad = Padding(*pick(rng, 0, 1, 2), *pick(rng, 0, 3, 2))
    height, width = (int(v) for v in rng.integers(3, 14, 2))
    depth, filters = 4 * int(rng.choice([1, 2, 3, 4, 9, 16])), 2 * int(rng.integers(1, 7))
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (filters, 3, 3, depth), 0, xs)
    settle(rng, constants)
    x = int8_type((height, width, depth), xs, zero(rng))
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(Conv2d((1, 1), pad, clamp=clamp(rng)), [x], y, constants)


def pointwise_layer(rng: Rng) -> Graph:
    return image_layer(rng, kernel=(1, 1))


def vector_layer(rng: Rng) -> Graph:
    """A convolution with one result, or 1x1 with up to three; or one that is nearly so."""
    image, kernel = pick(rng, 1, 4, 2), pick(rng, 1, 3, 2)
    image = (max(image[0], kernel[0]), kernel[1])
    kind = rng.integers(3)
    if kind:
        image, kernel = (int(rng.integers(1, 4)), 1), (1, 1)
    stride = (1, 1) if kind else (image[0], 2)
    depth, filters = 2 * int(rng.integers(1, 30)), 2 * int(rng.integers(1, 12))
    pad, dilation, groups = Padding(), (1, 1), 1
    unlike = rng.integers(8)  # what keeps a window from being read from end to end
    if unlike == 0:
        image, stride = (image[0], image[1] + 2), (image[0], image[1] + 2)
    elif unlike == 1:
        pad = Padding(*pick(rng, 0, 1, 4))
    elif unlike == 2:
        dilation = (2, 1)
        image = (image[0] + kernel[0] - 1, image[1])
    elif unlike == 3:
        groups = 2
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (filters, *kernel, depth // groups), 0, xs)
    settle(rng, constants)
    x = int8_type((*image, depth), xs, zero(rng))
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(Conv2d(stride, pad, dilation, groups, clamp(rng)), [x], y, constants)


def many_vectors_layer(rng: Rng) -> Graph:
    """A fully connected layer of four vectors and more."""
    n_in, n_out, rows = (int(v) for v in rng.integers((1, 1, 4), (70, 24, 14)))
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (n_out, n_in), 0, xs, per_channel=bool(rng.integers(2)))
    settle(rng, constants)
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(Dense(clamp(rng)), [int8_type((rows, n_in), xs, zero(rng))], y, constants)


def fours_depthwise_layer(rng: Rng) -> Graph:
    """A depthwise convolution of as many channels as its input has, a multiple of four."""
    kernel, stride, dilation = pick(rng, 1, 6, 2), pick(rng, 1, 3, 2), pick(rng, 1, 2, 2)
    pad = Padding(*pick(rng, 0, 2, 4)) if rng.integers(2) else Padding()
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    depth, more = 4 * int(rng.integers(1, 9)), pick(rng, 0, 4, 2)
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (*kernel, depth), 2, xs)
    settle(rng, constants)
    x = int8_type((reach[0] + more[0], reach[1] + more[1], depth), xs, zero(rng))
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(DepthwiseConv2d(stride, pad, dilation, clamp(rng)), [x], y, constants)


def depthwise_layer(rng: Rng) -> Graph:
    return image_layer(rng, depthwise=True, kernel=(3, 3))


def other_depthwise_layer(rng: Rng) -> Graph:
    return image_layer(rng, depthwise=True)


def kept_size_layer(rng: Rng) -> Graph:
    """Results no larger than the input, which they may lie over."""
    kernel = [(1, 1), (1, 1), (3, 3), (3, 3), (5, 3)][rng.integers(5)]
    stride = (1, 1) if kernel != (1, 1) or rng.integers(3) else (2, 2)
    pad = Padding(kernel[0] // 2, kernel[1] // 2, kernel[0] // 2, kernel[1] // 2)
    depth = int(rng.integers(33, 45) if kernel == (1, 1) else rng.integers(3, 20))
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    x = int8_type((*pick(rng, 2, 11, 2), depth), xs, zero(rng))
    if kernel != (1, 1) and rng.integers(3) == 0:
        constants = layer_constants(rng, (*kernel, depth), 2, xs)
        op: Conv2d | DepthwiseConv2d = DepthwiseConv2d(stride, pad, (1, 1), clamp(rng))
    else:
        filters = int(rng.integers(32 if kernel == (1, 1) else 1, depth + 1))
        constants = layer_constants(rng, (filters, *kernel, depth), 0, xs)
        op = Conv2d(stride, pad, (1, 1), 1, clamp(rng))
    settle(rng, constants)
    return one_node(op, [x], int8_type((), output_scale(rng, xs, constants), zero(rng)), constants)


def dense_layer(rng: Rng, *, eights: bool = False) -> Graph:
    n_in, n_out = int(rng.integers(1, 90)), int(rng.integers(1, 14))
    if eights:
        n_in, n_out = 4 * int(rng.integers(1, 40)), 8 * int(rng.integers(1, 6))
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    constants = layer_constants(rng, (n_out, n_in), 0, xs, per_channel=bool(rng.integers(2)))
    settle(rng, constants)
    shape = (int(rng.integers(1, 4)), n_in) if rng.integers(2) else (n_in,)
    y = int8_type((), output_scale(rng, xs, constants), zero(rng))
    return one_node(Dense(clamp(rng)), [int8_type(shape, xs, zero(rng))], y, constants)


def add_layer(rng: Rng, kind: type[Add | Sub] = Add) -> Graph:
    shape = pick(rng, 1, 7, 3)
    scales = np.exp(rng.uniform(-3, 1, 3))
    if rng.integers(3) == 0:
        scales[1] = scales[0]
    a, b, y = (int8_type(shape, float(np.float32(s)), zero(rng)) for s in scales)
    return one_node(kind(clamp(rng)), [a, b], y)


def sub_layer(rng: Rng) -> Graph:
    return add_layer(rng, Sub)


def matmul_layer(rng: Rng) -> Graph:
    """Short and long sums, odd columns, one matrix for all or one each."""
    m, k, n = pick(rng, 1, 9, 3)
    k = int(rng.choice([k, 4 * k, 127, 128, 130, 261]))
    transposed = bool(rng.integers(2))
    lead = int(rng.integers(1, 4))
    leads = [(lead, lead), (1, lead), (lead, 1)][rng.integers(3)]
    a = int8_type((leads[0], m, k), float(np.float32(rng.uniform(0.01, 0.1))), zero(rng))
    shape = (n, k) if transposed else (k, n)
    b = int8_type((leads[1], *shape), float(np.float32(rng.uniform(0.01, 0.1))), zero(rng))
    scale = a.quant.scale[0] * b.quant.scale[0] * float(np.exp(rng.uniform(1, 6)))
    y = int8_type((), float(np.float32(scale)), zero(rng))
    return one_node(MatMul(transposed=transposed), [a, b], y)


def mul_layer(rng: Rng) -> Graph:
    """Of one shape, or one operand repeated along pixels or channels."""
    shape = pick(rng, 1, 9, 3)
    other = [shape, shape, (1, 1, shape[2]), (*shape[:2], 1)][rng.integers(4)]
    a, b = (
        int8_type(s, float(np.float32(rng.uniform(0.01, 0.1))), zero(rng)) for s in (shape, other)
    )
    y = int8_type((), float(np.float32(np.exp(rng.uniform(-6, 1)))), zero(rng))
    return one_node(Mul(clamp(rng)), [a, b] if rng.integers(2) else [b, a], y)


def unary_layer(rng: Rng) -> Graph:
    x = int8_type((int(rng.integers(1, 70)),), float(np.float32(rng.uniform(0.01, 0.2))), zero(rng))
    op = (Relu(), LeakyRelu(0.1), Sigmoid())[rng.integers(3)]
    y = op.fixed_quant(8) if isinstance(op, Sigmoid) else None
    if y is not None:
        return one_node(op, [x], TensorType((), x.dtype, y))
    return one_node(op, [x], int8_type((), float(np.float32(rng.uniform(0.01, 0.2))), zero(rng)))


def softmax_layer(rng: Rng) -> Graph:
    op = Softmax()
    scale = float(np.float32(np.exp(rng.uniform(-6, 1))))
    x = int8_type((int(rng.integers(1, 4)), int(rng.choice([1, 3, 10, 37, 200]))), scale, zero(rng))
    return one_node(op, [x], TensorType((), x.dtype, op.fixed_quant(8)))


def pool_layer(rng: Rng) -> Graph:
    kernel = pick(rng, 1, 5, 2)
    pad = Padding(*(int(rng.integers(0, kernel[i])) for i in (0, 1, 0, 1)))
    depth = int(rng.integers(1, 11))
    x = int8_type((*(k + int(rng.integers(0, 6)) for k in kernel), depth), 0.1, zero(rng))
    kind = (AvgPool2d, MaxPool2d)[rng.integers(2)]
    return one_node(kind(kernel, pick(rng, 1, 4, 2), pad, clamp(rng)), [x], x)


def mean_layer(rng: Rng) -> Graph:
    x = int8_type((*pick(rng, 1, 24, 2), int(rng.integers(1, 11))), 0.1, zero(rng))
    y = int8_type((), float(np.float32(np.exp(rng.uniform(-4, 0)))), zero(rng))
    return one_node(Mean((0, 1)), [x], y)
