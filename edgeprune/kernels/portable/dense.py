"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType
from edgeprune.ir.fixedpoint import effective_scales, single_multipliers, wide_multiplier
from edgeprune.ir.fixedpoint.short import Short
from edgeprune.kernels.accumulators import (
    accumulator_range,
    require_int32,
    require_int32_sums,
)
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.codes import digits_of, in_digits
from edgeprune.kernels.portable._spell import (
    QUICK_SHIFT,
    float_clamp,
    has_no_clamp,
    in_block_macs,
    in_blocks,
    in_twos,
    int_clamp,
    multiplier_constants,
    quant,
    spell,
    within,
    wrap32,
    zero_of,
)
from edgeprune.kernels.portable._spell import dtypes as types_in
from edgeprune.ops import Dense


def dense(request: Request) -> KernelCall | None:
    """Dense in float32, int8, or int16 with weights of eight bits."""
    op = request.node.op
    if not isinstance(op, Dense):
        return None
    if types_in(request) == (DType.FLOAT32,) * 4:
        return _f32(request, op)
    if types_in(request) == (DType.INT8, DType.INT8, DType.INT32, DType.INT8):
        return _integers(request, op)
    if types_in(request) == (DType.INT16, DType.INT8, DType.INT64, DType.INT16):
        return _integers(request, op)
    return None


def _shape(request: Request) -> dict[str, int]:
    x, w, _ = request.graph.types_of(request.node)
    out_len, in_len = w.shape
    return {"rows": x.size // in_len, "in_len": in_len, "out_len": out_len}


def _f32(request: Request, op: Dense) -> KernelCall:
    graph, node = request.graph, request.node
    w, bias = graph.constants[node.inputs[1]], graph.constants[node.inputs[2]]
    shape = _shape(request)
    return spell(
        "ep_dense_f32",
        {**shape, **float_clamp(op.clamp)},
        node.inputs[:1],
        (Constant("weights", in_blocks(w), "float"), Constant("bias", bias, "float")),
        instructions=int(2.5 * in_block_macs(graph.macs_of(node), len(w)))
        + 20 * shape["rows"] * shape["out_len"],
    )


def _integers(request: Request, op: Dense) -> KernelCall:
    graph, node = request.graph, request.node
    x, weight_type, _ = graph.types_of(node)
    y = graph.types[node.output]
    wq = quant(weight_type)
    w = graph.constants[node.inputs[1]]
    bias = graph.constants[node.inputs[2]].astype(np.int64)
    if any(wq.zero_point):
        raise UnsupportedError(node.name, "its weights have a zero point", "use --dtype float32")
    folded = bias - zero_of(x) * w.sum(axis=1, dtype=np.int64)
    ends = np.iinfo(x.dtype.numpy)
    low, high = accumulator_range(w, folded, (int(ends.min), int(ends.max)))
    if x.dtype is DType.INT16:
        require_int32_sums(node.name, w)
    require_int32(node.name, low, high)
    clamp = int_clamp(op.clamp, y)
    form = "s16" if x.dtype is DType.INT16 else "s8"
    shape = _shape(request)
    mult, shift = _rescale(request, low, high, clamp)
    quick = form == "s8" and has_no_clamp(clamp) and within(shift.values, QUICK_SHIFT - 1, -2)
    packed = in_twos(w, w.shape[1]) if form == "s16" else in_blocks(w)
    rest = Constant("bias", wrap32(folded), "int32_t"), mult, shift
    call = spell(
        f"ep_dense_{form}",
        {**shape, "y_zero": zero_of(y), **clamp, "quick": int(quick)},
        node.inputs[:1],
        (Constant("weights", packed, "int8_t"), *rest),
        shared=(f"ep_tile_{form}", *(("ep_dense_strip_s8",) if form == "s8" else ())),
        instructions=int(2.6 * in_block_macs(graph.macs_of(node), len(w)))
        + 40 * shape["rows"] * shape["out_len"],
    )
    if request.values is None or request.within or not within(shift.values, -32, -2):
        return call
    output = {"y_zero": zero_of(y), **clamp}
    found = [_from_codes(request, w, "", output, rest)]
    short = Short.of(quant(x), wq, quant(y), folded)
    reach = np.maximum(-low, high)
    if short is not None and short.is_exact(reach) and within(short.shift, -32, -2):
        rows = Constant("rescale", short.rows, "uint8_t", of_weights=2 * len(w))
        output |= {"unit": short.unit, "shift": short.left, "up": short.up}
        found.append(_from_codes(request, w, "short_", output, (rows,)))
    return replace(call, others=tuple(found))


def _from_codes(
    request: Request, w: Array, form: str, output: dict[str, int], rest: Sequence[Constant]
) -> KernelCall:
    """Weights of few values, looked up one by one: slower than unpacking them, and much smaller."""
    values, codes = np.unique(w, return_inverse=True)
    kinds, shape = max(2, len(values)), _shape(request)
    digits = digits_of(kinds)
    return spell(
        f"ep_dense_codes_{form}s8",
        {**shape, "kinds": kinds, "digits": digits, **output},
        request.node.inputs[:1],
        (
            Constant("codes", in_digits(codes.ravel(), kinds), "uint32_t"),
            Constant("values", values),
            *rest,
        ),
        instructions=shape["rows"] * (int((6 + 14 / digits) * w.size) + 40 * shape["out_len"]),
    )


def _rescale(
    request: Request, low: Array, high: Array, clamp: dict[str, int]
) -> tuple[Constant, Constant]:
    """Multipliers and shifts that round as LiteRT does for every accumulator that can occur."""
    x, w, _ = request.graph.types_of(request.node)
    y = request.graph.types[request.node.output]
    real = np.broadcast_to(effective_scales(quant(x), quant(w), quant(y)), len(low))
    ends = (clamp["act_min"], clamp["act_max"])
    try:
        if x.dtype is not DType.INT16:
            return multiplier_constants(*single_multipliers(real, low, high, zero_of(y), ends))
        pairs = [
            wide_multiplier(float(r), int(a), int(b), zero_of(y), ends)
            for r, a, b in zip(real, low, high, strict=True)
        ]
    except ValueError as error:
        raise UnsupportedError(request.node.name, str(error), "use --dtype float32") from None
    mult, shift = zip(*pairs, strict=True)
    values = np.array(mult, np.int64)
    wide = Constant("mult", values, "int64_t", of_weights=0)
    return wide, Constant("shift", np.array(shift, np.int8), of_weights=0)
