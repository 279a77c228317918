"""A function of one element that a file has as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, OnnxNode, QuantParams, TensorType, TfliteOp
from edgeprune.ops.function import Function

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Lookup(Function):
    """A function known by 256 or 513 points, straight between them: a table that a file has.

    Attributes:
        x: the points, rising.
        y: the results.
    """

    kind: ClassVar[str] = "lookup"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    @staticmethod
    def of(table: Array, xq: QuantParams, yq: QuantParams) -> Lookup:
        """The points of an int8 table, as real numbers."""
        (xs, xz), (ys, yz) = xq.scalar, yq.scalar
        points = tuple(xs * (q - xz) for q in range(-128, 128))
        return Lookup(points, tuple(ys * (int(q) - yz) for q in table))

    @staticmethod
    def of_ends(ends: Array, xq: QuantParams, yq: QuantParams) -> Lookup:
        """The ends of the pieces of an int16 table, as real numbers."""
        (xs, xz), (ys, yz) = xq.scalar, yq.scalar
        points = tuple(xs * (q - xz) for q in range(-32768, 32769, 128))
        return Lookup(points, tuple(ys * (int(q) - yz) for q in ends))

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        points, results = torch.tensor(self.x), torch.tensor(self.y)
        right = torch.searchsorted(points, x[0].contiguous()).clamp(1, len(points) - 1)
        share = (x[0] - points[right - 1]) / (points[right] - points[right - 1])
        low, high = results[right - 1], results[right]
        return low + share.clamp(0, 1) * (high - low)

    def real(self, v: float) -> float:
        return float(np.interp(v, self.x, self.y))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        raise UnsupportedError(self.kind, "ONNX has no function by points")

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        if y.dtype is DType.FLOAT32:
            raise UnsupportedError(self.kind, "TFLite has it in integers only")
        return super().to_tflite(x, y)
