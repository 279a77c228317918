"""Products of two computed matrices."""

from __future__ import annotations

from math import prod

from edgeprune.errors import UnsupportedError
from edgeprune.ir import DType
from edgeprune.ir.fixedpoint import matmul_multiplier
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable._spell import all_are, integers, quant, spell, zero_of
from edgeprune.ops import MatMul

LONGEST = {DType.INT8: 2**31 // 255**2, DType.INT16: 2**47 // 2**30}
"""Products in a sum: what an accumulator holds, and, beside a multiplier of 16 bits, 64 bits."""


def matmul(request: Request) -> KernelCall | None:
    """A product in float32, int8 or int16 of matrices that are both computed."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, MatMul) or any(v in graph.constants for v in node.inputs):
        return None
    a, b = graph.types_of(node)
    y = graph.types[node.output]
    m, k, n = op.sizes(a, b)
    shape = {
        "count": prod(y.shape[:-2]),
        "a_step": m * k if prod(a.shape[:-2]) > 1 else 0,
        "b_step": k * n if prod(b.shape[:-2]) > 1 else 0,
        "rows": m,
        "in_len": k,
        "out_len": n,
        "transposed": int(op.transposed),
    }
    work = 4 * graph.macs_of(node) + 30 * y.size
    if all_are(request, DType.FLOAT32):
        return spell("ep_matmul_f32", shape, node.inputs, instructions=work)
    dtype = integers(request)
    if dtype is None:
        return None
    if k > LONGEST[dtype]:
        raise UnsupportedError(node.name, f"sums {k:,} products, {LONGEST[dtype]:,} at most")
    mult, shift = matmul_multiplier(quant(a), quant(b), quant(y))
    if dtype is DType.INT16:
        reduced = min((mult + (1 << 15)) >> 16, 0x7FFF)
        rescale = {"mult": reduced, "shift": 15 - shift}
        return spell("ep_matmul_s16", {**shape, **rescale}, node.inputs, instructions=work)
    zeros = {"a_zero": zero_of(a), "b_zero": zero_of(b), "y_zero": zero_of(y)}
    return spell(
        "ep_matmul_s8",
        {**shape, **zeros, "mult": mult, "shift": shift},
        node.inputs,
        shared=("ep_tile_s8",),
        scratch_bytes=4 * n + k * n,
        instructions=int(2.6 * graph.macs_of(node)) + 40 * y.size + 8 * b.size,
    )
