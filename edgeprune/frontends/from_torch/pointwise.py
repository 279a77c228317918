"""Functions of single elements, and arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import TensorProto

from edgeprune.frontends.from_onnx.compare import is_truth
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.frontends.from_torch.archive import DTYPES
from edgeprune.frontends.from_torch.call import Aten, Function, ints, number


def clamp(n: Aten) -> Value:
    """Clamp, clamp_min, clamp_max."""
    lo, hi = n.get("min"), n.get("max")
    if any(isinstance(v, Act | Known) for v in (lo, hi)):
        x = n.value() if lo is None else n.onnx("Max", n.value(), _operand(lo))
        return x if hi is None else n.onnx("Min", x, _operand(hi))
    bounds = [None if v is None else number(float(v)) for v in (lo, hi)]
    return n.onnx("Clip", n.value(), *bounds)


def between(low: float, high: float) -> Function:
    """A clamp to these bounds unless said otherwise."""
    return lambda n: n.onnx(
        "Clip", n.value(), number(n.get("min_val", low)), number(n.get("max_val", high))
    )


def elu(n: Aten) -> Value:
    """Elu with one parameter."""
    if n.get("input_scale", 1) != 1:
        raise n.unsupported("has an input scale")
    alpha, scale = float(n.get("alpha", 1.0)), float(n.get("scale", 1))
    if scale != 1:
        return n.onnx("Selu", n.value(), alpha=alpha, gamma=scale)
    return n.onnx("Elu", n.value(), alpha=alpha)


def prelu(n: Aten) -> Value:
    """Prelu, one slope a channel."""
    slope = n.value("weight")
    if isinstance(slope, Known) and slope.array.ndim == 1 and len(n.shape) > 2:
        slope = Known(slope.array.reshape(-1, *[1] * (len(n.shape) - 2)))
    return n.onnx("PRelu", n.value(), slope)


def gelu(n: Aten) -> Value:
    """Gelu, exact or by tanh."""
    return n.onnx("Gelu", n.value(), approximate=str(n.get("approximate", "none")).encode())


def hard_sigmoid(n: Aten) -> Value:
    """Hardsigmoid: relu6(x + 3) / 6."""
    return n.onnx("HardSigmoid", n.value(), alpha=1 / 6, beta=0.5)


def silu(n: Aten) -> Value:
    """Silu: x sigmoid(x)."""
    return n.onnx("Mul", n.value(), n.onnx("Sigmoid", n.value()))


def rsqrt(n: Aten) -> Value:
    """1 / sqrt(x)."""
    return n.onnx("Reciprocal", n.onnx("Sqrt", n.value()))


def softplus(n: Aten) -> Value:
    """log(1 + exp(beta x)) / beta."""
    beta = float(n.get("beta", 1))
    if beta == 1:
        return n.onnx("Softplus", n.value())
    inner = n.onnx("Softplus", n.onnx("Mul", n.value(), number(beta)))
    return n.onnx("Mul", inner, number(1 / beta))


def log_sigmoid(n: Aten) -> Value:
    """-softplus(-x)."""
    return n.onnx("Neg", n.onnx("Softplus", n.onnx("Neg", n.value())))


def softmax(kind: str) -> Function:
    """Softmax and log_softmax."""
    return lambda n: n.onnx(kind, n.value(), axis=int(n.get("dim", -1)))


def _operand(value: Any, *, whole: bool = False) -> Value:
    """An operand that is a value or a number; ``whole``: a number stays one if it is one."""
    if isinstance(value, Act | Known):
        return value
    if whole and isinstance(value, int):
        return Known(np.asarray(value, np.int64))
    return number(float(value))


def binary(kind: str) -> Function:
    """Arithmetic with a tensor or a number; ``alpha`` scales the second operand."""

    def convert(n: Aten) -> Value:
        own = n.value("self")
        whole = isinstance(own, Known) and own.array.dtype.kind in "iu" and kind != "Div"
        other = _operand(n.get("other"), whole=whole)
        if n.get("rounding_mode"):
            raise n.unsupported("rounds")
        if n.get("alpha", 1) != 1:
            other = n.onnx("Mul", other, number(n.get("alpha")))
        if kind == "Add" and is_truth(own) and is_truth(other):
            return n.onnx("Or", own, other)
        return n.onnx(kind, *_promoted(n.value("self"), other))

    return convert


def _promoted(*values: Value) -> list[Value]:
    """Constants of one element type, as PyTorch promotes them: beside real numbers all are."""
    arrays = [v.array for v in values if isinstance(v, Known)]
    if len(arrays) < len(values):
        return list(values)
    real = any(a.dtype.kind == "f" for a in arrays)
    wide = np.dtype(np.float32) if real else np.result_type(*(a.dtype for a in arrays))
    return [Known(a.astype(wide)) for a in arrays]


def reversed_sub(n: Aten) -> Value:
    """Rsub, what PyTorch makes of number - x: other - alpha * self."""
    taken = n.value("self")
    if n.get("alpha", 1) != 1:
        taken = n.onnx("Mul", taken, number(n.get("alpha")))
    return n.onnx("Sub", _operand(n.get("other")), taken)


def power(n: Aten) -> Value:
    """Pow and square; of a number by the exponential."""
    exponent = n.get("exponent", 2)
    base = n.get("self")
    if not isinstance(base, Act | Known):
        if base <= 0:
            raise n.unsupported(f"raises {base:g} to a computed power")
        return n.onnx("Exp", n.onnx("Mul", n.value("exponent"), number(math.log(base))))
    held = exponent if isinstance(exponent, Act | Known) else number(float(exponent))
    return n.onnx("Pow", n.value(), held)


def glu(n: Aten) -> Value:
    """Glu: one half times the sigmoid of the other."""
    axis = int(n.get("dim", -1)) % len(n.shape)
    half = n.shape[axis] // 2
    ends = ((0, half), (half, 2 * half))
    a, b = (n.onnx("Slice", n.value(), *map(ints, ([lo], [hi], [axis]))) for lo, hi in ends)
    return n.onnx("Mul", a, n.onnx("Sigmoid", b))


def where(n: Aten) -> Value:
    """Where."""
    return n.onnx("Where", n.value("condition"), *(_operand(n.get(k)) for k in ("self", "other")))


def masked_fill(n: Aten) -> Value:
    """masked_fill."""
    return n.onnx("Where", n.value("mask"), _operand(n.get("value")), n.value("self"))


def truth(kind: str) -> Callable[[Aten], Value]:
    """Comparisons and logic."""

    def convert(n: Aten) -> Value:
        held = [_operand(n.get(k)) for k in ("self", "other") if n.get(k) is not None]
        return n.onnx(kind, *_promoted(*held))

    return convert


def logical(kind: str) -> Callable[[Aten], Value]:
    """Logic of numbers, each of which is true unless it is 0."""

    def convert(n: Aten) -> Value:
        held = [n.get(k) for k in ("self", "other") if n.get(k) is not None]
        return n.onnx(kind, *(n.onnx("Cast", _operand(v), to=TensorProto.BOOL) for v in held))

    return convert


def different(n: Aten) -> Value:
    """Ne."""
    return n.onnx("Not", truth("Equal")(replace(n, name=f"{n.name}/equal")))


def bits(kind: str) -> Callable[[Aten], Value]:
    """Bitwise logic: of truth values."""

    def convert(n: Aten) -> Value:
        for k in ("self", "other"):
            v = n.get(k)
            if isinstance(v, Known) and v.array.dtype != np.bool_:
                raise n.unsupported(f"is of {v.array.dtype}", "truth values can be combined")
        return truth(kind)(n)

    return convert


def cast(n: Aten) -> Value:
    """To another element type: of constants; computed values are real numbers."""
    x, dtype = n.value(), n.get("dtype")
    if isinstance(x, Known):
        return x if dtype not in DTYPES else Known(x.array.astype(DTYPES[dtype]))
    if x.type.is_index:
        kind = np.dtype(DTYPES.get(dtype, np.int64)).kind
        if kind != "i":
            raise n.unsupported("makes real numbers of numbers of rows", "give them as float32")
        return x
    if dtype in DTYPES and np.dtype(DTYPES[dtype]).kind == "b":
        return n.onnx("Cast", x, to=TensorProto.BOOL)
    if dtype in DTYPES and np.dtype(DTYPES[dtype]).kind != "f" and not is_truth(x):
        raise n.unsupported(f"makes {np.dtype(DTYPES[dtype])}", "keep real numbers")
    return x


def softshrink(n: Aten) -> Value:
    """Softshrink: what lies beyond lambda on either side, less lambda."""
    bound = float(n.get("lambd", 0.5))
    return n.onnx("Shrink", n.value(), lambd=bound, bias=bound)


def threshold(n: Aten) -> Value:
    """Threshold: x above it, a value elsewhere; where they are equal, a clamp."""
    bound, below = float(n.get("threshold")), float(n.get("value"))
    if bound == below:
        return n.onnx("Clip", n.value(), number(bound), None)
    above = replace(n, name=f"{n.name}/above").onnx("Greater", n.value(), number(bound))
    return n.onnx("Where", above, n.value(), number(below))
