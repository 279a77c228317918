"""The census of neurons against masks, and statistics against their definitions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from masked import masked_hook
from pruning.graphs import balanced, cnn, mlp
from pruning.test_brute_force import error, samples

from edgeprune.ir import Samples, run
from edgeprune.ops import Relu, Softmax
from edgeprune.pruning.analyze import (
    _benjamini_hochberg,
    _mcnemar,
    analyze,
)
from edgeprune.pruning.criteria import Context
from edgeprune.pruning.groups import channel_names
from edgeprune.pruning.pictures import activation_maps, surfaces
from edgeprune.pruning.search import prune

NETWORKS = {
    "mlp": balanced(mlp(10, 8, 7, 4)),
    "cnn": balanced(cnn(1, kinds=(1, 2))),
    "one": mlp(5, 6, 1),
}


def right(ctx: Context, removed: np.ndarray) -> np.ndarray:
    hook = masked_hook(ctx.graph, ctx.coupling, removed)
    y = run(ctx.graph, {"x": torch.from_numpy(ctx.data.x)}, hook=hook)[ctx.graph.outputs[0]]
    flat = y.flatten(1).numpy()
    found = flat.argmax(1) if flat.shape[1] > 1 else flat[:, 0] > 0.5
    return found == ctx.data.y


@pytest.mark.parametrize("network", NETWORKS)
def test_effects_are_those_of_masks(network: str) -> None:
    graph = NETWORKS[network]
    data = samples(graph, 60)
    ctx = Context.of(graph, data)
    none = np.zeros(ctx.coupling.count, bool)
    names = {v: k for k, v in channel_names(graph, ctx.coupling).items()}
    found = analyze(graph, data)
    before = right(ctx, none)
    assert found.accuracy == pytest.approx(before.mean())
    assert found.error == pytest.approx(error(ctx, none), rel=1e-5)
    assert len(found.neurons) == ctx.removable.sum()
    for n in found.neurons:
        mask = none.copy()
        mask[names[n.name]] = True
        after = right(ctx, mask)
        assert n.error_change == pytest.approx(error(ctx, mask) - error(ctx, none), abs=1e-5)
        assert (n.fixed, n.broken) == ((after & ~before).sum(), (before & ~after).sum())
        assert n.accuracy_change == pytest.approx(after.mean() - before.mean())


def test_neurons_are_sorted_from_the_most_harmful_to_the_most_useful() -> None:
    found = analyze(NETWORKS["cnn"], samples(NETWORKS["cnn"], 60))
    changes = [n.accuracy_change for n in found.neurons]
    assert changes == sorted(changes, reverse=True)


def test_a_neuron_that_only_harms_is_found_and_noise_is_not() -> None:
    graph = balanced(mlp(6, 8, 3, act=Relu, head=Softmax))
    data = samples(graph, 400, labels=False)
    truth = run(graph, {"x": torch.from_numpy(data.x)})[graph.outputs[0]].numpy().argmax(1)
    last = graph.nodes[2].inputs[1]
    w = graph.constants[last].copy()
    w[0, 3] += 3 * np.abs(w).max()
    sick = graph.with_constants({last: w})
    verdicts = {n.index: n.verdict for n in analyze(sick, Samples(data.x, truth)).neurons}
    assert verdicts[3] == "harmful"
    noise = Samples(data.x, np.random.default_rng(0).integers(0, 3, 400))
    assert "harmful" not in {n.verdict for n in analyze(graph, noise).neurons}


def test_mcnemar_is_the_toss_of_a_coin() -> None:
    assert _mcnemar(0, 0) == 1
    assert _mcnemar(10, 0) == pytest.approx(2 / 2**10)
    assert _mcnemar(0, 10) == _mcnemar(10, 0)
    assert _mcnemar(5, 5) == pytest.approx(1)


def test_false_discovery_rates_are_those_of_benjamini_and_hochberg() -> None:
    p = [0.01, 0.04, 0.03, 0.5]
    assert _benjamini_hochberg(p) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


def test_a_copy_is_the_partner() -> None:
    graph = mlp(6, 8, 3)
    w, b = (v for v in graph.nodes[0].inputs[1:])
    weights, bias = graph.constants[w].copy(), graph.constants[b].copy()
    weights[5], bias[5] = weights[2], bias[2]
    found = analyze(graph.with_constants({w: weights, b: bias}), samples(graph, 50))
    by_index = {n.index: n for n in found.neurons}
    assert by_index[5].partner == by_index[2].name
    assert by_index[5].correlation == pytest.approx(1)


def test_a_neuron_that_answers_to_one_label_is_selective() -> None:
    graph = mlp(3, 4, 3, act=Relu, head=Softmax)
    w, b = (v for v in graph.nodes[0].inputs[1:])
    eye = np.concatenate([np.eye(3), np.ones((1, 3))]).astype(np.float32)
    graph = graph.with_constants({w: eye, b: np.zeros(4, np.float32)})
    y = np.arange(30) % 3
    found = analyze(graph, Samples(np.eye(3, dtype=np.float32)[y], y))
    by_index = {n.index: n for n in found.neurons}
    assert [by_index[i].favourite for i in range(3)] == [0, 1, 2]
    assert by_index[1].selectivity == pytest.approx(1)
    assert by_index[3].selectivity == pytest.approx(0)


@pytest.mark.parametrize("network", NETWORKS)
def test_surfaces_pass_through_the_trained_and_the_removed_network(network: str) -> None:
    graph = NETWORKS[network]
    data = samples(graph, 40)
    ctx = Context.of(graph, data)
    order = prune(graph, data, max_removed=4).order
    none = np.zeros(ctx.coupling.count, bool)
    gains = np.linspace(0, 10, 21)
    first, third = surfaces(graph, data, order, every=2, gains=gains)
    assert first.removed_before == 0
    assert first.errors[2] == pytest.approx(error(ctx, none), rel=1e-4)
    none[order[0]] = True
    assert first.errors[0] == pytest.approx(error(ctx, none), rel=1e-4)
    none[order[1]] = True
    assert third.removed_before == 2
    assert third.errors[2] == pytest.approx(error(ctx, none), rel=1e-4)
    none[order[2]] = True
    assert third.errors[0] == pytest.approx(error(ctx, none), rel=1e-4)


def test_a_surface_has_the_gains_of_the_paper() -> None:
    graph = NETWORKS["mlp"]
    (surface,) = surfaces(graph, samples(graph, 5), (), chosen=[12])
    assert (surface.gains[0], surface.gains[1], surface.gains[-1]) == (0, 0.001, 10)
    assert len(surface.gains) == len(surface.errors) == 10001


def test_maps_show_every_layer_for_every_label() -> None:
    graph = NETWORKS["cnn"]
    data = samples(graph, 60)
    maps = activation_maps(graph, data, zeta=0.5, samples=7)
    layers = {m.layer for m in maps}
    assert {(m.layer, m.label) for m in maps} == {(k, c) for k in layers for c in range(4)}
    for m in maps:
        assert len(m.snapshots[0]) == 7
        top = max(m.mean)
        assert m.active == tuple(v >= 0.5 * top for v in m.mean)


def test_an_analysis_can_be_written_down() -> None:
    graph = NETWORKS["mlp"]
    found = analyze(graph, samples(graph, 30))
    assert len(json.loads(json.dumps(found.to_json()))["neurons"]) == 15
    lines = found.to_csv().splitlines()
    assert len(lines) == 16
    assert lines[0].startswith("name,layer,index,error_change")
