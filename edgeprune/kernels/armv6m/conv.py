"""Convolutions by two multiplications an instruction: inputs of two positions in one word.

What a word of two inputs makes with a weight are two products of 16 bits; those of two weights can
be added before they are taken apart. One load of four weights serves four positions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_pixels
from edgeprune.kernels.portable import conv as portable
from edgeprune.kernels.portable._spell import QUICK_SHIFT, has_no_clamp, int_clamp, within
from edgeprune.kernels.portable._window import windows
from edgeprune.ops import Conv2d
from edgeprune.ops._clamp import Clamp

FOLDER = "arch/armv6m"
FUNCTION = "ep_conv2d_s8_armv6m"
FOURS = 4
"""Weights of a word, and positions that are computed together."""
PER_MAC = 2.4
"""Instructions a multiplication."""
PER_OUTPUT = 38
PER_INPUT = 4
"""Instructions that pack one input of a window."""


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions of one group whose columns have no dilation, and whose results no clamp."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Conv2d) or op.groups != 1 or op.dilation[1] != 1:
        return None
    call = finished(portable.conv2d(request), request, op.clamp)
    if call is None:
        return None
    y = graph.types[node.output]
    w = graph.constants[node.inputs[1]].transpose(0, 2, 1, 3)
    weights = in_fours(w.reshape(len(w), -1))
    if least_side_by_side(weights) or (weights.size > w.size and not request.pads):
        return None
    params = dict(call.params)
    inplace, lines = call.inplace, call.scratch_bytes
    if params["direct"]:
        over = in_pixels(windows(request, op, (1, 1)), 1)
        inplace, lines = over.times(1) if over else None, 0
        params["direct"] = 1
    positions = y.size // len(w)
    quads = -(-positions // FOURS)
    work = quads * FOURS * (PER_MAC * weights.size + PER_OUTPUT * len(w))
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_quads_s8_armv6m.S", "src/ep_lines.c"),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        params=tuple(params.items()),
        constants=(
            Constant("weights", weights.view(np.int32).ravel(), "int32_t"),
            *call.constants[1:],
        ),
        scratch_bytes=8 * weights.shape[1] + lines,
        inplace=inplace,
        instructions=int(work) + PER_INPUT * positions * w[0].size,
    )


def finished(call: KernelCall | None, request: Request, clamp: Clamp | None) -> KernelCall | None:
    """The call if it is of a portable int8 kernel and every result is finished the short way.

    That is without a clamp, and with shifts that the zero point can be part of the rounding of.
    """
    if call is None or not call.function.endswith("_s8"):
        return None
    ends = int_clamp(clamp, request.graph.types[request.node.output])
    shift = call.constants[3].values
    return call if has_no_clamp(ends) and within(shift, QUICK_SHIFT, -1) else None


def in_fours(rows: Array) -> Array:
    """Rows of weights, each filled up with zeros to whole words."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % FOURS)))


def least_side_by_side(rows: Array) -> bool:
    """Whether two weights that are multiplied together are both -128: their sum may leave int16."""
    twos = rows.reshape(len(rows), -1, 2)
    return bool((twos == -128).all(axis=2).any())
