"""Convolutions of four positions by two multiplications an instruction, on cores without SIMD.

A word holds the inputs of two positions side by side, so that one multiplication with a weight
makes two products of 16 bits; some of them are added before they are taken apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.inplace import in_pixels
from edgeprune.kernels.portable._window import windows
from edgeprune.ops import Conv2d

FOURS = 4
"""Weights of a word, and positions that are computed together."""


@dataclass(frozen=True)
class Work:
    """Estimated instructions.

    Attributes:
        mac: of a multiplication.
        output: of a result, beside.
        packed: that put one input of a window in its place.
    """

    mac: float
    output: float
    packed: float


def is_packed(op: object) -> bool:
    """Whether inputs of such a layer lie in a row once lines are filled."""
    return isinstance(op, Conv2d) and op.groups == 1 and op.dilation[1] == 1


def packed(request: Request, call: KernelCall, each: Work) -> tuple[KernelCall, Array] | None:
    """The call of a portable convolution with working memory and work of one in quads.

    Args:
        request: for a layer that :func:`is_packed`.
        call: of ``ep_conv2d_s8``; function, files and constants are still to be changed.
        each: what it takes.

    Returns:
        Beside it the weights, (channels, weights of one in their order in memory, filled up with
        zeros to fours) int8. None where two products do not add up in 16 bits, or where that many
        zeros are not worth it.
    """
    op, graph, node = request.node.op, request.graph, request.node
    assert isinstance(op, Conv2d)
    w = graph.constants[node.inputs[1]].transpose(0, 2, 1, 3)
    rows = w.reshape(len(w), -1)
    weights = np.pad(rows, ((0, 0), (0, -rows.shape[1] % FOURS)))
    least_side_by_side = (weights.reshape(len(w), -1, 2) == -128).all(axis=2).any()
    if least_side_by_side or (weights.size > w.size and not request.pads):
        return None
    params, inplace, lines = dict(call.params), call.inplace, call.scratch_bytes
    if params["direct"]:
        over = in_pixels(windows(request, op, (1, 1)), 1)
        inplace, lines = over.times(1) if over else None, 0
        params["direct"] = 1
    positions = graph.types[node.output].size // len(w)
    quads = -(-positions // FOURS)
    work = quads * FOURS * (each.mac * weights.size + each.output * len(w))
    made = replace(
        call,
        params=tuple(params.items()),
        scratch_bytes=8 * weights.shape[1] + lines,
        inplace=inplace,
        instructions=int(work) + int(each.packed * positions * w[0].size),
    )
    return made, weights
