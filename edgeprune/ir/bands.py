"""Rows of a result, and the rows of the operands that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeprune.ir.op import Op


@dataclass(frozen=True)
class Part:
    """Which of the rows of an image a result that is made of their sums is given.

    Attributes:
        height: rows that there are.
        first: whether sums begin with these.
        last: whether they end with these, and the result is there.
    """

    height: int
    first: bool
    last: bool


@dataclass(frozen=True)
class Band:
    """How some rows of a result are computed alone.

    Attributes:
        op: the operator that makes them of the rows that are read, and of nothing else.
        rows: of each operand, those that are read; None: all of it, for every row of the result.
        part: where the result is made of sums over rows that come bit by bit; None: it is whole.
    """

    op: Op
    rows: tuple[range | None, ...]
    part: Part | None = None
