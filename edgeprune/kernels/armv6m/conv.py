"""Convolutions by two multiplications an instruction: inputs of two positions in one word.

What a word of two inputs makes with a weight are two products of 16 bits; those of two weights can
be added before they are taken apart. One load of four weights serves four positions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable import conv as portable
from edgeprune.kernels.portable._quads import Work, is_packed, packed
from edgeprune.kernels.portable._spell import QUICK_SHIFT, has_no_clamp, int_clamp, within
from edgeprune.ops import Conv2d
from edgeprune.ops._clamp import Clamp

FOLDER = "arch/armv6m"
FUNCTION = "ep_conv2d_s8_armv6m"
WORK = Work(mac=2.4, output=38, packed=4)


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions of one group whose columns have no dilation, and whose results no clamp."""
    op = request.node.op
    if not isinstance(op, Conv2d) or not is_packed(op):
        return None
    call = finished(portable.conv2d(request), request, op.clamp)
    made = packed(request, call, WORK) if call else None
    if made is None:
        return None
    call, weights = made
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_quads_s8_armv6m.S", "src/ep_lines.c"),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        constants=(
            Constant("weights", weights.view(np.int32).ravel(), "int32_t"),
            *call.constants[1:],
        ),
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
