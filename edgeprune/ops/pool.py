"""Pooling and means over positions. Channels stay apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import (
    Array,
    Band,
    Channels,
    DType,
    Ids,
    Node,
    OnnxNode,
    Op,
    QuantRule,
    TensorType,
    TfliteOp,
)
from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.finest import finest_product
from edgeprune.ops._clamp import Clamp, clamp_bounds, clamp_float, quants, tflite_clamp
from edgeprune.ops._window import NO_PADDING, Padding, Pair, out_size, rows_read, tflite_padding

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class _Pool(Op):
    """Shapes: x (h, w, c) -> (h', w', c)."""

    quant: ClassVar[QuantRule] = "same"
    channelwise: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Padding = NO_PADDING
    clamp: Clamp | None = None

    @property
    def homogeneous(self) -> bool:
        return self.keeps_factors

    def infer(self, *x: TensorType) -> TensorType:
        size = out_size(x[0].shape, self.kernel, self.stride, (1, 1), self.padding)
        p = self.padding
        if max(p.top, p.bottom) >= self.kernel[0] or max(p.left, p.right) >= self.kernel[1]:
            raise EdgePruneError("padding", f"{p} leaves windows {self.kernel} without an element")
        return x[0].with_shape((*size, x[0].shape[2]))

    def _pool_int(self, pool: Callable[..., Array], out: TensorType, x: Array) -> Array:
        p = self.padding
        pads = (p.top, p.bottom, p.left, p.right)
        return pool(x, self.kernel, self.stride, pads, clamp_bounds(self.clamp, out))

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return np.broadcast_to(ch.per_channel(ids[0]), self.infer(*types).shape)

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        seen = rows_read(rows, x[0].shape[0], self.kernel[0], self.stride[0], 1, self.padding)
        return Band(replace(self, padding=seen[1]), (seen[0],)) if seen else None

    def _options(self, x: TensorType, y: TensorType) -> dict[str, object]:
        padding = tflite_padding(x.shape, self.kernel, self.stride, (1, 1), self.padding)
        assert padding is not None, "explicit padding is split off before emission"
        return {
            "padding": padding,
            "strideH": self.stride[0],
            "strideW": self.stride[1],
            "filterHeight": self.kernel[0],
            "filterWidth": self.kernel[1],
            "fusedActivationFunction": tflite_clamp(self.clamp, y),
        }

    def _attributes(self) -> dict[str, object]:
        p = self.padding
        return {
            "kernel_shape": list(self.kernel),
            "strides": list(self.stride),
            "pads": [p.top, p.left, p.bottom, p.right],
        }


@dataclass(frozen=True)
class MaxPool2d(_Pool):
    """The largest value of each window; padding never wins."""

    kind: ClassVar[str] = "max_pool2d"

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        p = self.padding
        image = x[0].permute(0, 3, 1, 2)
        if p.any:
            image = functional.pad(image, (p.left, p.right, p.top, p.bottom), value=-float("inf"))
        y = functional.max_pool2d(image, self.kernel, self.stride)
        return clamp_float(y.permute(0, 2, 3, 1), self.clamp)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return self._pool_int(fp.max_pool2d, out, x[0])

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("MAX_POOL_2D", "Pool2DOptions", self._options(x[0], y))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("MaxPool", self._attributes(), "first")


@dataclass(frozen=True)
class AvgPool2d(_Pool):
    """The mean of each window; padding is not counted."""

    kind: ClassVar[str] = "avg_pool2d"

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch
        from torch.nn import functional

        p = self.padding
        image = x[0].permute(0, 3, 1, 2)
        area = float(self.kernel[0] * self.kernel[1])
        if not p.any:
            y = functional.avg_pool2d(image, self.kernel, self.stride)
            return clamp_float(y.permute(0, 2, 3, 1), self.clamp)
        sides = (p.left, p.right, p.top, p.bottom)
        total = functional.avg_pool2d(functional.pad(image, sides), self.kernel, self.stride) * area
        ones = functional.pad(torch.ones_like(image[:1, :1]), sides)
        count = functional.avg_pool2d(ones, self.kernel, self.stride) * area
        return clamp_float((total / count.round()).permute(0, 2, 3, 1), self.clamp)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return self._pool_int(fp.average_pool2d, out, x[0])

    def sums_rows(self, x: Sequence[TensorType], y: TensorType) -> bool:
        return self.kernel == x[0].shape[:2] and not self.padding.any

    def macs(self, *x: TensorType) -> int:
        return 0

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("AVERAGE_POOL_2D", "Pool2DOptions", self._options(x[0], y))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("AveragePool", {**self._attributes(), "count_include_pad": 0}, "first")


@dataclass(frozen=True)
class Mean(Op):
    """The mean over some per-sample axes; over the last, of channels, only where it is kept.

    Shapes: x (..., c) -> those axes have length 1, or are gone where ``keep`` is false.
    A mean of channels is of those that are left when some go, as norms want it.

    Attributes:
        axes: which ones.
        keep: whether they stay, with length 1.
        adds: whether it becomes a sum, of which no channel may go.
    """

    kind: ClassVar[str] = "mean"
    channelwise: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    axes: tuple[int, ...] = (0, 1)
    keep: bool = False
    adds: bool = False

    @property
    def homogeneous(self) -> bool:
        return True

    def infer(self, *x: TensorType) -> TensorType:
        rank = len(x[0].shape)
        if not all(0 <= a < rank - (not self.keep) for a in self.axes):
            raise EdgePruneError("axes", f"{self.axes} of {list(x[0].shape)}")
        shape = [1 if i in self.axes else s for i, s in enumerate(x[0].shape)]
        if not self.keep:
            shape = [s for i, s in enumerate(shape) if i not in self.axes]
        return TensorType(tuple(shape), x[0].dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0].mean(dim=[a + 1 for a in self.axes], keepdim=self.keep)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        y = fp.mean(x[0], tuple(a + 1 for a in self.axes), *quants(types[0], out))
        return y.reshape(len(y), *out.shape)

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        return finest_product(scales, dtype)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        made = self.infer(*types).shape
        first = ids[0][
            tuple(slice(0, 1) if i in self.axes else slice(None) for i in range(ids[0].ndim))
        ]
        if ids[0].ndim - 1 in self.axes and not (ids[0] == first).all():
            if self.adds:
                ch.pin(ids[0], f"{node.name} adds them up")
            ch.average(ch.per_channel(ids[0]))
            mean = ch.new(1)
            ch.pin(mean, f"{node.name} is the mean of channels")
            return np.broadcast_to(mean, made)
        ch.tie(ids[0], first)
        return first.reshape(made)

    def sums_rows(self, x: Sequence[TensorType], y: TensorType) -> bool:
        return len(x[0].shape) == 3 and sorted(self.axes) in ([0], [0, 1])

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        axes = np.asarray([a + 1 for a in self.axes], np.int32)
        return TfliteOp("MEAN", "ReducerOptions", {"keepDims": self.keep}, {}, (axes,))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        keep = {"keepdims": int(self.keep)}
        axes = np.asarray([a + 1 for a in self.axes], np.int64)
        if len(x[0].shape) == 3 and self.axes == (0, 1):
            return OnnxNode("ReduceMean", keep, "first", {}, (axes + 1,))
        if self.keep:
            return OnnxNode("ReduceMean", keep, "any", {}, (axes,), axes=(0,))
        return OnnxNode("ReduceMean", keep, "last", {}, (axes,))
