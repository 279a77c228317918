"""Functions of angles and their hyperbolic kin, in exponentials, logarithms and roots."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeprune.frontends.from_onnx import elementwise
from edgeprune.frontends.from_onnx.moments import acting, step
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.ops import Relu
from edgeprune.ops.function import Cos, Exp, Log, Sin, Sqrt

Converter = Callable[[Reader, Call], Value]


def _number(value: float) -> Known:
    return Known(np.asarray(value, np.float32))


def tan(r: Reader, call: Call) -> Value:
    """Tan: the sine by the cosine."""
    x = call.act(0)
    sine, cosine = (r.like(x, r.emit(call, f(), x, role=f.kind)) for f in (Sin, Cos))
    return elementwise.div(r, step(call, "", sine, cosine))


def of_powers(join: Converter) -> Converter:
    """Sinh and Cosh: half of e^x less, or plus, e^-x."""

    def convert(r: Reader, call: Call) -> Value:
        x = call.act(0)
        turned = acting(elementwise.neg(r, step(call, "turned", x)))
        up, down = (r.like(v, r.emit(call, Exp(), v, role="power")) for v in (x, turned))
        both = join(r, step(call, "both", up, down))
        return elementwise.mul(r, step(call, "", both, _number(0.5)))

    return convert


def acosh(r: Reader, call: Call) -> Value:
    """Acosh: log(x + sqrt(x^2 - 1))."""
    return _of_root(r, call, call.act(0), -1)


def asinh(r: Reader, call: Call) -> Value:
    """Asinh: log(x + sqrt(x^2 + 1)) of what is above 0, and its negative of what is below.

    The sum of a large negative number and its root would be lost in float32.
    """
    x = call.act(0)
    turned = acting(elementwise.neg(r, step(call, "turned", x)))
    sides = []
    for role, v in (("above", x), ("below", turned)):
        cut = r.like(v, r.emit(call, Relu(), v, role=role))
        sides.append(_of_root(r, step(call, f"of_{role}", cut), cut, 1))
    return elementwise.sub(r, step(call, "", *sides))


def _of_root(r: Reader, call: Call, x: Act, shift: float) -> Act:
    """log(x + sqrt(x^2 + shift))."""
    square = elementwise.mul(r, step(call, "square", x, x))
    shifted = acting(elementwise.add(r, step(call, "shifted", square, _number(shift))))
    root = r.like(x, r.emit(call, Sqrt(), shifted, role="root"))
    return _log(r, call, acting(elementwise.add(r, step(call, "both", x, root))))


def atanh(r: Reader, call: Call) -> Value:
    """Atanh: half of log((1 + x) / (1 - x))."""
    x = call.act(0)
    above = elementwise.add(r, step(call, "above", x, _number(1)))
    below = elementwise.sub(r, step(call, "below", _number(1), x))
    ratio = acting(elementwise.div(r, step(call, "ratio", above, below)))
    whole = _log(r, step(call, "logarithm", x), ratio)
    return elementwise.mul(r, step(call, "", whole, _number(0.5)))


def _log(r: Reader, call: Call, x: Act) -> Act:
    return r.like(x, r.emit(call, Log(), x))
