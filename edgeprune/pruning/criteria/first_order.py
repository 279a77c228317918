"""First-order criteria: one backward pass gives every channel's effect on every sample.

At a network's own answers the error has no slope. Without labels, answers are drawn from the
network's own distribution (Martens 2020, arXiv:1412.1193): sizes of their slopes say something,
signs do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from edgeprune.ir import Node, differentiable, run
from edgeprune.ops.answer import cotangents
from edgeprune.pruning.criteria.context import Context, Criterion, Scores


def effects(ctx: Context) -> Iterator[torch.Tensor]:
    """By sample and channel, -o_k dE/do_k: summed over all places and layers that read it.

    Of a mean m over channels, weighted by gains (:mod:`.downstream`), -(o_k - m) dE/do_k.

    Yields:
        (samples of a batch, channels) float32.
    """
    graph, loss = ctx.graph, ctx.loss
    weights = differentiable(graph)
    generator = torch.Generator().manual_seed(ctx.seed)
    ids = {
        r.node: torch.from_numpy(ctx.coupling.values[graph.node(r.node).inputs[0]].ravel().copy())
        for r in ctx.coupling.reads
    }
    means = {name: graph.node(name).op for name in ctx.means}
    at = ids | {name: torch.from_numpy(k.ravel().copy()) for name, k in ctx.means.items()}
    for x, t in ctx.batches():
        seen: dict[str, torch.Tensor] = {}

        def hook(
            node: Node, i: int, v: torch.Tensor, seen: dict[str, torch.Tensor] = seen
        ) -> torch.Tensor:
            if i == 0 and node.name in at:
                v = seen[node.name] = v.view_as(v)
            return v

        with torch.enable_grad():
            values = run(graph, {graph.inputs[0]: x.requires_grad_()}, constants=weights, hook=hook)
            z = loss.preactivation(values)
            if ctx.data.told is None:
                z = loss.by_position(z)
                error = (z * cotangents(loss.kind, loss.beta, z.detach(), 1, generator)[0]).sum()
            else:
                error = loss.per_sample(z, t).sum()
            grads = torch.autograd.grad(error, list(seen.values()), materialize_grads=True)
        found = torch.zeros(len(x), ctx.coupling.count)
        for (node, v), g in zip(seen.items(), grads, strict=True):
            v = v.detach()
            if node in means:
                v = v - means[node].evaluate(v)
            found.index_add_(1, at[node], -(v * g).flatten(1))
        yield found


def _reduced(ctx: Context, reduce: Callable[[torch.Tensor], torch.Tensor]) -> Scores:
    """The mean over the samples of a function of their effects."""
    total = sum(reduce(e.double()).sum(0) for e in effects(ctx))
    return ctx.scores(np.asarray(total) / len(ctx.data))


def taylor1(ctx: Context) -> Scores:
    """dE_k ~ -o_k dE/do_k, signed, mean over the samples.

    "The Incredible Shrinking Neural Network", equation 3.
    Without labels it is noise around 0.
    """
    return _reduced(ctx, lambda e: e)


def taylor1_abs(ctx: Context) -> Scores:
    """|o_k dE/do_k|, mean over the samples.

    Molchanov et al. 2017, "Pruning Convolutional Neural Networks for Resource Efficient
    Inference", arXiv:1611.06440, equation 8.
    """
    return _reduced(ctx, torch.abs)


def fisher(ctx: Context) -> Scores:
    """(o_k dE/do_k)^2 / 2, mean over the samples.

    Theis et al. 2018, "Faster gaze prediction with dense networks and Fisher pruning",
    arXiv:1801.05787, equation 8.
    """
    return _reduced(ctx, lambda e: e.square() / 2)


TAYLOR1 = Criterion(
    "taylor1",
    taylor1,
    "The Incredible Shrinking Neural Network, equation 3: dE_k = -o_k dE/do_k",
)
TAYLOR1_ABS = Criterion(
    "taylor1_abs", taylor1_abs, "Molchanov et al. 2017, arXiv:1611.06440, equation 8"
)
FISHER = Criterion("fisher", fisher, "Theis et al. 2018, arXiv:1801.05787, equation 8")
