"""int16 convolutions with weights of eight bits: the portable driver, inner loops of Helium."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import BLOCK
from edgeprune.kernels.portable.conv import conv2d, filters_of
from edgeprune.ops import Conv2d

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


def _sums(out: tuple[int, ...], inputs: int, piece: int, channels: int) -> int:
    """Estimated instructions of a group; ``inputs`` of a result, ``piece`` of them together."""
    blocks, left = divmod(channels, BLOCK)
    each = inputs // piece * (PER_EIGHT * (piece // LANES) + PER_REST * bool(piece % LANES))
    alone = ALONE[0] * inputs + ALONE[1]
    pairs = out[0] * -(-out[1] // 2)
    return pairs * (blocks * (each + PER_BLOCK) + 2 * left * alone)
