"""What a layer reads and what it is to give, as moments: all that solving and rounding it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeprune.ops.goals import taken
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


def moments(
    lin: Linear,
    parts: Iterable[tuple[slice, torch.Tensor]],
    at: torch.Tensor | None,
    wanted: torch.Tensor,
    samples: int,
) -> Moments:
    """Moments of a layer over some samples, a part of them at a time.

    Args:
        lin: the layer.
        parts: its operand, some samples after the other: (which, (n, ...)).
        at: positions of the result that count, (samples, p); None: all.
        wanted: what it is to give there, (samples * p, groups * rows).
        samples: all of them.
    """
    import torch

    per_sample = len(wanted) // samples
    batch = max(1, ROWS // (per_sample * lin.groups * lin.columns_per_group))
    y = wanted.reshape(samples, per_sample, lin.groups, lin.rows)
    about_y = y[:1].flatten(0, 1).mean(0)
    about: torch.Tensor | None = None  # near the mean, so that little is lost in float32
    size, rows, groups = lin.columns_per_group, lin.rows, lin.groups
    total = torch.zeros(groups, size, dtype=torch.float64)
    total_y = torch.zeros(groups, rows, dtype=torch.float64)
    gram = torch.zeros(groups, size, size, dtype=torch.float64)
    cross = torch.zeros(groups, rows, size, dtype=torch.float64)
    for where, x in parts:
        if about is None:
            about = lin.columns(x[:1], taken(at, slice(1))).mean(0)
        for i in range(where.start, where.stop, batch):
            some = slice(i, min(i + batch, where.stop))
            read = x[some.start - where.start : some.stop - where.start]
            part = (lin.columns(read, taken(at, some)) - about).transpose(0, 1).contiguous()
            goal = (y[some].flatten(0, 1) - about_y).transpose(0, 1).contiguous()
            total += part.sum(1)
            total_y += goal.sum(1)
            gram += part.transpose(1, 2) @ part
            cross += goal.transpose(1, 2) @ part
    assert about is not None
    n = len(wanted)
    mean, mean_y = total / n, total_y / n
    return Moments(
        mean + about,
        gram / n - mean[:, :, None] * mean[:, None],
        mean_y + about_y,
        cross / n - mean_y[:, :, None] * mean[:, None],
    )
