"""Operators on single elements, of one operand or of two that broadcast."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from onnx import NodeProto

from edgeprune.frontends.from_onnx.reader import Call, MixesBatchError, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.ir import Array, Op, TensorType
from edgeprune.ir.types import LEAST, MASKED
from edgeprune.ops import (
    Add,
    Div,
    Maximum,
    Minimum,
    Mul,
    PRelu,
    Relu,
    Sigmoid,
    Sub,
    Tanh,
    Unary,
)
from edgeprune.ops.function import Reciprocal, Selu, Sqrt

FLOAT = 1
"""ONNX's number for float32."""

MAX_POWER = 8

MAX_EXPANDED = 1 << 22
"""Elements of a value that is repeated."""


def _apply(r: Reader, call: Call, op: Op) -> Value:
    x = call.act(0)
    return r.like(x, r.emit(call, op, x))


def unary(make: Callable[[Call], Op]) -> Callable[[Reader, Call], Value]:
    """The converter of a function of one element."""
    return lambda r, call: _apply(r, call, make(call))


def plain(make: type[Unary]) -> Callable[[Reader, Call], Value]:
    """The converter of a function without attributes."""
    return unary(lambda call: make())


sigmoid, tanh, sqrt = plain(Sigmoid), plain(Tanh), plain(Sqrt)


def selu(r: Reader, call: Call) -> Value:
    """Selu: gamma x where positive, gamma alpha (exp(x) - 1) elsewhere."""
    alpha = call.attr("alpha", 1.6732632423543772)
    gamma = call.attr("gamma", 1.0507009873554805)
    return _apply(r, call, Selu(gamma, gamma * alpha))


def identity(r: Reader, call: Call) -> Value:
    """Identity, and Dropout when nothing is trained."""
    return call.operand(0)


def makes_real(node: NodeProto) -> bool:
    """Whether a Cast is one to float32."""
    return any(a.name == "to" and a.i == FLOAT for a in node.attribute)


def dropout(r: Reader, call: Call) -> Value:
    """Dropout does nothing at inference."""
    if len(call.outputs) > 1:
        raise call.unsupported("its mask is used", "export the model for inference: model.eval()")
    training = call.known(2) if call.opset >= 12 else None
    if training is not None and bool(training.any()):
        raise call.unsupported("is in training mode", "export the model for inference")
    return call.operand(0)


def _bound(call: Call, i: int, name: str, default: float) -> float:
    if call.opset < 11:
        return float(call.attr(name, default))
    array = call.known(i)
    if array is None:
        return default
    if array.size != 1:
        raise call.error(f"its bound {name!r} has {array.size} elements, not one")
    return float(array.ravel()[0])


def clip(r: Reader, call: Call) -> Value:
    """Clip: min(max(x, lo), hi)."""
    biggest = float(np.finfo(np.float32).max)
    lo, hi = _bound(call, 1, "min", -math.inf), _bound(call, 2, "max", math.inf)
    lo = -math.inf if lo <= -biggest else lo
    hi = math.inf if hi >= biggest else hi
    if math.isnan(lo) or math.isnan(hi) or lo == math.inf or hi == -math.inf:
        raise call.error(f"its bounds are {lo} and {hi}")
    if (lo, hi) == (-math.inf, math.inf):
        return call.operand(0)
    return _apply(r, call, Relu((min(lo, hi), hi)))


def hard_sigmoid(r: Reader, call: Call) -> Value:
    """HardSigmoid, max(0, min(1, alpha * x + beta)), as relu6(6 alpha x + 6 beta) / 6.

    Every format has relu6; a clamp to 0 and 1 not.
    """
    x = call.act(0)
    alpha, beta = call.attr("alpha", 0.2), call.attr("beta", 0.5)
    x = _by_number(r, call, Mul(), x, 6 * alpha, "scale")
    x = _by_number(r, call, Add(), x, 6 * beta, "offset")
    x = r.like(x, r.emit(call, Relu((0.0, 6.0)), x, role="clamp"))
    return _by_number(r, call, Mul(), x, 1 / 6, "")


def _by_number(r: Reader, call: Call, op: Op, x: Act, number: float, role: str) -> Act:
    """An operator on a value and a number; nothing where the number changes nothing."""
    held = np.asarray(number, np.float32)
    if held == (1 if isinstance(op, Mul) else 0):
        return x
    return r.like(x, r.emit(call, op, x, r.constant(call, held, role or "factor"), role=role))


def neg(r: Reader, call: Call) -> Value:
    """Neg: times -1."""
    return _by_number(r, call, Mul(), call.act(0), -1.0, "")


