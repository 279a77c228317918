"""int8 convolutions by plain loops: a fraction of the code of the others, and several times slower.

Depthwise ones are convolutions of as many groups as their input has channels.
"""

from __future__ import annotations

import numpy as np

from edgeprune.ir.fixedpoint import effective_scales
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_pixels
from edgeprune.kernels.portable._spell import (
    int_clamp,
    quant,
    rescale_constants,
    spell,
    within,
    wrap32,
    zero_of,
)
from edgeprune.kernels.portable._window import windows
from edgeprune.ops import Conv2d, DepthwiseConv2d

PRODUCT, TAP, ROW = 7, 20, 13
"""Instructions of a product, and of what is done once for a pixel and a row of a window."""


def plain_convolutions(request: Request) -> tuple[KernelCall, ...]:
    """The layer by plain loops, where size counts and every channel is scaled down."""
    op, graph, node = request.node.op, request.graph, request.node
    assert isinstance(op, Conv2d | DepthwiseConv2d)
    x, weight_type, _ = graph.types_of(node)
    y = graph.types[node.output]
    w, groups = graph.constants[node.inputs[1]], x.shape[2]
    kernel = w.shape[:2]
    if isinstance(op, Conv2d):
        groups, kernel = op.groups, w.shape[1:3]
    depth = x.shape[2] // groups
    rows = w.reshape(len(w), -1) if isinstance(op, Conv2d) else w.reshape(-1, w.shape[2]).T
    scales = effective_scales(quant(x), quant(weight_type), quant(y))
    mult, shift = rescale_constants(scales, np.zeros(len(rows)))
    if request.optimize != "size" or not within(shift.values, -31, -1):
        return ()
    folded = graph.constants[node.inputs[2]] - zero_of(x) * rows.sum(axis=1, dtype=np.int64)
    over = in_pixels(windows(request, op, kernel), 1, late=1)  # written one by one, all channels
    call = spell(
        "ep_conv2d_plain_s8",
        _params(request, kernel, groups, len(rows)),
        node.inputs[:1],
        (
            Constant("weights", np.ascontiguousarray(rows).ravel(), "int8_t"),
            Constant("bias", wrap32(folded), "int32_t"),
            mult,
            shift,
        ),
        inplace=over,
        instructions=y.size * kernel[0] * (kernel[1] * (PRODUCT * depth + TAP) + ROW),
    )
    return (call,)


def _params(
    request: Request, kernel: tuple[int, ...], groups: int, channels: int
) -> dict[str, int]:
    op, y = request.node.op, request.graph.types[request.node.output]
    assert isinstance(op, Conv2d | DepthwiseConv2d)
    x = request.graph.types_of(request.node)[0]
    low, high = int_clamp(op.clamp, y).values()
    return {
        **dict(zip(("in_h", "in_w", "in_c"), x.shape, strict=True)),
        **dict(zip(("out_h", "out_w", "out_c"), y.shape, strict=True)),
        "depth": x.shape[2] // groups,
        "filters": channels // groups,
        "gap": request.pitch - channels,
        "kernel_h": kernel[0],
        "kernel_w": kernel[1],
        "stride_h": op.stride[0],
        "stride_w": op.stride[1],
        "dilation_h": op.dilation[0],
        "dilation_w": op.dilation[1],
        "pad_top": op.padding.top,
        "pad_left": op.padding.left,
        "x_zero": zero_of(x),
        "y_zero": zero_of(y),
        "low": low,
        "high": high,
    }
