"""Comparisons, logic, choices by computed conditions: truth is the real number 1, falsehood 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from onnx import TensorProto

from edgeprune.frontends.from_onnx import elementwise
from edgeprune.frontends.from_onnx.moments import acting, step
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Index, Known, Value
from edgeprune.ops import Compare, Keep, Maximum
from edgeprune.ops.compare import TURNED, Test
from edgeprune.ops.function import Abs

ONE = Known(np.asarray(1, np.float32))
TESTS = frozenset("And Equal Greater GreaterOrEqual Less LessOrEqual Not Or Xor".split())


def comparison(test: Test) -> Callable[[Reader, Call], Value]:
    """The converter of a comparison of two operands that broadcast.

    With a number it is a function of one element; else their difference is compared with 0.
    """

    def convert(r: Reader, call: Call) -> Value:
        a, b = (real(call.operand(i)) for i in (0, 1))
        if isinstance(a, Known):
            return comparison(TURNED[test])(r, replace(call, inputs=(b, a)))
        if isinstance(b, Known) and b.array.size == 1 and b.array.ndim <= len(a.shape):
            return _tested(r, call, test, a, float(b.array.ravel()[0]))
        between = acting(elementwise.sub(r, step(call, "difference", a, b)))
        return _tested(r, call, test, between, 0.0)

    return convert


def _tested(r: Reader, call: Call, test: Test, x: Act, bound: float) -> Act:
    return _compared(r, call, Compare(test, _held(call, test, bound)), x)


def _held(call: Call, test: Test, bound: float) -> float:
    """A bound that float32 has: an infinite one becomes the largest number."""
    held = np.float32(np.clip(bound, np.finfo(np.float32).min, np.finfo(np.float32).max))
    if np.isnan(held):
        raise call.error("compares with NaN")
    if np.isinf(bound) and test in ("==", "!="):
        raise call.unsupported("looks for infinity", "compare with a finite number by >= or <=")
    return float(held)


def _compared(r: Reader, call: Call, op: Compare, x: Act) -> Act:
    return _true(r.like(x, r.emit(call, op, x)))


def real(v: Value) -> Value:
    """A constant as real numbers: truth values and whole ones too."""
    return Known(v.array.astype(np.float32)) if isinstance(v, Known) else v


def _true(v: Act) -> Act:
    return replace(v, truth=True)


def is_truth(v: Value | Index | None) -> bool:
    """Whether the model has a value as truth values."""
    return v.array.dtype == np.bool_ if isinstance(v, Known) else isinstance(v, Act) and v.truth


def gives_truth(call: Call) -> bool:
    """Whether the results are truth values: of a test, or of moving or choosing such."""
    if call.kind == "Cast":
        return bool(call.attributes.get("to") == TensorProto.BOOL)
    moved = call.inputs[1:] if call.kind == "Where" else call.inputs[:1]
    return call.kind in TESTS or any(map(is_truth, moved))


def _comparison(r: Reader, v: Act) -> tuple[Compare, str] | None:
    """The comparison that makes a value, and what it reads."""
    node = next((n for n in reversed(r.nodes) if n.output == v.name), None)
    if node is None or not isinstance(node.op, Compare):
        return None
    return node.op, node.inputs[0]


def negated(r: Reader, call: Call, v: Value) -> Value:
    """What is true where a value is false."""
    if isinstance(v, Known):
        return Known(1 - v.array.astype(np.float32))
    made = _comparison(r, v)
    if made is None:
        return _true(acting(elementwise.sub(r, step(call, "", ONE, v))))
    op, source = made
    return _compared(r, call, op.opposite(), replace(v, name=source))


def cast(r: Reader, call: Call) -> Value:
    """Cast of an input in integers, of reals and truth values to float32, of rows to integers."""
    x, to = call.operand(0), call.attr("to", 0)
    if isinstance(x, Act) and x.type.is_index:
        if to not in (TensorProto.INT32, TensorProto.INT64):
            raise call.unsupported("makes real numbers of numbers of rows", "give them as float32")
        return x
    if is_truth(x):
        return x
    if to == TensorProto.BOOL and isinstance(x, Act):
        return _tested(r, call, "!=", x, 0.0)
    if to != TensorProto.FLOAT:
        raise call.unsupported("casts to another type than float32", "export a float32 model")
    return x


def not_(r: Reader, call: Call) -> Value:
    """Not."""
    return negated(r, call, call.operand(0))


def and_(r: Reader, call: Call) -> Value:
    """And: a product."""
    both = step(call, "", *map(real, (call.operand(0), call.operand(1))))
    return elementwise.mul(r, both)


def or_(r: Reader, call: Call) -> Value:
    """Or: a maximum."""
    both = step(call, "", *map(real, (call.operand(0), call.operand(1))))
    return elementwise.binary(Maximum())(r, both)


def sign(r: Reader, call: Call) -> Value:
    """Sign: whether it is above 0, less whether it is below."""
    x = call.act(0)
    above = _tested(r, step(call, "above"), ">", x, 0.0)
    below = _tested(r, step(call, "below"), "<", x, 0.0)
    return elementwise.sub(r, step(call, "", above, below))


def shrink(r: Reader, call: Call) -> Value:
    """Shrink: what lies beyond lambda on either side, moved to the middle by the bias."""
    x, bound, bias = call.act(0), call.attr("lambd", 0.5), call.attr("bias", 0.0)
    if bound < 0:
        raise call.error(f"attribute 'lambd' is {bound:g}, not 0 or more")
    if bound == bias:  # there is no jump
        return elementwise.soft_shrink(r, call, bound)
    if not bias:
        size = r.like(x, r.emit(call, Abs(), x, role="size"))
        beyond = _tested(r, step(call, "beyond"), ">", size, bound)
        return kept(r, step(call, "", x, beyond))
    above = _tested(r, step(call, "above"), ">", x, bound)
    below = _tested(r, step(call, "below"), "<", x, -bound)
    sides = []
    for role, beyond, move in (("above", above, -bias), ("below", below, bias)):
        moved = step(call, f"{role}/moved", x, Known(np.asarray(move, np.float32)))
        sides.append(kept(r, step(call, f"{role}/kept", elementwise.add(r, moved), beyond)))
    return elementwise.add(r, step(call, "", *sides))


def thresholded(r: Reader, call: Call) -> Value:
    """ThresholdedRelu: x where it is above alpha, else 0."""
    x = call.act(0)
    above = _tested(r, step(call, "above"), ">", x, call.attr("alpha", 1.0))
    return kept(r, step(call, "", x, above))


def kept(r: Reader, call: Call) -> Value:
    """A value where a condition is true, else 0; of constants, which are finite, the product."""
    if isinstance(call.operand(0), Known):
        return elementwise.mul(r, call)
    return elementwise.binary(Keep())(r, call)


def chosen(r: Reader, call: Call, condition: Act) -> Value:
    """Where by a computed condition: the sum of each value where it is chosen."""
    yes, no = (real(call.operand(i)) for i in (1, 2))
    yes, no = (Known(elementwise.finite(v.array)) if isinstance(v, Known) else v for v in (yes, no))
    if isinstance(yes, Known) and isinstance(no, Known):
        less = np.asarray(yes.array - no.array, np.float32)
        if (less + no.array == yes.array).all():  # a large one takes digits of a small one
            scaled = elementwise.mul(r, step(call, "chosen", condition, Known(less)))
            return elementwise.add(r, step(call, "", scaled, no)) if no.array.any() else scaled
    parts = []
    for role, v in (("then", yes), ("else", no)):
        if isinstance(v, Known) and not v.array.any():
            continue
        where = condition if role == "then" else negated(r, step(call, "other"), condition)
        parts.append(kept(r, step(call, role, v, where)))
    return parts[0] if len(parts) == 1 else elementwise.add(r, step(call, "", *parts))
