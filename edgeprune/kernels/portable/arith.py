"""Elementwise arithmetic of two operands, each repeated along the axes where it is shorter."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprune.ir import DType, Over, TensorType
from edgeprune.ir.fixedpoint import (
    ADD_LEFT_SHIFT,
    add_multipliers,
    mul_multiplier,
    quantize_multiplier,
)
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import (
    C_TYPE,
    SUFFIX,
    all_are,
    float_clamp,
    int_clamp,
    integers,
    quant,
    spell,
    zero_of,
)
from edgeprune.ops import Add, Div, Keep, Maximum, Minimum, Mul, PRelu, Sub

TABLE_PAYS = 1024
"""Elements from which on an addition is worth 1 KB of scratch."""
AXES = 4  # EP_AXES of ep_broadcast.h


@dataclass(frozen=True)
class Operands:
    """Two operands in the order of the C arguments: a constant comes first.

    Attributes:
        types: of a and b as C gets them.
        inputs: the activations among them.
        constants: the constant among them.
        swapped: whether C's a is the node's second operand.
        inplace: the node's operand that the result may lie over.
        shape: initialiser of an ``ep_broadcast``.
    """

    types: tuple[TensorType, TensorType]
    inputs: tuple[str, ...]
    constants: tuple[Constant, ...]
    swapped: bool
    inplace: Over | None
    shape: str


def operands(request: Request) -> Operands | None:
    """Order and steps of a node's two operands; None where they need too many axes."""
    graph, node = request.graph, request.node
    first, second = node.inputs
    if first in graph.constants and second in graph.constants:
        return None
    swapped = second in graph.constants
    names = (second, first) if swapped else (first, second)
    a, b = (graph.types[v] for v in names)
    y = graph.types[node.output]
    steps = broadcast(y.shape, a.shape, b.shape)
    if steps is None:
        return None
    constants = tuple(
        Constant("operand", graph.constants[v], C_TYPE[graph.types[v].dtype])
        for v in names
        if v in graph.constants
    )
    whole = [
        i
        for i, v in enumerate(node.inputs)
        if v not in graph.constants and graph.types[v].size == y.size
    ]
    return Operands(
        (a, b),
        tuple(v for v in names if v not in graph.constants),
        constants,
        swapped,
        Over(whole[0]) if whole else None,
        steps,
    )


