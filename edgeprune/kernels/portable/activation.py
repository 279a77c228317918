"""Functions of one element: a table of results in integers, the formula in float32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, Over
from edgeprune.ir.fixedpoint import QMAX, QMIN, quantize_multiplier, rescale
from edgeprune.ir.fixedpoint.wide import sigmoid_scale, sigmoid_table
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import (
    FLOAT_MAX,
    SUFFIX,
    all_are,
    int_clamp,
    integers,
    quant,
    spell,
    zero_of,
)
from edgeprune.ops import Compare, Gelu, LeakyRelu, Relu, Sigmoid, Tanh, Unary
from edgeprune.ops.function import Abs

# float32: estimated instructions an element
LARGEST_SIGMOID_MULT = 65536  # its product with an int16 fits into 32 bits, in LiteRT as here
COST = {"clamp": 8, "leaky_relu": 8, "hard_swish": 12, "sigmoid": 60, "tanh": 100}
TABLE_PAYS = 1024
"""Elements from which on another scale is worth a table of 256 bytes."""
FLAT = 64
"""Bytes of equal results at the ends of a table that are worth comparisons."""


def unary(request: Request) -> KernelCall | None:
    """Every function of one element, but comparisons in int16."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Unary):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    if all_are(request, DType.FLOAT32):
        return _f32(request, op)
    if integers(request) is None:
        return None
    if isinstance(op, Relu):
        # The ratio of scales is formed in float32, as LiteRT does.
        mult, shift = quantize_multiplier(
            float(np.float32(quant(x).scalar[0]) / np.float32(quant(y).scalar[0]))
        )
        return _moved(request, mult, shift, int_clamp(op.bounds, y))
    if y.dtype is DType.INT16:
        return _s16(request, op)
    return _table(request, op.table(x, y))


def _table(request: Request, results: Array) -> KernelCall:
    """The result of every int8 from -128 on, looked up; where size counts without its flat ends."""
    size = request.graph.types[request.node.output].size
    low, high = _slope(results)
    scalar = request.isa != "arm_mve"  # which looks up sixteen at a time
    if scalar and request.optimize == "size" and len(results) - (high - low + 1) >= FLAT:
        return spell(
            "ep_table_ends_s8",
            {"length": size, "low": low + QMIN, "high": high + QMIN},
            request.node.inputs,
            (Constant("table", results[low : high + 1], "int8_t", of_weights=0),),
            inplace=Over(),
            instructions=8 * size,
        )
    return spell(
        "ep_table_s8",
        {"length": size},
        request.node.inputs,
        (Constant("table", results, "int8_t", of_weights=0),),
        inplace=Over(),
        instructions=5 * size,
    )


def _slope(results: Array) -> tuple[int, int]:
    """Last index of the run of equal results at the beginning, first one of that at the end."""
    changes = np.flatnonzero(np.diff(results))
    return (int(changes[0]), int(changes[-1]) + 1) if len(changes) else (0, 0)


def _moved(request: Request, mult: int, shift: int, clamp: dict[str, int]) -> KernelCall:
    """From one scale to another."""
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output]
    suffix = SUFFIX[y.dtype] if x.dtype is y.dtype else f"{SUFFIX[x.dtype]}_{SUFFIX[y.dtype]}"
    call = spell(
        f"ep_requantize_{suffix}",
        {
            "length": y.size,
            "x_zero": zero_of(x),
            "mult": mult,
            "shift": shift,
            "y_zero": zero_of(y),
            **clamp,
        },
        request.node.inputs,
        inplace=Over() if y.dtype.bits <= x.dtype.bits else None,
        instructions=25 * y.size,
    )
    if suffix != "s8" or request.optimize != "speed" or y.size < TABLE_PAYS:
        return call
    moved = rescale(np.arange(QMIN, QMAX + 1) - zero_of(x), mult, shift) + zero_of(y)
    table = moved.clip(clamp["act_min"], clamp["act_max"]).astype(np.int8)
    return replace(_table(request, table), others=(call,))  # for bands, some of them smaller


def requantize(request: Request) -> KernelCall:
    """Integers of one scale to integers of another."""
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output]
    mult, shift = quantize_multiplier(quant(x).scalar[0] / quant(y).scalar[0])
    return _moved(request, mult, shift, int_clamp(None, y))


def _s16(request: Request, op: Unary) -> KernelCall | None:
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output]
    if zero_of(x) or zero_of(y) or isinstance(op, Compare):
        return None
    if isinstance(op, LeakyRelu | Abs):
        xs, ys = (np.float32(quant(t).scalar[0]) for t in (x, y))
        above = quantize_multiplier(float(xs / ys))
        below = quantize_multiplier(float(xs * np.float32(op.alpha) / ys))
        return spell(
            "ep_leaky_relu_s16",
            {
                "length": y.size,
                "above_mult": above[0],
                "above_shift": above[1],
                "below_mult": abs(below[0]),
                "below_shift": below[1],
                "below_sign": 1 if below[0] >= 0 else -1,
            },
            request.node.inputs,
            inplace=Over(),
            instructions=30 * y.size,
        )
    if not isinstance(op, Sigmoid | Tanh):
        ends = op.ends(quant(x), quant(y)).astype(np.int16)
        return spell(
            "ep_table_s16",
            {"length": y.size},
            request.node.inputs,
            (Constant("table", ends, "int16_t", of_weights=0),),
            inplace=Over(),
            instructions=12 * y.size,
        )
    if quant(y) != op.fixed_quant(16):
        return None
    twice = isinstance(op, Tanh)
    mult, shift = sigmoid_scale(quant(x), (0, 1) if twice else (0,))
    if mult == 0:
        mult, shift = 3 << shift, 0
    if mult > LARGEST_SIGMOID_MULT:
        name, scale = request.node.name, quant(x).scalar[0]
        raise UnsupportedError(name, f"{op.kind} of int16 at a scale of {scale:g}, 5.3 at most")
    table = sigmoid_table().astype(np.uint16)
    return spell(
        "ep_sigmoid_s16",
        {"length": y.size, "mult": mult, "shift": shift, "twice": int(twice)},
        request.node.inputs,
        (Constant("table", table, "uint16_t", of_weights=0),),
        inplace=Over(),
        instructions=30 * y.size,
    )


def _f32(request: Request, op: Unary) -> KernelCall:
    size = request.graph.types[request.node.output].size
    kernel, params = f"ep_{op.kind}_f32", op.table_attrs()
    if isinstance(op, Relu):
        params = {k: float(np.clip(v, -FLOAT_MAX, FLOAT_MAX)) for k, v in params.items()}
    elif isinstance(op, Gelu):
        kernel, params = ("ep_gelu_tanh_f32" if op.approximate else "ep_gelu_f32"), {}
    return spell(
        kernel,
        {"length": size, **params},
        request.node.inputs,
        family=None if params else "ep_function_f32",
        inplace=Over(),
        instructions=COST.get(op.kind, 120) * size,
    )
