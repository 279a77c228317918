"""What is left of a network, ranked as what was removed was ranked."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Graph, Samples, couple
from edgeprune.pruning.compact import old_channels
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.groups import channel_names, removable
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.pruned import Pruned

SAMPLES = 500
WORK = 50_000_000_000
"""Multiply-accumulates that all channels may take together: fewer samples of large networks."""
FEWEST = 16
"""Samples of any network."""


def rest(
    source: Graph, pruned: Pruned, graph: Graph, data: Samples, criterion: str, *, seed: int = 0
) -> list[tuple[str, float]]:
    """Name and score of every channel that stayed and could have gone, least important first.

    "obs" scores a channel by how the others would make up for it, which it knows only on its way;
    here it is what the loss does without the channel.

    Args:
        source: the network before pruning, whose names are given.
        pruned: what was removed from it.
        graph: what is left, also after fine-tuning.
        data: what rankings are made from; some hundreds are used.
        criterion: what ranked the removed ones.
        seed: of random criteria.
    """
    coupling = couple(graph)
    each = graph.macs * max(int(removable(coupling).sum()), 1)
    few = data.first(int(np.clip(WORK // max(each, 1), FEWEST, SAMPLES)))
    ctx = Context(graph, coupling, few, make_loss(graph, few), seed)
    scores = CRITERIA["brute_force" if criterion == "obs" else criterion].score(ctx)
    names = channel_names(source, pruned.coupling)
    old = old_channels(pruned.coupling, pruned.removed, ctx.coupling)
    known = [int(k) for k in np.flatnonzero(~np.isnan(scores)) if int(old[k]) in names]
    return [(names[int(old[k])], float(scores[k])) for k in sorted(known, key=lambda k: scores[k])]
