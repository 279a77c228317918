"""Which channels to remove, in what order, and when to stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.ir import Graph, Ids, Samples, couple
from edgeprune.progress import Progress, silent
from edgeprune.pruning import obs
from edgeprune.pruning.compact import compact, old_channels
from edgeprune.pruning.costs import Cost, Costs, Prices, no_cost
from edgeprune.pruning.criteria import CRITERIA, Context, Criterion, Scores, Session
from edgeprune.pruning.groups import (
    Occupancy,
    all_that_can_go,
    channel_names,
    kept_whole,
    kept_words,
    removable,
    removals,
)
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.loss import accuracy, make_loss, reference_labels
from edgeprune.pruning.pruned import Pruned, Step
from edgeprune.schema import Count, Range, Share

Schedule = Literal["single", "iterative", "threshold", "topk"]
SCHEDULES: dict[str, str] = {
    "single": "one ranking, the lowest go first (The Incredible Shrinking NN, Algorithm 1)",
    "iterative": "a new ranking after every removal (the same, Algorithm 2)",
    "threshold": "one ranking, everything up to the highest score that the accuracy floor allows "
    "goes (Brain Surgery for AI)",
    "topk": "one ranking, a share of the channels stays (Self-Pruning Neural Network)",
}


def prune(
    graph: Graph,
    data: Samples,
    *,
    limits: Mapping[str, float] | None = None,
    cost: Cost = no_cost,
    prices: Prices | None = None,
    criterion: str | Criterion = "obs",
    schedule: Schedule = "iterative",
    min_accuracy: Share | None = None,
    max_drop: Share | None = None,
    max_neurons: Count | None = None,
    max_removed: Count | None = None,
    keep_ratio: Share | None = None,
    validation: Samples | None = None,
    per_round: Annotated[int, Range(1)] = 1,
    seed: Count = 0,
    ranking: Ranking | obs.Search | None = None,
    progress: Progress = silent,
) -> Pruned:
    """Remove channels until a network is small enough, or as small as it may become.

    Limits say how far to go, the other arguments how far one may go: with limits, the first
    network on the way that meets all of them is the result, and what was removed needlessly is put
    back, most useful first; without limits, the last one that none of the others forbids. One run
    visits the same networks whatever the limits, so a smaller budget never gives a larger result.

    Args:
        graph: float, with one input.
        data: what rankings are made from.
        limits: by key of ``cost`` or "macs", "params", "neurons": the largest value allowed.
        cost: of a graph; called after every removal.
        prices: in place of ``cost``: of what is left, by what is removed.
        criterion: "obs", one of ``CRITERIA``, or one of your own.
        schedule: one of ``SCHEDULES``; "obs" has its own.
        min_accuracy: lowest accuracy on the validation data, 0 to 1.
        max_drop: largest loss of accuracy there against the source model, 0 to 1.
        max_neurons: neurons (channels) that stay, outputs not counted: a limit as "neurons" is.
        max_removed: how many channels may go.
        keep_ratio: the share of the removable channels that stays.
        validation: where accuracy is measured; None: a quarter of data, that is then not ranked on.
        per_round: removals between two rankings of "iterative".
        seed: of the division of data and of random criteria.
        ranking: what an earlier run on the same graph and data, with the same criterion and
            schedule, knows already and need not compute again.
        progress: told after every removal.

    Raises:
        CannotFitError: the limits cannot be met, or not within the other bounds.
    """
    refuse_unknown(criterion if isinstance(criterion, str) else "obs", schedule)
    if max_neurons is not None:
        fewest = min(max_neurons, (limits or {}).get("neurons", max_neurons))
        limits = {**(limits or {}), "neurons": fewest}
    if criterion == "obs":  # it ranks and repairs in one run, and so has a schedule of its own
        if not isinstance(ranking, obs.Search):
            ranking = obs.Search(graph, data, validation=validation, seed=seed)
        assert prices is None, "give a cost; `Search.choose` takes prices"
        return ranking.prune(
            limits=limits,
            cost=cost,
            min_accuracy=min_accuracy,
            max_drop=max_drop,
            max_removed=max_removed,
            keep_ratio=keep_ratio,
            progress=progress,
        )
    chosen = _criterion(criterion)
    floor = min_accuracy is not None or max_drop is not None
    if floor and validation is None:
        data, validation = data.split(0.25, seed)
    if not isinstance(ranking, Ranking):
        ranking = Ranking(graph, data, chosen, schedule, per_round=per_round, seed=seed)
    ctx = ranking.ctx
    gate = _Gate(graph, validation, min_accuracy, max_drop) if floor and validation else None
    most = removals(ctx.coupling, max_removed, keep_ratio)
    most = int(ctx.removable.sum()) if most is None else most
    prices = prices or Costs(graph, ctx.coupling, cost)
    run = _Search(ctx, Limits(limits or {}), prices, gate)
    bounded = floor or max_removed is not None or keep_ratio is not None
    enough = run.meets_limits() if run.limits.most else not bounded
    rounds: Iterable[list[tuple[int, float]]] = () if enough else ranking
    refused: list[tuple[int, float]] = []
    for group in rounds:
        group = refused + group
        if len(run.steps) + len(group) > most:
            break
        if not run.remove(group):
            if schedule != "threshold":
                break
            refused = group  # a higher threshold may do better again
            continue
        refused = []
        progress("rank", len(run.steps), min(int(ctx.removable.sum()), most))
        if run.limits.most and run.meets_limits():
            break
    if not run.meets_limits():
        raise run.failure()
    if run.limits.most:
        run.put_back()
    return run.result()


class Ranking:
    """The order in which channels go, made as far as somebody asked and kept for the next.

    Args:
        graph: float, with one input.
        data: what rankings are made from.
        criterion: "obs", one of ``CRITERIA``, or one of your own.
        schedule: one of ``SCHEDULES``; "obs" has its own.
        per_round: removals between two rankings of "iterative".
        seed: of random criteria.
    """

    def __init__(
        self,
        graph: Graph,
        data: Samples,
        criterion: str | Criterion,
        schedule: Schedule,
        *,
        per_round: int = 1,
        seed: int = 0,
    ) -> None:
        self.ctx = Context(graph, couple(graph), data, make_loss(graph, data), seed)
        self._more = _rounds(self.ctx, _criterion(criterion), schedule, per_round)
        self._known: list[list[tuple[int, float]]] = []

    def __iter__(self) -> Iterator[list[tuple[int, float]]]:
        """What goes together between two looks at the limits: (channel, score)."""
        at = 0
        while True:
            if at == len(self._known):
                group = next(self._more, None)
                if group is None:
                    return
                self._known.append(group)
            yield self._known[at]
            at += 1

    @property
    def passed(self) -> list[tuple[NDArray[np.bool_], Graph]]:
        """What was gone after each group so far, and the network; see :attr:`obs.Search.passed`."""
        removed = np.zeros(self.ctx.coupling.count, bool)
        states = [(removed, self.ctx.graph)]
        for group in self._known:
            removed = removed.copy()
            removed[[k for k, _ in group]] = True
            states.append((removed, self.ctx.graph))
        return states


def smallest(graph: Graph, *, inputs: bool = False) -> Pruned:
    """The network with one channel left wherever one must be: the floor of every budget.

    Nothing ranks what goes, and what stays is as it was.

    Args:
        graph: a network.
        inputs: whether elements of its inputs go too, as they do with "obs".
    """
    coupling = couple(graph)
    gone = all_that_can_go(coupling, inputs=inputs)
    names, left = channel_names(graph, coupling), int(removable(coupling).sum())
    steps = []
    for k in np.flatnonzero(gone).tolist():
        left -= not coupling.inputs[k]
        steps.append(Step(k, names[k], 0.0, left))
    return Pruned(compact(graph, coupling, gone), coupling, gone, tuple(steps), {})


def removal_order(ctx: Context, criterion: Criterion, schedule: Schedule) -> list[int]:
    """Every channel that can go, in the order in which it would."""
    return [k for group in _rounds(ctx, criterion, schedule, 1) for k, _ in group]


class _Gate:
    """The accuracy floor on validation data."""

    def __init__(
        self, graph: Graph, data: Samples, min_accuracy: float | None, max_drop: float | None
    ) -> None:
        self._x = data.x
        self._labels = reference_labels(graph, data)
        self.source = accuracy(graph, data.x, self._labels)
        bounds = [b for b in (min_accuracy,) if b is not None]
        bounds += [self.source - d for d in (max_drop,) if d is not None]
        self.floor = max(bounds) - 1e-9
        if self.source < self.floor:
            raise CannotFitError(
                "--min-accuracy",
                f"the source model itself has {self.source:.4f} on the validation data, "
                f"{self.floor:.4f} is asked for",
            )

    def measure(self, graph: Graph) -> float:
        return accuracy(graph, self._x, self._labels)


class _Search:
    """The state of one run."""

    def __init__(self, ctx: Context, limits: Limits, prices: Prices, gate: _Gate | None) -> None:
        self.ctx = ctx
        self.limits = limits
        self.steps: list[Step] = []
        self._prices = prices
        self._gate = gate
        self._names = channel_names(ctx.graph, ctx.coupling)
        self._removed = np.zeros(ctx.coupling.count, bool)
        self._cost = prices(self._removed)
        self._refused: float | None = None
        unknown = sorted(set(limits.most) - set(self._cost))
        assert not unknown, f"no cost is called {unknown}"

    def meets_limits(self) -> bool:
        return self.limits.hold(self._cost)

    def remove(self, group: list[tuple[int, float]]) -> bool:
        """Take channels out, unless that goes below the accuracy floor."""
        removed = self._removed.copy()
        removed[[k for k, _ in group]] = True
        reached = None if self._gate is None else self._gate.measure(self._without(removed))
        if self._gate is not None and reached is not None and reached < self._gate.floor:
            self._refused = reached
            return False
        self._removed, self._cost = removed, self._prices(removed)
        left = int((self.ctx.removable & ~removed).sum())
        self.steps += [Step(k, self._names[k], score, left, reached) for k, score in group]
        return True

    def put_back(self) -> None:
        """Put back what the limits do not need gone: the last to go are the most useful."""
        full: set[str] = set()  # one more channel of these layers is too much
        for step in reversed(self.steps.copy()):
            layer = step.name.rpartition("[")[0]
            if step.score <= 0 or layer in full:
                continue
            removed = self._removed.copy()
            removed[step.channel] = False
            cost = self._prices(removed)
            if self.limits.hold(cost):
                self._removed, self._cost = removed, cost
                self.steps.remove(step)
            else:
                full.add(layer)

    def result(self) -> Pruned:
        graph = self._without(self._removed)
        return Pruned(graph, self.ctx.coupling, self._removed, tuple(self.steps), self._cost)

    def failure(self) -> CannotFitError:
        more = ""
        if self._gate is not None and self._refused is not None:
            more = (
                f"; one more and the accuracy is {self._refused:.4f}, "
                f"at least {self._gate.floor:.4f} is asked for"
            )
        if not self.ctx.removable.any():
            kept = kept_whole(self.ctx.graph, self.ctx.coupling)
            more += f"\n  nothing can go: {kept_words(kept)}"
        return self.limits.refusal(self._cost, len(self.steps), more)

    def _without(self, removed: NDArray[np.bool_]) -> Graph:
        return compact(self.ctx.graph, self.ctx.coupling, removed)


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


def _rounds(
    ctx: Context, criterion: Criterion, schedule: Schedule, per_round: int
) -> Iterator[list[tuple[int, float]]]:
    """What goes together between two looks at the limits: (channel, score), lowest first."""
    occupancy = Occupancy(ctx.coupling)
    if schedule == "iterative":
        yield from _reranked(ctx, criterion, occupancy, per_round)
        return
    scores = criterion.score(ctx)
    group: list[tuple[int, float]] = []
    for k in _ascending(scores):
        if not occupancy.can_go(k):
            continue
        occupancy.remove(k)
        together = schedule == "threshold" and group and group[-1][1] == scores[k]
        if group and not together:
            yield group
            group = []
        group.append((k, float(scores[k])))
    if group:
        yield group


def _reranked(
    ctx: Context, criterion: Criterion, occupancy: Occupancy, per_round: int
) -> Iterator[list[tuple[int, float]]]:
    session: Session = criterion.session(ctx) or _Rescore(ctx, criterion)
    while True:
        scores = session.scores()
        gone: list[int] = []
        for k in _ascending(scores):
            if len(gone) == per_round:
                break
            if occupancy.can_go(k):
                occupancy.remove(k)
                gone.append(k)
        if not gone:
            return
        session.remove(np.asarray(gone))
        yield [(k, float(scores[k])) for k in gone]


def _ascending(scores: Scores) -> list[int]:
    """Channels that have a score, lowest first, ties by number."""
    known = np.flatnonzero(~np.isnan(scores))
    return [int(k) for k in known[np.argsort(scores[known], kind="stable")]]


def _criterion(criterion: str | Criterion) -> Criterion:
    if isinstance(criterion, Criterion):
        return criterion
    if criterion not in CRITERIA:
        raise EdgePruneError(
            "--criterion", f"there is no {criterion!r}", _names(["obs", *CRITERIA])
        )
    return CRITERIA[criterion]


def refuse_unknown(criterion: str, schedule: str) -> None:
    """Refuse names that are in no table.

    Raises:
        EdgePruneError: a name is unknown.
    """
    if criterion != "obs":
        _criterion(criterion)
    if schedule not in SCHEDULES:
        raise EdgePruneError("--schedule", f"there is no {schedule!r}", _names(SCHEDULES))


def _names(table: Iterable[str]) -> str:
    return "known are " + ", ".join(table)
