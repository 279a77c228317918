"""float32 convolutions on Helium, four pixels a vector."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.arm_dsp.float32 import STRIP, float32, strip_bytes
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable.conv import filters_of
from edgeprune.ops import Conv2d

FOLDER = "arch/arm_mve"
FUNCTION = "ep_conv2d_f32_arm_mve"
SIX, FOUR = 6, 4
"""Channels of a block."""
PER_MAC = 0.37
"""Instructions a multiplication."""
PER_OUTPUT = 6
PER_INPUT = 4
"""Of each pixel's window, that lie side by side with those of three others."""


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions of any kind, in float32."""
    op, graph, node = request.node.op, request.graph, request.node
    call = float32(request) if isinstance(op, Conv2d) else None
    if call is None or not isinstance(op, Conv2d):
        return None
    w, y = graph.constants[node.inputs[1]], graph.types[node.output]
    gathered = prod(y.shape[:2]) * w[0].size * op.groups
    work = PER_MAC * graph.macs_of(node) + PER_OUTPUT * y.size + PER_INPUT * gathered
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_tile_f32_arm_mve.S", STRIP),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        constants=(
            Constant("weights", filters_of(w, op.groups, in_sixes), "float"),
            call.constants[1],
        ),
        scratch_bytes=strip_bytes(w),
        instructions=int(work),
    )


def in_sixes(rows: Array) -> Array:
    """Rows of weights in blocks of six, then of four, then one by one, as the kernel reads them.

    Args:
        rows: (channels, weights per channel).

    Returns:
        Flat: each block as [weight][channel].
    """
    channels = len(rows)
    sixes = SIX * (channels // SIX - (channels >= SIX and channels % SIX in (2, 3)))
    fours = sixes + (channels - sixes) // FOUR * FOUR
    ends = [*range(0, sixes, SIX), *range(sixes, fours, FOUR), *range(fours, channels + 1)]
    return np.concatenate([rows[a:b].T.ravel() for a, b in pairwise(ends)])
