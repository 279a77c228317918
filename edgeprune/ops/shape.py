"""Operators that move elements without changing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

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
    rows_alike,
)

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Reshape(Op):
    """The same elements in another shape, row by row (flatten is one of them)."""

    kind: ClassVar[str] = "reshape"
    quant: ClassVar[QuantRule] = "same"
    moves: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    shape: tuple[int, ...] = ()

    def infer(self, *x: TensorType) -> TensorType:
        if x[0].size != int(np.prod(self.shape, dtype=np.int64)):
            raise EdgePruneError("shape", f"{list(x[0].shape)} cannot become {list(self.shape)}")
        return x[0].with_shape(self.shape)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0].reshape(x[0].shape[0], *self.shape)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return x[0].reshape(len(x[0]), *self.shape)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return ids[0].reshape(self.shape)

    def shrink(self, x: Sequence[Sequence[Array]], y: Sequence[Array]) -> Op:
        return replace(self, shape=tuple(len(k) for k in y))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        shape = np.asarray([1, *self.shape], np.int32)
        return TfliteOp("RESHAPE", "ReshapeOptions", {"newShape": shape})

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        shape = np.asarray([1, *self.shape], np.int64)
        return OnnxNode("Reshape", {}, "last", {}, (shape,))


@dataclass(frozen=True)
class Transpose(Op):
    """Axes in another order: y = x.transpose(perm), batch not counted."""

    kind: ClassVar[str] = "transpose"
    quant: ClassVar[QuantRule] = "same"
    moves: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    perm: tuple[int, ...] = ()

    def infer(self, *x: TensorType) -> TensorType:
        if sorted(self.perm) != list(range(len(x[0].shape))):
            raise EdgePruneError("perm", f"{self.perm} is no order of {list(x[0].shape)}")
        return x[0].with_shape(tuple(x[0].shape[i] for i in self.perm))

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0].permute(0, *(i + 1 for i in self.perm))

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return x[0].transpose(0, *(i + 1 for i in self.perm))

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return ids[0].transpose(self.perm)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        perm = np.asarray([0, *(i + 1 for i in self.perm)], np.int32)
        return TfliteOp("TRANSPOSE", "TransposeOptions", {}, {}, (perm,))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Transpose", {"perm": [0, *(i + 1 for i in self.perm)]}, "last")


@dataclass(frozen=True)
class Pad(Op):
    """Elements added around: a constant value, in float.

    Attributes:
        before: how many in front, by per-sample axis.
        after: how many behind.
        value: what they are; in integers its quantised form (0.0: the zero point).
    """

    kind: ClassVar[str] = "pad"
    quant: ClassVar[QuantRule] = "same"
    rises: ClassVar[bool] = True
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    value: float = 0.0

    def infer(self, *x: TensorType) -> TensorType:
        shape = x[0].shape
        if not len(self.before) == len(self.after) == len(shape):
            raise EdgePruneError("pads", f"{self.before}, {self.after} for {list(shape)}")
        if min((*self.before, *self.after), default=0) < 0:
            raise EdgePruneError("pads", "are negative", "use a Slice")
        return x[0].with_shape(
            tuple(b + s + a for b, s, a in zip(self.before, shape, self.after, strict=True))
        )

    @property
    def widths(self) -> list[tuple[int, int]]:
        """Counts by axis, as ``np.pad`` takes them."""
        return list(zip(self.before, self.after, strict=True))

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        flat = [n for pair in reversed(self.widths) for n in pair]
        return functional.pad(x[0], flat, value=self.value)

    def border(self, out: TensorType) -> Array:
        """The value in the result's type."""
        if out.quant is None:
            return np.asarray([self.value], np.float32)
        scale, zero = out.quant.scalar
        info = np.iinfo(out.dtype.numpy)
        steps = int(np.clip(round(self.value / scale) + zero, info.min, info.max))
        return np.asarray([steps], out.dtype.numpy)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        border = self.border(out).item()
        return np.pad(x[0], [(0, 0), *self.widths], constant_values=border)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        if self.value != 0:  # what is removed leaves a zero, not this value, in the border
            ch.pin(ids[0], f"{node.name} pads with {self.value:g}")
        if not (self.before[-1] or self.after[-1]):
            return np.pad(ids[0], self.widths, mode="edge")
        spatial = [*self.widths[:-1], (0, 0)]
        y = np.pad(ids[0], spatial, mode="edge")
        front, behind = ch.new(self.before[-1]), ch.new(self.after[-1])
        ch.pin(front, f"{node.name} adds them")
        ch.pin(behind, f"{node.name} adds them")
        lead = y.shape[:-1]
        sides = [np.broadcast_to(k, (*lead, len(k))) for k in (front, behind)]
        return np.concatenate([sides[0], y, sides[1]], axis=-1)

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        first, end = rows.start - self.before[0], rows.stop - self.before[0]
        inside = range(max(first, 0), min(end, x[0].shape[0]))
        if not inside:
            return None
        before = (max(-first, 0), *self.before[1:])
        after = (max(end - x[0].shape[0], 0), *self.after[1:])
        return Band(replace(self, before=before, after=after), (inside,))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        widths = np.asarray([(0, 0), *self.widths], np.int32)
        if self.value == 0:
            return TfliteOp("PAD", "PadOptions", {}, {}, (widths,))
        return TfliteOp("PADV2", "PadV2Options", {}, {}, (widths, self.border(y)))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        axes = np.arange(1, len(self.before) + 1, dtype=np.int64)
        pads = np.asarray([*self.before, *self.after], np.int64)
        value = np.asarray(self.value, np.float32)
        return OnnxNode("Pad", {}, "any", {}, (pads, value, axes), axes=(2,))


