"""UNIDIRECTIONAL_SEQUENCE_LSTM of int8, with its states: one operator over all steps."""

from __future__ import annotations

import math

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import VARIABLE, Operator, Tensor, option
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import Array, DType, QuantParams, TensorType
from edgeprune.ops import Lstm, Slice

TANH = 4
LACKING = {
    "peepholes": (9, 10, 11),
    "a projection": (16, 17),
    "layer normalisation": (20, 21, 22, 23),
}
"""By what it is: operands that are not read."""


def lstm(r: Reader, op: Operator) -> None:
    """Operands: x; w, r of input, forget, cell, output gate; biases (12); states (18, 19)."""
    for what, positions in LACKING.items():
        if any(r.tensor(op, p) is not None for p in positions):
            raise UnsupportedError(r.where(op), f"has {what}")
    if r.tensor(op, 1) is None:
        raise UnsupportedError(r.where(op), "has no input gate of its own (CIFG)")
    x, y = r.operand(op, 0), r.result(op)
    if r.check_types(op, 0) is not DType.INT8 or r.operand(op, 1).dtype is not DType.INT8:
        what = f"has inputs and weights of {x.dtype.value} and {r.operand(op, 1).dtype.value}"
        hint = "quantise it as int8, or give the Keras model itself"
        raise UnsupportedError(r.where(op), what, hint)
    if option(op, 3, "b") or int(option(op, 0, "b")) != TANH or len(x.shape) != 3:
        raise UnsupportedError(r.where(op), "has steps in front, or another function than tanh")
    h, c = (_state(r, op, p) for p in (18, 19))
    if y.quant != h.quant or y.quant is None:
        raise UnsupportedError(r.where(op), "has a result of another scale than its state")
    made = _form(r, op, c)
    n = y.shape[2]
    types = (TensorType((1, n), h.dtype, h.quant), TensorType((2, n), h.dtype, h.quant))
    zero = np.full((1, n), y.quant.zero_point[0], np.int8), np.zeros((2, n), np.int8)
    for t, kind, first in zip((h, c), types, zero, strict=True):
        r.inputs[t.name] = r.known[t.name] = kind
        r.states.initial[t.name] = first
        r.states.read[t.name] = t.name
    weights = [_joined(r, op, at, role) for at, role in ((1, "w"), (5, "r"), (12, "bias"))]
    steps = x.shape[1]
    like = TensorType((), y.dtype, y.quant)
    whole = r.between(op, made, (r.value(op, 0), h.name, c.name, *weights), "steps", like)
    rows = {h.name: (steps - 1, steps), c.name: (steps, steps + 2)}
    for name, (start, stop) in rows.items():
        cut = Slice((start, 0), (stop, n), (1, 1))
        r.states.now[name] = r.between(op, cut, (whole,), "kept")
    r.add(op, Slice((0, 0), (steps, n), (1, 1)), (whole,))


def _state(r: Reader, op: Operator, position: int) -> Tensor:
    t = r.operand(op, position)
    if t.refused != VARIABLE or t.name in r.known:
        raise UnsupportedError(r.where(op), f"keeps {t.name!r}, which is no variable of its own")
    wanted = DType.INT8 if position == 18 else DType.INT16
    if t.dtype is not wanted or t.quant is None or math.prod(t.shape) != r.result(op).shape[-1]:
        raise UnsupportedError(r.where(op), f"keeps {t.name!r}: {t.dtype.value} {list(t.shape)}")
    return t


def _form(r: Reader, op: Operator, c: Tensor) -> Lstm:
    """UnidirectionalSequenceLSTMOptions(activation, cell_clip, projection_clip, time_major)."""
    assert c.quant is not None
    scale, clip = c.quant.scale[0], float(option(op, 1, "f", 0.0))
    power = round(math.log2(scale))
    if scale != 2.0**power or not 0 <= power + 15 <= 6 or c.quant.zero_point[0]:
        raise UnsupportedError(r.where(op), f"has a cell of scale {scale:g}, no power of two")
    if not 0 <= clip < math.inf:
        raise EdgePruneError(r.where(op), f"clips its cell to {clip:g}")
    return Lstm(power + 15, int(min(clip / scale, 32767)))


def _joined(r: Reader, op: Operator, position: int, role: str) -> str:
    """Operands of the four gates as one constant, each gate with its own scale."""
    parts: list[Array] = []
    scales: list[float] = []
    for k in range(position, position + 4):
        t, data = r.operand(op, k), r.constant(op, k)
        wanted = DType.INT32 if role == "bias" else DType.INT8
        if data is None or t.dtype is not wanted or t.quant is None:
            raise UnsupportedError(r.where(op), f"has {t.name!r}, no constant of {wanted.value}")
        if any(t.quant.zero_point) or len(t.quant.scale) > 1:
            raise UnsupportedError(r.where(op), f"has {t.name!r} with zero points or many scales")
        parts.append(data)
        scales += list(t.quant.scale) * len(data)
    if len({p.shape for p in parts}) > 1:
        raise EdgePruneError(r.where(op), f"has gates of shapes {[list(p.shape) for p in parts]}")
    whole = np.concatenate(parts)
    quant = QuantParams(tuple(scales), (0,) * len(scales), 0)
    kind = TensorType(whole.shape, DType(whole.dtype.name), quant)
    return r.add_constant(f"{r.result(op).name}/{role}", whole, kind)
