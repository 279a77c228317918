"""Einsum of one or two operands: transposes around a product of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx import elementwise, linear, reduce, shape
from edgeprune.frontends.from_onnx.moments import acting, step
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Value


def einsum(r: Reader, call: Call) -> Value:
    """Einsum: letters that only operands have are summed over."""
    equation = call.attr("equation", b"").decode(errors="replace").replace(" ", "")
    left, arrow, result = equation.partition("->")
    terms = left.split(",")
    if not arrow:
        letters = left.replace(",", "")
        result = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    values = [call.operand(i) for i in range(len(call.inputs))]
    _check(call, equation, terms, result, values)
    parts = [_summed(r, call, i, t, v, set(result).union(*terms[:i], *terms[i + 1 :]))
             for i, (t, v) in enumerate(zip(terms, values, strict=True))]  # fmt: skip
    if len(parts) == 1:
        (letters, value) = parts[0]
        return _ordered(r, call, "", value, letters, result)
    return _product(r, call, parts[0], parts[1], result)


Term = tuple[str, Value]


def _check(
    call: Call, equation: str, terms: Sequence[str], result: str, values: Sequence[Value]
) -> None:
    letters = "".join(terms)
    lengths: dict[str, int] = {}
    if len(terms) != len(values) or len(terms) > 2:
        raise call.unsupported(f"{equation!r} has {len(terms)} operands", "multiply two at a time")
    if "." in equation or any(len(set(t)) < len(t) for t in (*terms, result)):
        raise call.unsupported(f"{equation!r} has an ellipsis or a diagonal", "name each axis once")
    for t, v in zip(terms, values, strict=True):
        if len(t) != len(v.shape):
            raise call.error(f"{t!r} does not go with {list(v.shape)}")
        for c, n in zip(t, v.shape, strict=True):
            if lengths.setdefault(c, n) != n:
                raise call.error(f"{equation!r}: {c!r} has lengths {lengths[c]} and {n}")
    if not set(result) <= set(letters):
        raise call.error(f"{equation!r} makes an axis that no operand has")


def _summed(r: Reader, call: Call, i: int, term: str, value: Value, read: set[str]) -> Term:
    """A term without the letters that nothing else has."""
    axes = [k for k, c in enumerate(term) if c not in read]
    rest = "".join(c for c in term if c in read)
    if not axes:
        return term, value
    if isinstance(value, Known):
        return rest, Known(value.array.sum(axis=tuple(axes), dtype=np.float32))
    given = (value, Known(np.asarray(axes, np.int64)))
    part = step(call, f"sum{i}", *given, opset=18)
    return rest, reduce.reduce_sum(r, replace(part, attributes={"keepdims": 0}))


def _ordered(r: Reader, call: Call, role: str, value: Value, letters: str, wanted: str) -> Value:
    """Axes in another order."""
    perm = [letters.index(c) for c in wanted]
    if isinstance(value, Known):
        return Known(value.array.transpose(perm))
    return shape.transpose(r, replace(step(call, role, value), attributes={"perm": perm}))


def _shaped(r: Reader, call: Call, value: Value, target: Sequence[int]) -> Value:
    if isinstance(value, Known):
        return Known(value.array.reshape(target))
    return r.reshape(call, value, tuple(target))


def _product(r: Reader, call: Call, a: Term, b: Term, result: str) -> Value:
    """Letters of both that the result has count matrices; of both that it has not are summed."""
    sizes = dict(zip(a[0] + b[0], a[1].shape + b[1].shape, strict=True))
    lead = [c for c in result if c in a[0] and c in b[0]]
    inner = [c for c in a[0] if c in b[0] and c not in result]
    rows = [c for c in a[0] if c not in b[0]]
    columns = [c for c in b[0] if c not in a[0]]
    left = _ordered(r, call, "left", a[1], a[0], "".join((*lead, *rows, *inner)))
    right = _ordered(r, call, "right", b[1], b[0], "".join((*lead, *inner, *columns)))
    front = [sizes[c] for c in lead]
    m, k, n = (math.prod(sizes[c] for c in part) for part in (rows, inner, columns))
    left, right = _shaped(r, call, left, (*front, m, k)), _shaped(r, call, right, (*front, k, n))
    if inner:
        y: Act = acting(linear.matmul(r, step(call, "product", left, right)))
    else:
        y = acting(elementwise.mul(r, step(call, "product", left, right)))
    made = [*lead, *rows, *columns]
    y = r.reshape(call, y, tuple(sizes[c] for c in made))
    return _ordered(r, call, "", y, "".join(made), result)
