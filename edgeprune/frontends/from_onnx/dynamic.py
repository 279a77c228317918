"""Dynamic quantisation: integers whose scale is found anew for every sample, read as real numbers.

A value is not rounded: it is its own integers, at scale 1. What the weights' integers stand for is
exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx import linear, window
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Known, Value
from edgeprune.ir import Array

NOTE = "the model quantises dynamically, with scales that follow each sample: it is read as float32"


def dynamic_quantize_linear(r: Reader, call: Call) -> Sequence[Value]:
    """DynamicQuantizeLinear: the value itself, scale 1, zero point 0."""
    one, zero = np.asarray(1, np.float32), np.asarray(0, np.uint8)
    return [call.act(0), Known(one), Known(zero)]


def _weights(call: Call, along: int) -> Known:
    """Integers less their zero points, of which there may be one an index of an axis."""
    x = call.act(0)
    if x.type.quant is not None:
        raise call.unsupported("reads integers with a fixed scale", "use QDQ, or dynamic scales")
    w, zero = call.need(1).astype(np.float32), call.known(3)
    if zero is None:
        return Known(w)
    shape = [1] * w.ndim
    if zero.size > 1:
        shape[along] = -1
    try:
        return Known(np.asarray(w - _reshaped(zero, shape), np.float32))
    except ValueError:
        raise call.error(f"{zero.size} zero points for {list(w.shape)}") from None


def _reshaped(zero: Array, shape: list[int]) -> Array:
    return zero.astype(np.float32).reshape(shape)


def matmul_integer(r: Reader, call: Call) -> Value:
    """MatMulInteger by constant weights."""
    return linear.matmul(r, replace(call, inputs=(call.act(0), _weights(call, -1))))


def conv_integer(r: Reader, call: Call) -> Value:
    """ConvInteger."""
    return window.conv(r, replace(call, inputs=(call.act(0), _weights(call, 0))))
