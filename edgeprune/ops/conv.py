"""Convolutions. Operands: image, weights, bias."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgeprune.ir import (
    Array,
    Band,
    Channels,
    Form,
    Ids,
    LinearOp,
    Node,
    OnnxNode,
    TensorType,
    TfliteOp,
)
from edgeprune.ir import fixedpoint as fp
from edgeprune.ops._clamp import Clamp, clamp_bounds, clamp_float, quants, tflite_clamp
from edgeprune.ops._window import (
    NO_PADDING,
    Padding,
    Pair,
    need,
    onnx_pads,
    out_size,
    reference_pads,
    rows_read,
    tflite_padding,
)

if TYPE_CHECKING:
    import torch


def _conv_torch(
    x: torch.Tensor,
    w: torch.Tensor,
    b: torch.Tensor,
    stride: Pair,
    dilation: Pair,
    pad: Padding,
    groups: int,
) -> torch.Tensor:
    """A convolution of channels-last images with (o, i, h, w) weights."""
    from torch.nn import functional

    x = x.permute(0, 3, 1, 2)
    if tuple(w.shape[2:]) == (1, 1) and not pad.any:
        # the same, and clear of oneDNN's derivative of strided 1x1 convolutions, which writes past
        # its workspace where there are fewer than 16 channels (oneDNN issue 6035)
        x, stride = x[:, :, :: stride[0], :: stride[1]], (1, 1)
    if (pad.top, pad.left) == (pad.bottom, pad.right):
        y = functional.conv2d(x, w, b, stride, (pad.top, pad.left), dilation, groups)
    else:
        x = functional.pad(x, (pad.left, pad.right, pad.top, pad.bottom))
        y = functional.conv2d(x, w, b, stride, 0, dilation, groups)
    return y.permute(0, 2, 3, 1)


@dataclass(frozen=True)
class Convolution(LinearOp):
    """Filters that slide over an image.

    ``window_axes`` are those of the weights that run over rows and columns of a filter.
    """

    window_axes: ClassVar[Pair]
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)

    def window(self, weights: tuple[int, ...]) -> Pair:
        """Rows and columns of a filter, from the shape of all."""
        rows, columns = self.window_axes
        return weights[rows], weights[columns]

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        kernel = self.window(x[1].shape)[0]
        seen = rows_read(
            rows, x[0].shape[0], kernel, self.stride[0], self.dilation[0], self.padding
        )
        return Band(replace(self, padding=seen[1]), (seen[0], None, None)) if seen else None

    def _size(self, x: TensorType, w: TensorType) -> Pair:
        return out_size(x.shape, self.window(w.shape), self.stride, self.dilation, self.padding)

    def _steps(self) -> dict[str, Any]:
        """What the integer reference wants beside the operands."""
        return {
            "stride": self.stride,
            "dilation": self.dilation,
            "pads": reference_pads(self.padding),
        }

    def _tflite_options(self, x: Sequence[TensorType]) -> dict[str, object]:
        kernel = self.window(x[1].shape)
        padding = tflite_padding(x[0].shape, kernel, self.stride, self.dilation, self.padding)
        assert padding is not None, "explicit padding is split off before emission"
        return {
            "padding": padding,
            "strideH": self.stride[0],
            "strideW": self.stride[1],
            "dilationHFactor": self.dilation[0],
            "dilationWFactor": self.dilation[1],
        }

    def _onnx(self, x: Sequence[TensorType], groups: int, weights: Form) -> OnnxNode:
        attributes = {
            "kernel_shape": list(self.window(x[1].shape)),
            "strides": list(self.stride),
            "dilations": list(self.dilation),
            "pads": onnx_pads(self.padding),
            "group": groups,
        }
        return OnnxNode("Conv", attributes, "first", {1: weights})


@dataclass(frozen=True)
class Conv2d(Convolution):
    """2-D convolution (cross-correlation).

    Shapes: x (h, w, i), weights (o, kh, kw, i / groups), bias (o,) -> (h', w', o).
    """

    kind: ClassVar[str] = "conv2d"
    out_axis: ClassVar[int] = 0
    in_axis: ClassVar[int] = 3
    window_axes: ClassVar[Pair] = (1, 2)
    groups: int = 1
    clamp: Clamp | None = None

    def infer(self, *x: TensorType) -> TensorType:
        image, w, b = x
        need(len(w.shape) == 4, f"weights are {list(w.shape)}, not (o, h, w, i)")
        size = self._size(image, w)
        need(
            image.shape[2] == w.shape[3] * self.groups,
            f"the image has {image.shape[2]} channels, the weights want {w.shape[3] * self.groups}",
        )
        need(w.shape[0] % self.groups == 0, f"{w.shape[0]} filters in {self.groups} groups")
        need(b.shape == (w.shape[0],), f"{w.shape[0]} filters, but bias {list(b.shape)}")
        return TensorType((*size, w.shape[0]), image.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        image, w, b = x
        y = _conv_torch(
            image, w.permute(0, 3, 1, 2), b, self.stride, self.dilation, self.padding, self.groups
        )
        return clamp_float(y, self.clamp)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        image, w, b = x
        xq, wq, yq = quants(types[0], types[1], out)
        clamp = clamp_bounds(self.clamp, out)
        return fp.conv2d(image, w, b, xq, wq, yq, **self._steps(), groups=self.groups, clamp=clamp)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        read = ch.per_channel(ids[0]).reshape(self.groups, -1)
        made = ch.new(types[1].shape[0]).reshape(self.groups, -1)
        if self.groups > 1:  # every group keeps the same number of channels
            ch.tie(read, read[0])
            ch.tie(made, made[0])
        ch.read(node, 1, 3, read[0])
        ch.axis(node.inputs[1], 0, made.ravel())
        ch.axis(node.inputs[2], 0, made.ravel())
        return np.broadcast_to(made.ravel(), self.infer(*types).shape)

    def macs(self, *x: TensorType) -> int:
        y = self.infer(*x)
        return y.size * int(np.prod(x[1].shape[1:]))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        options = self._tflite_options(x)
        options["fusedActivationFunction"] = tflite_clamp(self.clamp, y)
        return TfliteOp("CONV_2D", "Conv2DOptions", options)

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return self._onnx(x, self.groups, Form((0, 3, 1, 2)))


@dataclass(frozen=True)
class DepthwiseConv2d(Convolution):
    """One filter, or m filters, for each channel.

    Shapes: x (h, w, i), weights (kh, kw, i * m), bias (i * m,) -> (h', w', i * m); filter
    number k reads channel k // m.
    """

    kind: ClassVar[str] = "depthwise_conv2d"
    out_axis: ClassVar[int] = 2
    in_axis: ClassVar[int] = 2
    window_axes: ClassVar[Pair] = (0, 1)
    clamp: Clamp | None = None

    def infer(self, *x: TensorType) -> TensorType:
        image, w, b = x
        need(len(w.shape) == 3, f"weights are {list(w.shape)}, not (h, w, c)")
        size = self._size(image, w)
        need(
            w.shape[2] > 0 and w.shape[2] % image.shape[2] == 0,
            f"the image has {image.shape[2]} channels, the weights {w.shape[2]}",
        )
        need(b.shape == (w.shape[2],), f"{w.shape[2]} filters, but bias {list(b.shape)}")
        return TensorType((*size, w.shape[2]), image.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        image, w, b = x
        kernels = w.permute(2, 0, 1).unsqueeze(1)
        y = _conv_torch(
            image, kernels, b, self.stride, self.dilation, self.padding, image.shape[-1]
        )
        return clamp_float(y, self.clamp)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        image, w, b = x
        xq, wq, yq = quants(types[0], types[1], out)
        clamp = clamp_bounds(self.clamp, out)
        return fp.depthwise_conv2d(image, w, b, xq, wq, yq, **self._steps(), clamp=clamp)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        read = ch.per_channel(ids[0])
        made = np.repeat(read, types[1].shape[2] // len(read))
        ch.axis(node.inputs[1], 2, made)
        ch.axis(node.inputs[2], 0, made)
        return np.broadcast_to(made, self.infer(*types).shape)

    def macs(self, *x: TensorType) -> int:
        return self.infer(*x).size * x[1].shape[0] * x[1].shape[1]

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        options = self._tflite_options(x)
        options["fusedActivationFunction"] = tflite_clamp(self.clamp, y)
        options["depthMultiplier"] = x[1].shape[2] // x[0].shape[2]
        return TfliteOp(
            "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", options, {1: Form(new_axes=(0,))}
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return self._onnx(x, x[0].shape[2], Form((2, 0, 1), (1,)))
