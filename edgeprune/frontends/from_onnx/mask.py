"""Masks: what is taken away from scores in front of a softmax, and choices between two values."""

from __future__ import annotations

import numpy as np

from edgeprune.frontends.from_onnx import compare, elementwise
from edgeprune.frontends.from_onnx.moments import acting, step
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.ir import Array
from edgeprune.ir.types import LEAST, MASKED


def where(r: Reader, call: Call) -> Value:
    """Where: a sum of what is chosen; a mask is only added."""
    condition = call.operand(0)
    values = [call.operand(1), call.operand(2)]
    if any(isinstance(v, Known) and np.isposinf(v.array).any() for v in values):
        raise call.unsupported("chooses infinity", "fill with a finite number, such as 1e4")
    if isinstance(condition, Act):
        return _masked(r, call, condition, values) or compare.chosen(r, call, condition)
    chosen = condition.array.astype(np.bool_)
    y: Value | None = None
    for role, v, keep in zip(("then", "else"), values, (chosen, ~chosen), strict=True):
        part = _kept(r, call, role, v, np.asarray(keep, np.float32), _masks(values))
        y = part if y is None else elementwise.add(r, step(call, "", y, part))
    assert y is not None
    return y


def _masked(r: Reader, call: Call, condition: Act, values: list[Value]) -> Value | None:
    """Scores less MASKED where a computed condition says so; None: neither value is a mask."""
    for own, mask in (values, values[::-1]):
        if isinstance(mask, Known) and isinstance(own, Act) and _masks([mask]):
            away = condition
            if mask is values[1]:
                away = acting(compare.negated(r, step(call, "away"), condition))
            least = Known(np.asarray(MASKED, np.float32))
            less = elementwise.mul(r, step(call, "mask", away, least))
            return elementwise.add(r, step(call, "", own, less))
    return None


def _masks(values: list[Value]) -> bool:
    """Whether one of the values takes away what the other has, whatever that is."""
    known = [v.array for v in values if isinstance(v, Known)]
    return any(a.dtype.kind == "f" and a.size == 1 and (a <= LEAST).all() for a in known)


def _kept(r: Reader, call: Call, role: str, v: Value, keep: Array, masks: bool) -> Value:
    """A value where it is chosen, else 0; all of it beside a mask."""
    if isinstance(v, Known):
        return Known(np.asarray(elementwise.finite(v.array.astype(np.float32)) * keep, np.float32))
    if masks and np.broadcast_shapes(v.shape, keep.shape) == v.shape:
        return v
    return compare.kept(r, step(call, role, v, Known(keep)))


def less(r: Reader, call: Call, scores: Act, mask: Value) -> Act:
    """Scores plus a mask, or only those where it is true."""
    if isinstance(mask, Known):
        return acting(added(r, call, scores, mask))
    if not mask.truth:
        return acting(elementwise.add(r, step(call, "", scores, mask)))
    away = Known(np.asarray(-np.inf, np.float32))
    return acting(where(r, step(call, "", mask, scores, away)))


def added(r: Reader, call: Call, scores: Act, mask: Known) -> Value:
    """Scores plus a mask; of truth values those that are false are taken away."""
    array = mask.array
    if array.dtype == np.bool_:
        array = np.where(array, 0.0, MASKED)
    if not array.any():
        return scores
    return elementwise.add(r, step(call, "mask", scores, Known(array.astype(np.float32))))
