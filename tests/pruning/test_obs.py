"""Laws of the closed-form repair and of the greedy runs."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from pruning import graphs

from edgeprune.errors import CannotFitError
from edgeprune.ir import Graph, Samples, couple, predict, run
from edgeprune.ops import Relu, Sigmoid, Softmax
from edgeprune.ops.linear import linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning import obs
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import find_groups
from edgeprune.pruning.obs.parts import parts_of, scatter
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.obs.refit import refit
from edgeprune.pruning.search import prune


def samples(graph: Graph, n: int = 300, seed: int = 0) -> Samples:
    shape = graph.types[graph.inputs[0]].shape
    x = np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)
    return Samples(x, predict(graph, x).reshape(n, -1).argmax(axis=1).astype(np.int64))


def flash(graph: Graph) -> dict[str, float]:
    tables = sum(2 * len(n.op.indices) for n in graph.nodes if n.op.kind == "gather")
    return {"flash": sum(c.size for c in graph.constants.values()) + tables}


def distance(a: Graph, b: Graph, x: np.ndarray) -> float:
    return float(np.square(predict(a, x) - predict(b, x)).mean())


@pytest.mark.parametrize("kind", range(graphs.BLOCKS))
def test_every_layer_is_its_matrix_times_its_columns(kind: int) -> None:
    graph = graphs.cnn(kind, kinds=(kind,))
    data = samples(graph, 3)
    values = run(graph, {"x": torch.from_numpy(data.x)})
    for lin in linears(graph).values():
        at = lin.sample(3, 4, torch.Generator().manual_seed(0))
        columns = lin.columns(values[lin.node.inputs[0]], at).numpy()
        w, b = (graph.constants[v] for v in lin.node.inputs[1:])
        assert np.array_equal(lin.weights(lin.matrix(w), w), w)
        z = np.einsum("ngk,grk->ngr", columns, lin.matrix(w)).reshape(len(columns), -1) + b
        np.testing.assert_allclose(
            z, lin.results(values[lin.node.output], at), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("seed", range(4))
def test_a_network_that_lost_nothing_is_not_touched(seed: int) -> None:
    graph = unfuse(graphs.cnn(seed))
    coupling = couple(graph)
    parts = parts_of(graph, coupling, np.zeros(coupling.count, bool))
    assert refit(graph, parts, Reference(graph, samples(graph, 30).x)) == {}


def test_a_twin_can_go_and_nothing_changes() -> None:
    graph = graphs.mlp(6, 8, 5, 3, act=Relu, head=Softmax)
    w, b = (graph.constants[v] for v in graph.nodes[0].inputs[1:])
    w[3], b[3] = 2 * w[1], 2 * b[1]  # a multiple, even
    graph = graph.with_constants({graph.nodes[0].inputs[1]: w, graph.nodes[0].inputs[2]: b})
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    removed[coupling.axes[graph.nodes[0].inputs[1], 0][3]] = True
    data = samples(graph)
    small = compact(graph, coupling, removed)
    reference = Reference(graph, data.x)
    changed = refit(small, parts_of(graph, coupling, removed), reference, ridge=1e-7)
    repaired = compact(scatter(graph, coupling, removed, changed), coupling, removed)
    assert distance(repaired, graph, data.x) < 1e-6
    assert distance(small, graph, data.x) > 1e-4


@pytest.mark.parametrize("seed", range(8))
def test_refit_comes_nearer_to_the_dense_network(seed: int) -> None:
    graph = unfuse(graphs.cnn(seed, head=False))
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    for group in find_groups(graph, coupling):
        removed[group.channels[: len(group.channels) // 4]] = True
    data, fresh = samples(graph, 400), samples(graph, 200, seed=1)
    small = compact(graph, coupling, removed)
    parts = parts_of(graph, coupling, removed)
    changed = refit(small, parts, Reference(graph, data.x), sweeps=1)
    repaired = compact(scatter(graph, coupling, removed, changed), coupling, removed)
    assert distance(repaired, graph, fresh.x) < 0.9 * distance(small, graph, fresh.x)


def test_the_sum_behind_a_residual_addition_is_what_is_fitted() -> None:
    graph = graphs.cnn(3, kinds=(1,), head=False)
    reference = Reference(graph, samples(graph).x)
    with_other = [name for name, goal in reference.goals.items() if goal.other is not None]
    adds = [n for n in graph.nodes if n.op.kind == "add"]
    assert len(with_other) == len(adds) == 1


@pytest.mark.parametrize("act", [Relu, Sigmoid])
def test_inputs_and_neurons_go_until_the_limit_is_met(act: type) -> None:
    graph = graphs.mlp(20, 16, 4, act=act, head=Softmax)
    data = samples(graph, 500)
    limit = 0.5 * flash(graph)["flash"]
    pruned = prune(graph, data, limits={"flash": limit}, cost=flash, criterion="obs")
    assert flash(pruned.graph)["flash"] <= limit
    assert flash(pruned.graph) == {"flash": pruned.cost["flash"]}
    assert pruned.graph.inputs == graph.inputs
    assert pruned.graph.types["x"].shape == (20,)
    assert sorted(pruned.order) == np.flatnonzero(pruned.removed).tolist()
    again = prune(graph, data, limits={"flash": limit}, cost=flash, criterion="obs")
    assert all(
        np.array_equal(again.graph.constants[k], v) for k, v in pruned.graph.constants.items()
    )


def test_compensation_beats_masking() -> None:
    graph = graphs.balanced(graphs.mlp(20, 16, 12, 4, act=Relu, head=None))
    data, fresh = samples(graph, 500), samples(graph, 500, seed=1)
    pruned = obs.Search(graph, data).prune(limits={"neurons": 18})
    masked = compact(graph, pruned.coupling, pruned.removed)
    assert distance(pruned.graph, graph, fresh.x) < 0.5 * distance(masked, graph, fresh.x)


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_with_images_reach_their_limit(seed: int) -> None:
    graph = graphs.balanced(graphs.cnn(seed))
    data = samples(graph, 120)
    limit = 0.6 * graph.params
    effort = obs.Effort(share=0.2, score_samples=60, round_samples=60, final_samples=96)
    pruned = obs.Search(graph, data, effort=effort).prune(limits={"params": limit})
    assert pruned.graph.params <= limit


def test_a_search_that_was_asked_before_gives_what_a_new_one_gives() -> None:
    graph = graphs.mlp(12, 10, 4, act=Relu, head=Softmax)
    data = samples(graph, 300)
    search = obs.Search(graph, data)
    sizes = []
    for share in (0.4, 0.8, 0.5):
        limits = {"flash": share * flash(graph)["flash"]}
        kept = search.prune(limits=limits, cost=flash)
        new = obs.Search(graph, data).prune(limits=limits, cost=flash)
        assert np.array_equal(kept.removed, new.removed)
        assert all(
            np.array_equal(kept.graph.constants[k], v) for k, v in new.graph.constants.items()
        )
        sizes.append(kept.cost["flash"])
    assert sizes[0] < sizes[2] < sizes[1]


def test_an_accuracy_floor_holds_on_the_validation_data() -> None:
    graph = graphs.balanced(graphs.mlp(12, 10, 4, act=Relu, head=Softmax))
    data, validation = samples(graph, 400), samples(graph, 400, seed=1)
    pruned = obs.Search(graph, data, validation=validation).prune(min_accuracy=0.8)
    right = predict(pruned.graph, validation.x).argmax(axis=1) == validation.y
    assert pruned.removed.any()
    assert right.mean() >= 0.8


def test_what_cannot_be_met_is_said() -> None:
    graph = graphs.mlp(6, 5, 3)
    with pytest.raises(CannotFitError, match="parameters, the limit is"):
        obs.Search(graph, samples(graph, 100)).prune(limits={"params": 3})


def test_layers_that_set_the_peak_together_shrink_together() -> None:
    graph = graphs.balanced(graphs.mlp(6, 12, 8, 12, 4, act=Relu, head=Softmax))

    def ram(g: Graph) -> dict[str, float]:
        return {"ram": float(max(g.types[n.output].shape[0] for n in g.nodes))}

    pruned = obs.Search(graph, samples(graph, 300)).prune(limits={"ram": 9}, cost=ram)
    sizes = [pruned.graph.types[n.output].shape[0] for n in pruned.graph.nodes]
    assert max(sizes) <= 9
    assert 8 in sizes, "the layer in the middle does not set the peak"


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_runs_side_by_side_give_what_they_give_one_after_the_other(network: str) -> None:
    plain = graphs.mlp(12, 10, 4, act=Relu, head=Softmax) if network == "mlp" else graphs.cnn(1)
    graph = graphs.balanced(plain)
    data = samples(graph, 300)
    limits = {"params": 0.6 * graph.params}
    one, two = (
        obs.Search(graph, data, jobs=jobs).prune(limits=limits).graph.constants for jobs in (1, 2)
    )
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[k], v) for k, v in two.items())


def test_large_values_of_the_dense_network_are_held_for_one_purpose_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = graphs.balanced(graphs.cnn(1))
    data = samples(graph, 120)
    effort = obs.Effort(share=0.2, score_samples=60, round_samples=60, final_samples=96)
    alive, most = weakref.WeakSet[Reference](), 0

    class Counted(Reference):
        def __init__(self, *given: object, **options: object) -> None:
            nonlocal most
            alive.add(self)
            most = max(most, len(alive))
            super().__init__(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("edgeprune.pruning.obs.run.Reference", Counted)
    found = []
    for held in (0, 2**24):
        monkeypatch.setattr("edgeprune.pruning.obs.run.HELD", held)
        most = 0
        search = obs.Search(graph, data, effort=effort, jobs=1)
        found.append(search.prune(limits={"params": 0.6 * graph.params}).graph.constants)
        assert most == (2 if held else 1)
        assert len(alive) == (2 if held else 0), "what the solution saw is let go"
    assert all(np.array_equal(found[0][k], v) for k, v in found[1].items())


def test_hessians_of_large_images_take_fewer_samples() -> None:
    graph = graphs.cnn(0)
    held = sum(graph.types[n.output].size for n in graph.nodes)
    data = samples(graph, 300)
    assert obs.Search(graph, data)._effort.score_samples == len(data.first(240))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(obs.run, "SCORED", 150 * held)
        assert obs.Search(graph, data)._effort.score_samples == 150
        patch.setattr(obs.run, "SCORED", held)
        assert obs.Search(graph, data)._effort.score_samples == obs.run.FEWEST
