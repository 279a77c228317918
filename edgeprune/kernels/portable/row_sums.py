"""Means over all rows of an image that come some at a time: sums are kept from one to the next."""

from __future__ import annotations

from collections.abc import Mapping

from edgeprune.ir import DType
from edgeprune.ir.fixedpoint import mean_multiplier
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable._spell import all_are, int_clamp, quant, spell, zero_of
from edgeprune.ops import AvgPool2d, Mean

SUM_BYTES = 4


def mean_rows(request: Request) -> KernelCall | None:
    """A part of a mean in int8."""
    op, part = request.node.op, request.part
    if not isinstance(op, Mean) or part is None or not all_are(request, DType.INT8):
        return None
    (x,), y = request.graph.types_of(request.node), request.graph.types[request.node.output]
    total = part.height * (x.size // x.shape[0] // y.size)
    mult, shift = mean_multiplier(quant(x), quant(y), total)
    rescale = {"offset": zero_of(x) * total, "mult": mult, "shift": shift, "y_zero": zero_of(y)}
    return _call(request, "ep_mean_rows_s8", rescale)


def average_rows(request: Request) -> KernelCall | None:
    """A part of an average over a whole image in int8."""
    op, part = request.node.op, request.part
    if not isinstance(op, AvgPool2d) or part is None or not all_are(request, DType.INT8):
        return None
    (x,), y = request.graph.types_of(request.node), request.graph.types[request.node.output]
    total = part.height * x.shape[1]
    return _call(request, "ep_average_rows_s8", {"total": total, **int_clamp(op.clamp, y)})


def _call(request: Request, kernel: str, end: Mapping[str, int]) -> KernelCall:
    """With the elements of a sum that lie in these rows, and what the last of them need."""
    part, node = request.part, request.node
    assert part is not None
    (x,), y = request.graph.types_of(node), request.graph.types[node.output]
    rows = {"count": x.size // y.size, "inner": y.size}
    return spell(
        kernel,
        {**rows, "first": int(part.first), "last": int(part.last), **end},
        node.inputs,
        shared=("ep_add_rows_s8",),
        scratch_bytes=SUM_BYTES * y.size,
        instructions=2 * x.size + 8 * y.size + (30 * y.size if part.last else 0),
    )
