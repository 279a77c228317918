"""Rounding in which the columns that come later make up for those that were rounded before.

With H the second moments of what a layer reads, weights Q in place of W cost
tr((Q - W) H (Q - W)'). Columns are rounded one after the other, and what each leaves is folded
into those that are not rounded yet (Frantar et al. 2022, arXiv:2210.17323, section 3). Then table,
scales and single weights are improved in turn, each exactly for what the others are. Where rows
matter together, as F says, these improve tr(F (Q - W) H (Q - W)').
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.quantize.levels import GRIDS, SMALL, Levels, as_levels, borders, fit_levels

if TYPE_CHECKING:
    import torch

SWEEPS = 4
"""Over table, scales and all weights; the first two gain nearly all."""
SINGULAR = 1e-9
"""Of the mean mass of a table's values: what is added where one has none."""


def round_matrix(
    w: torch.Tensor,
    gram: torch.Tensor,
    count: int,
    *,
    influence: torch.Tensor | None = None,
    sweeps: int = SWEEPS,
) -> tuple[Levels, torch.Tensor]:
    """The weights of a layer on few levels.

    Args:
        w: weights, (groups, rows, columns) float64.
        gram: second moments of the columns, (groups, columns, columns); positive definite.
        count: of values, see :func:`edgeprune.quantize.levels.fit_levels`.
        influence: how much the rows matter together, (groups, rows, rows); positive definite.
            None: each for itself, all of them as much.
        sweeps: of improving what was found.

    Returns:
        The levels, and the number of every weight's value.
    """
    levels = fit_levels(w, gram.diagonal(dim1=1, dim2=2), count)
    codes = round_columns(w, gram, levels)
    wanted = _together(influence, w @ gram)
    for _ in range(sweeps):
        levels, codes = _refit(levels, codes, gram, influence, wanted)
        codes, changed = _descend(levels, codes, gram, influence, wanted)
        if not changed:
            break
    return levels, codes


def loss(w: torch.Tensor, q: torch.Tensor, gram: torch.Tensor) -> torch.Tensor:
    """What weights ``q`` in place of ``w`` cost, by row: (groups, rows)."""
    d = q - w
    return (d @ gram * d).sum(-1)


def _together(influence: torch.Tensor | None, rows: torch.Tensor) -> torch.Tensor:
    """Rows, (groups, rows, ...), as they matter together."""
    import torch

    return rows if influence is None else torch.einsum("gij,gj...->gi...", influence, rows)


def round_columns(w: torch.Tensor, gram: torch.Tensor, levels: Levels) -> torch.Tensor:
    """Numbers of values: those columns first that are multiplied with most."""
    import torch

    rows, columns = w.shape[1:]
    order = gram.diagonal(dim1=1, dim2=2).argsort(dim=1, descending=True, stable=True)
    across = order[:, None].expand(-1, rows, -1)
    left = w.gather(2, across)
    gram = gram.gather(1, order[..., None].expand(-1, -1, columns))
    gram = gram.gather(2, order[:, None].expand(-1, columns, -1))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    upper = torch.linalg.cholesky(inverse, upper=True)
    # one column is a small array, for which NumPy's calls cost a third of torch's
    rest, row, values = _by_column(left), upper.numpy(), _Values.of(levels)
    codes = np.empty(rest.shape, np.int64)
    for j in range(columns):
        codes[j] = values.nearest(rest[j])
        error = (rest[j] - values.real(codes[j])) / row[:, j, j, None]
        rest[j + 1 :] -= row[:, j, j + 1 :].T[..., None] * error
    found = torch.from_numpy(np.ascontiguousarray(np.moveaxis(codes, 0, -1)))
    return found.gather(2, order.argsort(dim=1)[:, None].expand(-1, rows, -1))


