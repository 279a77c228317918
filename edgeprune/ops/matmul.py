"""Products of two computed matrices: what attention is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, Channels, DType, Ids, Node, OnnxNode, Op, TensorType, TfliteOp
from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.finest import finest_product
from edgeprune.ops._clamp import quants

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class MatMul(Op):
    """The matrix product over the last two axes, for each index of the axes in front.

    Shapes: a (..., m, k), b (..., k, n) -> (..., m, n). The axes in front are equal, or one of the
    operands has one matrix only, which all of the other's are multiplied with.

    Attributes:
        transposed: b is (..., n, k).
    """

    kind: ClassVar[str] = "matmul"
    multilinear: ClassVar[bool] = True
    transposed: bool = False

    def sizes(self, *x: TensorType) -> tuple[int, int, int]:
        """(m, k, n)."""
        m, k = x[0].shape[-2:]
        return m, k, x[1].shape[-2 if self.transposed else -1]

    def infer(self, *x: TensorType) -> TensorType:
        a, b = (t.shape for t in x)
        if len(a) == len(b) >= 2:
            m, k, n = self.sizes(*x)
            lead = a[:-2] if prod(b[:-2]) == 1 else b[:-2]
            alike = prod(a[:-2]) == 1 or a[:-2] == lead
            if alike and b[-1 if self.transposed else -2] == k:
                return TensorType((*lead, m, n), x[0].dtype)
        raise EdgePruneError("operands", f"{[list(a), list(b)]} do not go together")

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0] @ (x[1].mT if self.transposed else x[1])

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        b = x[1].swapaxes(-1, -2) if self.transposed else x[1]
        return fp.matmul(x[0], b, *quants(*types, out))

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        return finest_product(scales, dtype, x[0].shape[-1])

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        """Channels of b go through to the result where they lie along its last axis.

        What is summed over stays, since no weights say what is lost with it: in attention these are
        positions, or the channels of queries and keys.
        """
        shape = self.infer(*types).shape
        b = ids[1].swapaxes(-1, -2) if self.transposed else ids[1]
        ch.pin(ids[0], f"{node.name} sums over them")
        if (b == b[..., :1, :]).all():
            return np.broadcast_to(b[..., :1, :], shape)
        ch.pin(ids[1], f"{node.name} sums over them")
        y = ch.new(shape)
        ch.pin(y, f"{node.name} makes them without weights")
        return y

    def macs(self, *x: TensorType) -> int:
        return self.infer(*x).size * x[0].shape[-1]

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        options = {"adjX": False, "adjY": self.transposed}
        return TfliteOp("BATCH_MATMUL", "BatchMatMulOptions", options)

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        rank = len(y.shape)
        order = (*range(rank - 2), rank - 1, rank - 2)
        return OnnxNode("MatMul", {}, "last", orders={1: order} if self.transposed else {})