@dataclass(frozen=True)
class Concat(Op):
    """Operands one behind the other along a per-sample axis (default: the last)."""

    kind: ClassVar[str] = "concat"
    quant: ClassVar[QuantRule] = "shared"
    moves: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    axis: int = -1

    def infer(self, *x: TensorType) -> TensorType:
        rank = len(x[0].shape)
        axis = self.axis % rank
        rests = {tuple(s for i, s in enumerate(t.shape) if i != axis) for t in x}
        if len(rests) != 1 or any(len(t.shape) != rank for t in x):
            raise EdgePruneError("operands", f"{[list(t.shape) for t in x]} do not go together")
        shape = list(x[0].shape)
        shape[axis] = sum(t.shape[axis] for t in x)
        return x[0].with_shape(tuple(shape))

    def _batched_axis(self, rank: int) -> int:
        return self.axis % rank + 1

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        batch = max(t.shape[0] for t in x)
        return torch.cat(
            [t.expand(batch, *t.shape[1:]) for t in x], dim=self._batched_axis(x[0].dim() - 1)
        )

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        batch = max(len(v) for v in x)
        spread = [np.broadcast_to(v, (batch, *v.shape[1:])) for v in x]
        return np.concatenate(spread, axis=self._batched_axis(len(out.shape)))

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        axis = self.axis % ids[0].ndim
        if axis != ids[0].ndim - 1:
            for other in ids[1:]:
                ch.tie(ch.per_channel(other), ch.per_channel(ids[0]))
        return np.concatenate(ids, axis=axis)

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        if self.axis % len(y.shape) != 0:
            return rows_alike(self, x, y, rows)
        parts, above = [], 0
        for height in (t.shape[0] for t in x):  # none of an operand whose rows end or begin beside
            start, stop = (min(max(n - above, 0), height) for n in (rows.start, rows.stop))
            parts.append(range(start, stop))
            above += height
        return Band(self, tuple(parts))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp(
            "CONCATENATION",
            "ConcatenationOptions",
            {"axis": self._batched_axis(len(y.shape)), "fusedActivationFunction": "NONE"},
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Concat", {"axis": self._batched_axis(len(y.shape))}, axes=("axis",))


@dataclass(frozen=True)
class Slice(Op):
    """A box cut out: start, stop, step by per-sample axis.

    A negative step goes backwards; a stop of -1 is then in front of the first element.
    """

    kind: ClassVar[str] = "slice"
    quant: ClassVar[QuantRule] = "same"
    moves: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    start: tuple[int, ...] = ()
    stop: tuple[int, ...] = ()
    step: tuple[int, ...] = ()

    @property
    def index(self) -> tuple[slice, ...]:
        """The box as slices."""
        stops = (None if s < 0 else s for s in self.stop)
        return tuple(map(slice, self.start, stops, self.step))

    def infer(self, *x: TensorType) -> TensorType:
        if len(self.start) != len(x[0].shape):
            raise EdgePruneError("slice", f"{len(self.start)} axes of {list(x[0].shape)}")
        lengths = [len(range(*s.indices(n))) for s, n in zip(self.index, x[0].shape, strict=True)]
        if min(lengths, default=1) < 1:
            raise EdgePruneError("slice", f"nothing is left of {list(x[0].shape)}")
        return x[0].with_shape(tuple(lengths))

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        y = x[0]
        for axis, (s, n) in enumerate(zip(self.index, x[0].shape[1:], strict=True), start=1):
            at = range(*s.indices(n))
            lowest = at if at.step > 0 else at[::-1]
            y = y[(*[slice(None)] * axis, slice(lowest.start, lowest.stop, lowest.step))]
            y = y if at.step > 0 else y.flip(axis)
        return y

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return x[0][(slice(None), *self.index)]

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return ids[0][self.index]

    def shrink(self, x: Sequence[Sequence[Array]], y: Sequence[Array]) -> Op:
        start, stop, step = [], [], []
        for axis, (s, n, kept) in enumerate(zip(self.index, x[0], y, strict=True)):
            # positions, among what stays of the operand, of what stays of the result
            wanted = np.arange(int(n[-1]) + 1 if len(n) else 0)[s][kept] if len(n) else kept
            at = np.searchsorted(n, wanted)
            gaps = set(np.diff(at).tolist())
            if len(gaps) > 1:  # an irregular rest is picked index by index
                others = zip(x[0][:axis], y[:axis], strict=True)
                assert axis == len(y) - 1
                assert all(len(i) == len(o) for i, o in others)
                return Gather(tuple(at.tolist()))
            start.append(int(at[0]))
            step.append(gaps.pop() if gaps else 1)
            stop.append(int(at[-1]) + (1 if step[-1] > 0 else -1))
        return replace(self, start=tuple(start), stop=tuple(stop), step=tuple(step))

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        step = self.step[0]
        if step < 1:
            return None  # the last row comes first
        first = self.start[0] + rows.start * step
        inside = range(first, first + (len(rows) - 1) * step + 1)
        part = replace(self, start=(0, *self.start[1:]), stop=(len(inside), *self.stop[1:]))
        return Band(part, (inside,))

    def _stops(self, x: TensorType) -> list[tuple[int, int]]:
        """Stops by axis as formats count them, where -1 is the last element; lengths of x."""
        pairs = zip(self.stop, x.shape, strict=True)
        return [(s if s >= 0 else -n - 1, n) for s, n in pairs]

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        stops = [min(s, n) for s, n in self._stops(x[0])]
        begin = np.asarray([0, *self.start], np.int32)
        end = np.asarray([1, *stops], np.int32)
        step = np.asarray([1, *self.step], np.int32)
        return TfliteOp("STRIDED_SLICE", "StridedSliceOptions", {}, {}, (begin, end, step))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        axes = np.arange(1, len(self.start) + 1, dtype=np.int64)
        stops = [s for s, _ in self._stops(x[0])]
        arrays = [np.asarray(v, np.int64) for v in (self.start, stops)]
        step = np.asarray(self.step, np.int64)
        return OnnxNode("Slice", {}, "any", {}, (*arrays, axes, step), axes=(2,))


@dataclass(frozen=True)
class Gather(Op):
    """Chosen indices of the last axis, in order: what reads only the inputs that matter."""

    kind: ClassVar[str] = "gather"
    quant: ClassVar[QuantRule] = "same"
    moves: ClassVar[bool] = True
    rises: ClassVar[bool] = True
    indices: tuple[int, ...] = ()

    def infer(self, *x: TensorType) -> TensorType:
        if not self.indices or not 0 <= min(self.indices) <= max(self.indices) < x[0].shape[-1]:
            raise EdgePruneError("indices", f"do not lie in 0..{x[0].shape[-1] - 1}")
        return x[0].with_shape((*x[0].shape[:-1], len(self.indices)))

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        return x[0].index_select(-1, torch.tensor(self.indices))

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return x[0][..., list(self.indices)]

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return ids[0][..., list(self.indices)]

    def shrink(self, x: Sequence[Sequence[Array]], y: Sequence[Array]) -> Op:
        wanted = np.asarray(self.indices)[y[-1]]
        return replace(self, indices=tuple(np.searchsorted(x[0][-1], wanted).tolist()))

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        return rows_alike(self, x, y, rows)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        indices = np.asarray(self.indices, np.int32)
        return TfliteOp(
            "GATHER", "GatherOptions", {"axis": len(y.shape), "batchDims": 0}, {}, (indices,)
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        indices = np.asarray(self.indices, np.int64)
        return OnnxNode("Gather", {"axis": len(y.shape)}, "any", {}, (indices,), axes=("axis",))
