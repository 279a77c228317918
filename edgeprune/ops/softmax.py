"""Softmax and its logarithm over the last axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import (
    Array,
    Channels,
    DType,
    Ids,
    Node,
    OnnxNode,
    Op,
    QuantParams,
    QuantRule,
    TensorType,
    TfliteOp,
)
from edgeprune.ir import fixedpoint as fp
from edgeprune.ops._clamp import quants

if TYPE_CHECKING:
    import torch

FINEST_LOGIT = 2.0**-25
"""The smallest scale of what a softmax reads; TFLite's limit is half of it."""


@dataclass(frozen=True)
class Softmax(Op):
    """exp(beta x_i) / sum_j exp(beta x_j) over the last axis. Shapes: x (..., c) -> the same."""

    kind: ClassVar[str] = "softmax"
    quant: ClassVar[QuantRule] = "fixed"
    finest_operand: ClassVar[float] = FINEST_LOGIT
    beta: float = 1.0

    def infer(self, *x: TensorType) -> TensorType:
        return TensorType(x[0].shape, x[0].dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return (x[0] * self.beta).softmax(dim=-1)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if types[0].dtype is DType.INT16:
            return fp.softmax_s16(x[0], quants(types[0])[0], self.beta)
        wide = np.int16 if out.dtype is DType.INT16 else np.int8
        return fp.softmax(x[0], quants(types[0])[0], self.beta, wide)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        ch.pin(ids[0], f"{node.name} sums over them")  # a removed one would still count
        return ids[0]

    def fixed_quant(self, bits: int) -> QuantParams:
        return QuantParams.of(1 / 256, -128) if bits == 8 else QuantParams.of(1 / 32768)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("SOFTMAX", "SoftmaxOptions", {"beta": self.beta})

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        softmax = OnnxNode("Softmax", {"axis": len(y.shape)}, axes=("axis",))
        if self.beta == 1.0:
            return softmax
        return OnnxNode("Mul", extra_inputs=(np.asarray(self.beta, np.float32),), then=softmax)


@dataclass(frozen=True)
class LogSoftmax(Op):
    """x_i - log sum_j exp(x_j) over the last axis. Shapes: x (..., c) -> the same."""

    kind: ClassVar[str] = "log_softmax"
    has_int16: ClassVar[bool] = False
    quant: ClassVar[QuantRule] = "fixed"
    finest_operand: ClassVar[float] = FINEST_LOGIT

    def infer(self, *x: TensorType) -> TensorType:
        return TensorType(x[0].shape, x[0].dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0].log_softmax(dim=-1)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if types[0].dtype is not DType.INT8:
            raise UnsupportedError(self.kind, f"has no {types[0].dtype.value} form")
        return fp.log_softmax(x[0], quants(types[0])[0])

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        ch.pin(ids[0], f"{node.name} sums over them")
        return ids[0]

    def fixed_quant(self, bits: int) -> QuantParams:
        return QuantParams.of(16 / 256, 127)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("LOG_SOFTMAX", "LogSoftmaxOptions")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("LogSoftmax", {"axis": len(y.shape)}, axes=("axis",))
