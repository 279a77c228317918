"""The double rounding of convolutions in the form of the Helium kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.fixedpoint import effective_scales, quantize_multipliers
from edgeprune.kernels.accumulators import Accumulators
from edgeprune.kernels.layer import Layer

Int64s = NDArray[np.int64]


@dataclass(frozen=True)
class Rescale:
    """Multipliers, and shifts that are 0 or negative, per channel."""

    mult: Int64s
    shift: Int64s


def rescale_twice(layer: Layer, acc: Accumulators) -> Rescale | None:
    """Multipliers and shifts; None where a scale is 1 or more, or a sum leaves int32."""
    mult, shift = quantize_multipliers(effective_scales(layer.xq, layer.wq, layer.yq))
    if np.any(shift > 0) or np.any(acc.reach >= 2**31):
        return None
    channels = len(acc.bias)
    return Rescale(
        np.broadcast_to(mult.astype(np.int64), channels),
        np.broadcast_to(shift.astype(np.int64), channels),
    )
