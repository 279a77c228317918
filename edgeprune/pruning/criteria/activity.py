"""How active a channel is, labels or not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from edgeprune.ir import Graph, run, tensors
from edgeprune.ops import Relu, Unary
from edgeprune.pruning.criteria.context import Context, Criterion, Scores

# Gets an activation and what the neuron gives for an input of 0.
_Measure = Callable[[torch.Tensor, float], torch.Tensor]


def activity(ctx: Context, measure: _Measure) -> torch.Tensor:
    """A measure of every channel's outputs, mean over positions and the layers that read it.

    Returns:
        (samples, channels) float32.
    """
    graph = ctx.graph
    weights = tensors(graph)
    values = list(dict.fromkeys(graph.node(r.node).inputs[0] for r in ctx.coupling.reads))
    ids = [torch.from_numpy(ctx.coupling.values[v].ravel().copy()) for v in values]
    rest = [resting(graph, v) for v in values]
    count = sum((torch.bincount(i, minlength=ctx.coupling.count) for i in ids), torch.zeros(1))
    rows = []
    with torch.inference_mode():
        for x, _ in ctx.batches():
            run_values = run(graph, {graph.inputs[0]: x}, constants=weights)
            found = torch.zeros(len(x), ctx.coupling.count)
            for v, i, zero in zip(values, ids, rest, strict=True):
                found.index_add_(1, i, measure(run_values[v], zero).flatten(1).float())
            rows.append(found / count.clamp(min=1))
    return torch.cat(rows)


def resting(graph: Graph, value: str) -> float:
    """What the activation function that made a value gives for 0: 0.5 of a sigmoid, else 0."""
    while value in graph.producer:
        node = graph.producer[value]
        if isinstance(node.op, Unary) and not isinstance(node.op, Relu):
            return float(node.op.evaluate(torch.zeros(1)))
        if node.op.weights or isinstance(node.op, Relu):
            break
        value = node.inputs[0]
    return 0.0


def mean_activation(x: torch.Tensor, rest: float) -> torch.Tensor:
    """The size of an activation."""
    return x.abs()


def fires(x: torch.Tensor, rest: float) -> torch.Tensor:
    """Whether a neuron gives more than for an input of 0."""
    return x > rest


def activation_mean(ctx: Context) -> Scores:
    """Mean of |o_k| over samples and positions.

    "NNS: Neural network surgery", the activation of section 3 as its authors' code computes it.
    """
    return ctx.scores(np.asarray(activity(ctx, mean_activation).double().mean(0)))


def firing_rate(ctx: Context) -> Scores:
    """The share of samples and positions at which the neuron fires, o_k > f(0).

    "Brain Surgery for AI": "calculate how often each neuron fires, and prune those that stay
    mostly inactive".
    """
    return ctx.scores(np.asarray(activity(ctx, fires).double().mean(0)))


ACTIVATION_MEAN = Criterion(
    "activation_mean", activation_mean, "NNS: Neural network surgery, section 3: mean of |o_k|"
)
FIRING_RATE = Criterion("firing_rate", firing_rate, "Brain Surgery for AI: how often o_k > f(0)")
