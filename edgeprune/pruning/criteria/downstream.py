"""What lies behind a channel, run again with less of it: the prefix is computed once.

What reads a channel gets it times its gain. A mean over channels, as norms have it, is weighted by
their gains, sum g x / sum g: the plain one where all are 1, and that of the other channels, as
removal leaves it, where the gain of one is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from edgeprune.ir import Graph, Ids, Node, Op
from edgeprune.ops import Conv2d, ConvTranspose2d, Dense
from edgeprune.ops._clamp import clamp_float
from edgeprune.pruning.criteria.context import Context

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Step:
    """One node that a channel's removal changes.

    Attributes:
        reads: the indices of its first operand that are the channel; empty if it reads others.
        affected: whether an operand changes by itself.
        averages: of a mean over channels, 1 where its operand is the channel; else None.
    """

    node: Node
    reads: Ids
    affected: bool
    averages: torch.Tensor | None = None


def plan(ctx: Context, channel: int) -> list[Step]:
    """The nodes to run again, in execution order, up to the loss."""
    graph = ctx.graph
    reads = {r.node: np.flatnonzero(r.ids == channel) for r in ctx.coupling.reads}
    changed: set[str] = set()
    steps = []
    for node in graph.nodes:
        mine = reads.get(node.name, np.zeros(0, np.int64))
        affected = any(v in changed for v in node.inputs)
        ids = ctx.means.get(node.name)
        averages = None
        if ids is not None and (ids == channel).any():
            averages = torch.from_numpy(np.float32(ids == channel))
        if affected or len(mine) or averages is not None:
            steps.append(Step(node, mine, affected, averages))
            changed.add(node.output)
        if node.output == ctx.loss.value:
            break
    return steps


def forward(
    graph: Graph, feed: Tensors, weights: Tensors
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """All values, and what the mixing nodes have before their fused clamp."""
    values, raw = dict(feed), {}
    for node in graph.nodes:
        args = _operands(node, values, weights)
        if isinstance(node.op, Conv2d | ConvTranspose2d | Dense):
            raw[node.name] = replace(node.op, clamp=None).evaluate(*args)
            values[node.output] = clamp_float(raw[node.name], node.op.clamp)
        else:
            values[node.output] = node.op.evaluate(*args)
    return values, raw


def _operands(node: Node, values: Tensors, weights: Tensors) -> list[torch.Tensor]:
    return [
        values[v] if v not in weights else weights[v] if i in node.op.weights else weights[v][None]
        for i, v in enumerate(node.inputs)
    ]


def rerun(
    steps: list[Step],
    values: Tensors,
    raw: Tensors,
    weights: Tensors,
    less: torch.Tensor | float = 1.0,
) -> dict[str, torch.Tensor]:
    """The values that change when a channel is seen as (1 - less) times its output.

    Args:
        steps: of the channel.
        values: of the whole network, with the channel.
        raw: as :func:`forward` gives it.
        weights: the constants.
        less: 1 turns it off; differentiable.
    """
    new: dict[str, torch.Tensor] = {}
    for step in steps:
        node = step.node
        if len(step.reads) and not step.affected and _groups(node.op) == 1:
            part = _contribution(step, values[node.inputs[0]], weights)
            assert isinstance(node.op, Conv2d | ConvTranspose2d | Dense)
            new[node.output] = clamp_float(raw[node.name] - less * part, node.op.clamp)
            continue
        args = _operands(node, {**values, **new}, weights)
        if len(step.reads):
            args[0] = args[0] * (1 - less * _mask(step, args[0].shape[-1]))
        if step.averages is not None:
            args[0] = weighted(node.op, args[0], 1 - less * step.averages)
        new[node.output] = node.op.evaluate(*args)
    return new


def weighted(mean: Op, x: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
    """An operand whose mean is that of x weighted by the gains; where all of these are 0, x.

    Args:
        mean: over channels.
        x: (n, ...).
        gains: the same without n.
    """
    total = mean.evaluate(gains[None])
    return torch.where(total > 0, x * gains / total, x)


def _contribution(step: Step, x: torch.Tensor, weights: Tensors) -> torch.Tensor:
    """What the channel adds to the node's result: an update of low rank."""
    node, k = step.node, torch.from_numpy(step.reads)
    assert isinstance(node.op, Conv2d | ConvTranspose2d | Dense)
    w, b = (weights[v] for v in node.inputs[1:])
    plain = replace(node.op, clamp=None)
    return plain.evaluate(x[..., k], w[..., k], torch.zeros_like(b))


def _groups(op: Op) -> int:
    return op.groups if isinstance(op, Conv2d) else 1


def _mask(step: Step, channels: int) -> torch.Tensor:
    """1 where the operand is the channel, from the indices of one group."""
    mask = torch.zeros(_groups(step.node.op), channels // _groups(step.node.op))
    mask[:, step.reads] = 1
    return mask.flatten()
