"""Rows of all positions, one below the other, between the reshapes that make and undo them.

Keras' Dense on a sequence (1, t, k) is a FULLY_CONNECTED on its rows (t, k). Where the batch is
free, the file leaves open how many those are, and shape arithmetic says it. A layer works on the
last axis alone, so that rows are read as the sequence that they were.
"""

from __future__ import annotations

import math

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator
from edgeprune.frontends.from_tflite.moves import same_scale
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import TensorType
from edgeprune.ops import Reshape

Shape = tuple[int, ...]

BY_ELEMENT = frozenset(
    "ADD ELU GELU HARD_SWISH LEAKY_RELU LOGISTIC MUL RELU RELU6 SUB TANH".split()
)
"""What may lie between the layer and the reshape behind it, with a constant for each column."""


def follow(r: Reader, op: Operator) -> bool:
    """Read a reshape that makes or undoes rows; say of what others make of rows that it is such."""
    given = [p for p, number in enumerate(op.inputs) if number in r.rows]
    if not given:
        return op.name == "RESHAPE" and _make(r, op)
    shape = r.known[r.operand(op, 0).name].shape if given == [0] else ()
    others = [r.constant(op, p) for p in range(1, len(op.inputs))]
    flat = all(x is not None and x.size == max(x.shape, default=1) for x in others)
    if shape and op.name == "RESHAPE":
        _undo(r, op, shape)
        return True
    if shape and op.name == "FULLY_CONNECTED" and others[0] is not None and others[0].ndim == 2:
        _pass_on(r, op, (*shape[:-1], len(others[0])))
    elif shape and op.name in BY_ELEMENT and flat:
        _pass_on(r, op, shape)
    else:
        what = "works on the rows of all samples"
        raise UnsupportedError(r.where(op), what, "export the model with batch size 1")
    return False


def _make(r: Reader, op: Operator) -> bool:
    """A sequence as rows that a layer alone reads; whether it is that."""
    t, target = r.operand(op, 0), r.constant(op, 1)
    if t.name not in r.known or target is None or target.shape != (2,):
        return False
    rows, columns = map(int, target)
    *positions, width = r.known[t.name].shape or (0,)
    if not 1 < rows == math.prod(positions) or columns != width:
        return False
    if r.readers.get(op.outputs[0]) != {"FULLY_CONNECTED"}:
        return False
    same_scale(r, op)
    _pass_on(r, op, (*positions, width))
    r.add(op, Reshape((*positions, width)), (t.name,))
    return True


def _undo(r: Reader, op: Operator, shape: Shape) -> None:
    """Rows as the sequence of a batch of 1, or as what they are: for the next layer."""
    target = r.constant(op, 1) if len(op.inputs) > 1 else None
    whole = r.result(op).shape if target is None else tuple(map(int, target.ravel()))
    same_scale(r, op)
    if whole == (math.prod(shape[:-1]), shape[-1]):
        _pass_on(r, op, shape)
        whole = (1, *shape)
    elif whole[:1] != (1,) or math.prod(whole) != math.prod(shape):
        raise UnsupportedError(r.where(op), f"makes {list(whole)} of {list(shape)}")
    else:
        _type(r, op, whole[1:])
    r.add(op, Reshape(whole[1:]), (r.value(op, 0),))


def _pass_on(r: Reader, op: Operator, shape: Shape) -> None:
    """The result is rows too."""
    r.rows.add(op.outputs[0])
    _type(r, op, shape)


def _type(r: Reader, op: Operator, shape: Shape) -> None:
    t = r.result(op)
    r.given[t.name] = TensorType(shape, t.dtype, t.quant)
