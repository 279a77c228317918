"""What a layer reads and what it is to give, as moments: all that solving and rounding it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeprune.ops.linear import Linear

if TYPE_CHECKING:
    import torch

ROWS = 2**21
"""Elements of columns that are held at once."""


@dataclass(frozen=True)
class Moments:
    """Of a layer's columns x and wanted results y, float64.

    Attributes:
        mean: E[x], (groups, columns).
        gram: E[(x - mean)(x - mean)'], (groups, columns, columns).
        wanted: E[y], (groups, rows).
        cross: E[(y - wanted)(x - mean)'], (groups, rows, columns).
    """

    mean: torch.Tensor
    gram: torch.Tensor
    wanted: torch.Tensor
    cross: torch.Tensor

    def damped(self, share: float) -> torch.Tensor:
        """The Gram matrix with a share of its mean diagonal added to it."""
        import torch

        size = self.gram.shape[-1]
        mean = self.gram.diagonal(dim1=1, dim2=2).mean(-1)
        added = (share * mean).clamp_min(1e-12)[:, None, None]
        return self.gram + added * torch.eye(size, dtype=self.gram.dtype)


def moments(lin: Linear, x: torch.Tensor, at: torch.Tensor | None, wanted: torch.Tensor) -> Moments:
    """Moments of a layer over some samples, a part of them at a time.

    Args:
        lin: the layer.
        x: its operand, (n, ...).
        at: positions of the result that count, (n, p); None: all.
        wanted: what it is to give there, (n * p, groups * rows).
    """
    import torch

    per_sample = len(wanted) // len(x)
    batch = max(1, ROWS // (per_sample * lin.groups * lin.columns_per_group))
    y = wanted.reshape(len(x), per_sample, lin.groups, lin.rows)
    first = lin.columns(x[:1], None if at is None else at[:1])
    about = first.mean(0)  # near the mean, so that little is lost in float32
    about_y = y[:1].flatten(0, 1).mean(0)
    size, rows, groups = lin.columns_per_group, lin.rows, lin.groups
    total = torch.zeros(groups, size, dtype=torch.float64)
    total_y = torch.zeros(groups, rows, dtype=torch.float64)
    gram = torch.zeros(groups, size, size, dtype=torch.float64)
    cross = torch.zeros(groups, rows, size, dtype=torch.float64)
    for i in range(0, len(x), batch):
        where = None if at is None else at[i : i + batch]
        part = (lin.columns(x[i : i + batch], where) - about).transpose(0, 1).contiguous()
        goal = (y[i : i + batch].flatten(0, 1) - about_y).transpose(0, 1).contiguous()
        total += part.sum(1)
        total_y += goal.sum(1)
        gram += part.transpose(1, 2) @ part
        cross += goal.transpose(1, 2) @ part
    n = len(wanted)
    mean, mean_y = total / n, total_y / n
    return Moments(
        mean + about,
        gram / n - mean[:, :, None] * mean[:, None],
        mean_y + about_y,
        cross / n - mean_y[:, :, None] * mean[:, None],
    )
