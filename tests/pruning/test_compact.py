"""Compacted equals masked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from masked import masked_hook
from pruning.graphs import BLOCKS, Builder, cnn, mlp

from edgeprune.ir import Coupling, Graph, Node, Samples, TensorType, build_graph, couple, run
from edgeprune.ops import (
    OPS,
    Concat,
    Dense,
    Gather,
    MatMul,
    Quantize,
    Relu,
    Reshape,
    Sigmoid,
    Softmax,
    Sub,
    Unary,
)
from edgeprune.ops.examples import FIXED
from edgeprune.pruning.compact import compact, folds


def choose(graph: Graph, c: Coupling, seed: int, share: float, inputs: bool = False) -> np.ndarray:
    """Channels at random, as many as go without emptying a value."""
    rng = np.random.default_rng(seed)
    free = ~c.pinned & (c.inputs if inputs else ~c.inputs)
    removed = np.zeros(c.count, bool)
    for k in rng.permutation(np.flatnonzero(free)):
        if rng.random() > share:
            continue
        removed[k] = True
        if any(removed[ids].all() for ids in c.values.values()):
            removed[k] = False
    return removed


def outputs(graph: Graph, x: np.ndarray, hook=None) -> list[np.ndarray]:
    with torch.inference_mode():
        values = run(graph, {"x": torch.from_numpy(x)}, hook=hook)
    return [values[v].numpy() for v in graph.outputs]


def assert_compacted_is_masked(
    graph: Graph, removed: np.ndarray, fill=None, seed: int = 0
) -> Graph:
    c = couple(graph)
    x = np.random.default_rng(seed).normal(size=(3, *graph.types["x"].shape)).astype(np.float32)
    small = compact(graph, c, removed, fill)
    want = outputs(graph, x, masked_hook(graph, c, removed, fill))
    for a, b in zip(want, outputs(small, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)
    return small


@pytest.mark.parametrize("kind", range(BLOCKS))
@pytest.mark.parametrize("seed", range(3))
def test_every_block_compacted_computes_what_it_computes_masked(kind: int, seed: int) -> None:
    graph = cnn(seed, kinds=(kind,))
    removed = choose(graph, couple(graph), seed, 0.6)
    assert removed.any()
    small = assert_compacted_is_masked(graph, removed)
    assert small.params < graph.params


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), blocks=st.integers(1, 5), share=st.floats(0.1, 1))
def test_random_graphs_compacted_compute_what_they_compute_masked(
    seed: int, blocks: int, share: float
) -> None:
    graph = cnn(seed, blocks)
    assert_compacted_is_masked(graph, choose(graph, couple(graph), seed, share), seed=seed)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.1, 1))
def test_what_a_removed_neuron_leaves_behind_is_folded_exactly(seed: int, share: float) -> None:
    graph = cnn(seed, blocks=2)
    c = couple(graph)
    rng = np.random.default_rng(seed)
    fill = {
        graph.node(r.node).inputs[0]: rng.normal(
            size=graph.types[graph.node(r.node).inputs[0]].shape[-1]
        )
        for r in c.reads
    }
    for r in c.reads:  # values that a padded convolution reads can only leave 0 behind
        if not folds(graph, r):
            fill.pop(graph.node(r.node).inputs[0], None)
    assert_compacted_is_masked(graph, choose(graph, c, seed, share), fill, seed)


def test_a_padded_convolution_refuses_a_constant_that_its_border_does_not_see() -> None:
    b = Builder(0, x=(5, 5, 2))
    y = b.conv("x", 3)
    graph = b.build(b.conv(y, 2, pad=1))
    removed = np.isin(np.arange(couple(graph).count), couple(graph).values[y][0, 0, :1])
    with pytest.raises(AssertionError, match="padded"):
        compact(graph, couple(graph), removed, {y: np.ones(3)})


@pytest.mark.parametrize("seed", range(4))
def test_inputs_are_skipped_by_a_gather_and_the_interface_stays(seed: int) -> None:
    graph = mlp(12, 6, 5, 3, seed=seed)
    removed = choose(graph, couple(graph), seed, 0.5, inputs=True)
    small = assert_compacted_is_masked(graph, removed)
    assert small.types["x"] == graph.types["x"]
    assert any(isinstance(n.op, Gather) for n in small.nodes)


def test_pixels_of_an_image_are_skipped_behind_the_flatten() -> None:
    b = Builder(0, x=(5, 4, 1))
    mean = b.add(Sub(), "x", b.constant(5, 4, 1))
    flat = b.add(Reshape((20,)), mean)
    graph = b.build(b.dense(b.add(Relu(), b.dense(flat, 6)), 3))
    removed = choose(graph, couple(graph), 1, 0.5, inputs=True)
    small = assert_compacted_is_masked(graph, removed)
    (gather,) = (n for n in small.nodes if isinstance(n.op, Gather))
    assert len(gather.op.indices) == 20 - removed.sum()
    again = couple(small)
    assert again.values[gather.output].size == 20 - removed.sum()
    more = np.isin(np.arange(again.count), again.values[gather.output][:3])
    smaller = assert_compacted_is_masked(small, more)
    (gather,) = (n for n in smaller.nodes if isinstance(n.op, Gather))
    assert len(gather.op.indices) == 17 - removed.sum()


def test_a_colour_is_skipped_in_front_of_the_first_convolution() -> None:
    graph = cnn(3, kinds=(0,))
    c = couple(graph)
    removed = np.isin(np.arange(c.count), c.values["x"][0, 0, 1])
    small = assert_compacted_is_masked(graph, removed)
    assert small.nodes[0].op == Gather((0, 2))


def test_inputs_and_neurons_go_together() -> None:
    graph = mlp(12, 6, 5, 3)
    c = couple(graph)
    removed = choose(graph, c, 0, 0.5, inputs=True) | choose(graph, c, 0, 0.5)
    assert_compacted_is_masked(graph, removed)


def test_a_bias_that_two_layers_share_is_folded_for_the_one_that_needs_it() -> None:
    b = Builder(0, x=(4,))
    shared = b.constant(3)
    h = b.add(Sigmoid(), b.dense("x", 5))
    one = b.add(Dense(), h, b.constant(3, 5), shared)
    two = b.add(Dense(), "x", b.constant(3, 4), shared)
    graph = b.build(b.add(Concat(), one, two))
    removed = np.isin(np.arange(couple(graph).count), couple(graph).values[h][:2])
    assert_compacted_is_masked(graph, removed, {h: np.full(5, 0.5)})


def test_neurons_that_are_reshaped_into_an_image_go_in_whole_slabs() -> None:
    b = Builder(0, x=(6,))
    y = b.add(Reshape((3, 4, 2)), b.add(Relu(), b.dense("x", 24)))
    y = b.add(Reshape((24,)), b.add(Sigmoid(), y))
    graph = b.build(b.dense(y, 3))
    c = couple(graph)
    assert (~c.pinned & ~c.inputs).sum() == 2
    small = assert_compacted_is_masked(graph, choose(graph, c, 0, 1.0))
    assert small.types[y].shape == (12,)


def test_nothing_removed_is_the_same_graph() -> None:
    graph = mlp(4, 3, 2)
    assert compact(graph, couple(graph), np.zeros(couple(graph).count, bool)) is graph


def test_every_operator_with_a_channel_axis_is_in_the_random_graphs() -> None:
    seen = {n.op.kind for k in range(BLOCKS) for s in range(3) for n in cnn(s, kinds=(k,)).nodes}
    one = {kind for kind, op in OPS.items() if issubclass(op, Unary)}  # of one element: all alike
    assert all(OPS[kind].couple is Unary.couple for kind in one)
    elementwise = one | {"sub", "div", "keep", "prelu"}
    others = {"log_softmax", "gather", "quantize", "dequantize", "matmul", "embedding", *FIXED}
    assert seen | elementwise | others == set(OPS)
    assert Quantize.kind in others


def test_values_of_an_attention_compacted_compute_what_they_compute_masked() -> None:
    rng = np.random.default_rng(0)
    widths = {"q": (5, 4), "k": (5, 4), "v": (6, 4), "out": (2, 6)}
    constants = {f"{n}/w": rng.normal(size=s).astype(np.float32) for n, s in widths.items()}
    constants |= {f"{n}/b": rng.normal(size=s[0]).astype(np.float32) for n, s in widths.items()}
    nodes = [Node(n, Dense(), ("x", f"{n}/w", f"{n}/b"), n) for n in ("q", "k", "v")]
    nodes += [
        Node("scores", MatMul(transposed=True), ("q", "k"), "scores"),
        Node("shares", Softmax(), ("scores",), "shares"),
        Node("mixed", MatMul(), ("shares", "v"), "mixed"),
        Node("out", Dense(), ("mixed", "out/w", "out/b"), "out"),
    ]
    graph = build_graph("attention", nodes, {"x": TensorType((7, 4))}, ["out"], constants)
    coupling = couple(graph)
    free = ~coupling.pinned & ~coupling.inputs
    assert free.sum() == 6  # of the values; queries and keys are summed over
    removed = free & (np.cumsum(free) % 3 == 0)
    small = assert_compacted_is_masked(graph, removed)
    assert small.types["mixed"].shape == (7, 4)


def test_a_split_keeps_every_label_in_proportion_and_loses_nothing() -> None:
    y = np.repeat(np.arange(4), [40, 20, 12, 8])
    data = Samples(np.arange(80, dtype=np.float32)[:, None], y)
    rest, part = data.split(0.25, seed=1)
    assert (len(rest), len(part)) == (60, 20)
    assert sorted([*rest.x[:, 0], *part.x[:, 0]]) == list(range(80))
    assert np.abs(np.bincount(part.y) - [10, 5, 3, 2]).max() <= 1
    assert np.array_equal(part.x, data.split(0.25, seed=1)[1].x)
