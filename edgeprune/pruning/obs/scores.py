"""Which channels cost least: OBS over whole channels, followed through a round of removals."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Coupling, Graph, couple, values_seen
from edgeprune.ops.goals import taken
from edgeprune.ops.linear import Linear, linears
from edgeprune.pruning.compact import old_channels
from edgeprune.pruning.groups import Mask
from edgeprune.pruning.loss import Loss
from edgeprune.pruning.obs.fisher import EXACT_OUTPUTS, channel_effects, output_hessians
from edgeprune.pruning.obs.gram import Gram
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.obs.reference import Reference

if TYPE_CHECKING:
    import torch


@dataclass
class _Layer:
    """A group of a layer in the middle of a round.

    Attributes:
        owner: the dense network's channel of each column; -1: it has gone, and means nothing.
        weights: W, (rows, columns).
        inverse: P, of the columns' centred second moments.
        curved: H W, with H the loss's Hessian at the results.
    """

    owner: NDArray[np.int64]
    weights: NDArray[np.float64]
    inverse: NDArray[np.float64]
    curved: NDArray[np.float64]

    @cached_property
    def scores(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The channels that are left, and 1/2 tr(H W_k P_kk^-1 W_k^T) of each."""
        order = np.argsort(self.owner, kind="stable")[np.count_nonzero(self.owner < 0) :]
        channels, start, times = np.unique(self.owner[order], return_index=True, return_counts=True)
        found = np.zeros(len(channels))
        for t in np.unique(times):
            chosen = times == t
            at = order[start[chosen][:, None] + np.arange(t)]  # (channels, t) columns
            blocks = self.inverse[at[:, :, None], at[:, None, :]]
            quadratic = np.einsum("rka,rkb->kab", self.weights[:, at], self.curved[:, at])
            inverse = 1 / blocks if t == 1 else np.linalg.inv(blocks)
            found[chosen] = np.maximum(0.5 * np.einsum("kab,kba->k", quadratic, inverse), 0)
        return channels, found

    def copied(self) -> _Layer:
        """The same in arrays of its own."""
        arrays = self.weights, self.inverse, self.curved
        return _Layer(self.owner.copy(), *(array.copy() for array in arrays))

    def remove(self, channel: int) -> None:
        """W -= W_k P_kk^-1 P_k:, P -= P_:k P_kk^-1 P_k:, in place."""
        import torch

        self.__dict__.pop("scores", None)
        at = np.flatnonzero(self.owner == channel)
        rows = self.inverse[at]
        step = torch.from_numpy(np.linalg.solve(rows[:, at], rows))
        for matrix in (self.weights, self.curved, self.inverse):
            gone = torch.from_numpy(matrix[:, at])
            torch.from_numpy(matrix).addmm_(gone, step, alpha=-1)
        self.owner[at] = -1


