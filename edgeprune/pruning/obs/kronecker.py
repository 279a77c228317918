"""An approximate inverse of all layers' curvature, layer by layer, as Kronecker products.

A layer's block of the Gauss-Newton matrix is about A (x) G: the second moments of what its rows
read, and of the derivatives that come back to its results (K-FAC; Martens and Grosse 2015,
arXiv:1503.05671; for convolutions Grosse and Martens 2016, arXiv:1602.01407).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.ops.linear import Linear
from edgeprune.pruning.obs.gram import Gram

if TYPE_CHECKING:
    import torch

DAMP_READ = 1e-2
DAMP_MADE = 1e-1
"""Added to the diagonals of A and G, as shares of their means."""
LARGEST = 2048
"""Columns of a row up to which A is inverted; of longer rows only its diagonal is."""
POSITIONS = 20
"""Positions per sample that A is taken from."""


class Kronecker:
    """The product of A and G by layer, ready to be divided by.

    Args:
        layers: those whose weights and biases are solved for.
    """

    def __init__(self, layers: Iterable[Linear], seed: int) -> None:
        import torch

        self._layers = list(layers)
        self._generator = torch.Generator().manual_seed(seed)
        self._read: dict[str, Gram] = {}
        self._diagonal: dict[str, torch.Tensor] = {}
        self._rows: dict[str, int] = {}
        self._samples = 0
        self._made: dict[str, Gram] = {}
        self._factors: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def see(
        self, values: Mapping[str, torch.Tensor], slopes: Mapping[str, torch.Tensor | None]
    ) -> None:
        """More samples.

        Args:
            values: what the layers read, by value.
            slopes: derivatives at the layers' results, by layer; None: it does not matter.
        """
        import torch

        for lin in self._layers:
            name, slope = lin.node.name, slopes[lin.node.name]
            if slope is None:
                continue
            x = values[lin.node.inputs[0]].detach()
            columns = lin.columns(x, lin.sample(len(x), POSITIONS, self._generator))
            columns = torch.cat([columns, torch.ones_like(columns[..., :1])], -1).transpose(0, 1)
            if columns.shape[-1] > LARGEST:
                squares = columns.square().sum(dim=1).double()
                self._diagonal[name] = self._diagonal.get(name, 0) + squares
            else:
                self._read.setdefault(name, Gram()).add(columns)
            back = slope.reshape(-1, lin.groups, lin.rows).transpose(0, 1)
            self._made.setdefault(name, Gram()).add(back)
            self._rows[name] = self._rows.get(name, 0) + columns.shape[1]
        self._samples += len(next(iter(values.values())))
        self._factors = {}

    @property
    def seen(self) -> list[Linear]:
        """The layers that matter."""
        return [lin for lin in self._layers if lin.node.name in self._made]

    def divide(self, slope: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """(A (x) G)^-1 times something of the shape of the weights and biases, by constant."""
        import torch

        found = {}
        for lin in self.seen:
            read, made = self._factor(lin)
            w, b = (slope[v] for v in lin.node.inputs[1:])
            matrix = torch.from_numpy(np.ascontiguousarray(lin.matrix(w.numpy())))
            both = torch.cat([matrix, b.reshape(lin.groups, lin.rows, 1)], -1).double()
            both = torch.cholesky_solve(both, made)
            if read.dim() == 2:
                both = both / read[:, None]
            else:
                both = torch.cholesky_solve(both.transpose(1, 2), read).transpose(1, 2)
            whole = both.float()
            step = lin.weights(whole[..., :-1].numpy(), w.numpy())
            found[lin.node.inputs[1]] = torch.from_numpy(step)
            found[lin.node.inputs[2]] = whole[..., -1].reshape(b.shape)
        return found

    def _factor(self, lin: Linear) -> tuple[torch.Tensor, torch.Tensor]:
        """The Cholesky factors of both, or the diagonal of A."""
        import torch

        name = lin.node.name
        if name not in self._factors:
            if name in self._diagonal:
                read = self._diagonal[name] / self._rows[name]
                read = read + DAMP_READ * read.mean(dim=1, keepdim=True)
            else:
                read = self._read[name].total / self._rows[name]
                read = torch.linalg.cholesky(_damped(read, DAMP_READ))
            second = self._made[name].total / self._samples
            made = torch.linalg.cholesky(_damped(second, DAMP_MADE))
            self._factors[name] = read, made
        return self._factors[name]


def _damped(second: torch.Tensor, share: float) -> torch.Tensor:
    import torch

    mean = second.diagonal(dim1=1, dim2=2).mean(dim=1).clamp(min=1e-30)
    return second + share * mean[:, None, None] * torch.eye(second.shape[1])
