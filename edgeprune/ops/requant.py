"""Between float and integers, and between two scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from edgeprune.ir import (
    Array,
    Band,
    Channels,
    DType,
    Ids,
    Node,
    OnnxNode,
    Op,
    TensorType,
    TfliteOp,
    rows_alike,
)
from edgeprune.ir import fixedpoint as fp
from edgeprune.ops._clamp import quants

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Quantize(Op):
    """Float to integers, or integers at one scale to integers at another.

    In float evaluation it changes nothing: the graph's meaning is that of its real values.
    """

    kind: ClassVar[str] = "quantize"
    rises: ClassVar[bool] = True
    dtype: DType = DType.INT8

    def infer(self, *x: TensorType) -> TensorType:
        return TensorType(x[0].shape, self.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0]

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if types[0].dtype is DType.FLOAT32:
            return fp.quantize(x[0], quants(out)[0], out.dtype.numpy)
        xq, yq = quants(types[0], out)
        return fp.requantize(x[0], xq, yq, out.dtype.numpy)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return ids[0]

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        return rows_alike(self, x, y, rows)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("QUANTIZE", "QuantizeOptions")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Identity")


@dataclass(frozen=True)
class Dequantize(Op):
    """Integers to float."""

    kind: ClassVar[str] = "dequantize"
    rises: ClassVar[bool] = True

    def infer(self, *x: TensorType) -> TensorType:
        return TensorType(x[0].shape, DType.FLOAT32)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0]

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return fp.dequantize(x[0], *quants(types[0]))

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return ids[0]

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        return rows_alike(self, x, y, rows)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("DEQUANTIZE", "DequantizeOptions")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Identity")
