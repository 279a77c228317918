"""int8 products of two activations, or of one and a constant."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable._spell import QUICK_SHIFT
from edgeprune.kernels.portable.arith import arith

FOLDER = "arch/arm_dsp"


def mul(request: Request) -> KernelCall | None:
    """Products that are rescaled by less than one."""
    call = arith(request)
    if call is None or call.function != "ep_mul_s8":
        return None
    params = dict(call.params)
    if not QUICK_SHIFT <= int(params["shift"]) < 0:
        return None
    clamps = (params["act_min"], params["act_max"]) != (-128, 127)
    size = request.graph.types[request.node.output].size
    return replace(
        call,
        function="ep_mul_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_mul_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_mul_s8_arm_dsp.h",),
        instructions=(22 if clamps else 15) * size,
    )
