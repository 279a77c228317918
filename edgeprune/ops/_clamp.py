"""Clamps that are fused into the operator before them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, TensorType

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


def tflite_clamp(clamp: Clamp | None) -> str:
    """TFLite's name of a fused clamp.

    Raises:
        UnsupportedError: it has none for these bounds.
    """
    if clamp not in TFLITE_NAMES:
        raise UnsupportedError("clamp", f"TFLite fuses no clamp to {clamp}")
    return TFLITE_NAMES[clamp]


def clamp_float(x: torch.Tensor, clamp: Clamp | None) -> torch.Tensor:
    """The fused clamp in float."""
    if clamp is None:
        return x
    return x.clamp(
        min=None if clamp[0] == -INF else clamp[0], max=None if clamp[1] == INF else clamp[1]
    )


def clamp_bounds(clamp: Clamp | None, out: TensorType) -> tuple[int, int]:
    """The fused clamp in the result's integers: lowest and highest value, inclusive.

    TFLite's CalculateActivationRangeQuantized: bounds are rounded half away from zero in float32
    and cut to the type's range.
    """
    assert out.quant is not None
    info = np.iinfo(out.dtype.numpy)
    scale, zero = out.quant.scalar
    lo, hi = int(info.min), int(info.max)
    if clamp is None:
        return lo, hi

    def quantise(v: float) -> int:
        q = np.float32(v) / np.float32(scale)
        return zero + int(math.copysign(math.floor(abs(float(q)) + 0.5), float(q)))

    if clamp[0] != -INF:
        lo = max(lo, quantise(clamp[0]))
    if clamp[1] != INF:
        hi = min(hi, quantise(clamp[1]))
    return min(lo, int(info.max)), max(hi, int(info.min))


def clamp_int(x: Array, clamp: Clamp | None, out: TensorType) -> Array:
    """Wide integers (zero point added) cut to the fused clamp and given the result's type."""
    lo, hi = clamp_bounds(clamp, out)
    return np.clip(x, lo, hi).astype(out.dtype.numpy)
