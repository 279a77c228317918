"""Elementwise arithmetic of two operands, with broadcasting."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import (
    Array,
    Channels,
    DType,
    Ids,
    Node,
    OnnxNode,
    Op,
    QuantRule,
    TensorType,
    TfliteOp,
    align,
    align_arrays,
    tie_broadcast,
)
from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.finest import finest_product
from edgeprune.ops._clamp import Clamp, clamp_bounds, clamp_float, quants, tflite_clamp

if TYPE_CHECKING:
    import torch

FINEST_SUM = {DType.INT8: 2.0**-18, DType.INT16: 2.0**-13}
"""The smallest scale of a sum, as a part of its operands' largest; TFLite's limit is half of it."""
BOOL = 9
"""ONNX's number for truth values."""


@dataclass(frozen=True)
class _Pairwise(Op):
    """Shapes: a, b broadcast from the last axis on."""

    elementwise: ClassVar[bool] = True
    channelwise: ClassVar[bool] = True
    tflite: ClassVar[str]
    onnx: ClassVar[str]

    def infer(self, *x: TensorType) -> TensorType:
        try:
            shape = np.broadcast_shapes(*(t.shape for t in x))
        except ValueError:
            raise EdgePruneError(
                "operands", f"{[list(t.shape) for t in x]} do not go together"
            ) from None
        return TensorType(shape, x[0].dtype)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return tie_broadcast(node, ch, self.infer(*types).shape, *ids)

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode(self.onnx)


@dataclass(frozen=True)
class _Binary(_Pairwise):
    """Arithmetic, with a fused clamp."""

    real: ClassVar[Callable[..., torch.Tensor]]
    integers: ClassVar[Callable[..., Array]]
    clamp: Clamp | None = None

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return clamp_float(self.real(*align(*x)), self.clamp)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return self.integers(*align_arrays(*x), *quants(*types, out), clamp_bounds(self.clamp, out))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        options: dict[str, object] = {"fusedActivationFunction": tflite_clamp(self.clamp, y)}
        if x[0].dtype is DType.INT16 and self.tflite in ("ADD", "SUB"):
            options["potScaleInt16"] = False  # scales need not be powers of two
        return TfliteOp(self.tflite, f"{self.onnx}Options", options)


@dataclass(frozen=True)
class _Sum(_Binary):
    """A sum or a difference."""

    multilinear: ClassVar[bool] = True

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        return max(scales) * FINEST_SUM[dtype]


@dataclass(frozen=True)
class Add(_Sum):
    """a + b."""

    kind: ClassVar[str] = "add"
    tflite: ClassVar[str] = "ADD"
    onnx: ClassVar[str] = "Add"
    real = staticmethod(operator.add)
    integers = staticmethod(fp.add)


@dataclass(frozen=True)
class Sub(_Sum):
    """a - b."""

    kind: ClassVar[str] = "sub"
    tflite: ClassVar[str] = "SUB"
    onnx: ClassVar[str] = "Sub"
    real = staticmethod(operator.sub)
    integers = staticmethod(fp.sub)


@dataclass(frozen=True)
class Mul(_Binary):
    """a * b."""

    kind: ClassVar[str] = "mul"
    multilinear: ClassVar[bool] = True
    tflite: ClassVar[str] = "MUL"
    onnx: ClassVar[str] = "Mul"
    real = staticmethod(operator.mul)
    integers = staticmethod(fp.mul)

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        return finest_product(scales, dtype)


@dataclass(frozen=True)
class Div(_Binary):
    """a / b."""

    kind: ClassVar[str] = "div"
    tflite: ClassVar[str] = "DIV"
    one_sided: ClassVar[frozenset[int]] = frozenset({1})
    onnx: ClassVar[str] = "Div"
    real = staticmethod(operator.truediv)
    evaluate_int = Op.evaluate_int  # there is none

    @classmethod
    def has_integers(cls, dtype: DType = DType.INT8) -> bool:
        """The quantiser makes it a product with the reciprocal."""
        return True


@dataclass(frozen=True)
class Keep(_Pairwise):
    """x where a condition c is not 0, else 0, whatever x is there: infinite, or NaN."""

    kind: ClassVar[str] = "keep"

    @classmethod
    def has_integers(cls, dtype: DType = DType.INT8) -> bool:
        """The quantiser makes it a product, as all integers are finite; conditions are of int8."""
        return dtype is DType.INT8

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        value, condition = align(*x)
        return torch.where(condition != 0, value, torch.zeros(()))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        zero = (np.zeros(1, np.float32),)
        versions = {DType.FLOAT32: (1, "1.14.0")}
        chosen = TfliteOp(
            "SELECT_V2", operands=(0,), extra_inputs=zero, versions={DType.BOOL: (1, "2.2.0")}
        )
        return TfliteOp(
            "NOT_EQUAL", operands=(1,), extra_inputs=zero, versions=versions, then=chosen,
            gives=DType.BOOL,
        )  # fmt: skip

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        chosen = OnnxNode("Where", operands=(0,), extra_inputs=(np.zeros((), np.float32),))
        return OnnxNode("Cast", {"to": BOOL}, operands=(1,), then=chosen)


@dataclass(frozen=True)
class _Extreme(_Pairwise):
    """One of two values: integers of one scale are compared as they are."""

    quant: ClassVar[QuantRule] = "shared"
    rises: ClassVar[bool] = True
    integers: ClassVar[np.ufunc]

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        return np.asarray(self.integers(*align_arrays(*x)))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp(self.tflite, "MaximumMinimumOptions")


@dataclass(frozen=True)
class Maximum(_Extreme):
    """The larger of a and b."""

    kind: ClassVar[str] = "maximum"
    tflite: ClassVar[str] = "MAXIMUM"
    onnx: ClassVar[str] = "Max"
    integers: ClassVar[np.ufunc] = np.maximum

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        a, b = align(*x)
        return a.maximum(b)


@dataclass(frozen=True)
class Minimum(_Extreme):
    """The smaller of a and b."""

    kind: ClassVar[str] = "minimum"
    tflite: ClassVar[str] = "MINIMUM"
    onnx: ClassVar[str] = "Min"
    integers: ClassVar[np.ufunc] = np.minimum

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        a, b = align(*x)
        return a.minimum(b)
