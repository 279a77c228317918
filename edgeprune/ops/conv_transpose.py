"""Transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import UnsupportedError
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
from edgeprune.ops._window import NO_PADDING, Padding, Pair, need, onnx_pads, reference_pads

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ConvTranspose2d(LinearOp):
    """Transposed convolution: the gradient of a convolution with respect to its image.

    Shapes: x (h, w, i), weights (o, kh, kw, i), bias (o,) -> (h', w', o) with
    h' = (h - 1) * stride + (kh - 1) * dilation + 1 - top - bottom + extra.

    Attributes:
        extra: rows and columns added at the bottom and the right (ONNX's output_padding).
    """

    kind: ClassVar[str] = "conv_transpose2d"
    out_axis: ClassVar[int] = 0
    in_axis: ClassVar[int] = 3
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    extra: Pair = (0, 0)
    clamp: Clamp | None = None

    def infer(self, *x: TensorType) -> TensorType:
        image, w, b = x
        need(len(image.shape) == 3, f"is {list(image.shape)}, not an image (h, w, c)")
        need(len(w.shape) == 4, f"weights are {list(w.shape)}, not (o, h, w, i)")
        need(
            image.shape[2] == w.shape[3],
            f"the image has {image.shape[2]} channels, the weights want {w.shape[3]}",
        )
        need(b.shape == (w.shape[0],), f"{w.shape[0]} filters, but bias {list(b.shape)}")
        cut = (
            self.padding.top + self.padding.bottom - self.extra[0],
            self.padding.left + self.padding.right - self.extra[1],
        )
        size = [
            (image.shape[i] - 1) * self.stride[i]
            + (w.shape[1 + i] - 1) * self.dilation[i]
            + 1
            - cut[i]
            for i in (0, 1)
        ]
        need(min(size) >= 1, f"nothing is left of the result: {size}")
        return TensorType((*size, w.shape[0]), image.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        image, w, b = x
        full = functional.conv_transpose2d(
            image.permute(0, 3, 1, 2),
            w.permute(3, 0, 1, 2),
            b,
            self.stride,
            dilation=self.dilation,
        )
        p = self.padding
        grow = (-p.left, self.extra[1] - p.right, -p.top, self.extra[0] - p.bottom)
        y = functional.pad(full - b[:, None, None], grow) + b[:, None, None]
        return clamp_float(y.permute(0, 2, 3, 1), self.clamp)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        image, w, b = x
        xq, wq, yq = quants(types[0], types[1], out)
        return fp.transpose_conv2d(
            image,
            w,
            b,
            xq,
            wq,
            yq,
            stride=self.stride,
            dilation=self.dilation,
            pads=reference_pads(self.padding),
            output=(out.shape[0], out.shape[1]),
            clamp=clamp_bounds(self.clamp, out),
        )

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        made = ch.new(types[1].shape[0])
        ch.read(node, 1, 3, ch.per_channel(ids[0]))
        ch.axis(node.inputs[1], 0, made)
        ch.axis(node.inputs[2], 0, made)
        return np.broadcast_to(made, self.infer(*types).shape)

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        stride, reach = self.stride[0], (x[1].shape[1] - 1) * self.dilation[0]
        first = rows.start + self.padding.top  # of the result before anything is cut off
        low = max(-((reach - first) // stride), 0)
        inside = range(low, min((first + len(rows) - 1) // stride + 1, x[0].shape[0]))
        top = first - low * stride
        if not inside or top < 0:
            return None
        cut = (len(inside) - 1) * stride + reach + 1 - top - len(rows)
        padding = replace(self.padding, top=top, bottom=max(cut, 0))
        op = replace(self, padding=padding, extra=(max(-cut, 0), self.extra[1]))
        return Band(op, (inside, None, None))

    def macs(self, *x: TensorType) -> int:
        return x[0].size * int(np.prod(x[1].shape[:3]))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        padding = self.tflite_padding(x, y)
        if self.dilation != (1, 1):
            raise UnsupportedError(self.kind, "TFLite's has no dilation")
        assert padding is not None, "other paddings are split before emission"
        return TfliteOp(
            "TRANSPOSE_CONV",
            "TransposeConvOptions",
            {
                "padding": padding,
                "strideH": self.stride[0],
                "strideW": self.stride[1],
                "fusedActivationFunction": tflite_clamp(self.clamp, y),
            },
            {},
            (np.asarray([1, *y.shape], np.int32),),
            (3, 1, 0, 2),  # output shape, weights, image, bias
        )

    def tflite_padding(self, x: Sequence[TensorType], y: TensorType) -> str | None:
        """The scheme that means this padding: "SAME", "VALID", or neither (None).

        TFLite derives the image's size and what is cut in front from the result's size.
        """
        front, size, image = (self.padding.top, self.padding.left), y.shape[:2], x[0].shape[:2]
        kernel, axes = x[1].shape[1:3], (0, 1)
        reach = [(image[i] - 1) * self.stride[i] + kernel[i] for i in axes]
        valid = tuple((size[i] + self.stride[i] - kernel[i]) // self.stride[i] for i in axes)
        if valid == image and front == (0, 0):
            return "VALID"
        same = tuple(-(-size[i] // self.stride[i]) for i in axes)
        cut = tuple(max(reach[i] - size[i], 0) // 2 for i in axes)
        return "SAME" if same == image and front == cut else None

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        attributes = {
            "kernel_shape": [x[1].shape[1], x[1].shape[2]],
            "strides": list(self.stride),
            "dilations": list(self.dilation),
            "pads": onnx_pads(self.padding),
            "output_padding": list(self.extra),
        }
        return OnnxNode("ConvTranspose", attributes, "first", {1: Form((3, 0, 1, 2))})