def power(r: Reader, call: Call) -> Value:
    """Pow by quarters: products, square roots, a reciprocal where it is negative."""
    x, exponent = call.act(0), call.need(1)
    quarters = 4 * float(exponent.ravel()[0]) if exponent.size == 1 else 0.0
    if exponent.ndim > len(x.shape) or abs(quarters) not in range(1, 4 * MAX_POWER + 1):
        what = "raises to another power than a multiple of 0.25, not 0 and 8 at most"
        raise call.unsupported(what, "multiply instead")
    whole, rest = divmod(round(abs(quarters)), 4)
    factors = [x] * whole
    if rest:
        root = r.like(x, r.emit(call, Sqrt(), x, role="root"))
        factors += [root] * (rest // 2)
        if rest % 2:
            factors.append(r.like(x, r.emit(call, Sqrt(), root, role="fourth")))
    y = factors[0]
    for k, factor in enumerate(factors[1:], start=2):
        last = k == len(factors) and quarters > 0
        y = r.like(x, r.emit(call, Mul(), y, factor, role="" if last else "square"))
    return y if quarters > 0 else r.like(x, r.emit(call, Reciprocal(), y))


def swish(r: Reader, call: Call) -> Value:
    """Swish: x sigmoid(alpha x)."""
    x = call.act(0)
    gate = _by_number(r, call, Mul(), x, call.attr("alpha", 1.0), "scale")
    gate = r.like(x, r.emit(call, Sigmoid(), gate, role="sigmoid"))
    return r.like(x, r.emit(call, Mul(), x, gate))


def soft_shrink(r: Reader, call: Call, bound: float) -> Value:
    """What lies beyond a bound on either side, less the bound."""
    x = call.act(0)
    turned = _by_number(r, call, Mul(), x, -1.0, "turned")
    sides = []
    for role, side in (("above", x), ("below", turned)):
        beyond = _by_number(r, call, Add(), side, -bound, f"{role}/less")
        sides.append(r.like(x, r.emit(call, Relu(), beyond, role=role)))
    return r.like(x, r.emit(call, Sub(), *sides))


def swiglu(r: Reader, call: Call) -> Value:
    """SwiGLU: one value by the swish of another."""
    gate = swish(r, replace(call, name=f"{call.name}/gate", inputs=(call.operand(0),)))
    return mul(r, replace(call, inputs=(gate, call.operand(1))))


def total(r: Reader, call: Call) -> Value:
    """Sum: additions in a row."""
    made = call.operand(0)
    for i in range(1, len(call.inputs)):
        pair = (made, call.operand(i))
        if all(isinstance(v, Known) for v in pair):
            raise call.unsupported("sums several constants", "fold constants before export")
        made = add(r, replace(call, name=f"{call.name}/{i}", inputs=pair))
    return made


def average(r: Reader, call: Call) -> Value:
    """Mean of several values."""
    made = total(r, replace(call, name=f"{call.name}/sum"))
    if not isinstance(made, Act):
        raise call.unsupported("is of constants", "fold constants before export")
    return _by_number(r, call, Mul(), made, 1 / len(call.inputs), "")


# -- two operands ----------------------------------------------------------------------------------


def _same_batch(r: Reader, call: Call, a: Act, b: Act) -> tuple[Act, Act]:
    """Operands whose batch axes, if they have any, lie on each other."""
    if len(a.shape) != len(b.shape):  # the shorter one lies on the axes of a sample
        if len(a.shape) < len(b.shape):
            return r.unbatched(call, a), b
        return a, r.unbatched(call, b)
    if (a.batch is None) == (b.batch is None):
        return a, b
    loose = a if a.batch is None else b
    if loose.shape[0] != 1:
        return r.unbatched(call, a), r.unbatched(call, b)
    return r.batched(call, a), r.batched(call, b)


def _stretched(r: Reader, call: Call, a: Act, like: Act) -> Act:
    """An operand with as many axes as another, in its order."""
    if a.fold == like.fold and a.perm == like.perm:
        return a
    assert a.fold is None
    assert like.fold is None
    missing = len(like.perm) - len(a.perm)
    if missing > 0:
        a = r.reshaped(call, a, (1,) * missing + a.sample)
    return r.ordered(call, a, like.perm)


def _against_known(r: Reader, call: Call, x: Act, array: Array) -> tuple[Act, Array]:
    """An operand and a constant without a batch axis, of no more axes than the operand."""
    rank = len(x.perm)
    if array.ndim > rank and x.batch is not None and array.ndim <= rank + 1:
        if array.shape[0] == 1:
            return x, array[0]
        if x.batch != 1:
            raise MixesBatchError
    if array.ndim > rank:
        x = r.unbatched(call, x)
        x = r.plain(call, x)
        x = r.reshaped(call, x, (1,) * (array.ndim - len(x.perm)) + x.sample)
    if x.fold is not None and array.size not in (1, x.type.size):
        x = r.plain(call, x)
    return x, array


def binary(op: Op) -> Callable[[Reader, Call], Value]:
    """The converter of an operator on two operands that broadcast."""

    def convert(r: Reader, call: Call) -> Value:
        if call.opset < 7:
            raise call.unsupported("has the broadcasting rules of an old operator set")
        a, b = call.operand(0), call.operand(1)
        _check_broadcast(call, a, b)
        if isinstance(op, Add):
            a, b = (Known(finite(v.array)) if isinstance(v, Known) else v for v in (a, b))
        if isinstance(a, Act) and isinstance(b, Act):
            if a.fold != b.fold:
                a, b = r.plain(call, a), r.plain(call, b)
            a, b = _same_batch(r, call, a, b)
            lead = max((a, b), key=lambda v: (len(v.perm), v.type.size))
            a, b = _stretched(r, call, a, lead), _stretched(r, call, b, lead)
            batches = [v.batch for v in (a, b) if v.batch is not None]
            return _result(lead, max(batches, default=None), r.emit(call, op, a, b))
        if isinstance(a, Act):
            assert isinstance(b, Known)
            a, array = _against_known(r, call, a, b.array)
            return _result(a, a.batch, r.emit(call, op, a, r.data(call, array, a, "operand")))
        assert isinstance(a, Known)
        assert isinstance(b, Act)
        b, array = _against_known(r, call, b, a.array)
        return _result(b, b.batch, r.emit(call, op, r.data(call, array, b, "operand"), b))

    return convert


def finite(array: Array) -> Array:
    """A constant in which MASKED stands for minus infinity and for the least number of a type."""
    if array.dtype.kind != "f" or not (array <= LEAST).any():
        return array
    return np.where(array <= LEAST, np.float32(MASKED), array)


def _result(lead: Act, batch: int | None, made: tuple[str, TensorType]) -> Act:
    name, t = made
    assert len(t.shape) == len(lead.perm), "the leading operand has all axes"
    return replace(lead, name=name, type=t, batch=batch, truth=False)


def _check_broadcast(call: Call, a: Value, b: Value) -> None:
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise call.error(
            f"its operands {list(a.shape)} and {list(b.shape)} do not go together"
        ) from None


add, sub, mul, div = binary(Add()), binary(Sub()), binary(Mul()), binary(Div())


def extreme(op: Maximum | Minimum) -> Callable[[Reader, Call], Value]:
    """The converter of Max, or Min, of any number of values; of numbers they are one clamp."""
    pair = binary(op)
    lower = isinstance(op, Maximum)

    def convert(r: Reader, call: Call) -> Value:
        values = [call.operand(i) for i in range(len(call.inputs))]
        rank = max(len(v.shape) for v in values)
        ends, rest = [], []
        for v in values:
            if isinstance(v, Known) and v.array.size == 1 and (v.array.ndim < rank or not rank):
                ends.append(float(v.array.ravel()[0]))
            else:
                rest.append(v)
        made = rest[0]
        for i, v in enumerate(rest[1:], start=1):
            if isinstance(made, Known) and isinstance(v, Known):
                raise call.unsupported("compares several constants", "fold constants before export")
            name = call.name if i == len(rest) - 1 and not ends else f"{call.name}/{i}"
            made = pair(r, replace(call, name=name, inputs=(made, v)))
        if any(map(math.isnan, ends)):
            raise call.error("compares with NaN")
        if not ends or not isinstance(made, Act):
            return made
        limits = (max(ends), math.inf) if lower else (-math.inf, min(ends))
        return r.like(made, r.emit(call, Relu(limits), made))

    return convert


def prelu(r: Reader, call: Call) -> Value:
    """PRelu with a constant slope, broadcast to x."""
    x, slope = call.act(0), call.need(1)
    _check_broadcast(call, x, Known(slope))
    if np.broadcast_shapes(x.shape, slope.shape) != x.shape:
        raise call.error(f"its slope {list(slope.shape)} does not go with {list(x.shape)}")
    x, slope = _against_known(r, call, x, slope)
    return r.like(x, r.emit(call, PRelu(), x, r.data(call, slope, x, "slope")))


def expand(r: Reader, call: Call) -> Value:
    """Expand: zeros of the wanted shape are added.

    Normalisation drops it in front of an operator that broadcasts anyway.
    """
    x = call.act(0)
    try:
        shape = np.broadcast_shapes(x.shape, tuple(int(n) for n in call.need(1).ravel()))
    except ValueError:
        raise call.error(f"{list(x.shape)} as {call.need(1).ravel().tolist()}") from None
    if shape == x.shape:
        return x
    if math.prod(shape) > MAX_EXPANDED:
        raise call.unsupported(f"makes {list(shape)}: {math.prod(shape)} elements")
    return add(r, replace(call, inputs=(x, Known(np.zeros(shape, np.float32)))))
