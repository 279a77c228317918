"""Sums and differences of two activations of one shape, with the constants in the code."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import DType
from edgeprune.ir.fixedpoint import ADD_LEFT_SHIFT, add_multipliers
from edgeprune.kernels.arm_dsp._linear_sum import LinearSum, linear_sum
from edgeprune.kernels.arm_dsp._pair import of_pair
from edgeprune.kernels.arm_dsp._tiles import Piece
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable._spell import SUFFIX, int_clamp, integers, quant
from edgeprune.ops import Add, Sub

EXACT = (2**30, 0)
"""Multiplier and shift of one half: the operand with the larger scale."""
UNROLL = {"size": 1, "speed": 4}
LINEAR_UNROLL = {"size": 1, "speed": 8}
FARTHEST = {DType.INT8: 255, DType.INT16: 2**15}
"""From a zero point."""
KINDS = {DType.INT8: "add", DType.INT16: "add_s16"}


def add(request: Request) -> KernelCall | None:
    """A sum or difference in int8 or int16 without repetition of an operand."""
    graph, node = request.graph, request.node
    op, dtype = node.op, integers(request)
    types = (*graph.types_of(node), graph.types[node.output])
    if dtype is None or not isinstance(op, Add | Sub) or types[0].shape != types[1].shape:
        return None
    if any(v in graph.constants for v in node.inputs):
        return None
    a, b, y = map(quant, types)
    if dtype is DType.INT8 and (form := linear_sum(op, a, b, y)):
        return _linear(request, form)
    if dtype is DType.INT16 and any(q.scalar[1] for q in (a, b, y)):
        return None
    left = ADD_LEFT_SHIFT[dtype.numpy.itemsize]
    on_a, on_b, (mult, shift) = add_multipliers(a, b, y, left)
    names, minus = node.inputs, int(isinstance(op, Sub))
    if on_a != EXACT:
        (a, b), (on_a, on_b), names = (b, a), (on_b, on_a), (names[1], names[0])
        minus *= 2
    right = -shift
    zero = y.scalar[1]
    rounding = (2 * zero + 1) << max(right - 1, 0)
    if on_a != EXACT or (on_b != EXACT and on_b[1] > -1) or right < 1:
        return None
    if _largest(dtype, left, mult) + abs(rounding) >= 2**31:
        return None
    exact = on_b == EXACT
    low, high = int_clamp(op.clamp, types[2]).values()
    unroll = UNROLL[request.optimize]
    count = types[2].size
    relu = low >= zero
    offset = -a.scalar[1] << left
    others = (b.scalar[1] if minus else -b.scalar[1]) << left
    constants = (
        count,
        unroll,
        minus,
        offset + others if exact else offset,
        -b.scalar[1] << (left + 1),
        on_b[0],
        -on_b[1],
        mult,
        rounding,
        right,
        int(relu),
        low,
        high,
    )
    ends = np.iinfo(dtype.numpy)
    each = 7 + (not exact) * 4 + (not relu) + 3 * (int(low > ends.min) + int(high < ends.max))
    return _call(Piece(KINDS[dtype], constants), SUFFIX[dtype], names, count, each, unroll)


def _linear(request: Request, form: LinearSum) -> KernelCall:
    """A sum or difference of int8 as one linear form."""
    node, y = request.node, request.graph.types[request.node.output]
    assert isinstance(node.op, Add | Sub)
    low, high = int_clamp(node.op.clamp, y).values()
    unroll = LINEAR_UNROLL[request.optimize]
    terms = (form.a_mult, form.b_mult, form.offset, form.shift)
    piece = Piece("add_linear", (y.size, unroll, *terms, low, high))
    each = 6 + 3 * (int(low > -128) + int(high < 127))
    return _call(piece, "linear_s8", node.inputs, y.size, each, unroll)


def _call(
    piece: Piece, suffix: str, names: tuple[str, ...], count: int, each: int, unroll: int
) -> KernelCall:
    """The call of a sum of so many elements, each of so many instructions."""
    return of_pair(
        piece,
        f"ep_add_{suffix}_arm_dsp",
        names,
        instructions=count * each + count // unroll * 3 + 40,
        code_bytes=4 * each * (unroll + (count % unroll > 0)) + 60,
    )


def _largest(dtype: DType, left: int, mult: int) -> int:
    """What twice the sum becomes at most, which must fit beside the constant.

    It is 4 * 255 * 2^19 at most, 2^31 in int16.
    """
    return (4 * FARTHEST[dtype] * (mult << (left - 1)) >> 32) + 2
