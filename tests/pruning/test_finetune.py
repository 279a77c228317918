"""Training after pruning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pruning.graphs import balanced, cnn, mlp

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph, Samples, predict
from edgeprune.ops import Relu, Softmax
from edgeprune.pruning.finetune import Training, _moved, finetune

KINDS = (0, 1, 2, 3, 4, 13)


def samples(graph: Graph, n: int = 256, seed: int = 0) -> Samples:
    shape = graph.types["x"].shape
    x = np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)
    return Samples(x, predict(graph, x).reshape(n, -1).argmax(axis=1).astype(np.int64))


def disturbed(graph: Graph) -> Graph:
    rng = np.random.default_rng(7)
    return graph.with_constants(
        {
            k: (v + 0.2 * np.abs(v).mean() * rng.normal(size=v.shape)).astype(np.float32)
            for k, v in graph.constants.items()
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_batch_norm_put_back_and_folded_changes_nothing(kind: int) -> None:
    graph = cnn(kind, kinds=(kind,))
    data = samples(graph)
    same = finetune(graph, data, epochs=0)
    np.testing.assert_allclose(predict(same, data.x), predict(graph, data.x), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS[:4])
def test_training_comes_nearer_to_the_source_model(kind: int) -> None:
    graph = balanced(cnn(kind, kinds=(kind,)))
    data = Samples(samples(graph, 512).x)
    start = disturbed(graph)
    trained = finetune(start, data, epochs=6, source=graph)
    fresh = samples(graph, 200, seed=1).x

    def distance(g: Graph) -> float:
        return float(np.square(predict(g, fresh) - predict(graph, fresh)).mean())

    assert distance(trained) < 0.8 * distance(start)


def test_labels_are_learned() -> None:
    graph = balanced(mlp(12, 16, 4, act=Relu, head=Softmax))
    data = samples(graph, 1000)
    start = disturbed(disturbed(graph))

    def right(g: Graph) -> float:
        return float((predict(g, data.x).argmax(axis=1) == data.y).mean())

    assert right(finetune(start, data, epochs=10)) > right(start)


def test_the_scale_that_is_known_does_not_change_what_is_computed() -> None:
    graph = cnn(1, kinds=(0,))
    data = samples(graph)
    scales = {
        n.name: np.linspace(0.1, 3, len(graph.constants[n.inputs[2]])).astype(np.float32)
        for n in graph.nodes
        if n.op.kind == "conv2d"
    }
    same = finetune(graph, data, epochs=0, scales=scales)
    np.testing.assert_allclose(predict(same, data.x), predict(graph, data.x), rtol=1e-3, atol=1e-5)


def test_the_same_seed_gives_the_same_network() -> None:
    graph = cnn(1, kinds=(0,))
    data = samples(graph, 128)
    how = Training(shift=1, flip=True)
    a, b, c = (finetune(graph, data, epochs=1, training=how, seed=s) for s in (0, 0, 1))
    assert all(np.array_equal(a.constants[k], b.constants[k]) for k in a.constants)
    assert any(not np.array_equal(a.constants[k], c.constants[k]) for k in a.constants)


def test_images_move_by_whole_pixels_and_nothing_else_does() -> None:
    x = torch.arange(2 * 5 * 4 * 3, dtype=torch.float32).reshape(2, 5, 4, 3) + 1
    moved = _moved(x, Training(shift=2), torch.Generator().manual_seed(0))
    assert moved.shape == x.shape
    assert set(moved.unique().tolist()) <= {0.0, *x.unique().tolist()}
    vectors = torch.ones(4, 7)
    assert torch.equal(_moved(vectors, Training(shift=2), torch.Generator()), vectors)


def test_without_labels_and_source_there_is_nothing_to_learn() -> None:
    graph = mlp(6, 5, 3)
    with pytest.raises(EdgePruneError, match="no labels"):
        finetune(graph, Samples(samples(graph, 8).x), epochs=1)


def test_a_device_that_is_not_there_is_said() -> None:
    graph = mlp(6, 5, 3)
    with pytest.raises(EdgePruneError, match="warp"):
        finetune(graph, samples(graph, 8), epochs=1, device="warp")
