"""Exact brute force: the change of the error when a channel's outputs are set to 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from edgeprune.ir import Graph, Ids, Node, Op, tensors
from edgeprune.ops import Conv2d, ConvTranspose2d, Dense
from edgeprune.ops._clamp import clamp_float
from edgeprune.pruning.criteria.chain import ChainSession, find_chain
from edgeprune.pruning.criteria.context import Context, Criterion, Scores, Session


def brute_force(ctx: Context) -> Scores:
    """dE_k = E(o_k = 0) - E, mean over the samples; no approximation.

    "The Incredible Shrinking Neural Network", section 2.1. Nothing in front of a channel is
    computed twice: a layer that reads it gets the channel's own contribution subtracted from its
    pre-activations, and only what lies behind is run again. A layer that reads the channel a
    second time, behind another that has read it, reads its new inputs.

    Returns:
        Change of the mean error by channel; smaller means remove first.
    """
    scores = np.full(ctx.coupling.count, np.nan)
    chain = find_chain(ctx)
    if chain is not None:
        scores = ChainSession(ctx, chain).ranking()
    rest = np.flatnonzero(ctx.removable & np.isnan(scores))
    if len(rest):
        scores[rest] = _one_by_one(ctx, rest)
    return scores


def _session(ctx: Context) -> Session | None:
    chain = find_chain(ctx)
    if chain is None or ctx.removable.sum() != sum(map(len, chain.ids)):
        return None
    return ChainSession(ctx, chain)


BRUTE_FORCE = Criterion(
    "brute_force",
    brute_force,
    "The Incredible Shrinking Neural Network, section 2.1: dE_k = E(o_k = 0) - E",
    _session,
)


@dataclass(frozen=True)
class _Step:
    """One node that a channel's removal changes.

    Attributes:
        reads: the indices of its first operand that are the channel; empty if it reads others.
        affected: whether an operand changes by itself.
    """

    node: Node
    reads: Ids
    affected: bool


def _one_by_one(ctx: Context, channels: Ids) -> Scores:
    graph, loss = ctx.graph, ctx.loss
    weights = tensors(graph)
    plans = [_plan(ctx, int(k)) for k in channels]
    total = np.zeros(len(channels))
    with torch.inference_mode():
        for x, t in ctx.batches():
            values, raw = _run(graph, {graph.inputs[0]: x}, weights)
            base = loss.per_sample(values[loss.value].flatten(1), t).double().sum()
            for i, steps in enumerate(plans):
                z = _rerun(steps, values, raw, weights).get(loss.value)
                if z is not None:
                    total[i] += float(loss.per_sample(z.flatten(1), t).double().sum() - base)
    return total / len(ctx.data)


def _plan(ctx: Context, channel: int) -> list[_Step]:
    """The nodes to run again, in execution order, up to the loss."""
    graph = ctx.graph
    reads = {r.node: np.flatnonzero(r.ids == channel) for r in ctx.coupling.reads}
    changed: set[str] = set()
    steps = []
    for node in graph.nodes:
        mine = reads.get(node.name, np.zeros(0, np.int64))
        affected = any(v in changed for v in node.inputs)
        if affected or len(mine):
            steps.append(_Step(node, mine, affected))
            changed.add(node.output)
        if node.output == ctx.loss.value:
            break
    return steps


def _run(
    graph: Graph, feed: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]
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


def _operands(
    node: Node, values: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]
) -> list[torch.Tensor]:
    return [
        values[v] if v not in weights else weights[v] if i in node.op.weights else weights[v][None]
        for i, v in enumerate(node.inputs)
    ]


def _rerun(
    steps: list[_Step],
    values: Mapping[str, torch.Tensor],
    raw: Mapping[str, torch.Tensor],
    weights: Mapping[str, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """The values that change when a channel is seen as 0."""
    new: dict[str, torch.Tensor] = {}
    for step in steps:
        node = step.node
        seen = [new[v] if v in new else values[v] for v in node.inputs if v not in weights]
        if len(step.reads) and not step.affected and _groups(node.op) == 1:
            new[node.output] = _subtract(step, seen[0], raw[node.name], weights)
            continue
        args = _operands(node, {**values, **new}, weights)
        if len(step.reads):
            args[0] = args[0].clone()
            args[0][..., _all_groups(step, args[0].shape[-1])] = 0
        new[node.output] = node.op.evaluate(*args)
    return new


def _subtract(
    step: _Step, x: torch.Tensor, raw: torch.Tensor, weights: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """The node's result less what the channel contributes: a rank-k update."""
    node, k = step.node, torch.from_numpy(step.reads)
    assert isinstance(node.op, Conv2d | ConvTranspose2d | Dense)
    w, b = (weights[v] for v in node.inputs[1:])
    part = replace(node.op, clamp=None).evaluate(x[..., k], w[..., k], torch.zeros_like(b))
    return clamp_float(raw - part, node.op.clamp)


def _groups(op: Op) -> int:
    return op.groups if isinstance(op, Conv2d) else 1


def _all_groups(step: _Step, channels: int) -> torch.Tensor:
    """The indices of the operand, from those of one group."""
    groups = _groups(step.node.op)
    starts = np.arange(groups)[:, None] * (channels // groups)
    return torch.from_numpy((starts + step.reads).ravel())
