"""Convolutions by two multiplications an instruction: inputs of two positions in one word.

What a word of two inputs makes with a weight are two products of 16 bits. Those of four weights are
added before they are taken apart, wherever the weights prove that both sums have 16 bits; elsewhere
those of two.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable import conv as portable
from edgeprune.kernels.portable._quads import FOURS, Work, is_packed, packed
from edgeprune.kernels.portable._spell import QUICK_SHIFT, within

FOLDER = "arch/riscv"
FUNCTION = "ep_conv2d_s8_riscv"
MOST = 255
"""Magnitudes of some weights together whose products with int8 add up in 16 bits."""
LONGEST_RUN = 255
"""Pieces of a run: they are counted in a byte."""
SHARING = 2
"""Channels that share the loads of inputs."""
WORK = Work(mac=2.05, output=20, packed=4)


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions of one group, with no dilation of columns, that scale every channel down."""
    if not is_packed(request.node.op):
        return None
    call = finished(portable.conv2d(request), "ep_conv2d_s8")
    made = packed(request, call, WORK) if call else None
    if made is None:
        return None
    call, weights = made
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_quads_s8_riscv.S", "src/ep_lines.c"),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        constants=(
            Constant("weights", weights.ravel()),
            Constant("runs", runs_of(weights), "uint8_t"),
            *call.constants[1:],
        ),
    )


def finished(call: KernelCall | None, function: str) -> KernelCall | None:
    """The call if it is of a portable kernel and every result is finished the short way.

    That is with shifts that the zero point can be part of the rounding of.
    """
    if call is None or call.function != function:
        return None
    return call if within(call.constants[3].values, QUICK_SHIFT, -1) else None


def runs_of(weights: Array, piece: int = FOURS, sharing: int = SHARING) -> Array:
    """How many pieces of some channels each are added up as such, between those that go by twos.

    Args:
        weights: (channels, weights of a channel, a multiple of the piece) int8.
        piece: weights of a channel that are added up.
        sharing: channels that go alike.

    Returns:
        Flat uint8, as ``ep_quads_s8_riscv.h`` and ``ep_eights_s8_riscv.h`` have them.
    """
    sums = np.abs(weights.astype(np.int32)).reshape(len(weights), -1, piece).sum(axis=2)
    found: list[int] = []
    for first in range(0, len(sums), sharing):
        found.append(0)
        for more in (sums[first : first + sharing] > MOST).any(axis=0):
            if more or found[-1] == LONGEST_RUN:
                found.append(0)
            else:
                found[-1] += 1
    return np.array(found, np.uint8)
