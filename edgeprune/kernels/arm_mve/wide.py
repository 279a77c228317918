"""int16 convolutions with weights of eight bits (portable driver, Helium inner loops), and sums."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from edgeprune.ir import Array, DType, Over
from edgeprune.ir.fixedpoint import ADD_LEFT_SHIFT, add_multipliers
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import BLOCK, int_clamp, integers, quant
from edgeprune.kernels.portable.conv import conv2d, filters_of
from edgeprune.ops import Add, Conv2d

FOLDER = "arch/arm_mve"
LANES = 8
"""int16 elements of a vector."""
SHIFTS = (16, 32)
"""What the rounded high word of a product can stand for."""
PER_EIGHT, PER_REST = 15, 14
"""Instructions of eight inputs, and of fewer, of two positions times a block of channels."""
PER_BLOCK = 45
"""Of their results."""
ALONE = (5, 40)
"""Of an input, and of a result, of a channel that is left after the blocks."""
PER_FILLED = 20
"""Of a pixel of the lines that are filled for a row of results."""

HALF = (2**30, 0)
"""Multiplier and shift of the operand with the larger scale."""
SIGN = 31
"""Bits behind the sign."""


def in_eights(w: Array, piece: int) -> Array:
    """Rows of weights (channels, weights per channel) in the order of ``ep_tile_s16_arm_mve.h``.

    Args:
        w: the rows.
        piece: weights that lie together; each piece begins with whole eights.

    Returns:
        Flat: blocks of channels, then the channels that are left one by one.
    """
    whole, eights = len(w) - len(w) % BLOCK, piece - piece % LANES
    size = (whole // BLOCK, w.shape[1] // piece)  # blocks, pieces
    blocks = w[:whole].reshape(size[0], BLOCK, size[1], piece).swapaxes(1, 2)
    vectors = blocks[..., :eights].reshape(*size, BLOCK, eights // LANES, LANES).swapaxes(2, 3)
    packed = np.concatenate(
        [
            vectors.reshape(*size, eights * BLOCK),
            blocks[..., eights:].reshape(*size, (piece - eights) * BLOCK),
        ],
        axis=2,
    )
    return np.concatenate([packed.ravel(), w[whole:].ravel()])


def wide_conv2d(request: Request) -> KernelCall | None:
    """A convolution of int16 whose accumulators int32 holds."""
    graph, node, op = request.graph, request.node, request.node.op
    call = conv2d(request) if isinstance(op, Conv2d) else None
    if call is None or call.function != "ep_conv2d_s16" or not isinstance(op, Conv2d):
        return None
    w = graph.constants[node.inputs[1]]
    _, bias, mult, shift = call.constants
    sums = np.abs(w.astype(np.int64)).reshape(len(w), -1).sum(axis=1) << 15
    inside = SHIFTS[0] <= shift.values.min() and shift.values.max() <= SHIFTS[1]
    if not inside or np.any(np.abs(bias.values) + sums >= 2**31):
        return None
    columns = w.transpose(0, 2, 1, 3)
    piece = w[0].size if op.dilation[1] == 1 else columns[0, 0].size
    weights = filters_of(columns, op.groups, partial(in_eights, piece=piece))
    y = graph.types[node.output].shape
    in_lines = call.scratch_bytes if dict(call.params)["direct"] == 0 else 0
    filled = PER_FILLED * in_lines // (2 * w.shape[3])
    return replace(
        call,
        function="ep_conv2d_s16_arm_mve",
        sources=(
            *(s for s in call.sources if not s.endswith(("ep_conv2d_s16.c", "ep_finish_s16.c"))),
            f"{FOLDER}/ep_conv2d_s16_arm_mve.c",
            f"{FOLDER}/ep_tile_s16_arm_mve.S",
        ),
        headers=(f"{FOLDER}/ep_conv2d_s16_arm_mve.h",),
        constants=(
            Constant("weights", weights, "int8_t"),
            Constant("bias", bias.values.astype(np.int32), "int32_t"),
            mult,
            shift,
        ),
        instructions=op.groups * (_sums(y, w[0].size, piece, len(w) // op.groups) + y[0] * filled),
    )


def wide_add(request: Request) -> KernelCall | None:
    """A sum of int16 without repetition of an operand."""
    graph, node = request.graph, request.node
    op, types = node.op, (*graph.types_of(node), graph.types[node.output])
    if integers(request) is not DType.INT16 or not isinstance(op, Add):
        return None
    if types[0].shape != types[1].shape or any(v in graph.constants for v in node.inputs):
        return None
    a, b, y = map(quant, types)
    on_a, on_b, (mult, shift) = add_multipliers(
        a, b, y, ADD_LEFT_SHIFT[types[2].dtype.numpy.itemsize]
    )
    names = node.inputs
    if on_a != HALF:
        on_a, on_b, names = on_b, on_a, (names[1], names[0])
    centred = not any(q.scalar[1] for q in (a, b, y))
    if not centred or on_a != HALF or on_b[1] > 0 or shift >= 0:
        return None
    name, length = "ep_add_s16_arm_mve", types[2].size
    return KernelCall(
        function=name,
        sources=(f"{FOLDER}/{name}.S",),
        headers=(f"{FOLDER}/{name}.h",),
        params_type=f"{name}_params",
        params=(
            ("length", length),
            ("b_mult", on_b[0]),
            ("b_shift", on_b[1]),
            ("y_mult", mult),
            ("y_shift", shift),
            ("b_sign", -SIGN - (on_b[1] == 0)),
            *int_clamp(op.clamp, types[2]).items(),
        ),
        constants=(),
        inputs=names,
        inplace=Over(),
        instructions=-(-length // 4) * 17 + 30,
    )


def _sums(out: tuple[int, ...], inputs: int, piece: int, channels: int) -> int:
    """Estimated instructions of a group; ``inputs`` of a result, ``piece`` of them together."""
    blocks, left = divmod(channels, BLOCK)
    each = inputs // piece * (PER_EIGHT * (piece // LANES) + PER_REST * bool(piece % LANES))
    alone = ALONE[0] * inputs + ALONE[1]
    pairs = out[0] * -(-out[1] // 2)
    return pairs * (blocks * (each + PER_BLOCK) + 2 * left * alone)
