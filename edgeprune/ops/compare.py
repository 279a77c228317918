"""Comparisons of each element with a number. Truth is 1, falsehood 0, in every element type.

NaN passes no test but ``!=``, as IEEE 754 has it, and what is not passed is true when negated.

Logic on such values is arithmetic: and is a product, or a maximum, not a difference from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, OnnxNode, QuantParams, TensorType, TfliteOp
from edgeprune.ops.function import Function

if TYPE_CHECKING:
    import torch

Test = Literal["<", "<=", "==", "!=", ">=", ">"]

RESULTS: dict[Test, tuple[float, float, float]] = {
    "<": (1.0, 0.0, 0.0),
    "<=": (1.0, 1.0, 0.0),
    "==": (0.0, 1.0, 0.0),
    "!=": (1.0, 0.0, 1.0),
    ">=": (0.0, 1.0, 1.0),
    ">": (0.0, 0.0, 1.0),
}
"""Of elements below the bound, equal to it, and above it."""
TURNED: dict[Test, Test] = {"<": ">", "<=": ">=", "==": "==", "!=": "!=", ">=": "<=", ">": "<"}
"""The test of b against a, for one of a against b."""
OPPOSITE: dict[Test, Test] = {"<": ">=", "<=": ">", "==": "!=", "!=": "==", ">=": "<", ">": "<="}
"""The test that numbers pass where they do not pass another."""
TFLITE: dict[Test, str] = {
    "<": "LESS",
    "<=": "LESS_EQUAL",
    "==": "EQUAL",
    "!=": "NOT_EQUAL",
    ">=": "GREATER_EQUAL",
    ">": "GREATER",
}
ONNX: dict[Test, str] = {
    "<": "Less",
    "<=": "LessOrEqual",
    "==": "Equal",
    ">=": "GreaterOrEqual",
    ">": "Greater",
}
FLOAT = 1
"""ONNX's number for float32."""


@dataclass(frozen=True)
class Compare(Function):
    """1 where an element passes a test against the bound, else 0.

    In integers the element is the real number that it stands for.

    Attributes:
        test: which one.
        bound: a float32 number.
        negated: whether it is 1 where an element does not pass.
    """

    kind: ClassVar[str] = "compare"
    has_int16: ClassVar[bool] = False
    test: Test = ">"
    bound: float = 0.0
    negated: bool = False

    @property
    def monotone(self) -> bool:
        return self.test in ((">", ">="), ("<", "<="))[self.negated]

    def opposite(self) -> Compare:
        """What is 1 where this is 0."""
        if self.test in ("==", "!="):
            return replace(self, test=OPPOSITE[self.test])
        return replace(self, negated=not self.negated)

    @property
    def results(self) -> tuple[float, float, float]:
        """Of elements below the bound, equal to it, and above it."""
        return RESULTS[OPPOSITE[self.test] if self.negated else self.test]

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        tests = {"<": torch.lt, "<=": torch.le, "==": torch.eq,
                 "!=": torch.ne, ">=": torch.ge, ">": torch.gt}  # fmt: skip
        passed = tests[self.test](x[0], self.bound)
        return (~passed if self.negated else passed).float()

    def table_attrs(self) -> dict[str, float]:
        names = ("below", "equal", "above")
        unordered = float((self.test == "!=") != self.negated)
        results = dict(zip(names, self.results, strict=True))
        return {"bound": self.bound, **results, "unordered": unordered}

    def real(self, v: float) -> float:
        held = float(np.float32(v))  # as a format has it that computes in float32
        return self.results[1 + (held > self.bound) - (held < self.bound)]

    def _wide(self, q: Array, xq: QuantParams, yq: QuantParams) -> Array:
        """Refused: straight between the ends of a piece truth would lie between 0 and 1."""
        raise UnsupportedError(self.kind, "has no int16 form", "use --dtype int8 or float32")

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        if y.dtype is not DType.FLOAT32:
            return super().to_tflite(x, y)
        bound = np.array([self.bound], np.float32)
        cast = TfliteOp("CAST", versions={DType.BOOL: (1, "1.5.0")})
        if self.negated:
            versions = {DType.BOOL: (1, "1.11.0")}
            cast = TfliteOp("LOGICAL_NOT", versions=versions, then=cast, gives=DType.BOOL)
        versions = {DType.FLOAT32: (1, "1.14.0")}
        return TfliteOp(
            TFLITE[self.test], extra_inputs=(bound,), then=cast, gives=DType.BOOL, versions=versions
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        bound = (np.asarray(self.bound, np.float32),)
        cast = OnnxNode("Cast", {"to": FLOAT})
        if self.negated != (self.test == "!="):
            cast = OnnxNode("Not", then=cast)
        name = "Equal" if self.test == "!=" else ONNX[self.test]
        return OnnxNode(name, extra_inputs=bound, then=cast)
