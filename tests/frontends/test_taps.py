"""Taps that lie in the padding at every position are no part of a convolution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.frontends.normalize import normalize
from edgeprune.frontends.taps import drop_taps
from edgeprune.ir import (
    Graph,
    Node,
    TensorType,
    build_graph,
    couple,
    predict,
    quantise_array,
    run_int,
)
from edgeprune.ops import Conv2d, Convolution, DepthwiseConv2d, Relu
from edgeprune.ops._window import Padding
from edgeprune.pruning.compact import compact
from edgeprune.quantize import observe, quantise

Pair = tuple[int, int]


def network(image: Pair, kernel: Pair, op: Convolution, seed: int = 0) -> Graph:
    """A convolution of three channels to six, and a clamp."""
    rng = np.random.default_rng(seed)
    shape = (6, *kernel, 3) if isinstance(op, Conv2d) else (*kernel, 6)
    held = {"w": rng.normal(size=shape), "b": rng.normal(size=6)}
    nodes = [Node("layer", op, ("x", "w", "b"), "v"), Node("relu", Relu(), ("v",), "y")]
    constants = {k: v.astype(np.float32) for k, v in held.items()}
    return build_graph("g", nodes, {"x": TensorType((*image, 3))}, ["y"], constants)


def agree(graph: Graph, other: Graph) -> None:
    """Both compute the same, and as integers the same bits."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(8, *graph.types["x"].shape)).astype(np.float32)
    np.testing.assert_allclose(predict(other, x), predict(graph, x), rtol=1e-5, atol=1e-5)
    whole = quantise(graph, {v: o.range("minmax", 256) for v, o in observe(graph, x).items()})
    less = normalize(whole)
    assert shapes(less) == shapes(other)
    for old, new in zip(whole.nodes, less.nodes, strict=True):
        for v, w in zip(old.inputs, new.inputs, strict=True):
            assert less.types[w].quant == whole.types[v].quant
    feed = {"x": quantise_array(x, whole.types["x"])}
    results = [run_int(g, feed)[g.outputs[0]] for g in (whole, less)]
    assert np.array_equal(*results)


def shapes(graph: Graph) -> list[tuple[object, ...]]:
    """Windows, paddings and dilations of all convolutions."""
    return [
        (n.op.window(graph.types[n.inputs[1]].shape), n.op.padding, n.op.dilation)
        for n in graph.nodes
        if isinstance(n.op, Convolution)
    ]


ALL = (12, 12)
CASES = {  # image, kernel, stride, dilation, padding; what is left: kernel, dilation, padding
    "as far as the map": (ALL, (3, 3), 1, (12, 12), (12, 12, 12, 12), (1, 1), (1, 1), ()),
    "two thirds of it": (ALL, (3, 3), 1, (8, 8), (8, 8, 8, 8), (3, 3), (8, 8), (8, 8, 8, 8)),
    "over time": ((16, 1), (3, 1), 1, (16, 1), (16, 0, 16, 0), (1, 1), (1, 1), ()),
    "rows alone": (ALL, (3, 3), 1, (12, 2), (12, 2, 12, 2), (1, 3), (1, 2), (0, 2, 0, 2)),
    "a stride": (ALL, (3, 3), 2, (12, 12), (12, 12, 12, 12), (1, 1), (1, 1), ()),
    "a stride, SAME": (ALL, (3, 3), 2, (12, 12), (11, 11, 12, 12), (2, 2), (12, 12), (11, 11)),
    "even": (ALL, (4, 2), 1, (6, 12), (9, 0, 9, 12), (4, 1), (6, 1), (9, 0, 9)),
    "even, far": (ALL, (4, 1), 1, (8, 1), (12, 0, 12, 0), (2, 1), (8, 1), (4, 0, 4)),
    "unequal": (ALL, (3, 3), 1, (12, 12), (12, 24, 12, 0), (1, 1), (1, 1), ()),
    "before alone": ((8, 1), (3, 1), 1, (8, 1), (16, 0, 0, 0), (1, 1), (1, 1), ()),
    "of three one before": (ALL, (3, 1), 1, (8, 1), (16, 0, 0, 0), (2, 1), (8, 1), (8,)),
    "behind alone": ((8, 1), (3, 1), 1, (8, 1), (0, 0, 16, 0), (1, 1), (1, 1), ()),
    "nothing but padding": ((2, 2), (2, 1), 4, (3, 1), (9, 0, 0, 0), (1, 1), (1, 1), (6,)),
    "no dilation": ((2, 2), (5, 5), 1, (1, 1), (2, 2, 2, 2), (3, 3), (1, 1), (1, 1, 1, 1)),
    "no padding": (ALL, (3, 3), 1, (4, 4), (), (3, 3), (4, 4), ()),
    "a pixel": (ALL, (1, 1), 1, (3, 3), (), (1, 1), (3, 3), ()),
}  # fmt: skip


