"""Rows of a result, and the rows of the operands that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeprune.ir.op import Op


@dataclass(frozen=True)
class Band:
    """How some rows of a result are computed alone.

    Attributes:
        op: the operator that makes them of the rows that are read, and of nothing else.
        rows: of each operand, those that are read; None: all of it, for every row of the result.
    """

    op: Op
    rows: tuple[range | None, ...]
