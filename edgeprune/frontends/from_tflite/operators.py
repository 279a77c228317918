"""TFLite operators → ours. Add one: a function of (Reader, Operator), and its row in OPERATORS.

Numbers of option fields are those of the TFLite schema (schema.fbs).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite import volume
from edgeprune.frontends.from_tflite.compare import (
    comparison,
    logic,
    logical_not,
    select,
    sign,
)
from edgeprune.frontends.from_tflite.dilated import batch_to_space, space_to_batch
from edgeprune.frontends.from_tflite.file import Operator, option
from edgeprune.frontends.from_tflite.layers import (
    Read,
    conv,
    dense,
    depthwise,
    matmul,
    pool,
    transpose_conv,
)
from edgeprune.frontends.from_tflite.lookup import cast, look_up
from edgeprune.frontends.from_tflite.lstm import lstm
from edgeprune.frontends.from_tflite.moves import (
    concat,
    pad,
    reshape,
    resize,
    reverse,
    slice_,
    split,
    strided_slice,
    tile,
    transpose,
)
from edgeprune.frontends.from_tflite.reader import CLAMPS, Reader
from edgeprune.frontends.from_tflite.reduce import mean, reduce_max, total
from edgeprune.frontends.from_tflite.steps import pack
from edgeprune.frontends.from_tflite.svdf import svdf
from edgeprune.ir import DType, Op, TensorType
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Dequantize,
    Div,
    Elu,
    Gelu,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Maximum,
    MaxPool2d,
    Minimum,
    Mul,
    PRelu,
    Quantize,
    Relu,
    Sigmoid,
    Softmax,
    Sub,
    Tanh,
    Unary,
)
from edgeprune.ops.function import Abs, Cos, Exp, Log, Rsqrt, Sin, Sqrt

MOST_FILLED = 1 << 20


def negative(r: Reader, op: Operator) -> None:
    """NEG of a float value."""
    if r.check_types(op, 0) is not DType.FLOAT32:
        raise UnsupportedError(r.where(op), "negates integers")
    data = np.asarray([-1], np.float32)
    minus = r.add_constant(f"{r.result(op).name}/minus", data, TensorType((1,)))
    r.add(op, Mul(), (r.value(op, 0), minus))


def binary(make: type[Add] | type[Sub] | type[Mul] | type[Div]) -> Read:
    """ADD, SUB, MUL, DIV: the activation is field 0."""

    def read(r: Reader, op: Operator) -> None:
        dtype = r.check_types(op, 0, 1)
        if dtype is not DType.FLOAT32 and make in (Add, Sub):
            _sum_scales(r, op, 20 if dtype is DType.INT8 else 15)
        r.add(op, make(r.clamp(op, 0)), (r.value(op, 0), r.value(op, 1)))

    return read


def extreme(make: type[Maximum] | type[Minimum]) -> Read:
    """MAXIMUM, MINIMUM; of a float value and one number they are a clamp."""

    def read(r: Reader, op: Operator) -> None:
        dtype = r.check_types(op, 0, 1)
        if any(r.operand(op, p).quant != r.result(op).quant for p in (0, 1)):
            raise UnsupportedError(r.where(op), "compares integers of different scales")
        for p in (0, 1) if dtype is DType.FLOAT32 else ():
            data = r.constant(op, p)
            if data is None or data.size != 1 or not np.isfinite(data).all():
                continue
            if r.operand(op, p).name not in r.known:
                number = float(data.ravel()[0])
                bounds = (number, math.inf) if make is Maximum else (-math.inf, number)
                r.add(op, Relu(bounds), (r.value(op, 1 - p),))
                return
        r.add(op, make(), (r.value(op, 0), r.value(op, 1)))

    return read


def _sum_scales(r: Reader, op: Operator, bits: int) -> None:
    """TFLite sums with ``bits`` of headroom; its kernels abort where that is not enough."""
    quants = [t.quant for t in (r.operand(op, 0), r.operand(op, 1), r.result(op))]
    if any(q is None for q in quants):
        raise UnsupportedError(r.where(op), "has an operand without a scale")
    a, b, y = (q.scale[0] for q in quants if q is not None)
    if 2 * max(a, b) >= 2.0**bits * y:
        raise EdgePruneError(r.where(op), f"cannot sum on scales {a:g} and {b:g} to {y:g}")


def softmax(r: Reader, op: Operator) -> None:
    """SOFTMAX: the factor on its logits is field 0."""
    beta, x = _real(op, 0, 0.0), r.operand(op, 0)
    wide = (x.dtype, r.result(op).dtype) == (DType.INT8, DType.INT16)
    if x.dtype is DType.INT8:
        _fixed_scale(r, op, *((1 / 65536, -32768) if wide else (1 / 256, -128)))
    if beta <= 0:
        raise UnsupportedError(r.where(op), f"has the factor {beta:g}")
    if x.dtype is DType.INT8 and x.quant is not None and beta * x.quant.scale[0] * 2.0**26 <= 1:
        raise EdgePruneError(r.where(op), f"cannot read logits on scale {x.quant.scale[0]:g}")
    if wide:
        r.add(op, Softmax(beta), (r.value(op, 0),))
    else:
        unary(lambda _: Softmax(beta), scale=(1 / 256, -128), unit=True)(r, op)


def unary(
    make: Callable[[Operator], Op],
    *,
    scale: tuple[float, int | None] | None = None,
    unit: bool = False,
) -> Read:
    """Functions of one element.

    Args:
        make: the operator from its options.
        scale: scale and zero point of an int8 result, where they are fixed.
        unit: whether an int16 result must have scale 1/32768.
    """

    def read(r: Reader, op: Operator) -> None:
        dtype = r.check_types(op, 0)
        if dtype is DType.INT8 and scale is not None:
            _fixed_scale(r, op, *scale)
        if dtype is DType.INT16 and unit:
            _fixed_scale(r, op, 1 / 32768, 0)
        made = make(op)
        if dtype is DType.INT16 and isinstance(made, Unary):
            _need_table(r, op, made)
        r.add(op, made, (r.value(op, 0),))

    return read


def _need_table(r: Reader, op: Operator, made: Unary) -> None:
    """A function that LiteRT has by a table in int16: some scales leave its results undefined."""
    x, y = r.operand(op, 0).quant, r.result(op).quant
    if x is None or y is None:
        raise UnsupportedError(r.where(op), "has an operand without a scale")
    if made.wide_kind and made.litert_ends(x, y) is None:
        what = f"from scale {x.scale[0]:g} to {y.scale[0]:g} has results that int16 does not hold"
        raise UnsupportedError(r.where(op), what, "use a float model")


def in_float(make: Callable[[Operator], Op]) -> Read:
    """Functions of one element that are read in float alone."""

    def read(r: Reader, op: Operator) -> None:
        _need_float(r, op)
        r.add(op, make(op), (r.value(op, 0),))

    return read


def magnitude(r: Reader, op: Operator) -> None:
    """ABS: of int16 on one scale alone, as it rounds otherwise than leaky ReLU does."""
    x, y = r.operand(op, 0), r.result(op)
    if r.check_types(op, 0) is DType.INT16 and x.quant != y.quant:
        raise UnsupportedError(r.where(op), "changes the scale of int16", "use a float model")
    r.add(op, Abs(), (r.value(op, 0),))


def rsqrt(r: Reader, op: Operator) -> None:
    """RSQRT: of int8 LiteRT has it in fixed point, of int16 by a table."""
    if r.check_types(op, 0) is DType.INT8:
        _need_float(r, op)
    unary(lambda _: Rsqrt())(r, op)


def _need_float(r: Reader, op: Operator) -> None:
    if (dtype := r.check_types(op, 0)) is not DType.FLOAT32:
        raise UnsupportedError(r.where(op), f"has no {dtype.value} form here", "use a float model")


def square(r: Reader, op: Operator) -> None:
    """SQUARE: a product."""
    _need_float(r, op)
    r.add(op, Mul(), (r.value(op, 0), r.value(op, 0)))


def squared_difference(r: Reader, op: Operator) -> None:
    """SQUARED_DIFFERENCE: the product of a difference with itself."""
    r.check_types(op, 0, 1)
    _need_float(r, op)
    between = r.between(op, Sub(), (r.value(op, 0), r.value(op, 1)), "difference")
    r.add(op, Mul(), (between, between))


def _fixed_scale(r: Reader, op: Operator, scale: float, zero: int | None) -> None:
    quant = r.result(op).quant
    if quant is None or abs(quant.scale[0] - scale) > 1e-3 * scale:
        raise EdgePruneError(r.where(op), f"its result must have scale 1/{1 / scale:g}")
    if zero is not None and quant.zero_point[0] != zero:
        raise EdgePruneError(r.where(op), f"its result must have zero point {zero}")


def _real(op: Operator, field: int, default: float) -> float:
    found = float(option(op, field, "f", default))
    if not math.isfinite(found):
        raise EdgePruneError(op.name, f"has the attribute {found}")
    return found


def prelu(r: Reader, op: Operator) -> None:
    """PRELU: operand 1 has the slopes."""
    r.check_types(op, 0, 1)
    r.add(op, PRelu(), (r.value(op, 0), r.value(op, 1)))


def quantize(r: Reader, op: Operator) -> None:
    """QUANTIZE: float to integers, or between scales."""
    dtype = r.result(op).dtype
    wide = (r.operand(op, 0).dtype, dtype) == (DType.INT16, DType.INT32)
    if dtype not in (DType.INT8, DType.INT16, DType.UINT8) and not wide:
        raise UnsupportedError(r.where(op), f"makes {dtype.value}")
    if wide and (y := r.result(op).quant) is not None and y.zero_point[0]:
        raise UnsupportedError(r.where(op), "makes int32 with a zero point")
    r.add(op, Quantize(dtype), (r.value(op, 0),))


def dequantize(r: Reader, op: Operator) -> None:
    """DEQUANTIZE; of a constant (float16 or int8 weights) it is done here."""
    t, data = r.operand(op, 0), r.constant(op, 0)
    if data is None or t.name in r.known:
        r.add(op, Dequantize(), (r.value(op, 0),))
        return
    data = r.real(op, t, data)
    r.folded[op.outputs[0]] = data


def shape_of(r: Reader, op: Operator) -> None:
    """SHAPE: a constant, since all sizes are fixed."""
    r.folded[op.outputs[0]] = np.asarray(r.operand(op, 0).shape, np.int32)


def fill(r: Reader, op: Operator) -> None:
    """FILL: a constant of one number, in a constant shape."""
    shape, value = r.integers(op, 0), r.constant(op, 1)
    if value is None or value.size != 1:
        raise UnsupportedError(r.where(op), "repeats a computed number", "make it a constant")
    if min(shape, default=1) < 1 or math.prod(shape) > MOST_FILLED:
        raise EdgePruneError(r.where(op), f"makes a constant of shape {shape}")
    r.folded[op.outputs[0]] = np.full(shape, value.item(), value.dtype)


def _gelu(op: Operator) -> Op:
    return Gelu(op.options is not None and op.options.flag(0))


OPERATORS: dict[str, Read] = {
    "ABS": magnitude,
    "ADD": binary(Add),
    "AVERAGE_POOL_2D": pool(AvgPool2d),
    "BATCH_MATMUL": matmul,
    "BATCH_TO_SPACE_ND": batch_to_space,
    "CAST": cast,
    "CONCATENATION": concat,
    "CONV_2D": conv,
    "CONV_3D": volume.conv,
    "COS": in_float(lambda _: Cos()),
    "DEPTHWISE_CONV_2D": depthwise,
    "DEQUANTIZE": dequantize,
    "DIV": binary(Div),
    "ELU": unary(lambda _: Elu()),
    "EQUAL": comparison("=="),
    "EXP": unary(lambda _: Exp()),
    "EXPAND_DIMS": reshape,
    "FILL": fill,
    "FULLY_CONNECTED": dense,
    "GATHER": look_up,
    "GELU": unary(_gelu),
    "GREATER": comparison(">"),
    "GREATER_EQUAL": comparison(">="),
    "HARD_SWISH": unary(lambda _: HardSwish()),
    "LEAKY_RELU": unary(lambda op: LeakyRelu(_real(op, 0, 0.0))),
    "LESS": comparison("<"),
    "LESS_EQUAL": comparison("<="),
    "LOG": unary(lambda _: Log()),
    "LOGICAL_AND": logic(Mul),
    "LOGICAL_NOT": logical_not,
    "LOGICAL_OR": logic(Maximum),
    "LOGISTIC": unary(lambda _: Sigmoid(), scale=(1 / 256, None), unit=True),
    "LOG_SOFTMAX": unary(lambda _: LogSoftmax(), scale=(1 / 16, 127)),
    "MAX_POOL_2D": pool(MaxPool2d),
    "MAXIMUM": extreme(Maximum),
    "MEAN": mean,
    "MINIMUM": extreme(Minimum),
    "MUL": binary(Mul),
    "NEG": negative,
    "NOT_EQUAL": comparison("!="),
    "PACK": pack,
    "PAD": pad,
    "PADV2": pad,
    "PRELU": prelu,
    "QUANTIZE": quantize,
    "REDUCE_MAX": reduce_max,
    "RELU": unary(lambda _: Relu(CLAMPS[1] or (0.0, math.inf))),
    "RELU6": unary(lambda _: Relu((0.0, 6.0))),
    "RELU_0_TO_1": unary(lambda _: Relu((0.0, 1.0))),
    "RELU_N1_TO_1": unary(lambda _: Relu((-1.0, 1.0))),
    "RESHAPE": reshape,
    "RESIZE_BILINEAR": resize,
    "RESIZE_NEAREST_NEIGHBOR": resize,
    "REVERSE_V2": reverse,
    "RSQRT": rsqrt,
    "SELECT": select,
    "SELECT_V2": select,
    "SHAPE": shape_of,
    "SIGN": sign,
    "SIN": in_float(lambda _: Sin()),
    "SLICE": slice_,
    "SOFTMAX": softmax,
    "SPACE_TO_BATCH_ND": space_to_batch,
    "SPLIT": split,
    "SPLIT_V": split,
    "SQRT": in_float(lambda _: Sqrt()),
    "SQUARE": square,
    "SQUARED_DIFFERENCE": squared_difference,
    "SQUEEZE": reshape,
    "STRIDED_SLICE": strided_slice,
    "SUB": binary(Sub),
    "SUM": total,
    "SVDF": svdf,
    "TANH": unary(lambda _: Tanh(), unit=True),
    "TILE": tile,
    "TRANSPOSE": transpose,
    "TRANSPOSE_CONV": transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
}
