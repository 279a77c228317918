"""Channels that are normalised over go as others do: their mean is of those that are left."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from masked import masked_hook
from pruning.graphs import Builder
from torch.nn import functional

from edgeprune.ir import Graph, Samples, couple, predict, run
from edgeprune.ops import Dense, Mean, Mul, Reshape, Sub
from edgeprune.ops.function import Rsqrt
from edgeprune.pruning import lossless
from edgeprune.pruning.compact import compact
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.criteria.downstream import weighted
from edgeprune.pruning.groups import kept_whole, removable
from edgeprune.pruning.pictures import surfaces
from edgeprune.pruning.search import prune


def dense(b: Builder, x: str, units: int) -> str:
    return b.add(Dense(), x, b.constant(units, b.shape(x)[-1]), b.constant(units))


def normed(b: Builder, x: str) -> str:
    """x less its mean over the last axis, by the root of its mean square."""
    last = (len(b.shape(x)) - 1,)
    centred = b.add(Sub(), x, b.add(Mean(last, True), x))
    spread = b.add(Mean(last, True), b.add(Mul(), centred, centred))
    return b.add(Mul(), centred, b.add(Rsqrt(), spread))


def network(units: int = 6, groups: int = 1, *, rows: bool = True) -> Graph:
    b = Builder(0, x=(5, 4) if rows else (4,))
    made = dense(b, "x", units)
    whole = b.shape(made)
    if groups > 1:
        made = b.add(Reshape((*whole[:-1], groups, units // groups)), made)
    made = normed(b, made)
    if groups > 1:
        made = b.add(Reshape(whole), made)
    return b.build(dense(b, made, 3))


def without(graph: Graph, *picks: int) -> tuple[Graph, np.ndarray]:
    """The network without some of the channels that can go, and the mask of them."""
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    removed[np.flatnonzero(removable(coupling))[list(picks)]] = True
    return compact(graph, coupling, removed), removed


@pytest.mark.parametrize("rows", [False, True])
def test_a_layer_norm_without_some_channels_is_that_of_the_others(rows: bool) -> None:
    graph = network(rows=rows)
    small, _ = without(graph, 1, 4)
    stays = [0, 2, 3, 5]
    w, b, out, bias = (graph.constants[f"c{i}"] for i in range(4))
    x = np.random.default_rng(1).normal(size=(7, *graph.types["x"].shape)).astype(np.float32)
    narrow = torch.from_numpy(x @ w[stays].T + b[stays])
    want = functional.layer_norm(narrow, (4,), eps=0).numpy() @ out[:, stays].T + bias
    np.testing.assert_allclose(predict(small, x), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("groups", "free"), [(1, 6), (2, 3)])
def test_a_norm_compacted_computes_what_it_computes_masked(groups: int, free: int) -> None:
    graph = network(groups=groups)
    coupling = couple(graph)
    assert removable(coupling).sum() == free  # of groups one of each goes together
    small, removed = without(graph, 1)
    x = np.random.default_rng(1).normal(size=(7, 5, 4)).astype(np.float32)
    hook = masked_hook(graph, coupling, removed)
    with torch.inference_mode():
        masked = run(graph, {"x": torch.from_numpy(x)}, hook=hook)[graph.outputs[0]]
    np.testing.assert_allclose(predict(small, x), masked.numpy(), rtol=1e-4, atol=1e-5)


def test_a_channel_of_zeros_stays_where_a_mean_counts_it() -> None:
    graph = network(rows=False)
    weights = {"c0": graph.constants["c0"].copy(), "c1": graph.constants["c1"].copy()}
    weights["c0"][2], weights["c1"][2] = 0, 0
    weights["c0"][4], weights["c1"][4] = weights["c0"][3], weights["c1"][3]
    graph = graph.with_constants({**graph.constants, **weights})
    smaller, report = lossless.fold(graph)
    assert report.channels == 0
    assert smaller.params == graph.params


def test_no_channel_of_a_sum_can_go() -> None:
    b = Builder(0, x=(5, 4))
    graph = b.build(dense(b, b.add(Mean((1,), True, adds=True), dense(b, "x", 6)), 3))
    assert kept_whole(graph, couple(graph))["dense0"] == "mean1 adds them up"


def test_a_mean_of_positions_in_the_last_axis_keeps_channels_apart() -> None:
    b = Builder(0, x=(4,))
    rows = b.add(Reshape((6, 1)), dense(b, "x", 6))
    graph = b.build(dense(b, b.add(Reshape((6,)), b.add(Mean((1,), True), rows)), 3))
    coupling = couple(graph)
    assert removable(coupling).sum() == 6
    assert not coupling.averaged.any()


def dominated(units: int = 6, groups: int = 1, *, rows: bool = True, samples: int = 30) -> Context:
    """A network one of whose channels makes most of the spread, and is hardly read, and samples."""
    graph = network(units, groups, rows=rows)
    k = {name: value.copy() for name, value in graph.constants.items()}
    k["c0"][4] *= 6
    k["c2"][:, 4] *= 0.02
    graph = graph.with_constants(k)
    x = np.random.default_rng(1).normal(size=(samples, *graph.types["x"].shape)).astype(np.float32)
    return Context.of(graph, Samples(x))


def mean_error(ctx: Context, graph: Graph) -> float:
    """Of the network or a smaller one."""
    with torch.inference_mode():
        values = run(graph, {"x": torch.from_numpy(ctx.data.x)})
        z = values[graph.outputs[0]].flatten(1)
        return float(ctx.loss.per_sample(z, torch.from_numpy(ctx.loss.targets)).mean())


def without_each(ctx: Context) -> np.ndarray:
    """By channel that can go, what the error rises by in the network without it."""
    found = []
    for k in np.flatnonzero(ctx.removable):
        removed = np.arange(ctx.coupling.count) == k
        found.append(mean_error(ctx, compact(ctx.graph, ctx.coupling, removed)))
    return np.array(found) - mean_error(ctx, ctx.graph)


@pytest.mark.parametrize(("groups", "rows"), [(1, False), (1, True), (2, True)])
def test_brute_force_says_what_a_network_without_a_channel_loses(groups: int, rows: bool) -> None:
    ctx = dominated(groups=groups, rows=rows)
    found = CRITERIA["brute_force"].score(ctx)[ctx.removable]
    np.testing.assert_allclose(found, without_each(ctx), rtol=1e-4, atol=1e-6)


def test_an_error_surface_says_at_a_gain_of_0_what_removal_costs() -> None:
    ctx = dominated()
    channels = np.flatnonzero(ctx.removable).tolist()
    found = surfaces(ctx.graph, ctx.data, (), chosen=channels, gains=np.array([0.0, 1.0]))
    rises = [s.errors[0] - s.errors[1] for s in found]
    np.testing.assert_allclose(rises, without_each(ctx), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[0].errors[1], mean_error(ctx, ctx.graph), rtol=1e-5)


def test_means_of_no_open_gate_are_those_of_all() -> None:
    x = torch.tensor([[1.0, 2.0, 6.0]])
    mean = Mean((0,), True)
    assert float(mean.evaluate(weighted(mean, x, torch.tensor([0.5, 0.5, 0.0])))) == 1.5
    assert float(mean.evaluate(weighted(mean, x, torch.zeros(3)))) == 3


def test_gates_close_first_on_what_costs_least_to_remove_not_on_what_is_read_least() -> None:
    ctx = dominated()
    gates = CRITERIA["gates"].score(ctx)[ctx.removable]
    assert set(np.argsort(gates)[:2]) == set(np.argsort(without_each(ctx))[:2])


def test_obs_goes_back_where_a_norm_needs_what_it_holds_for_cheap() -> None:
    ctx = dominated(rows=False, samples=500)
    one = prune(ctx.graph, ctx.data, limits={"neurons": 5})
    assert one.history[0].name == "dense0[4]"
    assert mean_error(ctx, one.graph) > 100 * one.history[0].score  # of what was estimated
    assert not prune(ctx.graph, ctx.data, min_accuracy=0.99).removed.any()