@pytest.mark.parametrize("kind", [Conv2d, DepthwiseConv2d])
@pytest.mark.parametrize("name", CASES)
def test_taps_that_meet_nothing_go_and_nothing_else_changes(
    name: str, kind: type[Convolution]
) -> None:
    image, kernel, stride, dilation, pad, *left = CASES[name]
    op = kind((stride, stride), Padding(*pad), dilation)
    graph = network(image, kernel, op)
    made = normalize(graph)
    assert shapes(made) == [(left[0], Padding(*left[2]), left[1])]
    if left[0] == kernel:
        assert drop_taps(graph) is graph
    agree(graph, made)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_window_computes_the_same_without_them(data: st.DataObject) -> None:
    def pick(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    image, kernel = (pick(1, 7), pick(1, 7)), (pick(1, 4), pick(1, 4))
    stride, dilation = (pick(1, 3), pick(1, 3)), (pick(1, 8), pick(1, 8))
    spans = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    pads = [pick(max(0, s + 1 - n), s + 2) for s, n in zip(spans, image, strict=True)]
    top, left = (pick(0, p) for p in pads)
    kind = data.draw(st.sampled_from([Conv2d, DepthwiseConv2d]))
    op = kind(stride, Padding(top, left, pads[0] - top, pads[1] - left), dilation)
    graph = network(image, kernel, op)
    made = drop_taps(graph)
    assert made.types["y"] == graph.types["y"]
    assert drop_taps(made) is made
    agree(graph, made)


def test_layers_that_share_their_weights_keep_what_each_of_them_needs() -> None:
    rng = np.random.default_rng(2)
    near, far = (Conv2d((1, 1), Padding(d, d, d, d), (d, d)) for d in (1, 6))
    nodes = [
        Node("near", near, ("x", "w", "b"), "p"),
        Node("far", far, ("p", "w", "b"), "q"),
        Node("farther", far, ("q", "w", "b"), "y"),
    ]
    held = {"w": rng.normal(size=(3, 3, 3, 3)), "b": rng.normal(size=3)}
    constants = {k: v.astype(np.float32) for k, v in held.items()}
    graph = build_graph("g", nodes, {"x": TensorType((6, 6, 3))}, ["y"], constants)
    made = drop_taps(graph)
    weights = [n.inputs[1] for n in made.nodes]
    assert weights[0] == "w"
    assert weights[1] == weights[2] != "w"
    assert [made.types[v].shape for v in weights] == [(3, 3, 3, 3), *[(3, 1, 1, 3)] * 2]
    agree(graph, made)


def test_channels_of_what_is_left_are_pruned() -> None:
    rng = np.random.default_rng(3)
    around = Padding(6, 6, 6, 6)
    nodes = [
        Node("far", Conv2d((1, 1), around, (6, 6)), ("x", "w", "b"), "v"),
        Node("each", DepthwiseConv2d((1, 1), around, (6, 6)), ("v", "d", "b"), "u"),
        Node("head", Conv2d(), ("u", "h", "c"), "y"),
    ]
    sizes = {"w": (6, 3, 3, 3), "b": (6,), "d": (3, 3, 6), "h": (2, 1, 1, 6), "c": (2,)}
    constants = {k: rng.normal(size=s).astype(np.float32) for k, s in sizes.items()}
    graph = build_graph("g", nodes, {"x": TensorType((6, 6, 3))}, ["y"], constants)
    made = drop_taps(graph)
    small, less = (smaller(g) for g in (graph, made))
    assert [less.types[n.inputs[1]].shape for n in less.nodes] == [
        (4, 1, 1, 3),
        (1, 1, 4),
        (2, 1, 1, 4),
    ]
    x = rng.normal(size=(8, 6, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(predict(less, x), predict(small, x), rtol=1e-5, atol=1e-5)


def smaller(graph: Graph) -> Graph:
    """Without two channels of the first layer."""
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    removed[np.unique(coupling.values["v"])[[1, 4]]] = True
    return compact(graph, coupling, removed)
