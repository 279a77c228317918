"""Which int8 values the weights of a layer may take, and the scale of every row.

A weight is ``scale of its row * value``. The values are those of a grid, -127 to 127 or -7 to 7, or
a table of at most sixteen that is fitted to the layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Codebook

if TYPE_CHECKING:
    import torch

TOP = 127
"""The largest value of a table; -128 is left out, as TFLite wants it of weights."""
ROUNDS = 25
"""Of fitting a table; it settles in about ten."""
SHARES = (0.24, 1.04, 41)
"""Of a row's peak that the largest value may stand for: from, to, how many; 1 is one of them."""
SMALL = 1e-30
FITTED = 2**14
"""Weights of a layer that its table is fitted to."""


GRIDS = {255: 127, 15: 7}
"""By the number of values: the largest of a grid. Others are tables."""
COUNTS = (255, 16, 11, 9, 8, 7, 6, 5, 4, 3)
"""How many values the weights of a layer may take: all of eight bits, or a table of so many. A word
of 32 bits holds 8 of 16 kinds, 9 of 11, 10 of 9, ... and 20 of 3."""


@dataclass(frozen=True)
class Levels:
    """What the weights of a layer may be.

    Attributes:
        values: int8, ascending, no two equal.
        scale: of every row, (groups, rows) float64.
    """

    values: tuple[int, ...]
    scale: torch.Tensor

    @property
    def is_int4(self) -> bool:
        """Whether they are the integers of four bits."""
        return self.values == tuple(range(-7, 8))

    @property
    def codebook(self) -> Codebook | None:
        """The values as a table, where they are no grid that is a type of its own."""
        return None if len(self.values) in GRIDS else Codebook(self.values)

    @property
    def scales(self) -> NDArray[np.float64]:
        """Of every output channel."""
        found: NDArray[np.float64] = self.scale.flatten().numpy()
        return found

    @cached_property
    def table(self) -> torch.Tensor:
        """The values as float64."""
        import torch

        return torch.tensor(self.values, dtype=torch.float64)

    @cached_property
    def _borders(self) -> torch.Tensor:
        return borders(self.table)

    def nearest(self, w: torch.Tensor) -> torch.Tensor:
        """The number of the value that is nearest to each weight, (groups, rows, columns)."""
        import torch

        return torch.bucketize((w / self.scale[..., None]).contiguous(), self._borders)

    def real(self, codes: torch.Tensor) -> torch.Tensor:
        """The weights that numbers of values stand for."""
        return self.table[codes] * self.scale[..., None]


def borders(table: torch.Tensor) -> torch.Tensor:
    """Between each two values of an ascending table: up to where the lower one is the nearest."""
    return (table[1:] + table[:-1]) / 2


def fit_levels(w: torch.Tensor, power: torch.Tensor, count: int) -> Levels:
    """Levels of least error, each weight's counted by the power of what it is multiplied with.

    Args:
        w: weights, (groups, rows, columns) float64.
        power: mean square of every column, (groups, columns).
        count: of values: those of ``GRIDS`` are a grid, else a table of so many is fitted.
    """
    if count in GRIDS:
        top = GRIDS[count]
        return Levels(tuple(range(-top, top + 1)), _scales(w, power, top))
    return _fit_table(w, power, count)


def plain_levels(w: torch.Tensor, count: int) -> Levels:
    """As many levels, evenly spaced up to every row's peak: they tell the size, not the error."""
    import torch

    top = GRIDS.get(count, TOP)
    values = np.rint(np.linspace(-top, top, count)).astype(int).tolist()
    peak = w.abs().amax(-1)
    return Levels(tuple(values), torch.where(peak > 0, peak, torch.ones_like(peak)) / top)


def _scales(w: torch.Tensor, power: torch.Tensor, top: int) -> torch.Tensor:
    """Of every row, for a grid from -top to top: the best of some shares of its peak."""
    import torch

    peak = w.abs().amax(-1)
    unit = torch.where(peak > 0, peak, torch.ones_like(peak)) / top
    best, found = torch.full_like(peak, torch.inf), unit
    for share in torch.linspace(*SHARES, dtype=w.dtype):
        scale = (share * unit)[..., None]
        rounded = (w / scale).round().clamp(-top, top) * scale
        error = ((rounded - w).square() * power[:, None]).sum(-1)
        found = torch.where(error < best, share * unit, found)
        best = torch.minimum(best, error)
    return found


def _fit_table(w: torch.Tensor, power: torch.Tensor, count: int) -> Levels:
    """Lloyd's iterations over a table that all rows share and a scale for each of them."""
    import torch

    peak = w.abs().amax(-1)
    scale = torch.where(peak > 0, peak, torch.ones_like(peak))
    step = -(-w.numel() // FITTED)  # of many columns, some tell the same
    w, power = w[..., ::step], power[..., ::step]
    shares = torch.linspace(0.5 / count, 1 - 0.5 / count, count, dtype=w.dtype)
    table = _quantiles(w / scale[..., None], shares)
    for _ in range(ROUNDS):
        u, weight = w / scale[..., None], power[:, None] * scale[..., None].square()
        codes = torch.bucketize(u, borders(table))
        total = torch.zeros(count, dtype=w.dtype)
        mass = total.index_add(0, codes.flatten(), weight.expand_as(u).flatten())
        total = total.index_add(0, codes.flatten(), (weight * u).flatten())
        table = torch.where(mass > 0, total / mass.clamp_min(SMALL), table).sort().values
        v = table[torch.bucketize(u, borders(table))]
        fitted = (power[:, None] * w * v).sum(-1) / (
            (power[:, None] * v * v).sum(-1).clamp_min(SMALL)
        )
        scale = torch.where(fitted > 0, fitted, scale)
    return as_levels(table, scale)


def _quantiles(u: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """As torch's, which refuses more than 16 million elements."""
    ordered = u.flatten().sort().values
    return ordered[(shares * (len(ordered) - 1)).round().long()]


def as_levels(table: torch.Tensor, scale: torch.Tensor) -> Levels:
    """A table of reals as int8 values, the largest 127, and scales that make up for it.

    Values that fall together are one; there are two at the least.
    """
    unit = float(table.abs().max()) / TOP or 1.0
    values = np.unique(np.rint(table.numpy() / unit)).astype(int).tolist()
    return Levels(tuple(values) if len(values) > 1 else (0, TOP), scale * unit)
