"""Batch normalisation and softmax."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Value
from edgeprune.ir import Op
from edgeprune.ops import Add, LogSoftmax, Mul, Softmax


def batch_normalization(r: Reader, call: Call) -> Value:
    """One factor and one sum a channel, which normalisation folds into the layers around."""
    if call.attr("training_mode", 0) or any(call.outputs[1:]):
        raise call.unsupported(
            "is in training mode", "export the model for inference: model.eval()"
        )
    x = r.batched(call, call.act(0))
    parts = [np.asarray(call.need(i), np.float64) for i in range(1, 5)]
    channels = x.sample[0] if x.perm else 0
    if any(p.shape != (channels,) for p in parts):
        raise call.error(f"{channels} channels, but statistics {[list(p.shape) for p in parts]}")
    gamma, beta, mean, variance = parts
    if (variance + call.attr("epsilon", 1e-5) <= 0).any():
        raise call.error("its variance is not positive")
    a = gamma / np.sqrt(variance + call.attr("epsilon", 1e-5))
    b = beta - mean * a
    shape = (channels,) + (1,) * (len(x.perm) - 1)
    origin = r.origins.get(x)
    scale = r.data(call, a.reshape(shape), x, "scale")
    x = r.like(x, r.emit(call, Mul(), x, scale, role="scale"))
    y = r.like(x, r.emit(call, Add(), x, r.data(call, b.reshape(shape), x, "offset")))
    if origin is not None:
        r.origins[y] = origin.then((Mul(), a.reshape(shape)), (Add(), b.reshape(shape)))
    return y


def _over_axis(r: Reader, call: Call, op: Op) -> Value:
    x = call.act(0)
    rank = len(x.shape)
    opset = call.attr("opset", call.opset)
    axis = call.axis(call.attr("axis", 1 if opset < 13 else -1), rank)
    if opset < 13 and rank > 1:  # softmax over all axes from this one on
        before, shape = x.shape[:axis], x.shape
        flat = r.reshape(call, x, (*before, int(np.prod(shape[axis:], dtype=np.int64))))
        y = _last(r, call, flat, len(flat.shape) - 1, op)
        return r.reshape(call, y, shape)
    return _last(r, call, x, axis, op)


def _last(r: Reader, call: Call, x: Act, axis: int, op: Op) -> Act:
    if x.fold is None or x.batch is None or axis == 0:
        if x.batch is not None and axis == 0:
            x = r.unbatched(call, x)
        x = r.last(call, x, axis - (x.batch is not None))
    name, made = r.emit(call, op, x)  # a flattened image may stay in its order
    return replace(x, name=name, type=made)


def softmax(r: Reader, call: Call) -> Value:
    """Softmax over one axis; before opset 13 over that axis and all behind it."""
    return _over_axis(r, call, Softmax())


def log_softmax(r: Reader, call: Call) -> Value:
    """LogSoftmax, by the same rules."""
    return _over_axis(r, call, LogSoftmax())
