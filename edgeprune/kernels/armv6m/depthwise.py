"""Depthwise convolutions: every weight is loaded once for up to five positions."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.kernels.armv6m.conv import FOLDER, finished
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable import conv as portable
from edgeprune.ops import DepthwiseConv2d

FUNCTION = "ep_depthwise_conv2d_s8_armv6m"
MOST = 5
"""Positions of a run: ``EP_RUN_MOST``."""
PER_TAP = 4
"""Instructions of a tap, for each position, and for each run beside."""
PER_OUTPUT = 40
PER_RUN = 60


def depthwise_conv2d(request: Request) -> KernelCall | None:
    """Depthwise convolutions of one filter a channel, no dilation of columns and no clamp."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, DepthwiseConv2d) or op.dilation[1] != 1:
        return None
    call = finished(portable.depthwise_conv2d(request), request, op.clamp)
    if call is None or dict(call.params)["multiplier"] != 1:
        return None
    w = graph.constants[node.inputs[1]]
    y = graph.types[node.output]
    taps, runs = w[..., 0].size, y.size // y.shape[1] * -(-y.shape[1] // MOST)
    work = y.size * (PER_TAP * taps + PER_OUTPUT) + runs * (PER_TAP * taps + PER_RUN)
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_taps_run_s8_armv6m.S", "src/ep_lines.c"),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        constants=(Constant("weights", w.transpose(2, 1, 0).ravel()), *call.constants[1:]),
        instructions=work,
    )
