"""Criteria against finite differences, each other, and what they are meant to see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pruning.graphs import BLOCKS, Builder, balanced, cnn, mlp
from pruning.test_brute_force import samples
from pruning.test_norms import network

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Graph, Samples, run
from edgeprune.ops import Op, Relu, Sigmoid, Softmax, Tanh
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.criteria.first_order import effects
from edgeprune.pruning.criteria.second_order import _one_by_one, changes
from edgeprune.pruning.search import prune

NETWORKS = {"mlp": balanced(mlp(10, 8, 7, 4)), "cnn": balanced(cnn(1, kinds=(1, 2)))}


def smooth(graph: Graph) -> Graph:
    """The same with a tanh for every ReLU, so that differences have no kinks to trip over."""
    nodes = tuple(replace(n, op=Tanh()) if isinstance(n.op, Relu) else n for n in graph.nodes)
    return replace(graph, nodes=nodes)


def errors(ctx: Context, channel: int, less: float) -> np.ndarray:
    """By sample, the error with a share of a channel taken away wherever it is read; float64.

    Means over channels are weighted by what is left of them.
    """
    weights = {k: torch.from_numpy(v).double() for k, v in ctx.graph.constants.items()}
    where = {
        r.node: torch.from_numpy(
            (ctx.coupling.values[ctx.graph.node(r.node).inputs[0]] == channel).astype(float)
        )
        for r in ctx.coupling.reads
    }

    def hook(node, i, x):
        if node.name in ctx.means:
            weights = torch.from_numpy(1 - less * (ctx.means[node.name] == channel))
            mean = (weights * x).sum(-1, keepdim=True) / weights.sum(-1, keepdim=True)
            return mean.expand_as(x)
        return x * (1 - less * where[node.name]) if i == 0 and node.name in where else x

    with torch.inference_mode():
        x = torch.from_numpy(ctx.data.x).double()
        values = run(ctx.graph, {"x": x}, constants=weights, hook=hook)
        t = torch.from_numpy(ctx.loss.targets).double()
        return ctx.loss.per_sample(values[ctx.loss.value].flatten(1), t).numpy()


def differences(ctx: Context, channel: int, h: float = 1e-3) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative by sample."""
    up, zero, down = (errors(ctx, channel, s) for s in (h, 0.0, -h))
    return (up - down) / (2 * h), (up + down - 2 * zero) / h**2


def assert_derivatives_are_exact(graph: Graph) -> None:
    ctx = Context.of(graph, samples(graph, 12))
    found = changes(ctx).numpy()
    first = torch.cat(list(effects(ctx))).numpy()
    for k in np.flatnonzero(ctx.removable):
        slope, bend = differences(ctx, int(k))
        scale = 1e-4 * max(1.0, np.abs(bend).max())
        np.testing.assert_allclose(first[:, k], slope, rtol=1e-3, atol=scale)
        np.testing.assert_allclose(found[k], slope + bend / 2, rtol=1e-3, atol=scale)


@pytest.mark.parametrize("head", [Sigmoid, Softmax, None])
@pytest.mark.parametrize("act", [Sigmoid, Tanh])
@pytest.mark.parametrize("sizes", [(6, 9, 4), (6, 7, 6, 5, 3)])
def test_derivatives_of_dense_networks_are_those_of_finite_differences(
    sizes: tuple[int, ...], act: type[Op], head: type[Op] | None
) -> None:
    assert_derivatives_are_exact(mlp(*sizes, act=act, head=head))


# a maximum has kinks
@pytest.mark.parametrize("kind", [k for k in range(BLOCKS) if k not in (5, 14)])
def test_derivatives_of_every_block_are_those_of_finite_differences(kind: int) -> None:
    assert_derivatives_are_exact(smooth(cnn(kind, kinds=(kind,))))


@pytest.mark.parametrize("groups", [1, 2])
def test_derivatives_by_the_gain_of_what_is_normalised_count_its_share_of_the_mean(
    groups: int,
) -> None:
    assert_derivatives_are_exact(network(groups=groups))


@pytest.mark.parametrize("variant", ["exact", "gauss_newton"])
@pytest.mark.parametrize("act", [Sigmoid, Relu])
def test_the_formula_for_dense_layers_is_the_general_one(act: type[Op], variant: str) -> None:
    graph = mlp(6, 7, 6, 3, act=act, head=Softmax)
    ctx = Context.of(graph, samples(graph, 20))
    general = torch.full((ctx.coupling.count, 20), torch.nan)
    with torch.no_grad():
        _one_by_one(ctx, np.flatnonzero(ctx.removable).tolist(), variant, general)
    np.testing.assert_allclose(changes(ctx, variant).numpy(), general.numpy(), atol=1e-5)


def test_gauss_newton_is_exact_where_nothing_bends_but_a_softmax() -> None:
    graph = mlp(6, 7, 6, 3, act=Relu, head=Softmax)
    ctx = Context.of(graph, samples(graph, 20))
    a, b = (CRITERIA[n].score(ctx) for n in ("taylor2", "taylor2_gn"))
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_the_recursion_is_exact_for_one_layer_and_wrong_for_two() -> None:
    for sizes, equal in (((6, 9, 4), True), ((6, 7, 6, 3), False)):
        graph = mlp(*sizes)
        ctx = Context.of(graph, samples(graph, 50))
        a, b = (CRITERIA[n].score(ctx) for n in ("taylor2", "taylor2_lecun"))
        assert np.allclose(a, b, atol=1e-6, equal_nan=True) == equal
    with pytest.raises(UnsupportedError, match="dense"):
        CRITERIA["taylor2_lecun"].score(Context.of(NETWORKS["cnn"], samples(NETWORKS["cnn"])))


