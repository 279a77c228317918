"""The size of a channel's weights; and chance, to compare with."""

from __future__ import annotations

import numpy as np

from edgeprune.pruning.criteria.context import Context, Criterion, Scores


def _powers(ctx: Context, power: int) -> Scores:
    """Sum of |w|^power over all weights and biases that go with a channel."""
    total = np.zeros(ctx.coupling.count)
    for (constant, axis), ids in ctx.coupling.axes.items():
        size = np.abs(np.moveaxis(ctx.graph.constants[constant].astype(np.float64), axis, 0))
        np.add.at(total, ids, (size.reshape(len(ids), -1) ** power).sum(axis=1))
    return total


def l1(ctx: Context) -> Scores:
    """Sum of |w| over everything that goes with the channel.

    Li et al. 2017, "Pruning Filters for Efficient ConvNets", arXiv:1608.08710, section 3.1, over
    the whole coupled group (Fang et al. 2023, "DepGraph", arXiv:2301.12900, equation 4): the
    weights that make the channel, wherever that is, and those that read it.
    """
    return ctx.scores(_powers(ctx, 1))


def l2(ctx: Context) -> Scores:
    """Root of the sum of w^2 over everything that goes with the channel; see :func:`l1`."""
    return ctx.scores(np.sqrt(_powers(ctx, 2)))


def random(ctx: Context) -> Scores:
    """Uniform numbers; the baseline of every comparison."""
    return ctx.scores(np.random.default_rng(ctx.seed).random(ctx.coupling.count))


L1 = Criterion("l1", l1, "Li et al. 2017, arXiv:1608.08710; Fang et al. 2023, arXiv:2301.12900")
L2 = Criterion("l2", l2, "Li et al. 2017, arXiv:1608.08710; Fang et al. 2023, arXiv:2301.12900")
RANDOM = Criterion("random", random, "uniform, the baseline")
