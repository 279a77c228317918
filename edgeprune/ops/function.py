"""Functions of one element by their formula.

In int8 each is a table of 256 results, in int16 one of 513 and straight between. TFLite looks it
up in three steps that compute no number (CAST, ADD, GATHER), so that the bytes are the same
everywhere. Add one: a class, its row in ``FUNCTIONS``, rows in the readers, ``ep_<kind>_f32`` in C.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, OnnxNode, QuantParams, TensorType, TfliteOp, Version
from edgeprune.ir import fixedpoint as fp
from edgeprune.ops._clamp import quants
from edgeprune.ops.activation import Elu, Gelu, LeakyRelu, Parts, Relu, Tanh, Unary, look_up
from edgeprune.ops.arith import Add, Div, Maximum, Minimum, Mul

if TYPE_CHECKING:
    import torch

LARGEST_EXPONENT = 700.0  # e to the power of more is infinite in double precision


@dataclass(frozen=True)
class Function(Unary):
    """A function by its formula.

    ``pole`` says that it has no finite value at 0, or none below: examples stay clear of that.
    Those with a ``table_kind`` TFLite has in int8: their tables are its own.
    """

    pole: ClassVar[bool] = False
    since: ClassVar[str] = ""  # the TensorFlow release whose runtime has it in float
    in_int16: ClassVar[Version] = (1, "")  # its version in int16, and the release

    def table(self, x: TensorType, out: TensorType) -> Array:
        if x.dtype is not DType.INT8 or self.table_kind:
            return super().table(x, out)
        xq, yq = quants(x, out)
        return fp.tabulate(self.real, xq, yq)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        if y.dtype is DType.INT8:
            return look_up(self.table(x[0], y))
        if y.dtype is DType.FLOAT32 and not self.tflite:
            raise UnsupportedError(self.kind, "TFLite has none in float32", "use --dtype int8")
        versions: Mapping[DType, Version] = {
            DType.FLOAT32: (1, self.since),
            DType.INT16: self.in_int16,
        }
        own = TfliteOp(self.tflite, versions=versions)
        return self.wide_tflite(own, x[0], y) if y.dtype is DType.INT16 else own


@dataclass(frozen=True)
class Exp(Function):
    """e to the power of x."""

    kind: ClassVar[str] = "exp"
    table_kind: ClassVar[str] = "exp"
    wide_kind: ClassVar[str] = "exp"
    rises: ClassVar[bool] = True
    tflite: ClassVar[str] = "EXP"
    since: ClassVar[str] = "1.7.0"
    in_int16: ClassVar[Version] = (2, "2.12.0")
    onnx: ClassVar[str] = "Exp"

    def real(self, v: float) -> float:
        return math.exp(min(v, LARGEST_EXPONENT))


@dataclass(frozen=True)
class Log(Function):
    """The natural logarithm."""

    kind: ClassVar[str] = "log"
    table_kind: ClassVar[str] = "log"
    wide_kind: ClassVar[str] = "log"
    rises: ClassVar[bool] = True
    pole: ClassVar[bool] = True
    one_sided: ClassVar[frozenset[int]] = frozenset({0})
    tflite: ClassVar[str] = "LOG"
    since: ClassVar[str] = "1.14.0"
    in_int16: ClassVar[Version] = (2, "2.15.0")
    onnx: ClassVar[str] = "Log"

    def real(self, v: float) -> float:
        return math.log(v) if v > 0 else -math.inf


@dataclass(frozen=True)
class Sqrt(Function):
    """The square root; in integers 0 below 0."""

    kind: ClassVar[str] = "sqrt"
    rises: ClassVar[bool] = True
    pole: ClassVar[bool] = True
    one_sided: ClassVar[frozenset[int]] = frozenset({0})
    tflite: ClassVar[str] = "SQRT"
    since: ClassVar[str] = "1.10.0"
    onnx: ClassVar[str] = "Sqrt"

    def real(self, v: float) -> float:
        return math.sqrt(max(v, 0.0))


@dataclass(frozen=True)
class Rsqrt(Function):
    """1 / the square root; in int8 the largest value at and below 0, in int16 LiteRT's at 0."""

    kind: ClassVar[str] = "rsqrt"
    wide_kind: ClassVar[str] = "rsqrt"
    pole: ClassVar[bool] = True
    one_sided: ClassVar[frozenset[int]] = frozenset({0})
    tflite: ClassVar[str] = "RSQRT"
    since: ClassVar[str] = "1.10.0"
    in_int16: ClassVar[Version] = (3, "2.15.0")

    def real(self, v: float) -> float:
        return 1 / math.sqrt(v) if v > 0 else math.inf

    def wide_tflite(self, own: TfliteOp, x: TensorType, y: TensorType) -> TfliteOp:
        """LiteRT stops at a number below 0 in int16: it never sees one."""
        spelled = super().wide_tflite(own, x, y)
        return TfliteOp("RELU", then=own, gives=None) if spelled is own else spelled

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Sqrt", then=OnnxNode("Reciprocal"))


