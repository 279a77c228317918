"""Types of values: element type, shape, quantisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MASKED = -1e4
"""What is added to a score that a softmax is to leave out; masks of LEAST and less become this."""
LEAST = -1e30
"""From here down a number is no sum's operand but a mask: -inf, or the least that a type holds."""


class DType(Enum):
    """Element types. INT4 constants are held one a byte in int8 arrays and packed on emission.

    BOOL is none of a graph's values: truth is 1 and 0 there. Files have it.
    """

    FLOAT32 = "float32"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    INT4 = "int4"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy type that holds one element."""
        return np.dtype("int8" if self is DType.INT4 else self.value)

    @property
    def bits(self) -> int:
        """Bits of one element in flash or RAM."""
        return 4 if self is DType.INT4 else self.numpy.itemsize * 8


@dataclass(frozen=True)
class QuantParams:
    """real = scale * (q - zero_point), per tensor or per slice of one axis.

    Attributes:
        scale: float32 values; one, or one per index of ``axis``.
        zero_point: integers, as many as scales.
        axis: the sliced axis of a constant; None: per tensor.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    def __post_init__(self) -> None:
        assert len(self.scale) == len(self.zero_point) >= 1
        assert self.axis is not None or len(self.scale) == 1

    @staticmethod
    def of(scale: float, zero_point: int = 0) -> QuantParams:
        """One scale and zero point for the whole tensor; the scale is rounded to float32."""
        return QuantParams((float(np.float32(scale)),), (int(zero_point),))

    @property
    def scalar(self) -> tuple[float, int]:
        """Scale and zero point of a tensor quantised as a whole."""
        assert len(self.scale) == 1
        return self.scale[0], self.zero_point[0]


@dataclass(frozen=True)
class Folded:
    """What the slices of a float constant were multiplied with: stored = factor * trained.

    Batch norm trains weights whose sizes say little, and folding it makes them differ by channel;
    who trains on divides the factors out again.

    Attributes:
        factor: one number for each index of ``axis``.
        axis: the one that runs over the results.
    """

    factor: tuple[float, ...]
    axis: int


def numbers_of(q: Array, values: Sequence[int]) -> Array:
    """The number of each int8 element among some values, int16; -1 where it is none of them."""
    table = np.full(256, -1, np.int16)
    table[np.array(values, np.int64) & 255] = np.arange(len(values))
    return table[q.view(np.uint8)]


@dataclass(frozen=True)
class Codebook:
    """The few values that the weights of a layer take; in flash each is a code, its number here.

    Attributes:
        values: ascending int8 values, 2 to 16 of them. A uniform grid is one of these.
    """

    values: tuple[int, ...]

    def __post_init__(self) -> None:
        assert 2 <= len(self.values) <= 16, self.values
        assert all(a < b for a, b in pairwise(self.values)), self.values
        assert -128 <= self.values[0] < self.values[-1] <= 127, self.values

    @staticmethod
    def uniform(top: int) -> Codebook:
        """The integers from -top to top: 7 for four bits, 3 for three, 1 for three values."""
        return Codebook(tuple(range(-top, top + 1)))

    @property
    def bits(self) -> int:
        """Bits of a code: 4, 3 or 2."""
        return max(2, (len(self.values) - 1).bit_length())

    def packed_bytes(self, n: int) -> int:
        """Bytes of n codes: five a byte where there are three values, else ``bits`` each."""
        return -(-n // 5) if len(self.values) == 3 else -(-n * self.bits // 8)

    def nearest(self, u: Array) -> Array:
        """The nearest of the values, int8, for each of any real numbers; of two the lower."""
        ends = np.array(self.values, np.float64)
        at = np.searchsorted((ends[1:] + ends[:-1]) / 2, u)
        return np.array(self.values, np.int8)[at]


@dataclass(frozen=True)
class TensorType:
    """Shape, element type and quantisation of one value.

    Activations have their shape per sample, without the batch: image (h, w, c), sequence (t, c),
    vector (k,). Channels are last. Constants have their whole shape.

    ``folded`` is kept beside a constant for those who train it on; nothing computes with it, and
    types that differ in nothing else are equal.

    ``codebook`` is that of a constant of int8 whose every value is one of its own: packed codes in
    C, plain int8 to everything that computes.
    """

    shape: tuple[int, ...]
    dtype: DType = DType.FLOAT32
    quant: QuantParams | None = None
    folded: Folded | None = field(default=None, compare=False)
    codebook: Codebook | None = None

    def __post_init__(self) -> None:
        assert self.folded is None or len(self.folded.factor) == self.shape[self.folded.axis]
        assert self.codebook is None or self.dtype is DType.INT8

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole value (int4: two elements a byte; codes with their values)."""
        if self.codebook is not None:
            return self.codebook.packed_bytes(self.size) + len(self.codebook.values)
        return (self.size * self.dtype.bits + 7) // 8

    @property
    def bits(self) -> int:
        """Bits of one element in flash: those of a code where there is a codebook."""
        return self.codebook.bits if self.codebook else self.dtype.bits

    @property
    def is_index(self) -> bool:
        """Whether its elements are numbers of rows (tokens, categories), and no quantities."""
        return self.dtype is DType.INT32 and self.quant is None

    def with_shape(self, shape: tuple[int, ...]) -> TensorType:
        """The same element type and quantisation with another shape."""
        return TensorType(tuple(int(s) for s in shape), self.dtype, self.quant)

    def __str__(self) -> str:
        dims = "x".join(map(str, self.shape)) or "scalar"
        if self.quant is None:
            return f"{self.dtype.value}[{dims}]"
        scale = "per-axis" if self.quant.axis is not None else f"{self.quant.scale[0]:.6g}"
        return f"{self.dtype.value}[{dims}] s={scale} z={self.quant.zero_point[0]}"
