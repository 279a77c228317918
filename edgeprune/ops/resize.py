"""Images made larger or smaller. Channels stay apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import (
    Array,
    Band,
    Channels,
    Ids,
    Node,
    OnnxNode,
    Op,
    QuantRule,
    TensorType,
    TfliteOp,
)
from edgeprune.ir import fixedpoint as fp

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Resize(Op):
    """Shapes: x (h, w, c) -> (size[0], size[1], c).

    Attributes:
        size: height and width of the result.
        mode: "nearest" (rounding down) or "bilinear".
        coordinates: where output position i reads: "asymmetric" i * in / out;
            "half_pixel" (i + 0.5) * in / out - 0.5; "align_corners" i * (in - 1) / (out - 1).
    """

    kind: ClassVar[str] = "resize"
    quant: ClassVar[QuantRule] = "same"
    channelwise: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    size: tuple[int, int] = (1, 1)
    mode: Literal["nearest", "bilinear"] = "nearest"
    coordinates: Literal["asymmetric", "half_pixel", "align_corners"] = "asymmetric"

    def infer(self, *x: TensorType) -> TensorType:
        if len(x[0].shape) != 3 or min(self.size) < 1:
            raise EdgePruneError("operand", f"{list(x[0].shape)} cannot become {self.size}")
        return x[0].with_shape((*self.size, x[0].shape[2]))

    def positions(self, axis: int, length: int) -> Array:
        """Where each output position reads along an axis of the input, in float32."""
        out = self.size[axis]
        i = np.arange(out, dtype=np.float32)
        if self.coordinates == "align_corners" and out > 1:
            return i * np.float32((length - 1) / (out - 1))
        scale = np.float32(length) / np.float32(out)
        if self.coordinates == "half_pixel":
            if self.mode == "nearest":  # TFLite: floor((i + 0.5) * scale)
                return np.asarray((i + np.float32(0.5)) * scale, np.float32)
            return np.asarray((i + np.float32(0.5)) * scale - np.float32(0.5), np.float32)
        return np.asarray(i * scale, np.float32)

    def taps(self, axis: int, length: int) -> tuple[Array, Array, Array]:
        """Lower index, upper index, and weight of the upper one, by output position."""
        p = self.positions(axis, length)
        if self.mode == "nearest":
            rounded = np.floor(p + 0.5) if self.coordinates == "align_corners" else np.floor(p)
            lower = np.clip(rounded, 0, length - 1).astype(np.int64)
            return lower, lower, np.zeros(len(p), np.float32)
        floor = np.floor(p)
        lower = np.clip(floor, 0, length - 1).astype(np.int64)
        upper = np.clip(np.ceil(p), 0, length - 1).astype(np.int64)
        return lower, upper, np.asarray(p - floor, np.float32)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        y = x[0]
        for axis in (0, 1):
            lower, upper, weight = self.taps(axis, x[0].shape[1 + axis])
            a = y.index_select(1 + axis, torch.from_numpy(lower))
            if self.mode == "nearest":
                y = a
                continue
            b = y.index_select(1 + axis, torch.from_numpy(upper))
            shape = [1, 1, 1, 1]
            shape[1 + axis] = len(weight)
            y = a + (b - a) * torch.from_numpy(weight).reshape(shape)
        return y

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        resize = fp.resize_nearest if self.mode == "nearest" else fp.resize_bilinear
        aligned, half = (self.coordinates == c for c in ("align_corners", "half_pixel"))
        return resize(x[0], self.size, align_corners=aligned, half_pixel=half)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return np.broadcast_to(ch.per_channel(ids[0]), self.infer(*types).shape)

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        times, rest = divmod(self.size[0], x[0].shape[0])
        if self.mode != "nearest" or self.coordinates == "align_corners" or rest:
            return None
        if rows.start % times or rows.stop % times:
            return None  # copies of one row are made together
        inside = range(rows.start // times, rows.stop // times)
        return Band(replace(self, size=(len(rows), self.size[1])), (inside,))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        nearest = self.mode == "nearest"
        options = {
            "alignCorners": self.coordinates == "align_corners",
            "halfPixelCenters": self.coordinates == "half_pixel",
        }
        return TfliteOp(
            "RESIZE_NEAREST_NEIGHBOR" if nearest else "RESIZE_BILINEAR",
            "ResizeNearestNeighborOptions" if nearest else "ResizeBilinearOptions",
            options,
            {},
            (np.asarray(self.size, np.int32),),
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        attributes: dict[str, object] = {
            "mode": "nearest" if self.mode == "nearest" else "linear",
            "coordinate_transformation_mode": self.coordinates,
        }
        if self.mode == "nearest":
            aligned = self.coordinates == "align_corners"
            attributes["nearest_mode"] = "round_prefer_ceil" if aligned else "floor"
            if self.coordinates == "half_pixel":  # TFLite's floor((i + 0.5) * scale)
                attributes["nearest_mode"] = "round_prefer_ceil"
        sizes = np.asarray([1, y.shape[2], *self.size], np.int64)
        return OnnxNode("Resize", attributes, "first", {}, (None, None, sizes))
