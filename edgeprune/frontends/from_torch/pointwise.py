"""Functions of single elements, and arithmetic."""

from __future__ import annotations

from typing import Any

from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.frontends.from_torch.call import Aten, Function, number


def clamp(n: Aten) -> Value:
    """Clamp, clamp_min, clamp_max, hardtanh, relu6."""
    lo = n.get("min", n.get("min_val"))
    hi = n.get("max", n.get("max_val"))
    bounds = [None if v is None else number(float(v)) for v in (lo, hi)]
    return n.onnx("Clip", n.value(), *bounds)


def hardtanh(n: Aten) -> Value:
    """Hardtanh: -1 to 1 unless said otherwise."""
    return n.onnx("Clip", n.value(), number(n.get("min_val", -1)), number(n.get("max_val", 1)))


def relu6(n: Aten) -> Value:
    """relu6."""
    return n.onnx("Clip", n.value(), number(0), number(6))


def leaky_relu(n: Aten) -> Value:
    """leaky_relu."""
    return n.onnx("LeakyRelu", n.value(), alpha=float(n.get("negative_slope", 0.01)))


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


def celu(n: Aten) -> Value:
    """Celu."""
    return n.onnx("Celu", n.value(), alpha=float(n.get("alpha", 1.0)))


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


def _operand(value: Any) -> Value:
    return value if isinstance(value, Act | Known) else number(float(value))


def binary(kind: str) -> Function:
    """Arithmetic with a tensor or a number; ``alpha`` scales the second operand."""

    def convert(n: Aten) -> Value:
        other = _operand(n.get("other"))
        if n.get("rounding_mode"):
            raise n.unsupported("rounds")
        if n.get("alpha", 1) != 1:
            other = n.onnx("Mul", other, number(n.get("alpha")))
        return n.onnx(kind, n.value("self"), other)

    return convert


def reversed_sub(n: Aten) -> Value:
    """Rsub, what PyTorch makes of number - x: other - alpha * self."""
    taken = n.value("self")
    if n.get("alpha", 1) != 1:
        taken = n.onnx("Mul", taken, number(n.get("alpha")))
    return n.onnx("Sub", _operand(n.get("other")), taken)


def power(n: Aten) -> Value:
    """Pow and square."""
    exponent = n.get("exponent", 2)
    held = exponent if isinstance(exponent, Act | Known) else number(float(exponent))
    return n.onnx("Pow", n.value(), held)
