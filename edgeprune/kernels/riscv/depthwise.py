"""Depthwise convolutions: four channels at up to four positions share the loads of weights."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable import conv as portable
from edgeprune.kernels.portable._spell import BLOCK
from edgeprune.kernels.riscv.conv import FOLDER, finished
from edgeprune.ops import DepthwiseConv2d

FUNCTION = "ep_depthwise_conv2d_s8_riscv"
PER_TAP = 4
"""Instructions of a multiplication."""
PER_OUTPUT = 20


def depthwise_conv2d(request: Request) -> KernelCall | None:
    """Depthwise convolutions of one filter a channel, in whole blocks, no dilation of columns."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, DepthwiseConv2d) or op.dilation[1] != 1:
        return None
    call = finished(portable.depthwise_conv2d(request), "ep_depthwise_conv2d_s8")
    y = graph.types[node.output]
    if call is None or dict(call.params)["multiplier"] != 1 or y.shape[-1] % BLOCK:
        return None
    taps = graph.constants[node.inputs[1]][..., 0].size
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_taps_run_s8_riscv.S", "src/ep_lines.c"),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        instructions=y.size * (PER_TAP * taps + PER_OUTPUT),
    )
