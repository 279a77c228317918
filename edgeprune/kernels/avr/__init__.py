"""int8 kernels for AVR: constants stay in flash, which its processor reads in a way of its own.

Kernels that are not here are the portable ones, whose constants start-up code copies to RAM.
"""

from __future__ import annotations

from dataclasses import replace

from edgeprune.ir import LinearOp
from edgeprune.kernels.call import Kernel, KernelCall, Request
from edgeprune.kernels.portable import activation, shape
from edgeprune.kernels.portable import conv as convolutions
from edgeprune.kernels.portable import dense as portable

LONGEST = 8191
"""Weights of a channel, of which 15 bits can count the bytes of four."""

TABLES = ("ep_table_s8", "ep_table_ends_s8")
FINISH = "arch/avr/ep_finish_s8_avr.c"
BLOCK, TAPS, LINES = "arch/avr/ep_block_avr.S", "arch/avr/ep_taps_avr.S", "src/ep_lines.c"


def dense(request: Request) -> KernelCall | None:
    """A dense layer in int8."""
    return _products(request, portable.dense(request), "ep_dense", BLOCK)


def conv2d(request: Request) -> KernelCall | None:
    """A convolution in int8."""
    return _products(request, convolutions.conv2d(request), "ep_conv2d", BLOCK, LINES)


def depthwise_conv2d(request: Request) -> KernelCall | None:
    """A depthwise convolution in int8."""
    call = convolutions.depthwise_conv2d(request)
    return _products(request, call, "ep_depthwise_conv2d", TAPS, LINES)


def _products(
    request: Request, call: KernelCall | None, family: str, *sources: str
) -> KernelCall | None:
    """Sums of products, of weights in flash or, where they are unpacked first, in RAM."""
    if call is None or call.function != f"{family}_s8":
        return None
    op, weights = request.node.op, request.graph.types[request.node.inputs[1]]
    assert isinstance(op, LinearOp)
    if weights.size // weights.shape[op.out_axis] > LONGEST:
        return None
    function = f"{family}_s8" if request.values is None else f"{family}_staged_s8"
    return _in_flash(call, function, FINISH, *sources)


def unary(request: Request) -> KernelCall | None:
    """Every function of one element that is a table in int8."""
    call = activation.unary(request)
    return _in_flash(call, call.function) if call and call.function in TABLES else None


def gather(request: Request) -> KernelCall | None:
    """Chosen elements in int8, by a bitmap."""
    call = shape.gather(request)
    bits = call is not None and call.function == "ep_gather_bits_s8"
    return _in_flash(call, call.function) if call and bits else None


def _in_flash(call: KernelCall, function: str, *sources: str) -> KernelCall:
    """The same call, of the function that reads its arrays from flash."""
    name = f"{function}_avr"
    return replace(
        call,
        function=name,
        sources=(f"arch/avr/{name}.c", *sources),
        headers=(f"arch/avr/{name}.h",),
        address_space="__flash",
        others=(),
    )


KERNELS: tuple[Kernel, ...] = (dense, conv2d, depthwise_conv2d, unary, gather)
"""In the order in which they are asked."""
