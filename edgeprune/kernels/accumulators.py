"""What an accumulator can be: proofs that no integer in C overflows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array
from edgeprune.ir.fixedpoint import QMAX, QMIN


def accumulator_range(
    w: Array, folded: Array, x_range: tuple[int, int] = (QMIN, QMAX)
) -> tuple[Array, Array]:
    """Smallest and largest accumulator of every channel, for any input.

    Args:
        w: (channels, weights per channel), zero point taken off.
        folded: (channels,) bias with the input's zero point folded in.
        x_range: smallest and largest input.
    """
    wide = w.astype(np.int64)
    ends = wide * x_range[0], wide * x_range[1]
    return folded + np.minimum(*ends).sum(axis=1), folded + np.maximum(*ends).sum(axis=1)


def require_int32(name: str, low: Array, high: Array) -> Array:
    """The largest magnitude of every channel's accumulator, which int32 must hold.

    Raises:
        UnsupportedError: it does not; with the node's name and the worst value.
    """
    reach = np.maximum(-low, high)
    if int(reach.max()) > 2**31 - 1:
        raise UnsupportedError(
            name,
            f"its accumulators reach {int(reach.max()):,}, which int32 does not hold",
            "use --dtype float32",
        )
    return np.asarray(reach)


def require_int32_sums(name: str, w: Array) -> None:
    """Refuse a layer of int16 inputs whose sums of products, bias aside, can leave int32.

    Args:
        name: of the node.
        w: (channels, weights per channel).

    Raises:
        UnsupportedError: with the node's name.
    """
    if int(np.abs(w.astype(np.int64)).sum(axis=1).max()) * 2**15 > 2**31 - 1:
        raise UnsupportedError(
            name, "its sums of int16 products leave int32", "use --dtype int8 or float32"
        )


@dataclass(frozen=True)
class Accumulators:
    """What the accumulators of a layer can be, per output channel.

    Attributes:
        bias: bias with the input's zero point folded in: acc = bias + sum of w * x.
        low: the smallest value for any int8 input.
        high: the largest.
    """

    bias: Array
    low: Array
    high: Array

    def part(self, channels: slice) -> Accumulators:
        """Those of some channels."""
        return Accumulators(self.bias[channels], self.low[channels], self.high[channels])

    @property
    def reach(self) -> Array:
        """The largest magnitude."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def accumulators(w: Array, bias: Array, input_zero: int) -> Accumulators:
    """Bounds from the weights themselves.

    Args:
        w: (channels, weights per channel) int8.
        bias: (channels,) int32.
        input_zero: zero point of the input.
    """
    folded = bias.astype(np.int64) - input_zero * w.sum(axis=1, dtype=np.int64)
    return Accumulators(folded, *accumulator_range(w, folded))