class Scorer:
    """Estimated rise of the loss when a channel goes and what is left makes up for it.

    score_k = 1/2 sum over the layers that read k of tr(H W_k P_kk^-1 W_k^T), with H the Hessian of
    the loss at the layer's results (Gauss-Newton, positions taken as independent), P the inverse of
    its columns' centred second moments and W_k, P_kk the block of the channel's columns. Removing
    k changes W -= W_k P_kk^-1 P_k: and P -= P_:k P_kk^-1 P_k: (Hassibi and Stork 1993; the output
    Hessian as in K-FAC, Martens and Grosse 2015, Grosse and Martens 2016, arXiv:1602.01407).
    What a mean over channels becomes without k is no part of it: a channel that makes most of a
    norm's spread, and is hardly read, has a score near 0, far below what its removal costs.
    Networks without it are solved and measured with the mean as it is then.

    Args:
        graph: the present network, clamps unfused.
        parts: which part of the dense network it is.
        dense: coupling of the dense network.
        removed: what has gone of that so far.
        reference: the dense network's values.
        loss: where and how the loss is measured.
        ridge: as a share of the mean variance of a column.
        rows: samples that the Hessian is taken from.
        seed: of random draws.
        covariances: of the columns of some layers in the present network, where they are known.

    Attributes:
        covariances: the same of all layers: (groups, columns, columns) float64.
    """

    def __init__(
        self,
        graph: Graph,
        parts: Mapping[str, Part],
        dense: Coupling,
        removed: Mask,
        reference: Reference,
        loss: Loss,
        *,
        ridge: float,
        rows: int,
        seed: int = 0,
        covariances: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> None:
        self._count = dense.count
        self._fixed = np.zeros(dense.count)  # of layers that are no matrix
        layers = linears(graph)
        reads = {r.node: r.ids[~removed[r.ids]] for r in dense.reads}
        names = [name for name in reads if name in layers]
        exact = all(layers[n].positions == 1 for n in names)
        draws = None if exact and graph.types[loss.value].size <= EXACT_OUTPUTS else 2
        x = reference.x[:rows]
        hessians = output_hessians(graph, x, names, loss, draws=draws, seed=seed)
        wanted = {n: layers[n] for n in names}
        self.covariances = _covariances(graph, wanted, parts, reference, covariances or {})
        self._layers = [
            layer
            for name in names
            for layer in _layers(
                layers[name],
                graph,
                reads[name],
                self.covariances[name],
                hessians[name].numpy(),
                ridge,
            )
        ]
        self._readers: dict[int, list[int]] = {}
        for i, layer in enumerate(self._layers):
            for k in np.unique(layer.owner).tolist():
                self._readers.setdefault(k, []).append(i)
        self._total = np.full(self._count, np.nan)
        self._stale: set[int] = set(self._readers)
        others = [name for name in reads if name not in layers]
        if others:
            coupling = couple(graph)
            s = channel_effects(graph, coupling, x, loss, others, draws=2, seed=seed)
            at = old_channels(dense, removed, coupling)
            known = at >= 0
            self._fixed[at[known]] = 0.5 * np.square(s[:, known]).sum(axis=0) / len(x)

    def scores(self) -> NDArray[np.float64]:
        """By channel of the dense network; nan where no layer reads it."""
        self._refresh()
        total = self._total
        return np.where(self._fixed > 0, np.nan_to_num(total) + self._fixed, total)

    def remove(self, channel: int) -> None:
        """From now on that channel is gone, and what is left makes up for it."""
        for i in self._readers.get(channel, ()):
            layer = self._layers[i]
            self._stale.update(layer.scores[0].tolist())
            layer.remove(channel)

    def fork(self, channels: NDArray[np.int64]) -> Scorer:
        """One in which some of these channels can go while this one stays as it is."""
        made = copy.copy(self)
        made._layers, made._total = list(self._layers), self._total.copy()
        made._stale = set(self._stale)
        for i in {i for k in channels.tolist() for i in self._readers.get(k, ())}:
            made._layers[i] = self._layers[i].copied()
        return made

    def _refresh(self) -> None:
        """Sum up anew what channels that share a layer with a removed one cost."""
        if not self._stale:
            return
        stale = np.zeros(self._count, bool)
        stale[list(self._stale)] = True
        self._total[stale] = np.nan
        for i in sorted({i for k in self._stale for i in self._readers.get(k, ())}):
            channels, rise = self._layers[i].scores
            known = stale[channels]
            at = channels[known]
            self._total[at] = np.nan_to_num(self._total[at], nan=0.0) + rise[known]
        self._stale = set()


def _layers(
    lin: Linear,
    graph: Graph,
    channels: NDArray[np.int64],
    covariance: NDArray[np.float64],
    hessian: NDArray[np.float64],
    ridge: float,
) -> list[_Layer]:
    """The groups of a layer."""
    matrix = lin.matrix(graph.constants[lin.node.inputs[1]]).astype(np.float64)
    made = []
    for g, cov in enumerate(covariance):
        damp = ridge * max(float(np.trace(cov)) / len(cov), 1e-12)
        rows = slice(g * lin.rows, (g + 1) * lin.rows)
        w = matrix[g]
        inverse = _inverse(cov + damp * np.eye(len(cov)))
        made.append(_Layer(np.tile(channels, lin.taps), w, inverse, hessian[rows, rows] @ w))
    return made


def _inverse(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a positive definite matrix; half the work of a general inverse."""
    import torch

    inverse: NDArray[np.float64] = torch.cholesky_inverse(
        torch.linalg.cholesky(torch.from_numpy(a))
    ).numpy()
    return inverse


def _covariances(
    graph: Graph,
    layers: Mapping[str, Linear],
    parts: Mapping[str, Part],
    reference: Reference,
    known: Mapping[str, NDArray[np.float64]],
) -> dict[str, NDArray[np.float64]]:
    """By layer, the covariance of its columns in the present network: (groups, columns, columns).

    Taken from the reference where the layer reads the graph's input.
    """
    found = {}
    wanted = {}
    for name, lin in layers.items():
        fixed = reference.moments.get(parts[name].dense)
        if fixed is not None:
            at = reference.layers[parts[name].dense].columns_of(parts[name].columns)
            found[name] = fixed.covariance[:, at][:, :, at]
        elif name in known and known[name].shape[::2] == (lin.groups, lin.columns_per_group):
            found[name] = known[name]
        else:
            wanted[name] = lin

    sums: dict[str, _Moments] = {}

    def look(rows: slice, value: str, data: torch.Tensor) -> None:
        for name, lin in wanted.items():
            if lin.node.inputs[0] == value:
                at = reference.goals[parts[name].dense].at
                columns = lin.columns(data, taken(at, rows))
                if name not in sums:
                    sums[name] = _Moments(columns)
                sums[name].add(columns)

    if wanted:
        values_seen(graph, reference.x, look)
    return {**found, **{name: m.covariance() for name, m in sums.items()}}


class _Moments:
    """Second moments of columns that come some rows after the other, about the first ones' mean."""

    def __init__(self, columns: torch.Tensor) -> None:
        self._mean = columns.mean(dim=0)
        self._rows = 0
        self._first = 0 * self._mean.double()
        self._second = Gram()

    def add(self, columns: torch.Tensor) -> None:
        """More rows, (n, groups, columns)."""
        centred = (columns - self._mean).transpose(0, 1)
        self._first += centred.sum(dim=1).double()
        self._second.add(centred)
        self._rows += len(columns)

    def covariance(self) -> NDArray[np.float64]:
        """(groups, columns, columns)."""
        off = self._first / self._rows
        found: NDArray[np.float64] = (
            self._second.total / self._rows - off[:, :, None] * off[:, None, :]
        ).numpy()
        return found
