"""SVDF with a state of int16, as TFLite's integer files have it: its two products.

Nakkiran et al. 2015, "Compressing deep neural networks using a rank-constrained topology". A frame
makes one row of features, of int16, which are kept; weights over time make the result of those
that are kept. Any other SVDF is read as convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.ir import Array, Channels, DType, Ids, Node, OnnxNode, Op, TensorType, TfliteOp
from edgeprune.ir.fixedpoint import quantize_multiplier, rescale, saturate
from edgeprune.ops._clamp import quants

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Part(Op):
    """A product in the integers of a file; both have weights behind what they read."""

    weights: ClassVar[frozenset[int]] = frozenset({1, 2})
    has_onnx: ClassVar[bool] = False
    keeps_integers: ClassVar[bool] = True

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        y, why = ch.new(self.infer(*types).shape), "an SVDF's inputs and filters are kept whole"
        for operand in (ids[0], y):
            ch.pin(operand, why)
        return y

    def multiplier(self, types: Sequence[TensorType], out: TensorType) -> tuple[int, int]:
        """Of accumulators to the result; LiteRT divides scales in single precision."""
        (a, w, y) = (np.float32(q.scale[0]) for q in quants(types[0], types[1], out))
        return quantize_multiplier(float(a * w / y))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        raise UnsupportedError(self.kind, "stands alone in no file: an SVDF keeps its features")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        raise UnsupportedError(self.kind, "ONNX has no SVDF")


@dataclass(frozen=True)
class SvdfFeature(_Part):
    """Features of one frame, in int16.

    Shapes: x (i,), weights (f, i) -> (1, f).
    """

    kind: ClassVar[str] = "svdf_feature"
    weights: ClassVar[frozenset[int]] = frozenset({1})

    def infer(self, *x: TensorType) -> TensorType:
        frame, w = x
        if len(w.shape) != 2 or frame.shape != w.shape[1:]:
            shapes = [list(t.shape) for t in x]
            raise EdgePruneError("operands", f"{shapes} do not go together")
        return TensorType((1, w.shape[0]), frame.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return (x[0] @ x[1].T)[:, None]

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if (types[0].dtype, types[1].dtype, out.dtype) != (DType.INT8, DType.INT8, DType.INT16):
            raise UnsupportedError(self.kind, "is computed as its file has it", "use --dtype auto")
        frame, w = (a.astype(np.int64) for a in x)
        total = (frame - quants(types[0])[0].zero_point[0]) @ w.T
        return saturate(rescale(total, *self.multiplier(types, out)), np.int16)[:, None]

    def macs(self, *x: TensorType) -> int:
        return x[1].size


@dataclass(frozen=True)
class SvdfTime(_Part):
    """The result of all features that are kept, the oldest first.

    Shapes: x (t, f), weights (f, t), bias (k,) -> (k,); f / k filters make one result.
    """

    kind: ClassVar[str] = "svdf_time"

    def infer(self, *x: TensorType) -> TensorType:
        kept, w, b = x
        fits = len(kept.shape) == 2 and w.shape == kept.shape[::-1] and len(b.shape) == 1
        if not fits or b.size == 0 or w.shape[0] % b.size:
            shapes = [list(t.shape) for t in x]
            raise EdgePruneError("operands", f"{shapes} do not go together")
        return TensorType(b.shape, kept.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        kept, w, b = x
        return (kept * w.T).sum(dim=1).reshape(len(kept), len(b), -1).sum(dim=2) + b

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if (types[0].dtype, types[1].dtype, out.dtype) != (DType.INT16, DType.INT16, DType.INT8):
            raise UnsupportedError(self.kind, "is computed as its file has it", "use --dtype auto")
        kept, w, b = (a.astype(np.int64) for a in x)
        total = np.einsum("ntf,ft->nf", kept, w).reshape(len(kept), len(b), -1).sum(axis=2) + b
        wrapped = total.astype(np.int32).astype(np.int64)  # accumulators have 32 bits
        zero = quants(out)[0].zero_point[0]
        return saturate(rescale(wrapped, *self.multiplier(types, out)) + zero, np.int8)

    def macs(self, *x: TensorType) -> int:
        return x[1].size
