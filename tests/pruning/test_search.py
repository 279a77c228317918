"""When to stop, and what is left then."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from pruning.graphs import balanced, cnn, mlp
from pruning.test_brute_force import samples

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.ir import Graph, Samples, couple
from edgeprune.ops import Compare, Relu
from edgeprune.pruning import search
from edgeprune.pruning.compact import compact
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.criteria.context import Criterion, Scores
from edgeprune.pruning.groups import removable
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.ranking import SCHEDULES, moves, removal_order
from edgeprune.pruning.search import smallest
from edgeprune.pruning.truth import accuracy, truth_of

prune = partial(search.prune, criterion="brute_force")

GRAPHS = {"mlp": balanced(mlp(10, 12, 9, 4)), "cnn": balanced(cnn(1, kinds=(1, 2)))}


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> Graph:
    return GRAPHS[request.param]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_limits_are_met_and_smaller_ones_never_give_larger_networks(
    graph: Graph, schedule: str
) -> None:
    data = samples(graph, 60)
    sizes = []
    for share in (1.0, 0.8, 0.6, 0.5, 0.4):
        limit = share * graph.params
        pruned = prune(graph, data, limits={"params": limit}, schedule=schedule)
        assert pruned.graph.params <= limit
        assert pruned.cost["params"] == pruned.graph.params
        sizes.append(pruned.graph.params)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == graph.params


def test_no_room_is_left_for_a_neuron_that_would_help(graph: Graph) -> None:
    limit = 0.6 * graph.params
    pruned = prune(graph, samples(graph, 60), limits={"params": limit})
    for step in pruned.history:
        if step.score <= 0:
            continue
        removed = pruned.removed.copy()
        removed[step.channel] = False
        assert compact(graph, pruned.coupling, removed).params > limit


def test_several_limits_are_met_together(graph: Graph) -> None:
    limits = {"macs": 0.7 * graph.macs, "params": 0.8 * graph.params, "neurons": 15.0}
    pruned = prune(graph, samples(graph, 60), limits=limits)
    assert all(pruned.cost[k] <= v for k, v in limits.items())


def test_no_layer_is_emptied_and_the_floor_is_said(graph: Graph) -> None:
    with pytest.raises(CannotFitError, match="parameters, the limit is"):
        prune(graph, samples(graph, 60), limits={"params": 1})
    floor = smallest(graph)
    pruned = prune(graph, samples(graph, 60), limits={"params": floor.graph.params})
    assert pruned.graph.params <= floor.graph.params
    assert {step.score for step in floor.history} == {0.0}
    left = int(removable(couple(floor.graph)).sum())
    assert [step.left for step in floor.history][-2:] == [left + 1, left]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_floor_on_accuracy_is_kept_and_not_a_neuron_more(graph: Graph, schedule: str) -> None:
    data, validation = samples(graph, 80, labels=False), samples(graph, 90, labels=False, seed=1)
    pruned = prune(graph, data, validation=validation, max_drop=0.4, schedule=schedule)
    truth = truth_of(graph, validation)
    assert accuracy(pruned.graph, validation.x, truth) >= 0.6
    assert pruned.history
    count = len(pruned.order)
    beyond = [count + 1] if schedule != "threshold" else range(count + 1, count + 20)
    for more in beyond:  # no higher threshold will do
        other = prune(graph, data, max_removed=more, schedule=schedule)
        if len(other.order) > count:
            assert accuracy(other.graph, validation.x, truth) < 0.6


def test_a_budget_below_the_accuracy_floor_is_refused(graph: Graph) -> None:
    words = r"one more and the accuracy is 0\.\d{4}, at least 0\.9700 is asked for"
    with pytest.raises(CannotFitError, match=words):
        prune(
            graph,
            samples(graph, 80, labels=False),
            limits={"params": 0.2 * graph.params},
            min_accuracy=0.97,
        )


def test_only_a_schedule_of_thresholds_looks_behind_a_refused_group(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = samples(graph, 20)
    by_number = Criterion("own", lambda ctx: ctx.scores(np.arange(float(ctx.coupling.count))), "")
    for schedule, count in (("topk", 1), ("iterative", 1), ("threshold", 3)):
        reached = iter([1.0, 0.9, 0.4, 0.9, *[0.4] * 99])  # as it is, then with more and more gone
        monkeypatch.setattr(Judge, "accuracy", lambda *_, r=reached: next(r))
        pruned = search.prune(
            graph, data, validation=data, criterion=by_number, schedule=schedule, min_accuracy=0.5
        )
        assert len(pruned.order) == count


def test_validation_data_bind_nothing_without_a_floor(graph: Graph) -> None:
    data = samples(graph, 60)
    assert prune(graph, data, validation=data, max_removed=3).order == (
        prune(graph, data, max_removed=3).order
    )


@pytest.mark.parametrize("score", [1.0, 0.0, -1.0])
def test_what_the_limits_have_room_for_comes_back_where_it_helps(score: float) -> None:
    graph = GRAPHS["mlp"]
    data = samples(graph, 20)
    free = np.flatnonzero(Context.of(graph, data).removable)
    wide, thin = free[0], free[-1]  # one of the first layer saves more parameters

    def scored(ctx: Context) -> Scores:
        scores = np.full(ctx.coupling.count, 9.0)
        scores[[thin, wide]] = score, 5.0
        return ctx.scores(scores)

    own = Criterion("own", scored, "")
    coupling = couple(graph)
    limit = compact(graph, coupling, np.arange(coupling.count) == wide).params
    pruned = search.prune(graph, data, limits={"params": limit}, criterion=own, schedule="topk")
    assert set(pruned.order) == ({wide} if score > 0 else {wide, thin})


def test_counts_and_shares_bind_exactly(graph: Graph) -> None:
    data = samples(graph, 60)
    assert len(prune(graph, data, max_removed=5).order) == 5
    count = int(Context.of(graph, data).removable.sum())
    kept = prune(graph, data, keep_ratio=0.75, schedule="topk")
    assert kept.cost["neurons"] == np.ceil(0.75 * count)
    assert not prune(graph, data).order


def test_the_neurons_that_a_network_may_have_are_those_that_stay(graph: Graph) -> None:
    data = samples(graph, 60)
    count = prune(graph, data, limits={"macs": graph.macs}).cost["neurons"]
    for given in ({}, {"limits": {"neurons": count}}):
        few = prune(graph, data, max_neurons=int(count) - 2, schedule="topk", **given)
        assert few.cost["neurons"] == count - 2
    assert prune(graph, data, max_neurons=9, limits={"neurons": count - 1}).cost["neurons"] <= 9


def test_the_same_seed_gives_the_same_network(graph: Graph) -> None:
    data = samples(graph, 60)
    a, b = (prune(graph, data, limits={"params": 0.5 * graph.params}) for _ in range(2))
    assert a.order == b.order
    for name, value in a.graph.constants.items():
        np.testing.assert_array_equal(value, b.graph.constants[name])


def test_a_search_follows_the_order_of_removals() -> None:
    graph = GRAPHS["mlp"]
    data = samples(graph, 60)
    order = removal_order(Context.of(graph, data), CRITERIA["brute_force"], "iterative")
    assert prune(graph, data, max_removed=8).order == tuple(order[:8])


def test_a_schedule_says_what_goes_together_and_which_scores_count() -> None:
    graph = GRAPHS["mlp"]
    data = samples(graph, 20)
    whole = Context.of(graph, data)

    def pairs(ctx: Context) -> Scores:
        """Two and two the same; once anything is gone, the last ones are the lowest."""
        numbers = np.arange(float(ctx.coupling.count))
        return ctx.scores(numbers // 2 if len(numbers) == whole.coupling.count else -numbers)

    first, last = pairs(whole), np.flatnonzero(whole.removable)[-1]
    own = Criterion("own", pairs, "")
    groups = {s: [[*move.channels] for move in moves(whole, own, s)] for s in SCHEDULES}
    order = [k for (k,) in groups["topk"]]
    assert order == sorted(order, key=lambda k: (first[k], k))
    assert [k for group in groups["threshold"] for k in group] == order
    for group in groups["threshold"]:
        assert group == [k for k in order if first[k] == first[group[0]]]
    assert [k for (k,) in groups["iterative"]][:2] == [order[0], last]
    three = next(moves(whole, own, "iterative", per_round=3))
    assert [*three.channels] == order[:3]


def test_unknown_names_are_said_with_the_known_ones() -> None:
    graph = GRAPHS["mlp"]
    with pytest.raises(EdgePruneError, match="brute_force"):
        prune(graph, samples(graph), criterion="magic")
    with pytest.raises(EdgePruneError, match="iterative"):
        prune(graph, samples(graph), schedule="never")  # type: ignore[arg-type]


@pytest.mark.parametrize("criterion", ["obs", "taylor1", "taylor1_abs", "fisher"])
def test_derivatives_of_answers_that_have_none_are_refused(criterion: str) -> None:
    graph = mlp(12, 16, 4, act=Relu, head=Compare)
    x = np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)
    with pytest.raises(EdgePruneError, match="come out of a comparison"):
        search.prune(graph, Samples(x, None), limits={"neurons": 10}, criterion=criterion)
