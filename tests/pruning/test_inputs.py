"""Inputs that never change, and inputs as neurons."""

from __future__ import annotations

import numpy as np
from pruning.graphs import Builder, balanced, cnn, mlp

from edgeprune.ir import Graph, Samples, couple, predict
from edgeprune.ops import Dense, Relu, Reshape, Softmax
from edgeprune.pruning import obs
from edgeprune.pruning.compact import compact
from edgeprune.pruning.inputs import constant_inputs


def table_of(graph: Graph) -> list[int]:
    """The inputs that are read, where some are not."""
    return [len(n.op.indices) for n in graph.nodes if n.op.kind == "gather"]


def images(graph: Graph, n: int = 200) -> np.ndarray:
    shape = graph.types["x"].shape
    return np.random.default_rng(0).normal(size=(n, *shape)).astype(np.float32)


def test_constant_inputs_go_exactly_and_the_interface_stays() -> None:
    graph = mlp(12, 8, 3, act=Relu, head=Softmax)
    x = images(graph)
    x[:, [2, 5]] = 0.7
    x[:, 9] = 0
    coupling = couple(graph)
    mask, fill = constant_inputs(graph, coupling, x)
    assert np.flatnonzero(mask[coupling.values["x"]]).tolist() == [2, 5, 9]
    smaller = compact(graph, coupling, mask, fill)
    assert table_of(smaller) == [9]
    assert smaller.types["x"].shape == (12,)
    np.testing.assert_allclose(predict(smaller, x), predict(graph, x), rtol=1e-5, atol=1e-6)


def test_constant_pixels_go_behind_a_flatten() -> None:
    b = Builder(0, x=(4, 5, 1))
    graph = b.build(b.add(Softmax(), b.dense(b.add(Reshape((20,)), "x"), 4)))
    x = images(graph)
    x[:, 0] = 0.25
    coupling = couple(graph)
    mask, fill = constant_inputs(graph, coupling, x)
    assert mask.sum() == 5
    smaller = compact(graph, coupling, mask, fill)
    assert table_of(smaller) == [15]
    np.testing.assert_allclose(predict(smaller, x), predict(graph, x), rtol=1e-5, atol=1e-6)


def test_a_padded_convolution_keeps_a_colour_that_is_constant_but_not_zero() -> None:
    graph = cnn(0, kinds=(0,))
    coupling = couple(graph)
    x = images(graph)
    x[..., 1] = 0.5
    assert not constant_inputs(graph, coupling, x)[0].any()
    x[..., 1] = 0
    assert constant_inputs(graph, coupling, x)[0].sum() == 1


def test_one_input_stays_even_if_all_are_constant() -> None:
    graph = mlp(4, 3, 2)
    mask, _ = constant_inputs(graph, couple(graph), np.ones((5, 4), np.float32))
    assert mask.sum() == 3


def test_an_input_that_follows_from_the_others_goes_first() -> None:
    graph = balanced(mlp(10, 12, 4, act=Relu, head=Softmax))
    x = images(graph, 600)
    x[:, 7] = 0.5 * x[:, 1] - 2 * x[:, 4] + 0.3
    pruned = obs.Search(graph, Samples(x)).prune(limits={"params": graph.params - 10})
    gone = [int(np.flatnonzero(pruned.coupling.values["x"] == k)[0]) for k in pruned.order]
    assert gone == [gone[0]]
    assert gone[0] in (1, 4, 7)  # any of the three follows from the other two
    np.testing.assert_allclose(predict(pruned.graph, x), predict(graph, x), rtol=0, atol=2e-3)
    assert isinstance(pruned.graph.nodes[1].op, Dense)


def test_a_depthwise_layer_of_the_input_is_left_with_the_one_channel_that_says_something() -> None:
    b = Builder(0, x=(6, 6, 4))
    graph = b.build(b.conv(b.depthwise("x"), 3, k=1))
    x = images(graph, 60)
    x[..., [0, 1, 3]] = 0
    pruned = obs.Search(graph, Samples(x)).prune(limits={"params": 9 + 1 + 3 + 3})
    kept = ~pruned.removed[pruned.coupling.values["x"]]
    assert np.flatnonzero(kept[0, 0]).tolist() == [2]
    np.testing.assert_allclose(predict(pruned.graph, x), predict(graph, x), rtol=0, atol=2e-3)
