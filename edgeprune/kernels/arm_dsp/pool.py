"""int8 pooling and means, four channels at a time."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from edgeprune.ir import DType
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable import pool as portable
from edgeprune.ops import AvgPool2d

LARGEST = 255
"""Elements of a window whose sum fits into int16."""


def pool2d(request: Request) -> KernelCall | None:
    """Max pooling, and average pooling of windows of at most 255 elements."""
    op = request.node.op
    if isinstance(op, AvgPool2d) and prod(op.kernel) > LARGEST:
        return None
    return _on_dsp(request, portable.pool2d(request))


def mean(request: Request) -> KernelCall | None:
    """A mean over axes that follow each other."""
    return _on_dsp(request, portable.mean(request))


def _on_dsp(request: Request, call: KernelCall | None) -> KernelCall | None:
    """The call of the variant that has the same parameters."""
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output]
    if call is None or x.dtype is not DType.INT8:
        return None
    beside = getattr(request.node.op, "stride", (1, 2))[1] == 1  # pixels are as good as channels
    if x.shape[-1] < 4 and not (beside and y.shape[-2] * y.shape[-1] >= 4):
        return None
    function = f"{call.function}_arm_dsp"
    kernel = prod(getattr(request.node.op, "kernel", (x.size // y.size,)))
    each = {"mean": 30, "avg_pool2d": 14, "max_pool2d": 9}[request.node.op.kind]
    return replace(
        call,
        function=function,
        sources=(f"arch/arm_dsp/{function}.c",),
        headers=(f"arch/arm_dsp/{function}.h",),
        instructions=y.size * (each + 2 * kernel),
    )
