"""Convolutions: dense ones as products of gathered columns, depthwise ones in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, Over, TensorType
from edgeprune.ir.fixedpoint import effective_scales
from edgeprune.kernels.accumulators import (
    accumulator_range,
    require_int32,
    require_int32_sums,
)
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import UNCOPIED, in_lines, in_pixels
from edgeprune.kernels.portable._spell import (
    NO_SCRATCH,
    QUICK_SHIFT,
    SUFFIX,
    WIDE_SHIFTS,
    dtypes,
    float_clamp,
    has_no_clamp,
    in_block_macs,
    in_blocks,
    in_twos,
    int_clamp,
    quant,
    rescale_constants,
    spell,
    wide_constants,
    within,
    wrap32,
    zero_of,
)
from edgeprune.kernels.portable._window import flat_window, line_bytes, window, windows
from edgeprune.kernels.portable.plain import plain_convolutions
from edgeprune.ops import Conv2d, ConvTranspose2d, DepthwiseConv2d
from edgeprune.ops._clamp import Clamp

FLOAT = (DType.FLOAT32,) * 4
INT8 = (DType.INT8, DType.INT8, DType.INT32, DType.INT8)
INT16 = (DType.INT16, DType.INT8, DType.INT64, DType.INT16)
SHARED = ("ep_finish_s8", "ep_lines")
COLUMNS = 2
"""Positions that share the loads of the weights."""
COPIED = 2
"""``EP_COPIED`` of ``ep_conv2d.h``."""
COPY_PAYS = 32
"""Output channels from which on it is cheap to copy inputs, so that results may lie over them."""


def conv2d(request: Request) -> KernelCall | None:
    """A convolution of any stride, dilation, padding and number of groups.

    In float32, int8, or int16 with weights of eight bits.
    """
    op = request.node.op
    if not isinstance(op, Conv2d):
        return None
    if dtypes(request) == FLOAT:
        return _conv_f32(request, op)
    if dtypes(request) == INT8:
        return replace(_conv_s8(request, op), others=plain_convolutions(request))
    if dtypes(request) == INT16:
        return _conv_s16(request, op)
    return None


def filters_of(w: Array, groups: int, order: Callable[[Array], Array] = in_blocks) -> Array:
    """Weights (o, ...), the filters of each group in blocks or another order, flat."""
    rows = w.reshape(groups, w.shape[0] // groups, -1)
    return np.concatenate([order(group) for group in rows])


def _work(request: Request, per_mac: float, per_output: int, groups: int = 1) -> int:
    """Estimated instructions."""
    y = request.graph.types[request.node.output]
    channels = y.shape[-1] // groups
    macs = in_block_macs(request.graph.macs_of(request.node), channels)
    return int(per_mac * macs) + per_output * y.size


def _conv_f32(request: Request, op: Conv2d) -> KernelCall:
    graph, node = request.graph, request.node
    w = graph.constants[node.inputs[1]]
    over = in_pixels(windows(request, op, w.shape[1:3], op.groups), 1)
    return spell(
        "ep_conv2d_f32",
        {"window": window(request, op, w.shape[1:3]), "groups": op.groups, **float_clamp(op.clamp)},
        node.inputs[:1],
        (
            Constant("weights", filters_of(w, op.groups), "float"),
            Constant("bias", graph.constants[node.inputs[2]], "float"),
        ),
        scratch_bytes=COLUMNS * 4 * int(np.prod(w.shape[1:])),
        inplace=over.times(4) if over else None,
        instructions=_work(request, 2.6, 25, op.groups),
    )


@dataclass(frozen=True)
class _Access:
    """How a convolution reads its input.

    Attributes:
        window: initialiser of an ``ep_window``.
        direct: 0: in lines; 1: in the image itself; ``COPIED``.
        scratch_bytes: for lines or copies.
        inplace: as of a call.
    """

    window: str
    direct: int
    scratch_bytes: int
    inplace: Over | None


def _access(request: Request, op: Conv2d) -> _Access:
    graph, node = request.graph, request.node
    x, w, _ = graph.types_of(node)
    y = graph.types[node.output]
    kernel = w.shape[1:3]
    seen = windows(request, op, kernel, op.groups)
    if kernel != (1, 1) or op.padding.any:
        over = in_lines(seen, held=op.dilation[0] == 1)
        bytes_ = line_bytes(request, op, kernel) // op.groups
        inplace = over.times(x.dtype.numpy.itemsize) if over else None
        return _Access(window(request, op, kernel), 0, bytes_, inplace)
    # Pixels that do not see each other may as well lie in one row.
    flat = flat_window(x.size // x.shape[2], x.shape[2], y.shape[2])
    place = flat if op.stride == (1, 1) else window(request, op, kernel)
    copies = y.shape[2] // op.groups >= COPY_PAYS
    over = in_pixels(seen, 1, late=0 if copies else UNCOPIED)
    inplace = over.times(x.dtype.numpy.itemsize) if over else None
    if not copies or over is None:
        return _Access(place, 1, NO_SCRATCH, inplace)
    pixel = x.shape[2] // op.groups * x.dtype.numpy.itemsize
    return _Access(place, COPIED, COLUMNS * pixel, inplace)


def _conv_s8(request: Request, op: Conv2d) -> KernelCall:
    graph, node = request.graph, request.node
    x, weight_type, _ = graph.types_of(node)
    y = graph.types[node.output]
    w = graph.constants[node.inputs[1]]
    rows = w.reshape(len(w), -1)
    bias = graph.constants[node.inputs[2]].astype(np.int64)
    reach = _reach(request, rows, bias)
    access = _access(request, op)
    scales = effective_scales(quant(x), quant(weight_type), quant(y))
    folded = bias - zero_of(x) * rows.sum(axis=1, dtype=np.int64)
    mult, shift = rescale_constants(scales, reach)
    return spell(
        "ep_conv2d_s8",
        {
            "window": access.window,
            "groups": op.groups,
            "direct": access.direct,
            "pitch": request.pitch,
            "x_zero": zero_of(x),
            "output": _output(op.clamp, y, shift.values),
        },
        node.inputs[:1],
        (
            Constant("weights", filters_of(w.transpose(0, 2, 1, 3), op.groups), "int8_t"),
            Constant("bias", wrap32(folded), "int32_t"),
            mult,
            shift,
        ),
        shared=(*SHARED, "ep_tile_s8", "ep_tile_strip_s8"),
        scratch_bytes=access.scratch_bytes,
        inplace=access.inplace,
        instructions=_work(request, 2.0, 25, op.groups),
    )


def _conv_s16(request: Request, op: Conv2d) -> KernelCall:
    graph, node = request.graph, request.node
    x, weight_type, _ = graph.types_of(node)
    y = graph.types[node.output]
    w = graph.constants[node.inputs[1]]
    _require_s16(request, w.reshape(len(w), -1))
    access = _access(request, op)
    bias = graph.constants[node.inputs[2]].astype(np.int64)
    scales = effective_scales(quant(x), quant(weight_type), quant(y))
    mult, shift = wide_constants(scales, len(w))
    sums = np.abs(w.astype(np.int64)).reshape(len(w), -1).sum(axis=1) << 15
    quick = within(shift.values, *WIDE_SHIFTS) and bool((np.abs(bias) + sums < 2**31).all())
    columns = w.transpose(0, 2, 1, 3)
    piece = w[0].size if op.dilation[1] == 1 else columns[0, 0].size
    return spell(
        "ep_conv2d_s16",
        {
            "window": access.window,
            "groups": op.groups,
            "direct": access.direct,
            "pitch": request.pitch,
            "x_zero": 0,
            "output": _output(op.clamp, y, quick=quick),
        },
        node.inputs[:1],
        (
            Constant(
                "weights", filters_of(columns, op.groups, partial(in_twos, piece=piece)), "int8_t"
            ),
            Constant("bias", bias, "int64_t"),
            mult,
            shift,
        ),
        shared=("ep_finish_s16", "ep_lines", "ep_tile_s16"),
        scratch_bytes=access.scratch_bytes,
        inplace=access.inplace,
        instructions=_work(request, 2.2, 60, op.groups),
    )


def _depthwise_s16(request: Request, op: DepthwiseConv2d) -> KernelCall:
    graph, node = request.graph, request.node
    x, weight_type, _ = graph.types_of(node)
    y = graph.types[node.output]
    w = graph.constants[node.inputs[1]]
    _require_s16(request, w.reshape(-1, w.shape[2]).T)
    scales = effective_scales(quant(x), quant(weight_type), quant(y))
    ends = int_clamp(op.clamp, y)
    return spell(
        "ep_depthwise_conv2d_s16",
        {
            "window": window(request, op, w.shape[:2]),
            "multiplier": w.shape[2] // x.shape[2],
            "low": ends["act_min"],
            "high": ends["act_max"],
        },
        node.inputs[:1],
        (
            Constant("weights", w, "int8_t"),
            Constant("bias", graph.constants[node.inputs[2]].astype(np.int64), "int64_t"),
            *wide_constants(scales, w.shape[2]),
        ),
        shared=("ep_finish_s16",),
        instructions=_work(request, 8.0, 80),
    )


def _require_s16(request: Request, rows: Array) -> None:
    """Sums that int32 holds, and zero points of 0, as the specification of int16 has them."""
    x, y = request.graph.types_of(request.node)[0], request.graph.types[request.node.output]
    require_int32_sums(request.node.name, rows)
    if zero_of(x) or zero_of(y):
        raise UnsupportedError(request.node.name, "int16 values with a zero point other than 0")


def _output(
    clamp: Clamp | None, y: TensorType, shift: Array | None = None, *, quick: bool = False
) -> str:
    """The initialiser of an ``ep_output_s8``; shift as ``ep_finish_s8`` takes it, if it does."""
    ends = int_clamp(clamp, y)
    if shift is not None:
        quick = has_no_clamp(ends) and within(shift, QUICK_SHIFT, -1)
    low, high = ends.values()
    return f"{{{zero_of(y)}, {low}, {high}, {int(quick)}}}"


def _reach(request: Request, rows: Array, bias: Array) -> Array:
    """What the accumulators reach, whatever part of a window lies in the padding."""
    zero = zero_of(request.graph.types_of(request.node)[0])
    ends = (min(-128 - zero, 0), max(127 - zero, 0))
    return require_int32(request.node.name, *accumulator_range(rows, bias, ends))


def depthwise_conv2d(request: Request) -> KernelCall | None:
    """A depthwise convolution in float32, int8 or int16, with any channel multiplier."""
    op = request.node.op
    if not isinstance(op, DepthwiseConv2d):
        return None
    if dtypes(request) == FLOAT:
        return _depthwise_f32(request, op)
    if dtypes(request) == INT8:
        return replace(_depthwise_s8(request, op), others=plain_convolutions(request))
    if dtypes(request) == INT16:
        return _depthwise_s16(request, op)
    return None


def _depthwise_f32(request: Request, op: DepthwiseConv2d) -> KernelCall:
    graph, node = request.graph, request.node
    w = graph.constants[node.inputs[1]]
    return spell(
        "ep_depthwise_conv2d_f32",
        {
            "window": window(request, op, w.shape[:2]),
            "multiplier": w.shape[2] // graph.types_of(node)[0].shape[2],
            **float_clamp(op.clamp),
        },
        node.inputs[:1],
        (
            Constant("weights", w, "float"),
            Constant("bias", graph.constants[node.inputs[2]], "float"),
        ),
        instructions=_work(request, 6.0, 40),
    )


def _depthwise_s8(request: Request, op: DepthwiseConv2d) -> KernelCall:
    graph, node = request.graph, request.node
    x, weight_type, _ = graph.types_of(node)
    y = graph.types[node.output]
    w = graph.constants[node.inputs[1]]
    bias = graph.constants[node.inputs[2]].astype(np.int64)
    rows = w.transpose(2, 1, 0).reshape(w.shape[2], -1)
    reach = _reach(request, rows, bias)
    multiplier = w.shape[2] // x.shape[2]
    over = in_lines(windows(request, op, w.shape[:2]), held=op.dilation[0] == 1)
    scales = effective_scales(quant(x), quant(weight_type), quant(y))
    folded = bias - zero_of(x) * rows.sum(axis=1, dtype=np.int64)
    mult, shift = rescale_constants(scales, reach)
    return spell(
        "ep_depthwise_conv2d_s8",
        {
            "window": window(request, op, w.shape[:2]),
            "multiplier": multiplier,
            "x_zero": zero_of(x),
            "output": _output(op.clamp, y, shift.values),
        },
        node.inputs[:1],
        (
            Constant("weights", in_blocks(rows) if multiplier == 1 else rows, "int8_t"),
            Constant("bias", wrap32(folded), "int32_t"),
            mult,
            shift,
        ),
        shared=(*SHARED, "ep_taps_s8", "ep_taps_strip_s8"),
        scratch_bytes=line_bytes(request, op, w.shape[:2]),
        inplace=over,
        instructions=_work(request, 3.2, 30),
    )


def conv_transpose2d(request: Request) -> KernelCall | None:
    """A transposed convolution in float32, int8, or int16 with weights of eight bits."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, ConvTranspose2d):
        return None
    x, weight_type, _ = graph.types_of(node)
    y = graph.types[node.output]
    w, bias = graph.constants[node.inputs[1]], graph.constants[node.inputs[2]]
    geometry = {"window": window(request, op, w.shape[1:3])}
    if dtypes(request) == FLOAT:
        return spell(
            "ep_conv_transpose2d_f32",
            {**geometry, **float_clamp(op.clamp)},
            node.inputs[:1],
            (Constant("weights", w, "float"), Constant("bias", bias, "float")),
            instructions=_work(request, 8.0, 60),
        )
    if dtypes(request) not in (INT8, INT16):
        return None
    suffix, rows = SUFFIX[x.dtype], w.reshape(len(w), -1)
    scales = effective_scales(quant(x), quant(weight_type), quant(y))
    if x.dtype is DType.INT16:
        _require_s16(request, rows)
        factors = wide_constants(scales, len(w))
    else:
        factors = rescale_constants(scales, _reach(request, rows, bias))
    return spell(
        f"ep_conv_transpose2d_{suffix}",
        {**geometry, "x_zero": zero_of(x), "output": _output(op.clamp, y)},
        node.inputs[:1],
        (
            Constant("weights", w, "int8_t"),
            Constant("bias", bias, f"{bias.dtype.name}_t"),
            *factors,
        ),
        shared=(f"ep_finish_{suffix}",),
        instructions=_work(request, 9.0, 80),
    )
