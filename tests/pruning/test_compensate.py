"""Networks that somebody else pruned, repaired."""

from __future__ import annotations

import numpy as np
import pytest
from pruning.graphs import balanced, cnn, mlp

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph, Samples, couple, predict
from edgeprune.ops import Relu, Softmax
from edgeprune.pruning.compact import compact
from edgeprune.pruning.compensate import compensate, match
from edgeprune.pruning.groups import find_groups
from edgeprune.pruning.obs.parts import parts_of


def images(graph: Graph, n: int, seed: int = 0) -> Samples:
    shape = graph.types["x"].shape
    return Samples(np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32))


def masked(graph: Graph, seed: int, share: float = 0.3) -> np.ndarray:
    """A mask that takes a share of every group, as a peer would choose it: at random."""
    coupling = couple(graph)
    rng = np.random.default_rng(seed)
    removed = np.zeros(coupling.count, bool)
    for group in find_groups(graph, coupling):
        count = int(share * len(group.channels))
        removed[rng.permutation(group.channels)[:count]] = True
    return removed


def distance(a: Graph, b: Graph, x: np.ndarray) -> float:
    return float(np.square(predict(a, x) - predict(b, x)).mean())


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 5, 6, 7, 8, 13])
def test_weights_tell_which_channels_are_left(kind: int) -> None:
    graph = cnn(kind, kinds=(kind, kind))
    coupling = couple(graph)
    removed = masked(graph, kind)
    found = match(compact(graph, coupling, removed), graph, {})
    for name, part in parts_of(graph, coupling, removed).items():
        assert np.array_equal(found[name].rows, part.rows), name
        assert np.array_equal(found[name].columns, part.columns), name


@pytest.mark.parametrize("seed", range(6))
def test_a_repaired_network_is_nearer_to_the_dense_one(seed: int) -> None:
    graph = cnn(seed, kinds=(0, 1, 3)[seed % 3 :][:1] * 2, head=False)
    removed = masked(graph, seed)
    pruned = compact(graph, couple(graph), removed)
    repaired = compensate(pruned, graph, images(graph, 1500))
    x = images(graph, 200, seed=1).x
    assert distance(repaired, graph, x) < distance(pruned, graph, x)
    assert repaired.params == pruned.params


def test_zeroed_channels_are_taken_out_and_made_up_for() -> None:
    graph = balanced(mlp(12, 16, 4, act=Relu, head=Softmax))
    w, b = (graph.constants[v].copy() for v in graph.nodes[0].inputs[1:])
    w[[2, 5, 11]] = 0
    b[[2, 5, 11]] = 0
    zeroed = graph.with_constants({graph.nodes[0].inputs[1]: w, graph.nodes[0].inputs[2]: b})
    repaired = compensate(zeroed, graph, images(graph, 500))
    assert repaired.types[repaired.nodes[0].output].shape == (13,)
    x = images(graph, 300, seed=1).x
    assert distance(repaired, graph, x) < 0.5 * distance(zeroed, graph, x)


def test_rows_that_are_given_are_not_guessed() -> None:
    graph = mlp(12, 8, 4, act=Relu, head=Softmax)
    removed = masked(graph, 0)
    pruned = compact(graph, couple(graph), removed)
    rows = parts_of(graph, couple(graph), removed)
    noisy = pruned.with_constants(
        {
            k: np.random.default_rng(0).normal(size=v.shape).astype(np.float32)
            for k, v in pruned.constants.items()
        }
    )
    found = match(noisy, graph, {k: p.rows for k, p in rows.items()})
    assert all(np.array_equal(found[k].columns, p.columns) for k, p in rows.items())


def test_a_network_of_other_layers_is_refused() -> None:
    with pytest.raises(EdgePruneError, match="layers with weights"):
        compensate(mlp(6, 5, 3), mlp(6, 5, 5, 3), images(mlp(6, 5, 3), 10))


def test_a_network_of_other_weights_is_refused() -> None:
    with pytest.raises(EdgePruneError, match="like none"):
        compensate(mlp(6, 5, 3, seed=1), mlp(6, 8, 3), images(mlp(6, 5, 3), 10))