def test_second_order_ranks_nearly_like_brute_force() -> None:
    graph = mlp(10, 30, 4, seed=3)
    ctx = Context.of(graph, samples(graph, 300))
    exact = CRITERIA["brute_force"].score(ctx)[ctx.removable]
    correlation = {
        name: np.corrcoef(exact.argsort().argsort(), s[ctx.removable].argsort().argsort())[0, 1]
        for name in ("taylor1", "taylor2")
        for s in (CRITERIA[name].score(ctx),)
    }
    assert correlation["taylor2"] > 0.95
    assert correlation["taylor2"] > correlation["taylor1"]


def test_a_steep_change_of_one_sample_does_not_decide_with_a_threshold() -> None:
    graph = mlp(4, 6, 3, act=Relu, head=None)
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    x[0] *= 100
    ctx = Context.of(graph, Samples(x))
    plain, mean, median = (
        np.nanmax(CRITERIA[n].score(ctx)) for n in ("taylor2", "taylor2_mean", "taylor2_median")
    )
    assert median < mean < plain


def test_fisher_is_half_the_mean_square_of_the_first_order_effects() -> None:
    ctx = Context.of(NETWORKS["cnn"], samples(NETWORKS["cnn"]))
    e = torch.cat(list(effects(ctx))).double().numpy()
    pairs = {
        "fisher": (e**2).mean(0) / 2,
        "taylor1": e.mean(0),
        "taylor1_abs": np.abs(e).mean(0),
    }
    for name, expected in pairs.items():
        score = CRITERIA[name].score(ctx)
        np.testing.assert_allclose(score[ctx.removable], expected[ctx.removable], rtol=1e-5)


def test_firing_and_activation_are_counted_at_the_output() -> None:
    b = Builder(0, x=(1,))
    h = b.dense("x", 3)
    graph = b.build(b.dense(b.add(Relu(), h), 2))
    (w, bias) = graph.node(h).inputs[1:]
    graph = graph.with_constants({w: np.float32([[1], [-1], [2]]), bias: np.float32([0, 0, -4])})
    x = np.float32([[-1], [1], [2], [3]])
    ctx = Context.of(graph, Samples(x, np.zeros(4, np.int64)))
    rate = CRITERIA["firing_rate"].score(ctx)[ctx.removable]
    mean = CRITERIA["activation_mean"].score(ctx)[ctx.removable]
    assert rate.tolist() == [0.75, 0.25, 0.25]
    assert mean.tolist() == [1.5, 0.25, 0.5]


def test_a_sigmoid_fires_above_a_half() -> None:
    graph = mlp(5, 8, 3)
    ctx = Context.of(graph, samples(graph, 200))
    hidden = run(graph, {"x": torch.from_numpy(ctx.data.x)})[graph.nodes[0].output].numpy()
    np.testing.assert_allclose(
        CRITERIA["firing_rate"].score(ctx)[ctx.removable], (hidden > 0).mean(0), rtol=1e-6
    )


def test_gates_close_first_on_neurons_that_nothing_reads() -> None:
    graph = balanced(mlp(6, 10, 3, act=Relu, head=Softmax))
    last = graph.nodes[2].inputs[1]
    w = 8 * graph.constants[last]  # sharp answers, so that there is something to lose
    w[:, [2, 7]] = 0
    graph = graph.with_constants({last: w})
    ctx = Context.of(graph, samples(graph, 300, labels=False))
    score = CRITERIA["gates"].score(ctx)[ctx.removable]
    assert score[[2, 7]] == pytest.approx(score.min(), abs=0.1)
    assert score.max() > score.min() + 1


def test_magnitudes_count_every_weight_that_goes() -> None:
    graph = mlp(3, 4, 2)
    w1, b1, w2, _ = graph.constants.values()
    ctx = Context.of(graph, samples(graph))
    l1 = CRITERIA["l1"].score(ctx)[ctx.removable]
    l2 = CRITERIA["l2"].score(ctx)[ctx.removable]
    np.testing.assert_allclose(l1, abs(w1).sum(1) + abs(b1) + abs(w2).sum(0), rtol=1e-6)
    np.testing.assert_allclose(l2**2, (w1**2).sum(1) + b1**2 + (w2**2).sum(0), rtol=1e-6)


# The paper's recursion is defined for dense layers.
SCORED = [(c, n) for c in CRITERIA for n in NETWORKS if (c, n) != ("taylor2_lecun", "cnn")]


@pytest.mark.parametrize(("name", "network"), SCORED)
def test_every_criterion_scores_what_can_go_and_nothing_else(
    name: str, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeprune.pruning.criteria.gates.STEPS", 20)
    graph = NETWORKS[network]
    ctx = Context.of(graph, samples(graph, 30, labels=False))
    scores = CRITERIA[name].score(ctx)
    assert scores.dtype == np.float64
    assert np.array_equal(~np.isnan(scores), ctx.removable)
    np.testing.assert_array_equal(scores, CRITERIA[name].score(ctx))
    assert CRITERIA[name].paper


@pytest.mark.parametrize("name", [n for n in CRITERIA if n not in ("gates", "taylor2_lecun")])
def test_every_criterion_can_rank_anew_after_each_removal(name: str) -> None:
    graph = NETWORKS["cnn"]
    pruned = prune(graph, samples(graph, 30), criterion=name, limits={"params": 0.8 * graph.params})
    assert pruned.graph.params <= 0.8 * graph.params
    assert len({s.channel for s in pruned.history}) == len(pruned.history)


def test_chance_has_a_seed() -> None:
    graph = NETWORKS["mlp"]
    data = samples(graph)
    a, b = (CRITERIA["random"].score(Context.of(graph, data, seed=s)) for s in (0, 1))
    assert not np.array_equal(a, b, equal_nan=True)
