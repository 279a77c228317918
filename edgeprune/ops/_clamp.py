"""Clamps that are fused into the operator before them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import QuantParams, TensorType
from edgeprune.ir.fixedpoint import clamp_range

if TYPE_CHECKING:
    import torch

Clamp = tuple[float, float]
INF = math.inf

TFLITE_NAMES: dict[Clamp | None, str] = {
    None: "NONE",
    (0.0, INF): "RELU",
    (0.0, 6.0): "RELU6",
    (-1.0, 1.0): "RELU_N1_TO_1",
}


def tflite_clamp(clamp: Clamp | None, out: TensorType) -> str:
    """TFLite's name of a clamp to a result's type.

    LiteRT divides a bound by the scale and casts to 32 bits. Where 6 does not fit there, RELU is
    the same clamp, as values of the type end far below.

    Raises:
        UnsupportedError: it has none for these bounds.
    """
    if clamp == (0.0, 6.0) and out.quant is not None and 6.0 / out.quant.scale[0] >= 2**31 - 2**16:
        return TFLITE_NAMES[0.0, INF]
    if clamp not in TFLITE_NAMES:
        raise UnsupportedError("clamp", f"TFLite fuses no clamp to {clamp}")
    return TFLITE_NAMES[clamp]


def clamp_float(x: torch.Tensor, clamp: Clamp | None) -> torch.Tensor:
    """The fused clamp in float."""
    if clamp is None:
        return x
    # gradients in one go, where a clamp's takes ten times as long; nothing at the bounds themselves
    if clamp == (0.0, INF):
        return x.relu()
    if math.isfinite(clamp[0]) and math.isfinite(clamp[1]):
        from torch.nn import functional

        return functional.hardtanh(x, *clamp)
    return x.clamp(
        min=None if clamp[0] == -INF else clamp[0], max=None if clamp[1] == INF else clamp[1]
    )


def clamp_bounds(clamp: Clamp | None, out: TensorType) -> tuple[int, int]:
    """The fused clamp in the result's integers: lowest and highest value, inclusive.

    TFLite's CalculateActivationRangeQuantized: bounds are rounded half away from zero in float32
    and cut to the type's range.
    """
    info = np.iinfo(out.dtype.numpy)
    limits = (int(info.min), int(info.max))
    if clamp is None:
        return limits
    lo, hi = clamp_range(*clamp, quants(out)[0], limits)
    return min(lo, limits[1]), max(hi, limits[0])


def quants(*types: TensorType) -> tuple[QuantParams, ...]:
    """The quantisation of values that have one."""
    found = tuple(t.quant for t in types if t.quant is not None)
    assert len(found) == len(types), "an integer operator on a value without a scale"
    return found