@dataclass(frozen=True)
class Reciprocal(Function):
    """1 / x; in integers the largest value at 0, or the smallest where it divides by negative ones.

    Attributes:
        side: the sign of what is divided by, where that is 0 as an integer.
    """

    kind: ClassVar[str] = "reciprocal"
    pole: ClassVar[bool] = True
    one_sided: ClassVar[frozenset[int]] = frozenset({0})
    onnx: ClassVar[str] = "Reciprocal"
    side: float = 1.0

    def real(self, v: float) -> float:
        return 1 / v if v else math.copysign(math.inf, self.side)

    def parts(self) -> Parts:
        return ((Div(), (1.0, "x")),)


@dataclass(frozen=True)
class Abs(Function):
    """The magnitude."""

    kind: ClassVar[str] = "abs"
    alpha: ClassVar[float] = -1.0  # the slope below 0: in int16 it is such a leaky ReLU
    table_kind: ClassVar[str] = "abs"
    tflite: ClassVar[str] = "ABS"
    since: ClassVar[str] = "1.13.1"
    onnx: ClassVar[str] = "Abs"

    def real(self, v: float) -> float:
        return abs(v)

    @property
    def homogeneous(self) -> bool:
        return True

    def _wide(self, q: Array, xq: QuantParams, yq: QuantParams) -> Array:
        return fp.leaky_relu(q, xq, yq, self.alpha)

    def wide_tflite(self, own: TfliteOp, x: TensorType, y: TensorType) -> TfliteOp:
        """TFLite's own rounds other halves up where it changes the scale."""
        return LeakyRelu(self.alpha).to_tflite((x,), y)


@dataclass(frozen=True)
class Sin(Function):
    """The sine of an angle in radians."""

    kind: ClassVar[str] = "sin"
    tflite: ClassVar[str] = "SIN"
    since: ClassVar[str] = "1.9.0"
    onnx: ClassVar[str] = "Sin"

    def real(self, v: float) -> float:
        return math.sin(v)


@dataclass(frozen=True)
class Cos(Function):
    """The cosine of an angle in radians."""

    kind: ClassVar[str] = "cos"
    tflite: ClassVar[str] = "COS"
    since: ClassVar[str] = "1.14.0"
    onnx: ClassVar[str] = "Cos"

    def real(self, v: float) -> float:
        return math.cos(v)


@dataclass(frozen=True)
class Softplus(Function):
    """log(1 + exp(x))."""

    kind: ClassVar[str] = "softplus"
    rises: ClassVar[bool] = True
    onnx: ClassVar[str] = "Softplus"

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.logaddexp(x[0], torch.zeros_like(x[0]))

    def real(self, v: float) -> float:
        return max(v, 0.0) + math.log1p(math.exp(-abs(v)))

    def parts(self) -> Parts:
        """max(x, 0) + log(1 + exp(-|x|)), which does not overflow."""
        return (
            (Abs(), ("x",)),
            (Mul(), (0, -1.0)),
            (Exp(), (1,)),
            (Add(), (2, 1.0)),
            (Log(), (3,)),
            (Relu(), ("x",)),
            (Add(), (5, 4)),
        )


