"""int8 operators whose Helium kernels take the parameters of the portable ones."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.ir import DType
from edgeprune.kernels.call import Kernel, KernelCall, Request
from edgeprune.kernels.portable import activation, arith, pool, requant, softmax

FOLDER = "arch/arm_mve"

LANES = {
    "ep_max_pool2d_s8": 16,
    "ep_avg_pool2d_s8": 8,
    "ep_mean_s8": 8,
    "ep_mul_s8": 4,
    "ep_add_s8": 4,
    "ep_table_s8": 16,
    "ep_requantize_s8": 4,
    "ep_softmax_s8": 4,
    "ep_softmax_table_s8": 4,
}
"""Elements of a vector, by the portable kernel that has a Helium form."""

NAMES = {"ep_add_s8": "ep_add_any_s8_arm_mve"}
"""Kernels whose Helium form is not called after them."""

FAMILIES: tuple[Kernel, ...] = (
    pool.pool2d,
    pool.mean,
    arith.arith,
    activation.unary,
    requant.convert,
    softmax.softmax,
)


def rest(request: Request) -> KernelCall | None:
    """The portable call, made to the Helium form of its kernel."""
    graph, node = request.graph, request.node
    types = (*graph.types_of(node), graph.types[node.output])
    if any(t.dtype is not DType.INT8 for t in types):
        return None
    call = next(filter(None, (family(request) for family in FAMILIES)), None)
    found = [_helium(c) for c in (call, *call.others) if c.function in LANES] if call else []
    return replace(found[0], others=tuple(found[1:])) if found else None


def _helium(call: KernelCall) -> KernelCall:
    function = NAMES.get(call.function, f"{call.function}_arm_mve")
    return replace(
        call,
        function=function,
        sources=(f"{FOLDER}/{function}.c",),
        headers=(f"{FOLDER}/{function}.h",),
        instructions=call.instructions // LANES[call.function],
        others=(),
    )
