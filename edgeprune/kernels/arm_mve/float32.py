"""float32 on Helium, four channels of a convolution or four elements a vector."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.arm_dsp.float32 import float32
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable.arith import arith
from edgeprune.kernels.portable.conv import filters_of
from edgeprune.ops import Conv2d

FOLDER = "arch/arm_mve"
FUNCTION = "ep_conv2d_f32_arm_mve"
BLOCK = 4
"""Channels of a vector."""
PIXELS = 7
"""What shares the loads of weights."""
PER_MAC = 0.33
"""Instructions a multiplication."""
PER_OUTPUT = 2
PER_INPUT = 1
"""Of each pixel's window, that is put beside those of others."""
PER_PIXEL = 60
PER_ELEMENT = 1.8
"""Of a sum or a product."""
ROWS = {"ep_add_f32", "ep_mul_f32"}
"""Portable kernels whose rows have a Helium form."""


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions of any kind, in float32."""
    op, graph, node = request.node.op, request.graph, request.node
    call = float32(request) if isinstance(op, Conv2d) else None
    if call is None or not isinstance(op, Conv2d):
        return None
    w, y = graph.constants[node.inputs[1]], graph.types[node.output]
    windows = prod(y.shape[:2]) * op.groups
    work = PER_MAC * graph.macs_of(node) + PER_OUTPUT * y.size
    return replace(
        call,
        function=FUNCTION,
        sources=(
            f"{FOLDER}/{FUNCTION}.c",
            f"{FOLDER}/ep_interleave_f32_arm_mve.S",
            f"{FOLDER}/ep_tile_f32_arm_mve.S",
        ),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        constants=(
            Constant("weights", filters_of(w, op.groups, in_fours), "float"),
            call.constants[1],
        ),
        scratch_bytes=4 * PIXELS * w[0].size,
        instructions=int(work + windows * (PER_INPUT * w[0].size + PER_PIXEL)),
    )


def by_rows(request: Request) -> KernelCall | None:
    """Sums and products in float32."""
    call = arith(request) if request.fpu else None
    if call is None or call.function not in ROWS:
        return None
    function = f"{call.function}_arm_mve"
    return replace(
        call,
        function=function,
        sources=(f"{FOLDER}/{function}.c", f"{FOLDER}/ep_rows_f32_arm_mve.S"),
        headers=(f"{FOLDER}/{function}.h",),
        instructions=int(PER_ELEMENT * request.graph.types[request.node.output].size),
    )


def in_fours(rows: Array) -> Array:
    """Rows of weights in blocks of four, the last one of what is left, as the kernel reads them.

    Args:
        rows: (channels, weights per channel).

    Returns:
        Flat: each block as [weight][channel].
    """
    return np.concatenate([rows[k : k + BLOCK].T.ravel() for k in range(0, len(rows), BLOCK)])
