"""Functions of one element. Add one: a class with its formula and its two spellings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import (
    Array,
    Channels,
    DType,
    Ids,
    Node,
    OnnxNode,
    Op,
    QuantParams,
    QuantRule,
    TensorType,
    TfliteOp,
    Version,
    align_arrays,
    tie_broadcast,
)
from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.finest import FINEST_RESULT, finest_product, reaches
from edgeprune.ops._clamp import INF, Clamp, clamp_float, quants, tflite_clamp

if TYPE_CHECKING:
    import torch


Parts = tuple[tuple[Op, tuple[str | int | float, ...]], ...]
"""Operators in a row; operands are "x", the number of an earlier one, or a constant."""


def look_up(table: Array) -> TfliteOp:
    """The entry of a table for every int8 or int16, by operators that compute no number."""
    gather = TfliteOp(
        "GATHER", "GatherOptions", {"axis": 0}, extra_inputs=(table,), order=(1, 0),
        versions={DType.INT32: (2, "1.14.0") if table.itemsize == 1 else (4, "2.4.0")},
    )  # fmt: skip
    first = np.array([len(table) // 2], np.int32)
    add = TfliteOp(
        "ADD", "AddOptions", extra_inputs=(first,), then=gather,
        versions={DType.INT32: (1, "1.5.0")},
    )  # fmt: skip
    versions: Mapping[DType, Version] = {DType.INT8: (3, "2.8.0"), DType.INT16: (1, "1.5.0")}
    return TfliteOp("CAST", then=add, versions=versions)


@dataclass(frozen=True)
class Unary(Op):
    """Shapes: x -> the same. In int8 every one of them is a table of 256 entries.

    In int16 it is a table of 513 and straight between, unless LiteRT has a rule of its own.
    """

    elementwise: ClassVar[bool] = True
    channelwise: ClassVar[bool] = True
    tflite: ClassVar[str] = ""
    onnx: ClassVar[str] = ""
    table_kind: ClassVar[str] = ""
    wide_kind: ClassVar[str] = ""  # with a table of its own in LiteRT's int16

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        """PyTorch's function of this name, where it has one."""
        result: torch.Tensor = getattr(x[0], self.kind)()
        return result

    def table_attrs(self) -> dict[str, float]:
        """The attributes that :func:`edgeprune.ir.fixedpoint.table_s8` wants."""
        return {}

    def table(self, x: TensorType, out: TensorType) -> Array:
        """The int8 result for every input from -128 to 127."""
        if x.dtype is not DType.INT8:
            raise UnsupportedError(self.kind, f"has no {x.dtype.value} form")
        xq, yq = quants(x, out)
        return fp.table_s8(self.table_kind or self.kind, xq, yq, **self.table_attrs())

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if types[0].dtype is DType.INT16:
            return self._wide(x[0], *quants(types[0], out))
        return self.table(types[0], out)[x[0].astype(np.int16) + 128]

    def parts(self) -> Parts:
        """The same in operators that TFLite has, in float; empty where it has the function."""
        return ()

    def real(self, v: float) -> float:
        """The function in double precision; infinite where it has no finite value."""
        raise UnsupportedError(self.kind, "has no int16 form", "use --dtype int8")

    def litert_ends(self, xq: QuantParams, yq: QuantParams) -> Array | None:
        """LiteRT's own :meth:`ends`; None: it has none."""
        if not self.wide_kind:
            return None
        return fp.table_s16(self.wide_kind, xq, yq, **self.table_attrs())

    def ends(self, xq: QuantParams, yq: QuantParams) -> Array:
        """The int16 results for every 128th int16 from -32768 to 32768."""
        own = self.litert_ends(xq, yq)
        return fp.tabulate_s16(self.real, xq, yq) if own is None else own

    def _wide(self, q: Array, xq: QuantParams, yq: QuantParams) -> Array:
        """The int16 result."""
        return fp.interpolate(self.ends(xq, yq), q)

    def wide_tflite(self, own: TfliteOp, x: TensorType, y: TensorType) -> TfliteOp:
        """TFLite's ``own`` operator where its integers are these, else all int16 results."""
        xq, yq = quants(x, y)
        return look_up(self._wide(fp.WHOLE, xq, yq)) if self.litert_ends(xq, yq) is None else own

    def infer(self, *x: TensorType) -> TensorType:
        return TensorType(x[0].shape, x[0].dtype)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return ids[0]

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        """TFLite's own operator, or its table where TFLite knows another scale only."""
        if self.quant == "fixed" and y.dtype is DType.INT8 and y.quant != self.fixed_quant(8):
            return look_up(self.table(x[0], y))
        return TfliteOp(self.tflite)

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode(self.onnx)


