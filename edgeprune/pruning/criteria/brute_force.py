"""Exact brute force: the change of the error when a channel's outputs are set to 0."""

from __future__ import annotations

import numpy as np
import torch

from edgeprune.ir import Ids, flat, tensors
from edgeprune.pruning.criteria.chain import ChainSession, find_chain
from edgeprune.pruning.criteria.context import Context, Criterion, Scores, Session
from edgeprune.pruning.criteria.downstream import forward, plan, rerun


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


def _one_by_one(ctx: Context, channels: Ids) -> Scores:
    graph, loss = ctx.graph, ctx.loss
    weights = tensors(graph)
    plans = [plan(ctx, int(k)) for k in channels]
    total = np.zeros(len(channels))
    with torch.inference_mode():
        for x, t in ctx.batches():
            values, raw = forward(graph, {graph.inputs[0]: x}, weights)
            base = loss.per_sample(flat(values[loss.value]), t).double().sum()
            for i, steps in enumerate(plans):
                z = rerun(steps, values, raw, weights).get(loss.value)
                if z is not None:
                    total[i] += float(loss.per_sample(flat(z), t).double().sum() - base)
    return total / len(ctx.data)
