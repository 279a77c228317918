"""The abstract operator: every facet that one class per operator fills in."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir.bands import Band
from edgeprune.ir.channels import Channels, Ids
from edgeprune.ir.graph import Node
from edgeprune.ir.spelling import OnnxNode, TfliteOp
from edgeprune.ir.types import Array, DType, QuantParams, TensorType

if TYPE_CHECKING:
    import torch

# How an operator's result is quantised:
#   "range"  its own scale and zero point, from what calibration saw
#   "same"   those of its first input
#   "shared" all activations among its inputs, and its result, have one scale and zero point
#   "fixed"  what Op.fixed_quant says
QuantRule = Literal["range", "same", "shared", "fixed"]


class Op(ABC):
    """What an operator means. Instances are frozen dataclasses of its attributes.

    An attribute is what the shapes of the operands do not tell already. Operands are numbered as
    ``Node.inputs``; those in ``weights`` are constants with no batch axis in evaluation, all other
    operands (activations, and constants used as data) have the batch as axis 0.
    """

    kind: ClassVar[str]
    weights: ClassVar[frozenset[int]] = frozenset()
    quant: ClassVar[QuantRule] = "range"
    has_onnx: ClassVar[bool] = True  # whether ONNX can say it
    has_tflite: ClassVar[bool] = True  # whether LiteRT runs it
    has_int16: ClassVar[bool] = True  # whether integers may be of 16 bits where they may be of 8
    keeps_integers: ClassVar[bool] = False  # computed in the integers of its file, and in no others
    # operands that are numbers of rows (``TensorType.is_index``); as tensors they are whole floats
    numbers: ClassVar[frozenset[int]] = frozenset()

    # every element of the result is an element of an operand
    moves: ClassVar[bool] = False
    # an element of the result is computed from the same element of each operand, broadcast
    elementwise: ClassVar[bool] = False
    # a channel of the result is computed from the same channel of each operand
    channelwise: ClassVar[bool] = False
    # nothing of the result falls when an element of an operand rises
    rises: ClassVar[bool] = False
    # linear in each operand while the others stay: extremes lie at the corners
    multilinear: ClassVar[bool] = False
    # operands that it is defined for on one side of 0 alone, or whose side its result leaps by
    one_sided: ClassVar[frozenset[int]] = frozenset()
    # the smallest scale that its first operand may have
    finest_operand: ClassVar[float] = 0.0

    @property
    def monotone(self) -> bool:
        """``rises``, where attributes do not decide otherwise."""
        return self.rises

    @property
    def homogeneous(self) -> bool:
        """Whether f(c x) = c f(x) for every c > 0 that all operands are multiplied by."""
        return False

    @property
    def keeps_factors(self) -> bool:
        """Whether a clamp that is fused into it, if any, lets positive factors through."""
        return getattr(self, "clamp", None) in (None, (0.0, math.inf))

    @classmethod
    def has_integers(cls, dtype: DType = DType.INT8) -> bool:
        """Whether it has a form for activations of this integer type."""
        return cls.evaluate_int is not Op.evaluate_int and (cls.has_int16 or dtype is DType.INT8)

    @abstractmethod
    def infer(self, *x: TensorType) -> TensorType:
        """The type of the result; quantisation parameters are not inferred.

        Raises:
            EdgePruneError: the operands do not go together.
        """

    @abstractmethod
    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        """The result in float32, batch in front; differentiable."""

    def evaluate_over(self, *x: torch.Tensor) -> torch.Tensor:
        """The same, without derivatives, where nothing else reads the first operand any more.

        An operator whose result has that one's elements may put it in its place.
        """
        return self.evaluate(*x)

    @abstractmethod
    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        """Channel ids of the result; tie, pin and read as the operator demands.

        ``ids`` has the per-sample shape of each operand; it is empty for weights.
        """

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        """The result in the target's integers, as LiteRT's reference kernels compute it.

        Args:
            types: the operands' types, with quantisation.
            out: the result's type.
            x: the operands as integers; batch in front except for weights.
        """
        raise UnsupportedError(self.kind, "has no integer form", "use --dtype float32")

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        """The smallest scale that the result may have; 0 where any will do.

        Args:
            x: the operands' types.
            scales: of the operands; of constants that are rounded, theirs.
            dtype: type of the activations.
        """
        return 0.0

    def macs(self, *x: TensorType) -> int:
        """Multiply-accumulates for one sample."""
        return 0

    def band(self, x: Sequence[TensorType], y: TensorType, rows: range) -> Band | None:
        """How some rows of the result, an image, are computed alone.

        Args:
            x: the operands' types.
            y: the result's.
            rows: which ones, at least one.

        Returns:
            None where a row needs more of an operand than neighbouring rows, or is not offered.
        """
        return rows_alike(self, x, y, rows) if self.elementwise else None

    def sums_rows(self, x: Sequence[TensorType], y: TensorType) -> bool:
        """Whether the result is made of sums over all rows of its operand, an image.

        Rows can then be added as they come.
        """
        return False

    def fixed_quant(self, bits: int) -> QuantParams:
        """Scale and zero point of the result where ``quant`` is "fixed"."""
        raise AssertionError(f"{self.kind} has no fixed quantisation")

    def shrink(self, x: Sequence[Sequence[Array]], y: Sequence[Array]) -> Op:
        """The operator after a compaction.

        Args:
            x: for each operand, for each axis, the indices that stay.
            y: the same for the result.
        """
        return self

    @abstractmethod
    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        """How TFLite spells it (operands with a batch of 1 in front)."""

    @abstractmethod
    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        """How ONNX spells it, in float."""


class LinearOp(Op):
    """A layer: operands are data, weights and a bias, one a result channel.

    ``out_axis`` is the axis of the weights that runs over what the layer makes, and ``in_axis``
    the one over what it reads (of one group, where there are groups).
    """

    weights: ClassVar[frozenset[int]] = frozenset({1, 2})
    out_axis: ClassVar[int]
    in_axis: ClassVar[int]

    @property
    def groups(self) -> int:
        """Parts of a layer that read different channels, one behind the other in its weights."""
        return 1

    def along_results(self, values: Array, rank: int) -> Array:
        """One number a result channel, in the shape that its weights of that rank go with."""
        shape = [1] * rank
        shape[self.out_axis] = -1
        return values.reshape(shape)


def rows_alike(op: Op, x: Sequence[TensorType], y: TensorType, rows: range) -> Band:
    """The band of an operator that makes each row of the same row of its operands.

    An operand of another height is read as a whole, for every row.
    """
    height = y.shape[0]
    alike = [len(t.shape) == len(y.shape) and t.shape[0] == height for t in x]
    return Band(op, tuple(rows if same else None for same in alike))


def align(*x: torch.Tensor) -> list[torch.Tensor]:
    """Operands of unequal rank made broadcastable: axes of length 1 behind the batch."""
    rank = max(t.dim() for t in x)
    return [t.reshape(t.shape[0], *[1] * (rank - t.dim()), *t.shape[1:]) for t in x]


def align_arrays(*x: Array) -> list[Array]:
    """The same as :func:`align` for numpy arrays."""
    rank = max(t.ndim for t in x)
    return [t.reshape(t.shape[0], *[1] * (rank - t.ndim), *t.shape[1:]) for t in x]


def tie_broadcast(node: Node, ch: Channels, shape: tuple[int, ...], *ids: Ids) -> Ids:
    """Ids of an elementwise result: tie operands, but pin one that is spread over channels."""
    full = [np.broadcast_to(i, shape) for i in ids]
    lead = max(range(len(ids)), key=lambda k: (ids[k].shape[-1:], ids[k].size, -k))
    for k, operand in enumerate(ids):
        if k == lead:
            continue
        spread = operand.ndim == 0 or (shape[-1] > 1 and operand.shape[-1] == 1)
        if spread and not _goes_with(operand, full[lead]):
            ch.pin(operand, f"{node.name} spreads them over channels")
        else:
            ch.tie(full[k], full[lead])
    return full[lead].copy()  # a number stays one


def _goes_with(operand: Ids, lead: Ids) -> bool:
    """Whether each element of an operand lies on one channel: these are along another axis."""
    if operand.size < 2:
        return False
    aligned = operand.reshape((1,) * (lead.ndim - operand.ndim) + operand.shape)
    first = lead[tuple(slice(None) if n > 1 else slice(0, 1) for n in aligned.shape)]
    return bool((lead == first).all())
