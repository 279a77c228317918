"""Convolutions by two multiplications an instruction: inputs of two positions in one word.

What a word of two inputs makes with a weight are two products of 16 bits. Those of four weights are
added before they are taken apart, wherever the weights prove that both sums have 16 bits; elsewhere
those of two.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.armv6m.conv import FOURS, in_fours, least_side_by_side
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_pixels
from edgeprune.kernels.portable import conv as portable
from edgeprune.kernels.portable._spell import QUICK_SHIFT, within
from edgeprune.kernels.portable._window import windows
from edgeprune.ops import Conv2d

FOLDER = "arch/riscv"
FUNCTION = "ep_conv2d_s8_riscv"
MOST = 255
"""Magnitudes of four weights together whose products with int8 add up in 16 bits."""
LONGEST_RUN = 255
"""Fours of a run: they are counted in a byte."""
PER_MAC = 2.05
"""Instructions a multiplication."""
PER_OUTPUT = 20
PER_INPUT = 4
"""Instructions that pack one input of a window."""


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions of one group, with no dilation of columns, that scale every channel down."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Conv2d) or op.groups != 1 or op.dilation[1] != 1:
        return None
    call = finished(portable.conv2d(request), "ep_conv2d_s8")
    if call is None:
        return None
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
    positions = graph.types[node.output].size // len(w)
    quads = -(-positions // FOURS)
    work = quads * FOURS * (PER_MAC * weights.size + PER_OUTPUT * len(w))
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_quads_s8_riscv.S", "src/ep_lines.c"),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        params=tuple(params.items()),
        constants=(
            Constant("weights", weights.ravel()),
            Constant("runs", runs_of(weights), "uint8_t"),
            *call.constants[1:],
        ),
        scratch_bytes=8 * weights.shape[1] + lines,
        inplace=inplace,
        instructions=int(work) + PER_INPUT * positions * w[0].size,
    )


def finished(call: KernelCall | None, function: str) -> KernelCall | None:
    """The call if it is of a portable kernel and every result is finished the short way.

    That is with shifts that the zero point can be part of the rounding of.
    """
    if call is None or call.function != function:
        return None
    return call if within(call.constants[3].values, QUICK_SHIFT, -1) else None


def runs_of(weights: Array) -> Array:
    """How many fours of each two channels are added up as such, between those that go by twos.

    Args:
        weights: (channels, weights of a channel, a multiple of four) int8.

    Returns:
        Flat uint8, as ``ep_quads_s8_riscv.h`` has them.
    """
    sums = np.abs(weights.astype(np.int32)).reshape(len(weights), -1, FOURS).sum(axis=2)
    found: list[int] = []
    for first in range(0, len(sums), 2):
        found.append(0)
        for more in (sums[first : first + 2] > MOST).any(axis=0):
            if more or found[-1] == LONGEST_RUN:
                found.append(0)
            else:
                found[-1] += 1
    return np.array(found, np.uint8)
