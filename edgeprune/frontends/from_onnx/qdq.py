"""Quantised ONNX models: DequantizeLinear → operator → QuantizeLinear becomes one integer operator.

The reader first makes a float graph in which both are operators of their own; here that graph is
walked once and every operator gets the integers around it. Scales, zero points and weights stay
those of the file; uint8 becomes int8 by taking 128 off value and zero point, which is exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx.fold_qdq import HINT
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.ir import (
    DType,
    LinearOp,
    QuantParams,
    TensorType,
)
from edgeprune.ops import Dequantize, Quantize

_SIGNED = {"int8": DType.INT8, "uint8": DType.INT8, "int16": DType.INT16, "int32": DType.INT32}


# -- reading ---------------------------------------------------------------------------------------


def params_of(call: Call) -> tuple[QuantParams, DType]:
    """Scale and zero point of a Q or DQ, for the signed type that holds its integers."""
    scale, zero = call.need(1), call.known(2)
    if zero is None:
        zero = np.zeros(scale.shape, np.uint8 if call.kind == "QuantizeLinear" else np.int8)
    if not (np.isfinite(scale).all() and (scale > 0).all()) or scale.size < 1:
        raise call.error("its scale is not positive")
    if call.attr("block_size", 0) or scale.ndim > 1 or zero.size not in (1, scale.size):
        raise call.unsupported("has a scale per block", HINT)
    dtype = _SIGNED.get(zero.dtype.name)
    if dtype is None:
        raise call.unsupported(f"makes {zero.dtype}", HINT)
    shift = 128 if zero.dtype == np.uint8 else 0
    zeros = np.broadcast_to(zero.astype(np.int64).ravel() - shift, (scale.size,))
    scales = tuple(float(np.float32(s)) for s in scale.ravel())
    axis = None if scale.size == 1 else 0
    return QuantParams(scales, tuple(int(z) for z in zeros), axis), dtype


def quantize_linear(r: Reader, call: Call) -> Value:
    """Reals to integers; of constants: what the integers stand for."""
    x = call.operand(0)
    if isinstance(x, Known):
        raise call.unsupported("quantises a constant", "store the integers: fold constants")
    quant, dtype = params_of(call)
    if quant.axis is not None:
        raise call.unsupported("has a scale per channel", HINT)
    name, made = r.emit(call, Quantize(dtype), x)
    r.known[name] = TensorType(made.shape, dtype, quant)
    return replace(x, name=name, type=r.known[name])


def dequantize_linear(r: Reader, call: Call) -> Value:
    """Integers to reals."""
    x = call.operand(0)
    if isinstance(x, Act):
        name, made = r.emit(call, Dequantize(), x)
        return replace(x, name=name, type=made)
    quant, _ = params_of(_typed(call, x))
    shape = [1] * x.array.ndim
    if quant.axis is not None:
        axis = call.axis(call.attr("axis", 1), x.array.ndim)
        if x.array.shape[axis] != len(quant.scale):
            raise call.error(f"{len(quant.scale)} scales for {list(x.shape)}")
        shape[axis] = -1
        quant = replace(quant, axis=axis)
    shift = 128 if x.array.dtype == np.uint8 else 0
    wide = x.array.astype(np.float64) - shift
    zeros, scales = (np.asarray(v, np.float64) for v in (quant.zero_point, quant.scale))
    if quant.axis is None:
        zeros, scales = zeros[0], scales[0]
    else:
        zeros, scales = zeros.reshape(shape), scales.reshape(shape)
    return Known(((wide - zeros) * scales).astype(np.float32), x.name, quant)


def _typed(call: Call, x: Known) -> Call:
    """The call with a zero point of the operand's type, where it is left out."""
    if call.optional(2) is not None:
        return call
    zero = Known(np.zeros(call.need(1).shape, x.array.dtype))
    return replace(call, inputs=(*call.inputs[:2], zero))


def note_scales(r: Reader, call: Call, first: int) -> None:
    """Remember the scales of quantised constants in the nodes that a call has made.

    Args:
        r: the conversion.
        call: the ONNX node.
        first: how many nodes there were before it.
    """
    held = [v for v in call.inputs if isinstance(v, Known) and v.quant is not None]
    if not held:
        return
    for node in r.nodes[first:]:
        axis = node.op.out_axis if isinstance(node.op, LinearOp) else None
        for i, v in enumerate(node.inputs):
            if v not in r.constants or (axis is not None and i == 2):
                continue
            quant = held[0].quant
            assert quant is not None
            if axis is None:
                if quant.axis is None:
                    r.scales[v] = quant
            elif not any(quant.zero_point):
                if quant.axis is None:
                    r.scales[v] = quant
                elif r.constants[v].shape[axis] == len(quant.scale):
                    r.scales[v] = replace(quant, axis=axis)


# -- folding ---------------------------------------------------------------------------------------
