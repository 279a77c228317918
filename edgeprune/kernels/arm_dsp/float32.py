"""float32 for cores with an FPU: the portable kernels' parameters and weights, faster code."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from edgeprune.ir import Array, DType
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable import conv as portable_conv
from edgeprune.kernels.portable import dense as portable_dense
from edgeprune.ops import Conv2d, Dense, DepthwiseConv2d

FOLDER = "arch/arm_dsp"
SHARED = f"{FOLDER}/ep_arm_f32.c"
STRIP = f"{FOLDER}/ep_arm_strip_f32.c"


def float32(request: Request) -> KernelCall | None:
    """Dense layers, and convolutions of all kinds."""
    op, graph, node = request.node.op, request.graph, request.node
    types = (*graph.types_of(node), graph.types[node.output])
    if not request.fpu or any(t.dtype is not DType.FLOAT32 for t in types):
        return None
    macs, outputs = graph.macs_of(node), types[-1].size
    if isinstance(op, Dense):
        call = portable_dense.dense(request)
        return _faster(call, (SHARED,), int(1.2 * macs) + 12 * outputs)
    if isinstance(op, Conv2d):
        w = graph.constants[node.inputs[1]]
        gathered = prod(types[-1].shape[:2]) * w[0].size * op.groups * 9 // 4
        call = _faster(
            portable_conv.conv2d(request),
            (SHARED, STRIP),
            int(1.15 * macs) + 22 * outputs + gathered,
        )
        return replace(call, scratch_bytes=strip_bytes(w)) if call else None
    if isinstance(op, DepthwiseConv2d) and types[1].shape[2] == types[0].shape[2]:
        return _faster(portable_conv.depthwise_conv2d(request), (), 5 * macs + 25 * outputs)
    return None


def strip_bytes(w: Array) -> int:
    """Scratch of ``ep_arm_strip.h`` for weights (o, kh, kw, i)."""
    _, kh, kw, depth = w.shape
    return int(4 * 4 * ((kh + 1) * kw * depth + 3))


def _faster(
    call: KernelCall | None, shared: tuple[str, ...], instructions: int
) -> KernelCall | None:
    """The call of the variant of the same parameters."""
    if call is None:
        return None
    function = f"{call.function}_arm_dsp"
    own = f"{FOLDER}/{function}.c"
    return replace(
        call,
        function=function,
        sources=(own, *shared),
        headers=(f"{FOLDER}/{function}.h",),
        instructions=instructions,
    )
