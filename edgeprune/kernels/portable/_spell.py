"""What the families share: a call with its files, clamps, rescale constants, storage orders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from edgeprune.ir import Array, DType, Over, QuantParams, TensorType
from edgeprune.ir.fixedpoint import (
    QMAX,
    QMIN,
    clamp_range,
    quantize_multipliers,
    reduced_multipliers,
)
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.ops._clamp import Clamp

BLOCK = 4
"""Output channels that lie side by side: EP_BLOCK of ``ep_common.h``."""

SINGLE = 2.5
"""Times that a multiplication outside of blocks is slower."""

QUICK_SHIFT = -22
"""Smallest shift with which the output's zero point can be part of what is added for rounding."""

WIDE_SHIFTS = (17, 47)
"""What the rounded high word of an int32 times a multiplier of 16 bits can stand for."""

NO_SCRATCH = 4
"""Bytes of scratch where a call has the argument but no use for it."""

FLOAT_MAX = 3.4028234663852886e38

C_TYPE = {
    DType.FLOAT32: "float", DType.INT8: "int8_t", DType.INT16: "int16_t", DType.INT32: "int32_t",
}  # fmt: skip
SUFFIX = {DType.FLOAT32: "f32", DType.INT8: "s8", DType.INT16: "s16", DType.INT32: "s32"}


_TYPES = re.compile(r"(?:_(?:f32|s8|s16|s32))+$")


def header(kernel: str) -> str:
    """The header of a kernel: one for all element types."""
    return f"{_TYPES.sub('', kernel)}.h"


def spell(
    kernel: str,
    params: Mapping[str, int | float | str],
    inputs: Sequence[str],
    constants: Sequence[Constant] = (),
    *,
    shared: Sequence[str] = (),
    family: str | None = None,
    scratch_bytes: int = 0,
    inplace: Over | None = None,
    instructions: int = 0,
) -> KernelCall:
    """The call of a kernel that lies in ``src/<kernel>.c``; ``shared`` lie there as well.

    ``family`` names what has the kernel's parameters and is declared beside it, where the kernel
    has none of its own.
    """
    return KernelCall(
        function=kernel,
        sources=tuple(f"src/{name}.c" for name in (kernel, *shared)),
        headers=(f"include/{header(family or kernel)}",),
        params_type=f"{family or kernel}_params",
        params=tuple(params.items()),
        constants=tuple(constants),
        inputs=tuple(inputs),
        scratch_bytes=scratch_bytes,
        inplace=inplace,
        instructions=instructions,
    )


def dtypes(request: Request) -> tuple[DType, ...]:
    """Element types of the operands and, last, of the result."""
    types = request.graph.types_of(request.node)
    return (*(t.dtype for t in types), request.graph.types[request.node.output].dtype)


def all_are(request: Request, dtype: DType) -> bool:
    """Whether operands and result have one element type."""
    return set(dtypes(request)) == {dtype}


def moves(request: Request) -> bool:
    """Whether operand and result have one type and one scale, so that elements are only moved."""
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output]
    return x.dtype is y.dtype and x.quant == y.quant and x.dtype in C_TYPE


def integers(request: Request) -> DType | None:
    """The integer type that operands and result share: int8 or int16; None: there is none."""
    found = set(dtypes(request))
    return found.pop() if found in ({DType.INT8}, {DType.INT16}) else None


def quant(t: TensorType) -> QuantParams:
    """The quantisation of an integer value."""
    assert t.quant is not None, t
    return t.quant


def zero_of(t: TensorType) -> int:
    """The zero point of a value quantised as a whole."""
    return quant(t).scalar[1]


def int_clamp(clamp: Clamp | None, y: TensorType) -> dict[str, int]:
    """The fused clamp in the result's integers, as parameters."""
    low, high = clamp or (-np.inf, np.inf)
    ends = np.iinfo(y.dtype.numpy)
    limits = (int(ends.min), int(ends.max))
    bottom, top = clamp_range(low, high, quant(y), limits)
    return {"act_min": min(bottom, limits[1]), "act_max": max(top, limits[0])}


