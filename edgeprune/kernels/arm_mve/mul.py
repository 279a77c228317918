"""int8 products of two operands, each whole or one row that is repeated."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.kernels.arm_mve.rest import rest
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable.arith import arith, operands

FOLDER = "arch/arm_mve"
NAME = "ep_mul_rows_s8_arm_mve"
LANES = 4


def mul(request: Request) -> KernelCall | None:
    """Products that are rescaled by less than one half."""
    call = arith(request)
    if call is None or call.function != "ep_mul_s8":
        return None
    o = operands(request)
    assert o is not None, "the portable call has them"
    params = {k: int(v) for k, v in call.params if k != "shape"}
    y = request.graph.types[request.node.output]
    length = min(t.size for t in o.types)
    if params["shift"] >= 0 or not all(_is_row(t.shape, y.shape) for t in o.types):
        return None
    general = rest(request)
    rows, fours = y.size // length, -(-length // LANES)
    on = length - LANES * fours  # to what follows in memory
    steps = [on if t.size == y.size else on - length for t in o.types]
    return replace(
        call,
        function=NAME,
        sources=(f"{FOLDER}/{NAME}.S",),
        headers=(f"{FOLDER}/{NAME}.h",),
        params_type=f"{NAME}_params",
        params=(
            ("a_minus", -params["a_zero"]),
            ("b_minus", -params["b_zero"]),
            ("mult", params["mult"]),
            ("shift", params["shift"]),
            ("y_zero", params["y_zero"]),
            ("y_next", on),
            ("length", length),
            ("a_next", steps[0]),
            ("b_next", steps[1]),
            ("act_min", params["act_min"]),
            ("act_max", params["act_max"]),
            ("rows", rows),
        ),
        instructions=20 + rows * (8 + 12 * fours),
        others=(general,) if general else (),  # quicker for rows of one or two elements
    )


def _is_row(shape: tuple[int, ...], of: tuple[int, ...]) -> bool:
    """Whether an operand is what the last axes have at every index of the others."""
    while shape[:1] == (1,):
        shape = shape[1:]
    return shape == of[len(of) - len(shape) :]
