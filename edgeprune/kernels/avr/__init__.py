"""int8 kernels for AVR: constants stay in flash, which its processor reads in a way of its own.

Kernels that are not here are the portable ones, whose constants start-up code copies to RAM.
"""

from __future__ import annotations

from dataclasses import replace

from edgeprune.kernels.call import Kernel, KernelCall, Request
from edgeprune.kernels.portable import activation, shape
from edgeprune.kernels.portable import dense as portable

LONGEST = 8191
"""Inputs of a block of weights whose bytes 15 bits can count."""

TABLES = ("ep_table_s8", "ep_table_ends_s8")


def dense(request: Request) -> KernelCall | None:
    """A dense layer in int8."""
    call = portable.dense(request)
    if call is None or call.function != "ep_dense_s8":
        return None
    limits = dict(call.params)
    if int(limits["in_len"]) > LONGEST:
        return None
    return _in_flash(call, "ep_dense_s8" if request.values is None else "ep_dense_staged_s8")


def unary(request: Request) -> KernelCall | None:
    """Every function of one element that is a table in int8."""
    call = activation.unary(request)
    return _in_flash(call, call.function) if call and call.function in TABLES else None


def gather(request: Request) -> KernelCall | None:
    """Chosen elements in int8, by a bitmap."""
    call = shape.gather(request)
    bits = call is not None and call.function == "ep_gather_bits_s8"
    return _in_flash(call, call.function) if call and bits else None


def _in_flash(call: KernelCall, function: str) -> KernelCall:
    """The same call, of the function that reads its arrays from flash."""
    name = f"{function}_avr"
    return replace(
        call,
        function=name,
        sources=(f"arch/avr/{name}.c",),
        headers=(f"arch/avr/{name}.h",),
        address_space="__flash",
        others=(),
    )


KERNELS: tuple[Kernel, ...] = (dense, unary, gather)
"""In the order in which they are asked."""