def has_no_clamp(ends: Mapping[str, int]) -> bool:
    """Whether what :func:`int_clamp` gave is the range of int8 itself."""
    return (ends["act_min"], ends["act_max"]) == (QMIN, QMAX)


def within(values: Array, low: int, high: int) -> bool:
    """Whether all values lie in a range, its ends included."""
    return bool(((values >= low) & (values <= high)).all())


def float_clamp(clamp: Clamp | None) -> dict[str, float]:
    """The fused clamp in float, as parameters; what is not bounded is bounded by float itself."""
    low, high = clamp or (-np.inf, np.inf)
    return {"act_min": max(low, -FLOAT_MAX), "act_max": min(high, FLOAT_MAX)}


def in_blocks(w: Array) -> Array:
    """Rows of weights in the order of ``EP_BLOCK``.

    Args:
        w: (channels, weights per channel).

    Returns:
        Flat: whole blocks as [weight][channel], then the channels that are left one by one.
    """
    whole = len(w) - len(w) % BLOCK
    blocks = w[:whole].reshape(whole // BLOCK, BLOCK, w.shape[1]).transpose(0, 2, 1)
    return np.concatenate([blocks.ravel(), w[whole:].ravel()])


def in_twos(w: Array, piece: int) -> Array:
    """Rows of weights in the order of ``ep_tile.h``.

    Args:
        w: (channels, weights per channel).
        piece: weights that lie together; the last of an odd number of them is alone.

    Returns:
        Flat: blocks of channels, then the channels that are left one by one.
    """
    whole, even = len(w) - len(w) % BLOCK, piece - piece % 2
    size = (whole // BLOCK, w.shape[1] // piece)  # blocks, pieces
    blocks = w[:whole].reshape(size[0], BLOCK, size[1], piece).transpose(0, 2, 3, 1)
    twos = blocks[:, :, :even].reshape(*size, even // 2, 2, 2, 2).swapaxes(3, 4)
    packed = np.concatenate(
        [
            twos.reshape(*size, even * BLOCK),
            blocks[:, :, even:].reshape(*size, (piece - even) * BLOCK),
        ],
        axis=2,
    )
    return np.concatenate([packed.ravel(), w[whole:].ravel()])


def rescale_constants(real: Array, reach: Array) -> tuple[Constant, Constant]:
    """Multiplier and shift of every channel, rounded twice, as ``ep_finish_s8`` takes them.

    Args:
        real: accumulator scale over output scale, one or one a channel.
        reach: the largest magnitude of every channel's accumulator.
    """
    mult, shift = quantize_multipliers(np.broadcast_to(np.asarray(real, np.float64), reach.shape))
    quick = (shift >= QUICK_SHIFT) & (shift < 0)
    return multiplier_constants(mult, np.where(quick & (reach >= 2**30), shift - 64, shift))


def wide_constants(real: Array, channels: int) -> tuple[Constant, Constant]:
    """16-bit multiplier and right shift of every channel, as ``ep_finish_s16`` takes them."""
    mult, shift = quantize_multipliers(np.broadcast_to(np.asarray(real, np.float64), channels))
    return multiplier_constants(*reduced_multipliers(mult, shift))


def in_block_macs(macs: int, channels: int) -> float:
    """Multiplications, those of channels that fill no block counted as often as they are slower.

    Args:
        macs: of the layer.
        channels: of a group.
    """
    left = channels % BLOCK
    return macs * (1 + (SINGLE - 1) * left / channels if left else 1)


def multiplier_constants(mult: Array, shift: Array) -> tuple[Constant, Constant]:
    """Multipliers and shifts as arrays."""
    return (
        Constant("mult", np.asarray(mult, np.int32), "int32_t", of_weights=0),
        Constant("shift", np.asarray(shift, np.int8), "int8_t", of_weights=0),
    )


def wrap32(values: Array) -> Array:
    """Integers modulo 2^32, as int32: how accumulators add up in C."""
    return ((values.astype(np.int64) + 2**31) % 2**32 - 2**31).astype(np.int32)
