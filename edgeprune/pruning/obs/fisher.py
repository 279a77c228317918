"""How much the model's answer depends on each value: Gauss-Newton and Fisher statistics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Coupling, Graph, Node, differentiable, run, samples_held, tensors
from edgeprune.ops.answer import cotangents
from edgeprune.pruning.loss import Loss
from edgeprune.pruning.obs.gram import Gram

EXACT_OUTPUTS = 16
"""Up to this many outputs their Hessian is summed up exactly, with a backward pass each."""

BATCH = 128
"""Samples whose gradients are computed at once, at most."""

ELEMENTS = 2**23
"""Of all values together that are held for it, each with what its derivatives need."""

if TYPE_CHECKING:
    import torch


def output_hessians(
    graph: Graph,
    x: torch.Tensor,
    nodes: list[str],
    loss: Loss,
    *,
    draws: int | None,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Mean Gauss-Newton Hessian of the loss with respect to the results of some layers.

    E[J^T D J], with J the derivative of the answer with respect to the layer's result and D the
    loss's Hessian at the answer (the output factor of K-FAC; Martens and Grosse 2015,
    arXiv:1503.05671).

    Args:
        graph: float, clamps unfused.
        x: samples, (n, *input shape).
        nodes: names of layers; positions of their results are taken as independent.
        loss: of this graph; its targets do not matter.
        draws: random cotangents; None: exact.
        seed: of the draws.

    Returns:
        By node: (rows, rows) float64.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    weights = differentiable(graph)
    outputs = [graph.node(n).output for n in nodes]
    found = {n: Gram() for n in nodes}
    batch = _batch(graph) if any(len(graph.types[v].shape) > 1 for v in outputs) else len(x)
    for start in range(0, len(x), batch):
        feed = {graph.inputs[0]: x[start : start + batch].detach().requires_grad_()}
        values = run(graph, feed, constants=weights)
        z = loss.by_position(loss.preactivation(values))
        wanted = [values[v] for v in outputs]
        for u in cotangents(loss.kind, loss.beta, z.detach(), draws, generator):
            grads = torch.autograd.grad(
                (z * u).sum(), wanted, retain_graph=True, materialize_grads=True
            )
            for n, g in zip(nodes, grads, strict=True):
                found[n].add(g.reshape(1, -1, g.shape[-1]))
    return {n: gram.total[0] / len(x) for n, gram in found.items()}


def channel_effects(
    graph: Graph,
    coupling: Coupling,
    x: torch.Tensor,
    loss: Loss,
    nodes: list[str],
    *,
    draws: int,
    seed: int = 0,
) -> NDArray[np.float32]:
    """By how much each channel's removal would move the loss, sample by sample, to first order.

    For sample n and label y drawn from the model's own distribution, s_nk is the sum over every
    node that mixes channel k of <dlog p(y) / d operand, mean_k - operand_k>: what is removed
    leaves its mean behind, as the bias takes that up. Half the mean of s_nk^2 is the Monte-Carlo
    Fisher estimate of the loss, and half the mean of (s_nj + s_nk)^2 that of removing both.

    Args:
        graph: float, clamps unfused.
        coupling: of this graph.
        x: samples, (n, *input shape).
        loss: of this graph; its targets do not matter.
        nodes: names of the nodes that mix channels.
        draws: labels drawn for each sample.
        seed: of the draws.

    Returns:
        (n * draws, channels); rows are scaled so that the sum of squares over the draws of a
        sample is their mean.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    weights = differentiable(graph)
    reads = {
        r.node: torch.from_numpy(coupling.values[graph.node(r.node).inputs[0]])
        for r in coupling.reads
        if r.node in nodes
    }
    means = _operand_means(graph, reads, x[: 2 * BATCH])
    rows = []
    for part in torch.split(x, _batch(graph)):
        z, seen = _operands_seen(graph, part, loss, weights, reads)
        for u in cotangents(loss.kind, loss.beta, z.detach(), draws, generator):
            grads = torch.autograd.grad(
                (z * u).sum(), list(seen.values()), retain_graph=True, materialize_grads=True
            )
            s = torch.zeros(len(part), coupling.count)
            for (name, v), g in zip(seen.items(), grads, strict=True):
                effect = (g * (means[name] - v.detach())).reshape(len(part), -1)
                s.index_add_(1, reads[name].reshape(-1), effect)
            rows.append(s.numpy())
    return np.concatenate(rows)


def _operands_seen(
    graph: Graph,
    x: torch.Tensor,
    loss: Loss,
    weights: Mapping[str, torch.Tensor],
    nodes: Collection[str],
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What is in front of the last activation, and by node its operand, each one's own."""
    seen: dict[str, torch.Tensor] = {}

    def hook(node: Node, i: int, v: torch.Tensor) -> torch.Tensor:
        if i == 0 and node.name in nodes:
            v = seen[node.name] = v.view_as(v)
        return v

    feed = {graph.inputs[0]: x.detach().requires_grad_()}
    values = run(graph, feed, constants=weights, hook=hook)
    return loss.by_position(loss.preactivation(values)), seen


def _batch(graph: Graph) -> int:
    """Samples whose gradients are computed at once."""
    return min(BATCH, samples_held(graph, ELEMENTS))


def _operand_means(
    graph: Graph, reads: dict[str, torch.Tensor], x: torch.Tensor
) -> dict[str, torch.Tensor]:
    """By node: the mean of each channel of its operand, over samples and positions."""
    import torch

    operands = {name: graph.node(name).inputs[0] for name in reads}
    sums: dict[str, torch.Tensor] = {}
    weights = tensors(graph)
    with torch.no_grad():
        for part in torch.split(x, _batch(graph)):
            values = run(graph, {graph.inputs[0]: part}, constants=weights)
            for v in set(operands.values()):
                sums[v] = sums.get(v, 0) + values[v].sum(dim=0)
    means = {}
    for name, operand in operands.items():
        mean = sums[operand] / len(x)
        # elements of a channel at one place of the last axis share a mean: positions of an image,
        # but not the pixels of a flattened one, which have weights of their own
        lead = tuple(range(mean.dim() - 1))
        means[name] = mean.mean(dim=lead, keepdim=True) if lead else mean
    return means