@dataclass(frozen=True)
class Mish(Function):
    """x * tanh(softplus(x)); Misra 2019, arXiv:1908.08681."""

    kind: ClassVar[str] = "mish"
    onnx: ClassVar[str] = "Mish"

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        return functional.mish(x[0])

    def real(self, v: float) -> float:
        return v * math.tanh(Softplus().real(v))

    def parts(self) -> Parts:
        return ((Softplus(), ("x",)), (Tanh(), (0,)), (Mul(), ("x", 1)))


@dataclass(frozen=True)
class Selu(Function):
    """above * x where positive, below * (exp(x / width) - 1) elsewhere: SELU, CELU, scaled ELU.

    Attributes:
        above: the slope where positive.
        below: the depth that it tends to, negated.
        width: how slowly.
    """

    kind: ClassVar[str] = "selu"
    above: float = 1.0507009873554805
    below: float = 1.7580993408473766
    width: float = 1.0

    @property
    def monotone(self) -> bool:
        return min(self.above, self.below * self.width) >= 0

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        low = self.below * (x[0].clamp(max=0) / self.width).expm1()
        return self.above * x[0].clamp(min=0) + low

    def table_attrs(self) -> dict[str, float]:
        return {"above": self.above, "below": self.below, "inner": 1 / self.width}

    def real(self, v: float) -> float:
        return self.above * v if v >= 0 else self.below * math.expm1(min(v / self.width, 700.0))

    def parts(self) -> Parts:
        """TFLite has ELU alone."""
        return (
            (Minimum(), ("x", 0.0)),
            (Mul(), (0, 1 / self.width)),
            (Elu(), (1,)),
            (Mul(), (2, self.below)),
            (Relu(), ("x",)),
            (Mul(), (4, self.above)),
            (Add(), (5, 3)),
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        if self.width == 1.0:
            slopes = {"alpha": self.below / self.above, "gamma": self.above}
            return OnnxNode("Selu", slopes)
        assert (self.above, self.below) == (1.0, self.width), "neither SELU nor CELU"
        return OnnxNode("Celu", {"alpha": self.width})


@dataclass(frozen=True)
class Erf(Function):
    """The error function: P(|X| <= x) for a normal X of variance 1/2, negative where x is."""

    kind: ClassVar[str] = "erf"
    rises: ClassVar[bool] = True
    onnx: ClassVar[str] = "Erf"

    def real(self, v: float) -> float:
        return math.erf(v)

    def parts(self) -> Parts:
        """GELU is v (1 + erf(v / sqrt 2)) / 2: of the magnitude m, away from 0, times x / m."""
        return (
            (Abs(), ("x",)),
            (Maximum(), (0, 2.0**-20)),
            (Mul(), (1, math.sqrt(2.0))),
            (Gelu(), (2,)),
            (Div(), (3, 2)),
            (Mul(), (4, 2.0)),
            (Add(), (5, -1.0)),
            (Div(), ("x", 1)),
            (Mul(), (6, 7)),
        )


@dataclass(frozen=True)
class Softsign(Function):
    """x / (1 + |x|)."""

    kind: ClassVar[str] = "softsign"
    rises: ClassVar[bool] = True
    onnx: ClassVar[str] = "Softsign"

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        return x[0] / (1 + x[0].abs())

    def real(self, v: float) -> float:
        return v / (1 + abs(v))

    def parts(self) -> Parts:
        return ((Abs(), ("x",)), (Add(), (0, 1.0)), (Div(), ("x", 1)))


FUNCTIONS: tuple[type[Function], ...] = (
    Exp, Log, Sqrt, Rsqrt, Reciprocal, Abs, Sin, Cos, Softplus, Mish, Selu, Erf, Softsign,
)  # fmt: skip
