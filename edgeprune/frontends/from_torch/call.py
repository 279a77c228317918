"""One node of an exported program, and how it is said in ONNX's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_onnx.assembly import is_constant
from edgeprune.frontends.from_onnx.fold import FOLDABLE, fold
from edgeprune.frontends.from_onnx.qdq import note_scales
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.table import TABLE as ONNX
from edgeprune.frontends.from_onnx.value import Act, Index, Known, Value

OPSET = 18


@dataclass(frozen=True)
class Aten:
    """One node of an exported program.

    Attributes:
        reader: the conversion.
        name: the node's name.
        where: what messages call it.
        args: arguments by the operator's own names for them.
        results: how many results are used.
    """

    reader: Reader
    name: str
    where: str
    args: Mapping[str, Any]
    results: int = 1

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or its default."""
        value = self.args.get(name)
        return default if value is None else value

    def value(self, *names: str) -> Value:
        """A tensor argument; the first of several names that is there."""
        for name in names or ("self", "input"):
            value = self.args.get(name)
            if isinstance(value, Act | Known):
                return value
        raise self.unsupported("an operand is no tensor")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first operand."""
        return self.value().shape

    def unsupported(self, what: str, hint: str = "") -> UnsupportedError:
        """The program is right, but this cannot be compiled."""
        return UnsupportedError(self.where, what, hint)

    def call(self, kind: str, inputs: Sequence[Value | None], **attributes: Any) -> Call:
        """The node in ONNX's terms."""
        given = {k: v for k, v in attributes.items() if v is not None}
        outputs = tuple(f"{self.name}:{i}" for i in range(self.results))
        return Call(self.name, self.where, kind, OPSET, given, tuple(inputs), outputs)

    def onnx(self, kind: str, *inputs: Value | None, **attributes: Any) -> Value:
        """The result of an ONNX operator."""
        call = self.call(kind, inputs, **attributes)
        if all(map(is_constant, inputs)) and kind in FOLDABLE:
            return Known(fold(call)[0])
        first = len(self.reader.nodes)
        made = ONNX[kind](self.reader, call)
        note_scales(self.reader, call, first)
        result = made if isinstance(made, Act | Known | Index) else made[0]
        assert not isinstance(result, Index), kind
        return result


Function = Callable[[Aten], Value | Index | Sequence[Value | Index]]


def ints(values: Sequence[int]) -> Known:
    """A constant list."""
    return Known(np.asarray(values, np.int64))


def number(value: float) -> Known:
    """A constant number."""
    return Known(np.asarray(value, np.float32))


def spread(value: Any, rank: int) -> list[int]:
    """A number an axis, from one number or one an axis."""
    found = [int(value)] if isinstance(value, int) else [int(v) for v in value]
    return found * rank if len(found) == 1 else found


def unary(kind: str, **attributes: tuple[str, float]) -> Function:
    """An operator of one operand; its attributes each by an argument's name, and its default."""

    def convert(n: Aten) -> Value:
        given = {k: float(n.get(name, default)) for k, (name, default) in attributes.items()}
        return n.onnx(kind, n.value(), **given)

    return convert


def same(n: Aten) -> Value:
    """An operator that changes nothing at inference."""
    return n.value()
