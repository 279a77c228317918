"""What the kernels need to know of a convolution or dense node, gathered in one record."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from edgeprune.ir import Array, DType, QuantParams
from edgeprune.ir.fixedpoint import QMAX, QMIN, clamp_range
from edgeprune.kernels.call import Request
from edgeprune.kernels.inplace import Windows
from edgeprune.ops._clamp import Clamp
from edgeprune.ops.conv import Conv2d, DepthwiseConv2d
from edgeprune.ops.dense import Dense

LONGEST = 2**15 - 1
"""Sizes are held in int16."""


@dataclass(frozen=True)
class Layer:
    """A quantised convolution.

    Attributes:
        w: weights (o, h, w, i / groups).
        bias: int32.
        xq: quantisation of the input.
        wq: quantisation of the weights.
        yq: quantisation of the output.
        clamp: smallest and largest output.
        image: height, width and channels of the input.
        out: height, width and channels of the output.
        kernel: rows and columns.
        stride: of rows and columns.
        dilation: of rows and columns.
        pad_top: rows above.
        pad_left: columns to the left.
        groups: parts that the channels fall into.
        once: round once, as fully connected layers do.
    """

    w: Array
    bias: Array
    xq: QuantParams
    wq: QuantParams
    yq: QuantParams
    clamp: tuple[int, int]
    image: tuple[int, int, int]
    out: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad_top: int
    pad_left: int
    groups: int
    once: bool = False

    @property
    def macs(self) -> int:
        """Multiplications of one inference, border included."""
        per_output = self.w.size // self.out[2]
        return self.out[0] * self.out[1] * self.out[2] * per_output

    @property
    def windows(self) -> Windows:
        """What decides whether the output may lie over the input."""
        pad = (self.pad_top, self.pad_left)
        sizes = (self.image, self.out, self.kernel)
        return Windows.of(*sizes, self.stride, self.dilation, pad, self.groups)


def int_clamp(clamp: Clamp | None, y: QuantParams) -> tuple[int, int]:
    """The fused clamp in the result's integers."""
    low, high = clamp_range(*(clamp or (-inf, inf)), y)
    return min(low, QMAX), max(high, QMIN)


def _quants(request: Request) -> tuple[QuantParams, QuantParams, QuantParams] | None:
    """Of input, weights and result of a layer in int8 whose weights are known; else None."""
    graph, node = request.graph, request.node
    x, w, bias = graph.types_of(node)
    y = graph.types[node.output]
    if any(t.dtype is not DType.INT8 for t in (x, w, y)) or bias.dtype is not DType.INT32:
        return None
    if x.quant is None or w.quant is None or y.quant is None or any(w.quant.zero_point):
        return None
    known = all(v in graph.constants for v in node.inputs[1:])
    return (x.quant, w.quant, y.quant) if known else None


def conv_layer(request: Request) -> Layer | None:
    """The record of an int8 convolution, depthwise ones too; else None."""
    graph, node = request.graph, request.node
    op = node.op
    if not isinstance(op, Conv2d | DepthwiseConv2d) or (quants := _quants(request)) is None:
        return None
    x, y = graph.types[node.inputs[0]], graph.types[node.output]
    xq, wq, yq = quants
    weights = graph.constants[node.inputs[1]]
    if isinstance(op, DepthwiseConv2d):
        weights = weights.transpose(2, 0, 1)[..., None]
    kernel = weights.shape[1:3]
    if max(*x.shape, *y.shape, *kernel, *op.stride, *op.dilation, 0) > LONGEST:
        return None
    return Layer(
        w=weights,
        bias=graph.constants[node.inputs[2]],
        xq=xq,
        wq=wq,
        yq=yq,
        clamp=int_clamp(op.clamp, yq),
        image=(x.shape[0], x.shape[1], x.shape[2]),
        out=(y.shape[0], y.shape[1], y.shape[2]),
        kernel=(kernel[0], kernel[1]),
        stride=op.stride,
        dilation=op.dilation,
        pad_top=op.padding.top,
        pad_left=op.padding.left,
        groups=x.shape[2] if isinstance(op, DepthwiseConv2d) else op.groups,
    )


@dataclass(frozen=True)
class DenseLayer:
    """A quantised fully connected layer.

    Attributes:
        w: (o, i) int8.
        bias: (o,) int32.
        xq: quantisation of the input.
        wq: quantisation of the weights.
        yq: quantisation of the output.
        clamp: smallest and largest output.
        rows: vectors that it is applied to.
        once: round once; else twice, as convolutions do.
    """

    w: Array
    bias: Array
    xq: QuantParams
    wq: QuantParams
    yq: QuantParams
    clamp: tuple[int, int]
    rows: int
    once: bool = True


def dense_layer(request: Request) -> DenseLayer | None:
    """The record of an int8 fully connected layer; else None."""
    graph, node = request.graph, request.node
    if not isinstance(node.op, Dense) or (quants := _quants(request)) is None:
        return None
    x = graph.types[node.inputs[0]]
    return DenseLayer(
        graph.constants[node.inputs[1]],
        graph.constants[node.inputs[2]],
        *quants,
        int_clamp(node.op.clamp, quants[2]),
        x.size // x.shape[-1],
    )