@dataclass(frozen=True)
class Relu(Unary):
    """min(max(x, lo), hi): ReLU, ReLU6 and every other clamp.

    Attributes:
        bounds: lowest and highest value; infinite where there is none.
    """

    kind: ClassVar[str] = "clamp"
    rises: ClassVar[bool] = True
    bounds: Clamp = (0.0, INF)

    @property
    def homogeneous(self) -> bool:
        return self.bounds == (0.0, INF)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return clamp_float(x[0], self.bounds)

    def evaluate_over(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0].clamp_(*self.bounds)

    def table_attrs(self) -> dict[str, float]:
        return {"low": self.bounds[0], "high": self.bounds[1]}

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        return finest_product(scales, dtype)

    def _wide(self, q: Array, xq: QuantParams, yq: QuantParams) -> Array:
        return fp.clamp(q, xq, yq, *self.bounds)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        if self.bounds == (0.0, 1.0):
            return TfliteOp("RELU_0_TO_1")
        return TfliteOp(tflite_clamp(self.bounds, y))

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        if self.bounds == (0.0, INF):
            return OnnxNode("Relu")
        lo, hi = (None if math.isinf(v) else np.asarray(v, np.float32) for v in self.bounds)
        return OnnxNode("Clip", extra_inputs=(lo, hi))


@dataclass(frozen=True)
class Sigmoid(Unary):
    """1 / (1 + exp(-x)), the logistic sigmoid."""

    kind: ClassVar[str] = "sigmoid"
    rises: ClassVar[bool] = True
    table_kind: ClassVar[str] = "logistic"
    quant: ClassVar[QuantRule] = "fixed"
    tflite: ClassVar[str] = "LOGISTIC"
    onnx: ClassVar[str] = "Sigmoid"

    def _wide(self, q: Array, xq: QuantParams, yq: QuantParams) -> Array:
        return fp.logistic_s16(q, xq)

    def fixed_quant(self, bits: int) -> QuantParams:
        return QuantParams.of(1 / 256, -128) if bits == 8 else QuantParams.of(1 / 32768)


@dataclass(frozen=True)
class Tanh(Unary):
    """Hyperbolic tangent."""

    kind: ClassVar[str] = "tanh"
    rises: ClassVar[bool] = True
    quant: ClassVar[QuantRule] = "fixed"
    tflite: ClassVar[str] = "TANH"
    onnx: ClassVar[str] = "Tanh"

    def _wide(self, q: Array, xq: QuantParams, yq: QuantParams) -> Array:
        return fp.tanh_s16(q, xq)

    def fixed_quant(self, bits: int) -> QuantParams:
        return QuantParams.of(1 / 128 if bits == 8 else 1 / 32768)


@dataclass(frozen=True)
class LeakyRelu(Unary):
    """x where positive, alpha * x elsewhere."""

    kind: ClassVar[str] = "leaky_relu"
    alpha: float = 0.01

    @property
    def monotone(self) -> bool:
        return self.alpha >= 0

    @property
    def homogeneous(self) -> bool:
        return True

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.leaky_relu(x[0], self.alpha)

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        return finest_product(scales, dtype)

    def table_attrs(self) -> dict[str, float]:
        return {"alpha": self.alpha}

    def _wide(self, q: Array, xq: QuantParams, yq: QuantParams) -> Array:
        return fp.leaky_relu(q, xq, yq, self.alpha)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("LEAKY_RELU", "LeakyReluOptions", {"alpha": self.alpha})

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("LeakyRelu", {"alpha": self.alpha})