def broadcast(y: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> str | None:
    """The initialiser of an ``ep_broadcast``: neighbouring axes that go alike are merged."""
    axes: list[tuple[int, int, int]] = []
    steps = [_steps(y, shape) for shape in (a, b)]
    for size, step_a, step_b in zip(y, *steps, strict=True):
        if size == 1:
            continue
        if axes and (axes[-1][1], axes[-1][2]) == (step_a * size, step_b * size):
            axes[-1] = (axes[-1][0] * size, step_a, step_b)
        else:
            axes.append((size, step_a, step_b))
    if len(axes) > AXES:
        return None
    rows = [(1, 0, 0)] * (AXES - len(axes)) + axes
    columns = [", ".join(str(row[k]) for row in rows) for k in range(3)]
    return "{" + ", ".join(f"{{{c}}}" for c in columns) + "}"


def _steps(y: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    """Elements from one index of each axis of the result to the next; 0 where it repeats."""
    full = (1,) * (len(y) - len(shape)) + shape
    steps, step = [], 1
    for n in reversed(full):
        steps.append(step if n > 1 else 0)
        step *= n
    return steps[::-1]


def arith(request: Request) -> KernelCall | None:
    """Add, Sub, Mul in float32, int8 or int16, Div in float32."""
    op = request.node.op
    if not isinstance(op, Add | Sub | Mul | Div):
        return None
    o = operands(request)
    if o is None:
        return None
    if all_are(request, DType.FLOAT32):
        return _f32(request, op, o)
    if integers(request) is None:
        return None
    if isinstance(op, Add | Sub):
        return _add_integers(request, op, o)
    return _mul_integers(request, op, o) if isinstance(op, Mul) else None


def _f32(request: Request, op: Add | Sub | Mul | Div, o: Operands) -> KernelCall:
    swap = {"swap": int(o.swapped)} if isinstance(op, Sub | Div) else {}
    return spell(
        f"ep_{op.kind}_f32",
        {"shape": o.shape, **swap, **float_clamp(op.clamp)},
        o.inputs,
        o.constants,
        inplace=o.inplace,
        instructions=12 * request.graph.types[request.node.output].size,
    )


def _add_integers(request: Request, op: Add | Sub, o: Operands) -> KernelCall:
    y = request.graph.types[request.node.output]
    a, b = o.types
    on_a, on_b, on_y = add_multipliers(
        quant(a), quant(b), quant(y), ADD_LEFT_SHIFT[y.dtype.numpy.itemsize]
    )
    minus = -1 if isinstance(op, Sub) else 1
    signs = (minus, 1) if o.swapped else (1, minus)
    terms = [
        f"{{{zero_of(t)}, {mult}, {shift}, {sign}}}"
        for t, (mult, shift), sign in zip((a, b), (on_a, on_b), signs, strict=True)
    ]
    call = spell(
        f"ep_add_{SUFFIX[y.dtype]}",
        {
            "shape": o.shape,
            "a": terms[0],
            "b": terms[1],
            "y_zero": zero_of(y),
            "y_mult": on_y[0],
            "y_shift": on_y[1],
            **int_clamp(op.clamp, y),
        },
        o.inputs,
        o.constants,
        inplace=o.inplace,
        instructions=70 * y.size,
    )
    if y.dtype is not DType.INT8 or request.optimize != "speed" or y.size < TABLE_PAYS:
        return call
    quick = _add_table(y, o, (on_a, on_b), on_y, signs, int_clamp(op.clamp, y))
    return replace(quick, others=(call,)) if quick else call  # for bands, some of them smaller


def _add_table(
    y: TensorType,
    o: Operands,
    on: tuple[tuple[int, int], tuple[int, int]],
    on_y: tuple[int, int],
    signs: tuple[int, int],
    clamp: dict[str, int],
) -> KernelCall | None:
    """An addition by a table of the operand with the smaller scale; None where shifts forbid it."""
    half = (1 << 30, 0)
    large = 0 if on[0] == half else 1
    small = 1 - large
    if on[large] != half or not -22 <= on[small][1] <= 0 or not -22 <= on_y[1] < 0:
        return None
    factor = signs[large] * (1 << 19)
    return spell(
        "ep_add_table_s8",
        {
            "shape": o.shape,
            "swap": large,
            "factor": factor,
            "offset": zero_of(o.types[large]) * factor,
            "zero": zero_of(o.types[small]),
            "mult": on[small][0],
            "shift": on[small][1],
            "sign": signs[small],
            "y_zero": zero_of(y),
            "y_mult": on_y[0],
            "y_shift": on_y[1],
            "low": clamp["act_min"],
            "high": clamp["act_max"],
        },
        o.inputs,
        o.constants,
        scratch_bytes=256 * 4,
        inplace=o.inplace,
        instructions=6000 + 22 * y.size,
    )


def _mul_integers(request: Request, op: Mul, o: Operands) -> KernelCall:
    y = request.graph.types[request.node.output]
    a, b = o.types
    mult, shift = mul_multiplier(quant(a), quant(b), quant(y))
    return spell(
        f"ep_mul_{SUFFIX[y.dtype]}",
        {
            "shape": o.shape,
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            "mult": mult,
            "shift": shift,
            "y_zero": zero_of(y),
            **int_clamp(op.clamp, y),
        },
        o.inputs,
        o.constants,
        inplace=o.inplace,
        instructions=40 * y.size,
    )


def extreme(request: Request) -> KernelCall | None:
    """Maximum and Minimum in float32, int8 or int16, all operands at one scale."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Maximum | Minimum):
        return None
    o, y = operands(request), graph.types[node.output]
    if o is None or y.dtype not in SUFFIX:
        return None
    if any((t.dtype, t.quant) != (y.dtype, y.quant) for t in o.types):
        return None
    return spell(
        f"ep_extreme_{SUFFIX[y.dtype]}",
        {"shape": o.shape, "largest": int(isinstance(op, Maximum))},
        o.inputs,
        o.constants,
        inplace=o.inplace,
        instructions=12 * y.size,
    )


def keep(request: Request) -> KernelCall | None:
    """Keep in float32."""
    if not isinstance(request.node.op, Keep) or not all_are(request, DType.FLOAT32):
        return None
    o, y = operands(request), request.graph.types[request.node.output]
    if o is None:
        return None
    return spell(
        "ep_keep_f32",
        {"shape": o.shape, "swap": int(o.swapped)},
        o.inputs,
        o.constants,
        inplace=o.inplace,
        instructions=12 * y.size,
    )


def prelu(request: Request) -> KernelCall | None:
    """PReLU in float32 or int8 with a constant slope."""
    graph, node = request.graph, request.node
    if not isinstance(node.op, PRelu) or node.inputs[1] not in graph.constants:
        return None
    o = operands(request)
    if o is None:
        return None
    size = graph.types[node.output].size
    if all_are(request, DType.FLOAT32):
        return spell(
            "ep_prelu_f32",
            {"shape": o.shape},
            o.inputs,
            o.constants,
            inplace=o.inplace,
            instructions=10 * size,
        )
    if not all_are(request, DType.INT8):
        return None
    slope, x = o.types
    y = graph.types[node.output]
    xs, ss, ys = (np.float32(quant(t).scalar[0]) for t in (x, slope, y))
    above = quantize_multiplier(float(xs / ys))
    below = quantize_multiplier(float(xs * ss / ys))
    return spell(
        "ep_prelu_s8",
        {
            "shape": o.shape,
            "slope_zero": zero_of(slope),
            "x_zero": zero_of(x),
            "above_mult": above[0],
            "above_shift": above[1],
            "below_mult": below[0],
            "below_shift": below[1],
            "y_zero": zero_of(y),
        },
        o.inputs,
        o.constants,
        inplace=o.inplace,
        instructions=40 * size,
    )
