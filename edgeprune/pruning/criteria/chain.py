"""Exact brute force for the dense layers at the end of a network, all neurons at once.

Turning a neuron off subtracts the outer product of its outputs and its outgoing weights from the
next layer's pre-activations z. In front of the head a further factor comes out:
``exp(-(z - a w)) = exp(-z) exp(a w)``, and the second factor stays the same whatever else is
removed, so that a ranking costs one multiplication and one reciprocal an output and sample.

Ranks in float32 and repeats in float64 what float32 cannot tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edgeprune.ir import Ids, Node, Op, run, tensors
from edgeprune.ops import Dense, Relu, Unary
from edgeprune.pruning.criteria.context import Context, Scores
from edgeprune.pruning.loss import Loss

# Sums of float32 errors lie within 1e-6 of the exact ones; what differs by less than this share
# is computed again in float64.
_MARGIN = 1e-5
_CACHE_BYTES = 1 << 29  # factors are kept up to this size
_CHUNK = 1 << 19  # elements worked on at once: 2 MB, the size of a second-level cache
_LARGEST_EXPONENT = 40.0  # exp(80) is still a float32


@dataclass(frozen=True)
class Chain:
    """Dense layers one behind the other, up to the loss.

    Attributes:
        start: the value that the first of them reads.
        dense: the layers.
        acts: what is applied to each layer's output before the next one; none behind the last.
        ids: for each layer but the first, the channels that it reads.
    """

    start: str
    dense: tuple[Node, ...]
    acts: tuple[tuple[Op, ...], ...]
    ids: tuple[Ids, ...]


def find_chain(ctx: Context) -> Chain | None:
    """The dense layers that end in the loss; None if there are not at least two."""
    graph, coupling = ctx.graph, ctx.coupling
    dense: list[Node] = []
    acts: list[tuple[Op, ...]] = []
    pending: list[Op] = []
    value = ctx.loss.value
    while value in graph.producer:
        node = graph.producer[value]
        if isinstance(node.op, Dense) and len(graph.types[value].shape) == 1:
            clamp = node.op.clamp
            acts.append((*(() if clamp is None else (Relu(clamp),)), *reversed(pending)))
            pending = []
            dense.append(node)
        elif isinstance(node.op, Unary) and dense:
            pending.append(node.op)
        else:
            break
        value = node.inputs[0]
        if len(graph.users[value]) > 1:
            break
    if len(dense) < 2 or acts[0]:
        return None
    dense.reverse()
    acts.reverse()
    readers = [r for read in coupling.reads for r in set(read.ids.tolist())]
    counts = np.bincount(np.asarray(readers, np.int64), minlength=coupling.count)
    ids = tuple(coupling.values[n.inputs[0]] for n in dense[1:])
    if any((counts[k] != 1).any() or len(set(k.tolist())) < len(k) for k in ids):
        return None
    return Chain(dense[0].inputs[0], tuple(dense), tuple(acts), ids)


class ChainSession:
    """The exact error without each neuron of a chain, kept up to date while neurons go.

    Layer m has weights ``w[m]`` (outputs, neurons), reads ``a[m]`` (neurons, samples) and makes
    ``z[m]`` (outputs, samples), all float64. A neuron that goes is replaced by the last one.
    """

    def __init__(self, ctx: Context, chain: Chain) -> None:
        self._ctx = ctx
        self._chain = chain
        c = ctx.graph.constants
        self._w = [torch.tensor(c[n.inputs[1]], dtype=torch.float64) for n in chain.dense]
        self._b = [torch.tensor(c[n.inputs[2]], dtype=torch.float64) for n in chain.dense]
        self._t = torch.from_numpy(ctx.loss.targets).double()
        self._alive = [np.arange(len(k)) for k in chain.ids]
        self._factors: _Factors | None = None
        with torch.inference_mode():
            self._a = [_inputs(ctx, chain.start)]
            self._z: list[torch.Tensor] = []
            self._forward(0)
            self._a[0] = torch.empty(0)  # large, and never read again

    def scores(self) -> Scores:
        """Change of the mean error by channel; the smallest is exact to float64."""
        return self._scores(order=False)

    def ranking(self) -> Scores:
        """The same, exact enough everywhere that the order is that of float64."""
        return self._scores(order=True)

    def remove(self, channels: NDArray[np.int64]) -> None:
        """Take neurons out."""
        with torch.inference_mode():
            for layer, ids in enumerate(self._chain.ids):
                gone = np.flatnonzero(np.isin(ids[self._alive[layer]], channels))
                for i in reversed(gone):
                    self._drop(layer, int(i))

    def _error(self, z: torch.Tensor) -> torch.Tensor:
        """Summed errors of pre-activations (..., outputs, samples) of the head."""
        t = self._t.to(z.dtype)
        return self._ctx.loss.per_sample(z.transpose(-1, -2), t).sum(-1)

    def _forward(self, start: int) -> None:
        """Everything from what layer ``start`` reads on."""
        del self._z[start:], self._a[start + 1 :]
        self._factors = None
        for m in range(start, len(self._w)):
            self._z.append(self._w[m] @ self._a[m] + self._b[m][:, None])
            if m + 1 < len(self._w):
                self._a.append(self._activate(m, self._z[m]))

    def _activate(self, m: int, z: torch.Tensor) -> torch.Tensor:
        for op in self._chain.acts[m]:
            z = op.evaluate(z)
        return z

    def _drop(self, layer: int, i: int) -> None:
        m, last = layer + 1, len(self._alive[layer]) - 1
        self._z[m] = self._z[m] - torch.outer(self._w[m][:, i], self._a[m][i])
        order = np.arange(last)
        order[i : i + 1] = last
        self._alive[layer] = self._alive[layer][order]
        self._w[m] = self._w[m][:, order]
        self._w[m - 1], self._b[m - 1] = self._w[m - 1][order], self._b[m - 1][order]
        self._z[m - 1] = _fill_gap(self._z[m - 1], i)
        self._a[m] = _fill_gap(self._a[m], i)
        if m + 1 < len(self._w):
            self._a[m + 1] = self._activate(m, self._z[m])
            self._forward(m + 1)
        elif self._factors is not None:
            self._factors.drop(i)

    def _scores(self, order: bool) -> Scores:
        with torch.inference_mode():
            flat = np.concatenate([self._layer(m) for m in range(1, len(self._w))])
            for i in _doubtful(flat, order):
                flat[i] = self._exact(i)
            base = float(self._error(self._z[-1]))
        scores = np.full(self._ctx.coupling.count, np.nan)
        for layer, ids in enumerate(self._chain.ids):
            n = len(self._alive[layer])
            scores[ids[self._alive[layer]]] = (flat[:n] - base) / len(self._t)
            flat = flat[n:]
        return self._ctx.scores(scores)

    def _layer(self, m: int) -> Scores:
        """The summed error without each neuron that layer m reads, from float32."""
        if m + 1 == len(self._w):
            if self._factors is None:
                self._factors = _factors(self._ctx.loss, self._t, self._a[m], self._w[m])
            errors = None if self._factors is None else self._factors.errors(self._z[m])
            if errors is not None:
                return errors
        count = len(self._a[m])
        step = max(1, _CHUNK // self._z[m].numel())
        parts = [
            self._without(m, slice(k, min(k + step, count)), torch.float32)
            for k in range(0, count, step)
        ]
        return np.concatenate(parts)

    def _exact(self, number: int) -> float:
        """The summed error without a neuron (counted over all layers), float64."""
        m = 1
        while number >= len(self._a[m]):
            number -= len(self._a[m])
            m += 1
        return float(self._without(m, slice(number, number + 1), torch.float64)[0])

    def _without(self, m: int, ks: slice, dtype: torch.dtype) -> Scores:
        """Summed errors with some neurons in front of layer m turned off, one at a time."""
        a, w = self._a[m][ks].to(dtype), self._w[m][:, ks].T.to(dtype)
        z = torch.addcmul(self._z[m].to(dtype), w[:, :, None], a[:, None, :], value=-1)
        for layer in range(m + 1, len(self._w)):
            x = self._activate(layer - 1, z)
            z = self._w[layer].to(dtype) @ x + self._b[layer].to(dtype)[:, None]
        return np.asarray(self._error(z).double())


def _fill_gap(rows: torch.Tensor, i: int) -> torch.Tensor:
    """One row fewer, the last one in its place; writes into ``rows``."""
    last = len(rows) - 1
    if i < last:
        rows[i] = rows[last]
    return rows[:last]


class _Factors:
    """exp(a w) for every neuron, output and sample; what each ranking multiplies with.

    A sigmoid's squared error is sigma(u)^2 / 2 with u = (1 - 2 t) z where t is 0 or 1. A softmax's
    cross-entropy is log sum_o exp(z_o - sum t z); where t is 0 or 1 the target's own term is 1.

    Attributes:
        f: (neurons, outputs, samples) float32.
        t: targets, (outputs, samples).
        sigmoid: which of the two.
        hard: whether all targets are 0 or 1.
    """

    def __init__(self, f: torch.Tensor, t: torch.Tensor, sigmoid: bool, hard: bool) -> None:
        self.f, self.t, self.sigmoid, self.hard = f, t, sigmoid, hard

    def drop(self, i: int) -> None:
        """One neuron fewer."""
        self.f = _fill_gap(self.f, i)

    def errors(self, z: torch.Tensor) -> Scores | None:
        """The summed error without each neuron; None if it leaves the range of float32.

        Args:
            z: what the head sees with all of them, (outputs, samples).
        """
        if self.sigmoid:  # beyond 80 an error is 0 or 1 to float32 whatever is removed
            g = ((1 - 2 * self.t) * z).clamp(-80, 80).neg().exp().float()
            return np.asarray(self._sums(g).double() / 2)
        exponents = z - (z * self.t).sum(dim=0)
        if float(exponents.max()) > _LARGEST_EXPONENT:
            return None
        g = exponents.clamp(min=-80).exp()
        if self.hard:
            g = g * (1 - self.t)
        return np.asarray(self._sums(g.float()).double())

    def _sums(self, g: torch.Tensor) -> torch.Tensor:
        """By neuron, the sum of sigma(u)^2 or of the cross-entropy."""
        count = len(self.f)
        step = max(1, _CHUNK // g.numel())
        work, one = torch.empty((min(step, count), *g.shape)), torch.ones(1)
        found = torch.empty(count)
        for k in range(0, count, step):
            f = self.f[k : k + step]
            y = work[: len(f)]
            if self.sigmoid:  # sigma(u) = 1 / (1 + exp(-u))
                found[k : k + step] = torch.addcmul(one, f, g, out=y).pow_(-2).sum(dim=(1, 2))
            else:
                total = torch.mul(f, g, out=y).sum(dim=1)
                found[k : k + step] = (total.log1p_() if self.hard else total.log_()).sum(dim=1)
        return found


def _factors(loss: Loss, t: torch.Tensor, a: torch.Tensor, w: torch.Tensor) -> _Factors | None:
    """The factors of a head, if the loss has them and they fit into memory and float32.

    Args:
        loss: its kind.
        t: targets, (samples, outputs).
        a: outputs of the neurons, (neurons, samples).
        w: their outgoing weights, (outputs, neurons).
    """
    hard = bool(((t == 0) | (t == 1)).all())
    sums_to_one = bool(((t.sum(dim=1) - 1).abs() < 1e-9).all())
    if loss.kind == "squared" or loss.beta != 1 or 4 * len(a) * t.numel() > _CACHE_BYTES:
        return None
    if not (hard if loss.kind == "sigmoid" else sums_to_one):
        return None
    span = w.abs().amax(dim=0) if loss.kind == "sigmoid" else w.amax(dim=0) - w.amin(dim=0)
    if float((a.abs().amax(dim=1) * span).max()) > _LARGEST_EXPONENT:
        return None
    t = t.T.contiguous()
    f = torch.empty((len(a), *t.shape))
    for k, outputs in enumerate(a):
        if loss.kind == "sigmoid":
            weights = w[:, k, None] * (1 - 2 * t)
        else:
            weights = w[:, k] @ t - w[:, k, None]
        f[k] = weights.mul_(outputs).exp_()
    return _Factors(f, t, loss.kind == "sigmoid", hard)


def _doubtful(errors: Scores, order: bool) -> list[int]:
    """Which errors float32 cannot tell from the smallest one, or from their neighbours."""
    if not len(errors):
        return []
    ranked = np.argsort(errors, kind="stable")
    sorted_errors = errors[ranked]
    if not order:
        near = sorted_errors <= sorted_errors[0] * (1 + _MARGIN)
        return [int(i) for i in ranked[near]]
    close = np.diff(sorted_errors) <= np.abs(sorted_errors[1:]) * _MARGIN
    near = np.r_[close, False] | np.r_[False, close]
    return [int(i) for i in ranked[near]]


def _inputs(ctx: Context, value: str) -> torch.Tensor:
    """A value for all samples, float64: its part of the network runs in float32 batches."""
    graph = ctx.graph
    if value in graph.inputs:
        return torch.from_numpy(np.ascontiguousarray(ctx.data.x)).T.double().contiguous()
    weights = tensors(graph)
    parts = [
        run(graph, {graph.inputs[0]: x}, constants=weights, keep=(value,))[value]
        for x, _ in ctx.batches()
    ]
    return torch.cat(parts).T.double().contiguous()