@dataclass(frozen=True)
class Elu(Unary):
    """x where positive, alpha * (exp(x) - 1) elsewhere. TFLite has alpha 1 only."""

    kind: ClassVar[str] = "elu"
    rises: ClassVar[bool] = True
    alpha: float = 1.0
    tflite: ClassVar[str] = "ELU"

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.elu(x[0], self.alpha)

    def real(self, v: float) -> float:
        return v if v > 0 else self.alpha * math.expm1(v)

    def table_attrs(self) -> dict[str, float]:
        return {"alpha": self.alpha}

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        if y.dtype is DType.INT16:
            return self.wide_tflite(TfliteOp("ELU"), x[0], y)
        if self.alpha != 1.0:
            raise UnsupportedError(self.kind, f"TFLite's has alpha 1, this one {self.alpha:g}")
        return TfliteOp("ELU")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Elu", {"alpha": self.alpha})


FINEST_SWISH = 2.0**-7
"""The smallest scale of a hard swish, as a part of its operand's; it is TFLite's limit."""


@dataclass(frozen=True)
class HardSwish(Unary):
    """x * min(max(x + 3, 0), 6) / 6."""

    kind: ClassVar[str] = "hard_swish"
    tflite: ClassVar[str] = "HARD_SWISH"
    onnx: ClassVar[str] = "HardSwish"

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.hardswish(x[0])

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        return scales[0] * FINEST_SWISH

    def real(self, v: float) -> float:
        return v * min(max(v + 3, 0.0), 6.0) / 6

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        own = TfliteOp(self.tflite)
        return self.wide_tflite(own, x[0], y) if y.dtype is DType.INT16 else own


@dataclass(frozen=True)
class Gelu(Unary):
    """x * P(X <= x) for a standard normal X; or its approximation by tanh."""

    kind: ClassVar[str] = "gelu"
    wide_kind: ClassVar[str] = "gelu"
    approximate: bool = False

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.gelu(x[0], approximate="tanh" if self.approximate else "none")

    def table_attrs(self) -> dict[str, float]:
        return {"approximate": float(self.approximate)}

    def real(self, v: float) -> float:
        if self.approximate:
            return v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) / 2
        return v * math.erfc(-v / math.sqrt(2)) / 2

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        own = TfliteOp("GELU", "GeluOptions", {"approximate": self.approximate})
        return self.wide_tflite(own, x[0], y) if y.dtype is DType.INT16 else own

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Gelu", {"approximate": "tanh" if self.approximate else "none"}, opset=20)


@dataclass(frozen=True)
class PRelu(Op):
    """x where positive, slope * x elsewhere. Operands: x, slope (broadcast)."""

    kind: ClassVar[str] = "prelu"
    has_int16: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    channelwise: ClassVar[bool] = True

    def infer(self, *x: TensorType) -> TensorType:
        return TensorType(x[0].shape, x[0].dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from edgeprune.ir import align

        v, slope = align(*x)
        return v.clamp(min=0) + slope * v.clamp(max=0)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if types[0].dtype is not DType.INT8:
            raise UnsupportedError(self.kind, f"has no {types[0].dtype.value} form")
        v, slope = align_arrays(*x)
        xq, sq, yq = quants(*types, out)
        return fp.prelu(v, slope, xq, sq, yq)

    def finest_scale(self, x: Sequence[TensorType], scales: Sequence[float], dtype: DType) -> float:
        value, *slope = reaches(scales, dtype)
        return value * max([1.0, *slope]) * FINEST_RESULT

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        return tie_broadcast(node, ch, types[0].shape, *ids)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp("PRELU")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("PRelu")
