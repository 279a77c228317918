"""Pooling, and means over axes that lie side by side."""

from __future__ import annotations

from math import prod

from edgeprune.ir import DType
from edgeprune.ir.fixedpoint import mean_multiplier
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.inplace import in_pixels
from edgeprune.kernels.portable._spell import (
    SUFFIX,
    all_are,
    dtypes,
    float_clamp,
    int_clamp,
    integers,
    quant,
    spell,
    zero_of,
)
from edgeprune.kernels.portable._window import window, windows
from edgeprune.ops import AvgPool2d, MaxPool2d, Mean


def pool2d(request: Request) -> KernelCall | None:
    """Max or average pooling in float32, int8 or int16."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, MaxPool2d | AvgPool2d):
        return None
    if not all_are(request, DType.FLOAT32) and integers(request) is None:
        return None
    y = graph.types[node.output]
    clamp = float_clamp(op.clamp) if y.dtype is DType.FLOAT32 else int_clamp(op.clamp, y)
    over = in_pixels(windows(request, op, op.kernel), 1)
    return spell(
        f"ep_{op.kind}_{SUFFIX[y.dtype]}",
        {"window": window(request, op, op.kernel), **clamp},
        node.inputs,
        inplace=over.times(y.dtype.numpy.itemsize) if over else None,
        instructions=y.size * (30 + 6 * prod(op.kernel)),
    )


def mean(request: Request) -> KernelCall | None:
    """A mean in float32, int8 or int16 over axes that follow each other."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Mean):
        return None
    axes = sorted(op.axes)
    if axes != list(range(axes[0], axes[0] + len(axes))):
        return None
    x = graph.types_of(node)[0]
    y = graph.types[node.output]
    count = prod(x.shape[a] for a in axes)
    shape = {
        "outer": prod(x.shape[: axes[0]]),
        "count": count,
        "inner": prod(x.shape[axes[-1] + 1 :]),
    }
    work = 4 * x.size + 30 * y.size
    if dtypes(request) == (DType.FLOAT32, DType.FLOAT32):
        return spell("ep_mean_f32", shape, node.inputs, instructions=work)
    if integers(request) is None:
        return None
    mult, shift = mean_multiplier(quant(x), quant(y), count)
    rescale = {"offset": zero_of(x) * count, "mult": mult, "shift": shift, "y_zero": zero_of(y)}
    return spell(f"ep_mean_{SUFFIX[y.dtype]}", {**shape, **rescale}, node.inputs, instructions=work)
