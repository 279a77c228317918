"""Fully connected layers. Operands: vector(s), weights, bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, Channels, Form, Ids, LinearOp, Node, OnnxNode, TensorType, TfliteOp
from edgeprune.ir import fixedpoint as fp
from edgeprune.ops._clamp import Clamp, clamp_bounds, clamp_float, quants, tflite_clamp

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Dense(LinearOp):
    """y = W x + b over the last axis.

    Shapes: x (..., i), weights (o, i), bias (o,) -> (..., o).
    """

    kind: ClassVar[str] = "dense"
    out_axis: ClassVar[int] = 0
    in_axis: ClassVar[int] = 1
    clamp: Clamp | None = None

    def infer(self, *x: TensorType) -> TensorType:
        v, w, b = x
        if len(w.shape) != 2 or not v.shape or v.shape[-1] != w.shape[1]:
            raise EdgePruneError("operands", f"{list(v.shape)} does not go with {list(w.shape)}")
        if b.shape != (w.shape[0],):
            raise EdgePruneError("operands", f"{w.shape[0]} neurons, but bias {list(b.shape)}")
        return TensorType((*v.shape[:-1], w.shape[0]), v.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return clamp_float(functional.linear(*x), self.clamp)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        v, w, b = x
        xq, wq, yq = quants(types[0], types[1], out)
        return fp.dense(v, w, b, xq, wq, yq, clamp_bounds(self.clamp, out))

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        made = ch.new(types[1].shape[0])
        ch.read(node, 1, 1, ch.per_channel(ids[0]))
        ch.axis(node.inputs[1], 0, made)
        ch.axis(node.inputs[2], 0, made)
        return np.broadcast_to(made, (*types[0].shape[:-1], len(made)))

    def macs(self, *x: TensorType) -> int:
        return x[0].size * x[1].shape[0]

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp(
            "FULLY_CONNECTED",
            "FullyConnectedOptions",
            {
                "fusedActivationFunction": tflite_clamp(self.clamp, y),
                "keepNumDims": len(y.shape) > 1,
            },
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        if len(x[0].shape) == 1:
            return OnnxNode("Gemm", {"transB": 1}, "last")
        bias = OnnxNode("Add", {}, "last", operands=(2,))
        return OnnxNode("MatMul", {}, "last", {1: Form((1, 0))}, operands=(0, 1), then=bias)
