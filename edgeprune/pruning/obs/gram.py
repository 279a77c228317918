"""Second moments of rows that come some after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Gram:
    """The sum of x^T x over rows x, by group.

    Rows wait until there are as many as columns: of fewer the product takes less time than adding
    it to the sum, in double precision, does.
    """

    def __init__(self) -> None:
        self._total: torch.Tensor | None = None
        self._waiting: list[torch.Tensor] = []

    def add(self, rows: torch.Tensor) -> None:
        """More rows, (groups, n, columns)."""
        self._waiting.append(rows)
        if sum(r.shape[1] for r in self._waiting) >= rows.shape[2]:
            self._square()

    @property
    def total(self) -> torch.Tensor:
        """(groups, columns, columns) float64, of one row at least."""
        self._square()
        assert self._total is not None
        return self._total

    def _square(self) -> None:
        import torch

        if not self._waiting:
            return
        rows = torch.cat(self._waiting, dim=1) if len(self._waiting) > 1 else self._waiting[0]
        square = (rows.transpose(1, 2) @ rows).double()
        self._total = square if self._total is None else self._total.add_(square)
        self._waiting = []
