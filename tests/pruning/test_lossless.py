"""What is folded away without loss, in float and in integers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pruning.graphs import BLOCKS, Builder, cnn, mlp

from edgeprune.ir import Graph, Op, predict, run, run_int
from edgeprune.ops import (
    Concat,
    Conv2d,
    Gelu,
    HardSwish,
    Mean,
    Relu,
    Sigmoid,
    Slice,
    Tanh,
)
from edgeprune.pruning import lossless
from edgeprune.pruning.intervals import intervals
from edgeprune.quantize import observe, quantise

INTEGER_KINDS = tuple(k for k in range(BLOCKS) if k != 12)


def images(graph: Graph, n: int, seed: int = 0) -> np.ndarray:
    shape = graph.types["x"].shape
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def integers(graph: Graph) -> Graph:
    """A graph in int8, calibrated on random inputs."""
    seen = observe(graph, images(graph, 16))
    return quantise(graph, {v: o.range("minmax", 256) for v, o in seen.items()})


def every_byte(graph: Graph, n: int, seed: int = 0) -> dict[str, np.ndarray]:
    shape = graph.types["x"].shape
    return {"x": np.random.default_rng(seed).integers(-128, 128, (n, *shape)).astype(np.int8)}


def plant(graph: Graph, seed: int) -> Graph:
    """The graph with a row of zeros, a twin and, where that is one, a multiple in every layer."""
    rng = np.random.default_rng(seed)
    new = {}
    for node in graph.nodes[:-2]:
        if node.op.kind not in ("dense", "conv2d"):
            continue
        w, b = (graph.constants[v].copy() for v in node.inputs[1:])
        if len(b) < 4:
            continue
        i, j, k, m = rng.permutation(len(b))[:4]
        w[i] = 0
        w[k], b[k] = w[j], b[j]
        w[m], b[m] = 2 * w[j], 2 * b[j]
        new |= {node.inputs[1]: w, node.inputs[2]: b}
    return graph.with_constants(new)


@settings(max_examples=12)
@given(seed=st.integers(0, 200))
def test_every_float_value_lies_within_its_bounds(seed: int) -> None:
    graph = cnn(seed)
    x = images(graph, 8).clip(-1, 1)
    values = run(graph, {"x": torch.from_numpy(x)})
    for v, (low, high) in intervals(graph, (-1.0, 1.0)).items():
        y = values[v].numpy()
        assert (y >= low).all(), v
        assert (y <= high).all(), v


@pytest.mark.parametrize("kind", INTEGER_KINDS)
def test_every_integer_lies_within_its_bounds(kind: int) -> None:
    graph = integers(cnn(kind, kinds=(kind,)))
    values = run_int(graph, every_byte(graph, 8))
    for v, (low, high) in intervals(graph).items():
        assert (values[v] >= low).all(), v
        assert (values[v] <= high).all(), v


@settings(max_examples=12)
@given(seed=st.integers(0, 200))
def test_a_folded_float_network_computes_the_same(seed: int) -> None:
    graph = plant(cnn(seed), seed)
    smaller, report = lossless.fold(graph)
    x = images(graph, 16)
    np.testing.assert_allclose(predict(smaller, x), predict(graph, x), rtol=1e-4, atol=1e-5)
    assert report.params_after == smaller.params
    assert report.params_before == graph.params


@pytest.mark.parametrize("kind", INTEGER_KINDS)
def test_a_folded_integer_network_computes_the_same_bits(kind: int) -> None:
    graph = integers(plant(cnn(kind, kinds=(kind,)), kind))
    smaller, report = lossless.fold(graph)
    feed = every_byte(graph, 16)
    assert np.array_equal(
        run_int(smaller, feed)[smaller.outputs[0]], run_int(graph, feed)[graph.outputs[0]]
    )
    assert report.channels > 0
    assert smaller.params < graph.params


def test_a_constant_far_above_the_zero_point_goes_into_the_bias_whole() -> None:
    net = Builder(0, x=(5,))
    graph = net.build(net.dense(net.add(Relu(), net.dense("x", 4)), 3))
    layer = graph.nodes[0].inputs[1:]
    w, b = (graph.constants[v].copy() for v in layer)
    w[1], b[1] = 0, 20  # 255 steps above the zero point of the Relu: more than int8 has
    graph = integers(graph.with_constants(dict(zip(layer, (w, b), strict=True))))
    smaller, report = lossless.fold(graph)
    assert len(report.constant) == 1
    feed = every_byte(graph, 16)
    assert np.array_equal(
        run_int(smaller, feed)[smaller.outputs[0]], run_int(graph, feed)[graph.outputs[0]]
    )


def test_what_was_planted_is_found() -> None:
    graph = plant(mlp(6, 8, 7, 3, act=Relu), 0)
    smaller, report = lossless.fold(graph)
    assert len(report.constant) == 2
    assert len(report.duplicate) == 4
    assert [smaller.types[n.output].shape for n in smaller.nodes if n.op.kind == "dense"] == [
        (5,),
        (4,),
        (3,),
    ]


def test_a_multiple_behind_a_sigmoid_stays() -> None:
    _, report = lossless.fold(plant(mlp(6, 8, 7, 3, act=Sigmoid), 0))
    assert len(report.constant) == 2
    assert len(report.duplicate) == 2


def test_a_relu_that_no_input_can_wake_goes() -> None:
    graph = mlp(6, 8, 7, 3, act=Relu)
    bias = graph.constants[graph.nodes[0].inputs[2]].copy()
    bias[3] = -100
    graph = graph.with_constants({graph.nodes[0].inputs[2]: bias})
    assert lossless.fold(graph)[1].channels == 0
    smaller, report = lossless.fold(graph, (0.0, 1.0))
    assert len(report.constant) == 1
    x = np.random.default_rng(0).random((50, 6), np.float32)
    np.testing.assert_allclose(predict(smaller, x), predict(graph, x), rtol=1e-5)


@pytest.mark.parametrize("op", [Relu(), Tanh(), Gelu(), HardSwish()], ids=lambda op: op.kind)
def test_a_constant_goes_through_any_function(op: Op) -> None:
    b = Builder(0, x=(4,))
    graph = b.build(b.dense(b.add(op, b.dense("x", 6)), 3))
    weights = graph.constants["c0"].copy()
    weights[2] = 0
    graph = graph.with_constants({"c0": weights})
    smaller, report = lossless.fold(graph)
    assert len(report.constant) == 1
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    np.testing.assert_allclose(predict(smaller, x), predict(graph, x), rtol=1e-5, atol=1e-6)


def test_inputs_that_nothing_reads_are_skipped_where_that_is_smaller() -> None:
    narrow = mlp(40, 1, 3)
    w = narrow.constants[narrow.nodes[0].inputs[1]].copy()
    w[:, 5] = 0  # four bytes; a bit for each of 40 inputs takes five
    few = narrow.with_constants({narrow.nodes[0].inputs[1]: w})
    assert lossless.fold(few)[1].inputs == 0
    graph = mlp(40, 8, 3)
    w = graph.constants[graph.nodes[0].inputs[1]].copy()
    w[:, 5] = 0
    w[:, ::2] = 0
    many = graph.with_constants({graph.nodes[0].inputs[1]: w})
    smaller, report = lossless.fold(many)
    assert report.inputs == 21 - (5 % 2 == 0)
    assert smaller.types["x"].shape == (40,)
    x = images(graph, 20)
    np.testing.assert_allclose(predict(smaller, x), predict(many, x), rtol=1e-4, atol=1e-6)


def test_the_same_weights_on_two_halves_of_an_image_are_not_the_same() -> None:
    b = Builder(0, x=(8, 4, 2))
    top = b.add(Slice((0, 0, 0), (4, 4, 2), (1, 1, 1)), "x")
    low = b.add(Slice((4, 0, 0), (8, 4, 2), (1, 1, 1)), "x")
    w, bias = b.constant(3, 1, 1, 2), b.constant(3)
    halves = [b.add(Conv2d(), v, w, bias) for v in (top, low)]
    graph = b.build(b.dense(b.add(Mean(), b.add(Concat(), *halves)), 2))
    assert lossless.fold(graph)[1].channels == 0


def test_a_network_without_anything_to_fold_stays_as_it_is() -> None:
    graph = cnn(0)
    smaller, report = lossless.fold(graph)
    assert smaller == graph
    assert report.channels == report.inputs == 0
