"""Programs of PyTorch 2's export quantisation: integers between real operators, as in QDQ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx.value import Known, Value
from edgeprune.frontends.from_torch.archive import DTYPES
from edgeprune.frontends.from_torch.call import Aten
from edgeprune.ir import Array

NAMESPACE = "torch.ops.quantized_decomposed."


def _integers(n: Aten) -> tuple[np.dtype[np.generic], tuple[int, int]]:
    """The integers' type, and the least and largest of them that are used."""
    kind = np.dtype(DTYPES.get(n.get("dtype"), np.float32))
    if kind not in (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.int32)):
        raise n.unsupported(f"makes {kind}", "quantise to int8")
    return kind, (int(n.get("quant_min", 0)), int(n.get("quant_max", 0)))


def _number(n: Aten, name: str) -> Array:
    """A scale or zero point: a number, or a constant."""
    given = n.get(name, n.get(f"{name}s"))
    if isinstance(given, Known):
        return given.array
    if isinstance(given, int | float):
        return np.asarray(given)
    raise n.unsupported(f"its {name} is computed", "quantise with fixed scales")


def _operands(n: Aten, kind: np.dtype[np.generic]) -> tuple[Known, Known]:
    scale = _number(n, "scale").astype(np.float32)
    return Known(scale), Known(np.broadcast_to(_number(n, "zero_point"), scale.shape).astype(kind))


def quantize(n: Aten) -> Value:
    """quantize_per_tensor and quantize_per_channel."""
    kind, (low, high) = _integers(n)
    scale, zero = _operands(n, kind)
    x = n.value("input")
    if isinstance(x, Known):
        shape = _along(n, x, scale.array)
        wide = np.rint(x.array / scale.array.reshape(shape)) + zero.array.reshape(shape)
        return Known(np.clip(wide, low, high).astype(kind), x.name)
    info = np.iinfo(kind)  # type: ignore[type-var]
    if (low, high) != (info.min, info.max):
        what = f"uses {low} to {high} of {kind}"
        raise n.unsupported(what, "let activations use the whole range of their type")
    return n.onnx("QuantizeLinear", x, scale, zero)


def _along(n: Aten, x: Known, scale: Array) -> list[int]:
    shape = [1] * x.array.ndim
    if scale.size > 1:
        shape[int(n.get("axis", 0))] = -1
    return shape


def dequantize(n: Aten) -> Value:
    """dequantize_per_tensor and dequantize_per_channel."""
    x = n.value("input")
    kind = x.array.dtype if isinstance(x, Known) else _integers(n)[0]
    scale, zero = _operands(n, kind)
    return n.onnx("DequantizeLinear", x, scale, zero, axis=int(n.get("axis", 0)))


def transposed(w: Known) -> Known:
    """A matrix the other way round, whose scales stay with their rows."""
    quant = w.quant
    if quant is not None and quant.axis is not None:
        quant = replace(quant, axis=1 - quant.axis)
    return Known(w.array.T, w.name, quant)
