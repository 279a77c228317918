"""Learned gates on frozen weights."""

from __future__ import annotations

import numpy as np
import torch

from edgeprune.adam import Adam
from edgeprune.ir import Node, flat, run, tensors
from edgeprune.pruning.criteria.context import Context, Criterion, Scores
from edgeprune.pruning.criteria.downstream import weighted

STEPS = 400
BATCH = 100
RATE = 0.05  # of Adam
START = 0.0  # a gate of a half
PRICE = 1.0  # of all gates being open, in units of the mean error with all of them closed


def gates(ctx: Context) -> Scores:
    """How far a gate g_k = sigmoid(s_k) on o_k stays open under a price on open gates.

    "Self-Pruning Neural Network": "each weight is associated with a learned importance score
    (gate)"; here each channel is, the weights stay as they are, and what is minimised is
    E(g o) / E(0) + mean(g) with Adam (Kingma and Ba 2015, arXiv:1412.6980). Means over channels
    are weighted by g.

    Returns:
        s_k by channel.
    """
    graph, loss = ctx.graph, ctx.loss
    weights = tensors(graph)
    ids = {
        r.node: torch.from_numpy(ctx.coupling.values[graph.node(r.node).inputs[0]].copy())
        for r in ctx.coupling.reads
    }
    means = {name: torch.from_numpy(k.copy()) for name, k in ctx.means.items()}
    free = torch.from_numpy(ctx.removable)
    s = torch.full((ctx.coupling.count,), START, requires_grad=True)
    x, t = (torch.cat(parts) for parts in zip(*ctx.batches(), strict=True))
    generator = torch.Generator().manual_seed(ctx.seed)
    adam = Adam([([s], RATE)], STEPS)

    def error(rows: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        def hook(node: Node, i: int, v: torch.Tensor) -> torch.Tensor:
            if node.name in means:
                return weighted(node.op, v, gate[means[node.name]])
            return v * gate[ids[node.name]] if i == 0 and node.name in ids else v

        values = run(graph, {graph.inputs[0]: x[rows]}, constants=weights, hook=hook)
        return loss.per_sample(flat(values[loss.value]), t[rows]).mean()

    closed = error(torch.arange(min(len(x), 5 * BATCH)), (~free).float()).detach()
    closed = closed.clamp(min=1e-9)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (BATCH,), generator=generator)
        gate = torch.where(free, s.sigmoid(), 1.0)
        torch.autograd.backward(error(rows, gate) / closed + PRICE * gate[free].mean())
        adam.step()
    return ctx.scores(np.asarray(s.detach().double()))


GATES = Criterion(
    "gates", gates, "Self-Pruning Neural Network: learned importance scores, weights frozen"
)
