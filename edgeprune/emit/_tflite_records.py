"""What is written into a TFLite file: operators, their operands and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgeprune.ir import Array, TensorType, TfliteOp


class Operand:
    """An activation (by its name), a constant as it is stored, or a resource variable's handle.

    An activation may be a variable that its operator keeps from call to call. A constant of float32
    may be stored in float16.
    """

    def __init__(
        self,
        type_: TensorType,
        name: str = "",
        data: Array | None = None,
        *,
        handle: bool = False,
        variable: bool = False,
    ) -> None:
        self.type, self.name, self.data, self.is_handle = type_, name, data, handle
        self.is_variable = variable

    @property
    def stored_as(self) -> str:
        """The element type's name in the schema."""
        if self.is_handle:
            return "RESOURCE"
        is_half = self.data is not None and self.data.dtype == np.float16
        return "FLOAT16" if is_half else self.type.dtype.name


@dataclass(frozen=True, eq=False)
class Use:
    """One operator of the file: its record, its operands and its result, its version.

    An operand that is left out is None; ``between`` are tensors that say scales inside of it.
    """

    op: TfliteOp
    operands: Sequence[Operand | None]
    result: Operand | None
    version: int
    between: Sequence[Operand] = ()


@dataclass(frozen=True)
class Fused:
    """Nodes that the file has in another form.

    Attributes:
        uses: by node, what stands in its place and the first release that has it; None: nothing.
        states: inputs of the graph that an operator keeps by itself.
    """

    uses: dict[str, tuple[Use, str] | None] = field(default_factory=dict)
    states: set[str] = field(default_factory=set)


def batched(t: TensorType) -> TensorType:
    """The type as the file has it: a batch of 1 in front."""
    return t.with_shape((1, *t.shape))