@dataclass(frozen=True)
class _Values:
    """What weights of a column may be, as arrays.

    Attributes:
        table: int8 values as float64.
        borders: between each two of them.
        scale: of every row, (groups, rows).
    """

    table: NDArray[np.float64]
    borders: NDArray[np.float64]
    scale: NDArray[np.float64]

    @staticmethod
    def of(levels: Levels) -> _Values:
        """Of levels."""
        table = levels.table
        return _Values(table.numpy(), borders(table).numpy(), levels.scale.numpy())

    def nearest(self, w: NDArray[np.float64]) -> NDArray[np.int64]:
        """As :meth:`Levels.nearest`, of one column: (groups, rows)."""
        return np.searchsorted(self.borders, w / self.scale)

    def real(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """As :meth:`Levels.real`."""
        return self.table[codes] * self.scale


def _by_column(w: torch.Tensor) -> NDArray[Any]:
    """A copy with columns in front: (columns, groups, rows)."""
    return np.moveaxis(w.numpy(), -1, 0).copy()


def _refit(
    levels: Levels,
    codes: torch.Tensor,
    gram: torch.Tensor,
    influence: torch.Tensor | None,
    wanted: torch.Tensor,
) -> tuple[Levels, torch.Tensor]:
    """Table and scales for weights that keep their values' numbers, by least squares."""
    import torch

    scale, table = levels.scale, levels.table
    if len(table) not in GRIDS:
        member = torch.nn.functional.one_hot(codes, len(table)).to(gram.dtype)
        part = member * scale[..., None, None]  # (groups, rows, columns, values)
        seen = _together(influence, gram[:, None] @ part).flatten(0, 1)
        flat = part.flatten(0, 1)
        mass = torch.einsum("nck,ncl->kl", flat, seen)
        total = torch.einsum("nck,nc->k", flat, wanted.flatten(0, 1))
        ridge = SINGULAR * mass.diagonal().mean() * torch.eye(len(table), dtype=gram.dtype)
        step = torch.linalg.solve(mass + ridge, total - mass @ table)
        fitted = as_levels((table + step).sort().values, scale)
        if len(fitted.values) == len(table):
            order = (table + step).argsort()
            levels, codes = fitted, order.argsort()[codes]
    return Levels(levels.values, _scaled(levels, codes, gram, influence, wanted)), codes


def _scaled(
    levels: Levels,
    codes: torch.Tensor,
    gram: torch.Tensor,
    influence: torch.Tensor | None,
    wanted: torch.Tensor,
) -> torch.Tensor:
    """The best scale of every row; where there is none above zero, what it is."""
    import torch

    v = levels.table[codes]
    slope = (wanted * v).sum(-1)
    if influence is None:
        bend = (v @ gram * v).sum(-1)
        fitted = slope / bend.clamp_min(SMALL)
        return torch.where((fitted > 0) & (bend > 0), fitted, levels.scale)
    bends = influence * (v @ gram @ v.transpose(1, 2))
    own = bends.diagonal(dim1=1, dim2=2)
    ridge = (SINGULAR * own.mean(-1)).clamp_min(SMALL)
    eye = torch.eye(bends.shape[-1], dtype=bends.dtype)
    fitted = torch.linalg.solve(bends + ridge[:, None, None] * eye, slope)
    good = (fitted > 0) | (own == 0)
    return torch.where(own > 0, fitted, levels.scale) if bool(good.all()) else levels.scale


def _descend(
    levels: Levels,
    codes: torch.Tensor,
    gram: torch.Tensor,
    influence: torch.Tensor | None,
    wanted: torch.Tensor,
) -> tuple[torch.Tensor, bool]:
    """One look at every weight: the value that is best while all others stay."""
    import torch

    q = levels.real(codes)
    slope = _by_column(_together(influence, q @ gram) - wanted)
    number, values = _by_column(codes), _Values.of(levels)
    left, rise = _by_column(q), gram.numpy()
    rows = None if influence is None else influence.numpy()
    power = 1.0 if rows is None else np.diagonal(rows, axis1=1, axis2=2)
    changed = False
    for j in range(len(left)):
        bend = rise[:, j, j, None]
        found = values.nearest(left[j] - slope[j] / (bend * power))
        if not np.array_equal(found, number[j]):
            changed = True
            if rows is not None:
                curve = bend[..., None] * rows
                found = _in_turn(values, found != number[j], number[j], left[j], slope[j], curve)
            moved = values.real(found) - left[j]
            felt = moved if rows is None else (rows @ moved[..., None])[..., 0]
            slope += rise[:, j].T[..., None] * felt
            left[j] += moved
            number[j] = found
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(number, 0, -1))), changed


def _in_turn(
    values: _Values,
    moves: NDArray[np.bool_],
    number: NDArray[np.int64],
    left: NDArray[np.float64],
    slope: NDArray[np.float64],
    curve: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Numbers of a column's values after rows were moved one after the other.

    Args:
        values: what they may be.
        moves: the rows that may move, (groups, rows).
        number: of the value that each has.
        left: those values.
        slope: half the derivative of what they cost.
        curve: half its second derivative, (groups, rows, rows).
    """
    number, slope = number.copy(), slope.copy()
    table, ends = values.table.tolist(), values.borders.tolist()
    for group, row in np.argwhere(moves).tolist():
        scale, now = values.scale[group, row], left[group, row]
        best = (now - slope[group, row] / curve[group, row, row]) / scale
        number[group, row] = found = bisect_left(ends, best)
        slope[group] += curve[group, row] * (table[found] * scale - now)
    return number
