"""The ways to prune a network, each by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph, Samples, couple
from edgeprune.progress import Progress, silent
from edgeprune.pruning import obs
from edgeprune.pruning.compact import compact
from edgeprune.pruning.costs import Cost, no_cost
from edgeprune.pruning.criteria import CRITERIA, Criterion
from edgeprune.pruning.groups import all_that_can_go, channel_names, removable
from edgeprune.pruning.pruned import Pruned, Step
from edgeprune.pruning.ranking import SCHEDULES, Ranked, Schedule
from edgeprune.pruning.strategy import Strategy
from edgeprune.schema import Count, Range, Share

OBS = "obs"
"""The strategy that ranks and repairs in one, and so has a schedule of its own."""


def prune(
    graph: Graph,
    data: Samples,
    *,
    limits: Mapping[str, float] | None = None,
    cost: Cost = no_cost,
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
        progress: told after every removal.

    Raises:
        CannotFitError: the limits cannot be met, or not within the other bounds.
    """
    floor = min_accuracy is not None or max_drop is not None
    if floor and validation is None and criterion != OBS:
        data, validation = data.split(0.25, seed)
    chosen = strategy(
        graph, data, criterion, schedule, validation=validation, per_round=per_round, seed=seed
    )
    return chosen.prune(
        limits=_limits(limits, max_neurons),
        cost=cost,
        min_accuracy=min_accuracy,
        max_drop=max_drop,
        max_removed=max_removed,
        keep_ratio=keep_ratio,
        progress=progress,
    )


def _limits(limits: Mapping[str, float] | None, neurons: int | None) -> Mapping[str, float] | None:
    """These, and so many neurons at the most."""
    if neurons is None:
        return limits
    return {**(limits or {}), "neurons": min(neurons, (limits or {}).get("neurons", neurons))}


def strategy(
    graph: Graph,
    data: Samples,
    criterion: str | Criterion = OBS,
    schedule: Schedule = "iterative",
    *,
    validation: Samples | None = None,
    per_round: int = 1,
    effort: obs.Effort | None = None,
    seed: int = 0,
    jobs: int = 2,
) -> Strategy:
    """What chooses the channels that go.

    Args:
        graph: float, with one input.
        data: what rankings are made from.
        criterion: "obs", one of ``CRITERIA``, or one of your own.
        schedule: one of ``SCHEDULES``; "obs" has its own.
        validation: where accuracy is measured; None: "obs" takes a fifth of data.
        per_round: removals between two rankings of "iterative".
        effort: of "obs".
        seed: of whatever is random.
        jobs: how many runs of "obs" go side by side.

    Raises:
        EdgePruneError: a name is unknown.
    """
    refuse_unknown(criterion if isinstance(criterion, str) else OBS, schedule)
    if criterion == OBS:
        return obs.Search(graph, data, validation=validation, effort=effort, seed=seed, jobs=jobs)
    scored = CRITERIA[criterion] if isinstance(criterion, str) else criterion
    return Ranked(
        graph, data, scored, schedule, validation=validation, per_round=per_round, seed=seed
    )


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


def refuse_unknown(criterion: str, schedule: str) -> None:
    """Refuse names that are in no table.

    Raises:
        EdgePruneError: a name is unknown.
    """
    if criterion not in (OBS, *CRITERIA):
        raise EdgePruneError("--criterion", f"there is no {criterion!r}", _names([OBS, *CRITERIA]))
    if schedule not in SCHEDULES:
        raise EdgePruneError("--schedule", f"there is no {schedule!r}", _names(SCHEDULES))


def _names(table: Iterable[str]) -> str:
    return "known are " + ", ".join(table)
