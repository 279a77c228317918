"""Calls of code that is made for two activations of one shape, with the constants in it."""

from __future__ import annotations

from edgeprune.ir import Over
from edgeprune.kernels.arm_dsp._tiles import Piece
from edgeprune.kernels.call import KernelCall

FOLDER = "arch/arm_dsp"


def of_pair(
    piece: Piece, header: str, inputs: tuple[str, ...], *, instructions: int, code_bytes: int
) -> KernelCall:
    """Element by element, so the result may lie over either.

    Args:
        piece: what is made.
        header: the stem of the file that has its macro.
        inputs: the two operands.
        instructions: estimated, of all elements.
        code_bytes: estimated.
    """
    return KernelCall(
        function=piece.name,
        sources=(),
        headers=(f"{FOLDER}/{header}.h",),
        params_type="",
        params=(),
        constants=(),
        inputs=inputs,
        inplace=Over(),
        instance=piece.instance,
        instructions=instructions,
        code_bytes=code_bytes,
    )
