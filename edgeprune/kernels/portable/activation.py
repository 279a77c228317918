"""Functions of one element: a table of 256 results in int8, the formula in float32."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import DType
from edgeprune.ir.fixedpoint import quantize_multiplier
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import (
    FLOAT_MAX,
    SUFFIX,
    all_are,
    int_clamp,
    quant,
    spell,
    zero_of,
)
from edgeprune.ops import Elu, Gelu, LeakyRelu, Relu, Unary

# float32: estimated instructions an element
COST = {"clamp": 8, "leaky_relu": 8, "hard_swish": 12, "sigmoid": 60, "tanh": 100}
FLOAT_ONLY = ("leaky_relu", "elu", "hard_swish", "sigmoid", "tanh")


def unary(request: Request) -> KernelCall | None:
    """Every function of one element, in float32 or int8."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Unary):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    if all_are(request, DType.FLOAT32):
        return _f32(request, op)
    if not all_are(request, DType.INT8):
        return None
    if isinstance(op, Relu):
        # The ratio of scales is formed in float32, as LiteRT does.
        mult, shift = quantize_multiplier(
            float(np.float32(quant(x).scalar[0]) / np.float32(quant(y).scalar[0]))
        )
        return _moved(request, mult, shift, int_clamp(op.bounds, y))
    return spell(
        "ep_table_s8",
        {"length": y.size},
        node.inputs,
        (Constant("table", op.table(x, y), "int8_t", counts_as_weights=False),),
        inplace=0,
        instructions=5 * y.size,
    )


def _moved(request: Request, mult: int, shift: int, clamp: dict[str, int]) -> KernelCall:
    """From one scale to another."""
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output]
    return spell(
        f"ep_requantize_{SUFFIX[y.dtype]}",
        {
            "length": y.size,
            "x_zero": zero_of(x),
            "mult": mult,
            "shift": shift,
            "y_zero": zero_of(y),
            **clamp,
        },
        request.node.inputs,
        inplace=0,
        instructions=25 * y.size,
    )


def requantize(request: Request) -> KernelCall:
    """Integers of one scale to integers of another."""
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output]
    mult, shift = quantize_multiplier(quant(x).scalar[0] / quant(y).scalar[0])
    return _moved(request, mult, shift, int_clamp(None, y))


def _f32(request: Request, op: Unary) -> KernelCall | None:
    size = request.graph.types[request.node.output].size
    kernel, params = f"ep_{op.kind}_f32", {}
    if isinstance(op, Relu):
        params = {"low": max(op.bounds[0], -FLOAT_MAX), "high": min(op.bounds[1], FLOAT_MAX)}
    elif isinstance(op, LeakyRelu | Elu):
        params = {"alpha": float(op.alpha)}
    elif isinstance(op, Gelu):
        kernel = "ep_gelu_tanh_f32" if op.approximate else "ep_gelu_f32"
    elif op.kind not in FLOAT_ONLY:
        return None
    return spell(
        kernel,
        {"length": size, **params},
        request.node.inputs,
        inplace=0,
        instructions=COST.get(op.kind, 120) * size,
    )
