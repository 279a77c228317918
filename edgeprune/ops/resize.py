"""Images made larger or smaller. Channels stay apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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

if TYPE_CHECKING:
    import torch


class Cut(NamedTuple):
    """Which rows of an image are resized, and which they become, where a band is made alone.

    Attributes:
        heights: rows of the whole image, and of the whole result.
        above: of the image, so many lie above those that are read,
        first: and of the result above those that are made; or of others that are made alike.
    """

    heights: tuple[int, int]
    above: int
    first: int


class Taps(NamedTuple):
    """What output positions along an axis are made of; rising.

    Attributes:
        lower: index that each reads.
        upper: the other one.
        weight: of that one: float32, or integers in 1/1024.
    """

    lower: Array
    upper: Array
    weight: Array

    def alike(self, rows: range) -> int:
        """The first position from which on as many rows are made as these, of rows below theirs."""
        low, high, weight = (sliding_window_view(part, len(rows)) for part in self)
        at = rows.start
        same = (low - low[:, :1] == low[at] - low[at, 0]) & (high - low == high[at] - low[at])
        return int(np.argmax((same & (weight == weight[at])).all(axis=1)))


@dataclass(frozen=True)
class Resize(Op):
    """Shapes: x (h, w, c) -> (size[0], size[1], c).

    Attributes:
        size: height and width of the result.
        mode: "nearest" (rounding down) or "bilinear".
        coordinates: where output position i reads: "asymmetric" i * in / out;
            "half_pixel" (i + 0.5) * in / out - 0.5; "align_corners" i * (in - 1) / (out - 1).
        cut: of which rows of a larger image it makes which; None: it is the whole image.
    """

    kind: ClassVar[str] = "resize"
    quant: ClassVar[QuantRule] = "same"
    channelwise: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    size: tuple[int, int] = (1, 1)
    mode: Literal["nearest", "bilinear"] = "nearest"
    coordinates: Literal["asymmetric", "half_pixel", "align_corners"] = "asymmetric"
    cut: Cut | None = None

    def infer(self, *x: TensorType) -> TensorType:
        if len(x[0].shape) != 3 or min(self.size) < 1:
            raise EdgePruneError("operand", f"{list(x[0].shape)} cannot become {self.size}")
        return x[0].with_shape((*self.size, x[0].shape[2]))

    def taps(self, axis: int, x: TensorType) -> Taps:
        """What each output position along an axis reads, as the format of the elements has it."""
        whole = self.whole_taps(axis, x)
        if axis == 1 or self.cut is None:
            return whole
        rows = slice(self.cut.first, self.cut.first + self.size[0])
        lower, upper, weight = (part[rows] for part in whole)
        return Taps(lower - self.cut.above, upper - self.cut.above, weight)

    def whole_taps(self, axis: int, x: TensorType) -> Taps:
        """Likewise of the whole result, of which a band makes some rows."""
        sizes = x.shape[axis], self.size[axis]
        if axis == 0 and self.cut is not None:
            sizes = self.cut.heights
        if x.dtype is DType.FLOAT32:
            return self._float_taps(*sizes)
        aligned, half = (self.coordinates == c for c in ("align_corners", "half_pixel"))
        if self.mode == "nearest":
            index = fp.nearest_indices(*sizes, align_corners=aligned, half_pixel=half)
            return Taps(index, index, np.zeros(len(index), np.int64))
        return Taps(*fp.bilinear_taps(*sizes, align_corners=aligned, half_pixel=half))

    def _float_taps(self, length: int, out: int) -> Taps:
        p = self._positions(length, out)
        if self.mode == "nearest":
            rounded = np.floor(p + 0.5) if self.coordinates == "align_corners" else np.floor(p)
            lower = np.clip(rounded, 0, length - 1).astype(np.int64)
            return Taps(lower, lower, np.zeros(len(p), np.float32))
        floor = np.floor(p)
        lower = np.clip(floor, 0, length - 1).astype(np.int64)
        upper = np.clip(np.ceil(p), 0, length - 1).astype(np.int64)
        return Taps(lower, upper, np.asarray(p - floor, np.float32))

    def _positions(self, length: int, out: int) -> Array:
        """Where each output position reads along an axis of the input, in float32."""
        i = np.arange(out, dtype=np.float32)
        if self.coordinates == "align_corners" and out > 1:
            return i * np.float32((length - 1) / (out - 1))
        scale = np.float32(length) / np.float32(out)
        if self.coordinates == "half_pixel":
            if self.mode == "nearest":  # TFLite: floor((i + 0.5) * scale)
                return np.asarray((i + np.float32(0.5)) * scale, np.float32)
            return np.asarray((i + np.float32(0.5)) * scale - np.float32(0.5), np.float32)
        return np.asarray(i * scale, np.float32)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        y = x[0]
        t = TensorType(tuple(x[0].shape[1:]))
        for axis in (0, 1):
            lower, upper, weight = self.taps(axis, t)
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
        rows, columns = (self.taps(axis, types[0]) for axis in (0, 1))
        if self.mode == "nearest":
            return np.asarray(x[0][:, rows.lower][:, :, columns.lower])
        return fp.blend(x[0], rows, columns)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return np.broadcast_to(ch.per_channel(ids[0]), self.infer(*types).shape)

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        taps = self.whole_taps(0, x[0])
        inside = range(int(taps.lower[rows.start]), int(taps.upper[rows.stop - 1]) + 1)
        first = taps.alike(rows)
        cut = Cut((x[0].shape[0], self.size[0]), int(taps.lower[first]), first)
        return Band(replace(self, size=(len(rows), self.size[1]), cut=cut), (inside,))

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
