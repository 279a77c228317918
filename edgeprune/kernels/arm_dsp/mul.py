"""int8 products of two activations, or of one and a constant."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.kernels.arm_dsp._pair import FOLDER, of_pair
from edgeprune.kernels.arm_dsp._tiles import Piece
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable._spell import QUICK_SHIFT
from edgeprune.kernels.portable.arith import arith


def mul(request: Request) -> KernelCall | None:
    """Products that are rescaled by less than one."""
    call = arith(request)
    if call is None or call.function != "ep_mul_s8":
        return None
    params = {k: int(v) for k, v in call.params if k != "shape"}
    if not QUICK_SHIFT <= params["shift"] < 0:
        return None
    clamps = (params["act_min"], params["act_max"]) != (-128, 127)
    size = request.graph.types[request.node.output].size
    shared = replace(
        call,
        function="ep_mul_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_mul_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_mul_s8_arm_dsp.h",),
        instructions=(22 if clamps else 15) * size,
    )
    types = request.graph.types_of(request.node)
    if len(call.inputs) < 2 or types[0].shape != types[1].shape:
        return shared
    return replace(_fours(call.inputs, size, params), others=(shared,))


def _fours(inputs: tuple[str, ...], size: int, params: dict[str, int]) -> KernelCall:
    """A product of so many elements, with the constants in the code."""
    right, low, high = -params["shift"], params["act_min"], params["act_max"]
    rounding = (2 * params["y_zero"] + 1) << (right - 1)
    zeros = params["a_zero"], params["b_zero"]
    piece = Piece("mul_fours", (size, *zeros, params["mult"], rounding, right, low, high))
    limits = 3 * (int(low > -128) + int(high < 127))
    four, one = 32 + 4 * limits, 13 + limits
    return of_pair(
        piece,
        "ep_mul_fours_s8_arm_dsp",
        inputs,
        instructions=size // 4 * four + size % 4 * one + 30,
        code_bytes=4 * (four * (size >= 4) + one * (size % 4 > 0)) + 50,
    )
