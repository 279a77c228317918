"""What is written into a TFLite file: operators, their operands and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeprune.ir import Array, TensorType, TfliteOp


class Operand:
    """An activation (by its name), a constant as it is stored, or a resource variable's handle."""

    def __init__(
        self, type_: TensorType, name: str = "", data: Array | None = None, *, handle: bool = False
    ) -> None:
        self.type, self.name, self.data, self.is_handle = type_, name, data, handle


@dataclass(frozen=True, eq=False)
class Use:
    """One operator of the file: its record, its operands and its result, its version."""

    op: TfliteOp
    operands: Sequence[Operand]
    result: Operand | None
    version: int


def batched(t: TensorType) -> TensorType:
    """The type as the file has it: a batch of 1 in front."""
    return t.with_shape((1, *t.shape))
