"""The linear layers: the portable kernels' parameters and tables, their weights in rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable import conv as portable_conv
from edgeprune.kernels.portable import dense as portable_dense
from edgeprune.kernels.portable._spell import within
from edgeprune.ops import Conv2d, DepthwiseConv2d

FOLDER = "arch/vector"
PER_MAC = 0.55
"""Instructions a multiplication where vectors have 128 bits; estimated, as the other two."""
PER_TAP = 0.8
"""The same of a depthwise convolution."""
PER_OUTPUT = 20


def dense(request: Request) -> KernelCall | None:
    """Fully connected layers."""
    call = portable_dense.dense(request)
    if call is None or call.function != "ep_dense_s8":
        return None
    w = request.graph.constants[request.node.inputs[1]]
    macs = request.graph.macs_of(request.node)
    rows = macs // w.size
    work = PER_MAC * macs + rows * (PER_OUTPUT * len(w) + w.shape[1])
    return _in_rows(call, w, work, 2 * w.shape[1])


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions of one group whose columns have no dilation."""
    op = request.node.op
    if not isinstance(op, Conv2d) or op.groups != 1 or op.dilation[1] != 1:
        return None
    call = _finished(portable_conv.conv2d(request), "ep_conv2d_s8")
    if call is None:
        return None
    w = request.graph.constants[request.node.inputs[1]]
    macs, window = request.graph.macs_of(request.node), w[0].size
    outputs = macs // window
    work = PER_MAC * macs + outputs * (PER_OUTPUT + 0.5 * window / len(w))
    lines = 0 if dict(call.params)["direct"] else call.scratch_bytes
    return _in_rows(call, w.transpose(0, 2, 1, 3), work, 8 * len(w) + 4 * window + lines)


def depthwise_conv2d(request: Request) -> KernelCall | None:
    """Depthwise convolutions of one filter a channel whose columns have no dilation."""
    op = request.node.op
    if not isinstance(op, DepthwiseConv2d) or op.dilation[1] != 1:
        return None
    call = _finished(portable_conv.depthwise_conv2d(request), "ep_depthwise_conv2d_s8")
    if call is None or dict(call.params)["multiplier"] != 1:
        return None
    w = request.graph.constants[request.node.inputs[1]]
    macs = request.graph.macs_of(request.node)
    work = PER_TAP * macs + PER_OUTPUT * macs // w[..., 0].size
    return _in_rows(call, w.transpose(1, 0, 2), work, 4 * w.shape[2] + call.scratch_bytes)


def _finished(call: KernelCall | None, function: str) -> KernelCall | None:
    """The call if it is of a portable kernel and every channel is scaled down; its shifts plain."""
    if call is None or call.function != function:
        return None
    stored = call.constants[3]
    shift = np.where(stored.values < -32, stored.values + 64, stored.values).astype(np.int8)
    if not within(shift, -31, -1):
        return None
    return replace(call, constants=(*call.constants[:3], replace(stored, values=shift)))


def _in_rows(call: KernelCall, w: Array, work: float, scratch: int) -> KernelCall:
    """A portable call made one of this family, with weights in the order of ``w``."""
    name = f"{call.function}_vector"
    lines = () if call.function == "ep_dense_s8" else ("src/ep_lines.c",)
    return replace(
        call,
        function=name,
        sources=(f"{FOLDER}/{name}.c", f"{FOLDER}/ep_tile_vector.c", *lines),
        headers=(f"{FOLDER}/{name}.h",),
        constants=(Constant("weights", w.ravel()), *call.constants[1:]),
        scratch_bytes=scratch,
        instructions=int(work),
        others=(),
    )
