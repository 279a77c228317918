"""Channels go in the order of a criterion's scores; what stays keeps its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from edgeprune.ir import Graph, Ids, Samples, couple
from edgeprune.progress import Progress, silent
from edgeprune.pruning.compact import compact, old_channels
from edgeprune.pruning.costs import Prices, nothing_removed
from edgeprune.pruning.criteria import Context, Criterion, Scores, Session
from edgeprune.pruning.descent import Descent, Move
from edgeprune.pruning.groups import Mask, Occupancy
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.meter import Meter
from edgeprune.pruning.pruned import Pruned
from edgeprune.pruning.strategy import Strategy

Schedule = Literal["single", "iterative", "threshold", "topk"]
SCHEDULES: dict[str, str] = {
    "single": "one ranking, the lowest go first (The Incredible Shrinking NN, Algorithm 1)",
    "iterative": "a new ranking after every removal (the same, Algorithm 2)",
    "threshold": "one ranking, everything up to the highest score that the accuracy floor allows "
    "goes (Brain Surgery for AI)",
    "topk": "one ranking, a share of the channels stays (Self-Pruning Neural Network)",
}


class Ranked(Strategy):
    """By a criterion and a schedule.

    Args:
        graph: float, with one input.
        data: what rankings are made from.
        criterion: what scores channels.
        schedule: one of ``SCHEDULES``.
        validation: where accuracy is measured; None: no floor is asked for.
        per_round: removals between two rankings of "iterative".
        seed: of random criteria.
    """

    def __init__(
        self,
        graph: Graph,
        data: Samples,
        criterion: Criterion,
        schedule: Schedule,
        *,
        validation: Samples | None = None,
        per_round: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(graph, None if validation is None else Judge(graph, validation))
        ctx = Context(graph, self.coupling, data, make_loss(graph, data), seed)
        order = Ranking(ctx, moves(ctx, criterion, schedule, per_round))
        # a higher threshold may do better again
        self._descent = Descent(order, self._judge, passes=schedule == "threshold")

    def choose(
        self, limits: Limits, prices: Prices, *, inputs: bool = True, progress: Progress = silent
    ) -> Pruned:
        """See :meth:`Strategy.choose`; what the limits do not need gone is put back."""
        meter = Meter(prices, nothing_removed(self.coupling), limits)
        return self._descent.descend(meter, progress)

    @property
    def passed(self) -> list[tuple[Mask, Graph]]:
        """See :attr:`Strategy.passed`."""
        return [(removed, self.graph) for removed in self._descent.passed]


class Ranking:
    """A :class:`Proposer` of what ranks lowest.

    Args:
        ctx: the network and what it is ranked by.
        order: of the moves.
    """

    def __init__(self, ctx: Context, order: Iterator[Move]) -> None:
        self.dense = self.master = ctx.graph
        self.coupling = ctx.coupling
        self.removed = nothing_removed(ctx.coupling)
        self.free = ctx.removable
        self._order = order

    def propose(self) -> Move:
        """The next one; none where nothing is left that can go."""
        return next(self._order, Move())

    def apply(self, move: Move) -> None:
        """Take channels out."""
        self.removed = self.removed.copy()
        self.removed[list(move.channels)] = True

    def snapshot(self) -> Mask:
        """What is gone."""
        return self.removed

    def restore(self, state: Mask) -> None:
        """Go to another state."""
        self.removed = state


class _Rescore:
    """A session for any criterion: scores the compacted network anew."""

    def __init__(self, ctx: Context, criterion: Criterion) -> None:
        self._ctx = ctx
        self._criterion = criterion
        self._removed = np.zeros(ctx.coupling.count, bool)

    def scores(self) -> Scores:
        ctx = self._ctx
        if not self._removed.any():
            return self._criterion.score(ctx)
        graph = compact(ctx.graph, ctx.coupling, self._removed)
        now = Context(graph, couple(graph), ctx.data, ctx.loss, ctx.seed)
        scores = np.full(ctx.coupling.count, np.nan)
        found = self._criterion.score(now)
        known = ~np.isnan(found)
        scores[old_channels(ctx.coupling, self._removed, now.coupling)[known]] = found[known]
        return scores

    def remove(self, channels: Ids) -> None:
        self._removed[channels] = True


def moves(
    ctx: Context, criterion: Criterion, schedule: Schedule, per_round: int = 1
) -> Iterator[Move]:
    """What goes together between two looks at the limits, lowest first."""
    occupancy = Occupancy(ctx.coupling)
    if schedule == "iterative":
        yield from _reranked(ctx, criterion, occupancy, per_round)
        return
    scores = criterion.score(ctx)
    group: dict[int, float] = {}
    for k in _ascending(scores):
        if not occupancy.can_go(k):
            continue
        occupancy.remove(k)
        if group and not (schedule == "threshold" and scores[k] in group.values()):
            yield Move.of(group, whole=True)
            group = {}
        group[k] = float(scores[k])
    if group:
        yield Move.of(group, whole=True)


def _reranked(
    ctx: Context, criterion: Criterion, occupancy: Occupancy, per_round: int
) -> Iterator[Move]:
    session: Session = criterion.session(ctx) or _Rescore(ctx, criterion)
    while True:
        scores = session.scores()
        gone: dict[int, float] = {}
        for k in _ascending(scores):
            if len(gone) == per_round:
                break
            if occupancy.can_go(k):
                occupancy.remove(k)
                gone[k] = float(scores[k])
        if not gone:
            return
        session.remove(np.asarray([*gone]))
        yield Move.of(gone, whole=True)


def removal_order(ctx: Context, criterion: Criterion, schedule: Schedule) -> list[int]:
    """Every channel that can go, in the order in which it would."""
    return [k for move in moves(ctx, criterion, schedule) for k in move.channels]


def _ascending(scores: Scores) -> list[int]:
    """Channels that have a score, lowest first, ties by number."""
    known = np.flatnonzero(~np.isnan(scores))
    return [int(k) for k in known[np.argsort(scores[known], kind="stable")]]
