"""Which channels cost least: two scorers that follow each removal within a round."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Coupling, Graph, couple, run
from edgeprune.pruning.groups import Mask
from edgeprune.pruning.loss import Loss
from edgeprune.pruning.obs.fisher import channel_effects, output_hessians
from edgeprune.pruning.obs.linear import linears
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.obs.refit import Reference

EXACT_OUTPUTS = 16
"""Up to this many outputs their Hessian is summed up exactly, with a backward pass each."""


class Scorer(ABC):
    """Estimated rise of the loss when a channel goes, given those that went before."""

    @abstractmethod
    def scores(self) -> NDArray[np.float64]:
        """By channel of the dense network; nan where nothing is known."""

    @abstractmethod
    def remove(self, channel: int) -> None:
        """From now on that channel is gone, and what is left makes up for it."""


@dataclass
class _Layer:
    """A dense layer in the middle of a round."""

    channels: NDArray[np.int64]  # by column
    weights: NDArray[np.float64]  # (rows, columns)
    inverse: NDArray[np.float64]  # of the columns' second moments
    curved: NDArray[np.float64]  # Hessian of the loss times weights


class Compensated(Scorer):
    """OBS for networks of dense layers: the loss after the best linear compensation.

    score_k = 1/2 sum over the layers that read k of w_k^T H w_k / P_kk, with H the layer's output
    Hessian and P the inverse of its inputs' centred second moments. Removing k changes
    W -= w_k P_k / P_kk and P -= P_:k P_k: / P_kk (Hassibi and Stork 1993; for layers Frantar and
    Alistarh 2022, arXiv:2208.11580).

    Args:
        graph: the present network, clamps unfused.
        parts: which part of the dense network it is.
        channels: by layer, the dense network's channel of each column.
        count: of the dense network's channels.
        reference: the dense network's values.
        loss: where and how the loss is measured.
        ridge: as a share of the mean variance.
        rows: samples that the Hessian is taken from.
        seed: of random cotangents.
    """

    def __init__(
        self,
        graph: Graph,
        parts: Mapping[str, Part],
        channels: Mapping[str, NDArray[np.int64]],
        count: int,
        reference: Reference,
        loss: Loss,
        *,
        ridge: float,
        rows: int = 2000,
        seed: int = 0,
    ) -> None:
        import torch

        self._count = count
        names = list(channels)
        outputs = graph.types[loss.value].size
        draws = None if outputs <= EXACT_OUTPUTS else EXACT_OUTPUTS
        hessians = output_hessians(
            graph, reference.x[:rows].clone(), names, loss, draws=draws, seed=seed
        )
        with torch.no_grad():
            values = run(graph, {graph.inputs[0]: reference.x})
        self._layers = []
        for name, lin in linears(graph).items():
            known = reference.moments.get(parts[name].dense)
            if known is not None:
                at = parts[name].columns
                cov = known.covariance[0][np.ix_(at, at)]
            else:
                cov = _covariance(values[lin.node.inputs[0]])
            w = lin.matrix(graph.constants[lin.node.inputs[1]])[0].astype(np.float64)
            cov += ridge * max(float(np.trace(cov)) / len(cov), 1e-12) * np.eye(len(cov))
            h = hessians[name].numpy()
            self._layers.append(_Layer(channels[name], w, np.linalg.inv(cov), h @ w))

    def scores(self) -> NDArray[np.float64]:
        """See :class:`Scorer`."""
        total = np.full(self._count, np.nan)
        for layer in self._layers:
            s = 0.5 * (layer.weights * layer.curved).sum(axis=0) / layer.inverse.diagonal()
            total[layer.channels] = np.nan_to_num(total[layer.channels]) + s
        return total

    def remove(self, channel: int) -> None:
        """See :class:`Scorer`."""
        for layer in self._layers:
            for k in np.flatnonzero(layer.channels == channel)[::-1]:
                p = layer.inverse[k] / layer.inverse[k, k]
                keep = np.delete(np.arange(len(p)), k)
                weights = layer.weights - np.outer(layer.weights[:, k], p)
                curved = layer.curved - np.outer(layer.curved[:, k], p)
                inverse = layer.inverse - np.outer(layer.inverse[:, k], p)
                layer.weights = weights[:, keep]
                layer.curved = curved[:, keep]
                layer.inverse = inverse[np.ix_(keep, keep)]
                layer.channels = layer.channels[keep]


class Linearised(Scorer):
    """Monte-Carlo Fisher scores for networks with positions (convolutions).

    score_k = half the mean of s_nk^2, with s_nk as in :func:`channel_effects`; what went before in
    the round adds the mean of s_nj s_nk, so that twins do not both look free.
    """

    def __init__(
        self,
        graph: Graph,
        dense: Coupling,
        removed: Mask,
        x: NDArray[np.float32],
        loss: Loss,
        *,
        draws: int = 2,
        seed: int = 0,
        joint: float = 1.0,
    ) -> None:
        import torch

        coupling = couple(graph)
        s = channel_effects(graph, coupling, torch.from_numpy(x), loss, draws=draws, seed=seed)
        s = s.astype(np.float64)
        read = np.unique(np.concatenate([r.ids for r in coupling.reads]))
        at = dense_channels(coupling, dense, removed)[read]
        self._fisher = np.full((dense.count, dense.count), np.nan)
        self._fisher[np.ix_(at, at)] = s[:, read].T @ s[:, read] / len(x)
        self._joint = joint
        self._cross = np.zeros(dense.count)

    def scores(self) -> NDArray[np.float64]:
        """See :class:`Scorer`."""
        s: NDArray[np.float64] = 0.5 * self._fisher.diagonal() + self._cross
        return s

    def remove(self, channel: int) -> None:
        """See :class:`Scorer`."""
        self._cross = self._cross + self._joint * self._fisher[:, channel]


def is_vector_network(graph: Graph, coupling: Coupling) -> bool:
    """Whether every layer reads each channel in one column, at one position."""
    for r in coupling.reads:
        if len(graph.types[graph.node(r.node).output].shape) != 1:
            return False
        if len(np.unique(r.ids)) != len(r.ids):
            return False
    return set(linears(graph)) == {r.node for r in coupling.reads}


def channels_left(coupling: Coupling, removed: Mask) -> dict[str, NDArray[np.int64]]:
    """By layer, the channel of each column that is left."""
    return {r.node: r.ids[~removed[r.ids]] for r in coupling.reads}


def dense_channels(coupling: Coupling, dense: Coupling, removed: Mask) -> NDArray[np.int64]:
    """By channel of a compacted graph that some weight has, the dense graph's channel."""
    found = np.full(coupling.count, -1)
    for key, ids in coupling.axes.items():
        whole = dense.axes[key]
        found[ids] = whole[~removed[whole]]
    return found


def _covariance(x: object) -> NDArray[np.float64]:
    import torch

    assert isinstance(x, torch.Tensor)
    centred = x - x.mean(dim=0)
    cov: NDArray[np.float64] = ((centred.T @ centred).double() / len(x)).numpy()
    return cov
