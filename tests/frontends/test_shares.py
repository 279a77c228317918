"""What a file keeps once is one constant only for those whose channels go together anyway."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.frontends.normalize import normalize
from edgeprune.frontends.shares import split_shares
from edgeprune.ir import Graph, Node, TensorType, build_graph, couple, predict
from edgeprune.ops import Add, Conv2d, Dense, DepthwiseConv2d, Mul, Relu

ZEROS = np.zeros(4, np.float32)


def network(nodes: list[Node], outputs: list[str], rng: np.random.Generator) -> Graph:
    """Operators on an image x, and on a row r; the constants that they name by kind and size."""
    shapes = {"a": (4, 1, 1, 4), "b": (4, 1, 1, 4), "dw": (3, 3, 4), "m": (4, 4), "n": (4, 4)}
    held = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
    inputs = {"x": TensorType((5, 5, 4)), "r": TensorType((4,))}
    read = {v for n in nodes for v in n.inputs}
    fed = {k: t for k, t in inputs.items() if k in read}
    scale = rng.normal(size=4).astype(np.float32)
    return build_graph("g", nodes, fed, outputs, {**held, "zeros": ZEROS, "scale": scale})


def test_layers_that_read_the_same_zeros_are_pruned_each_by_itself(
    rng: np.random.Generator,
) -> None:
    nodes = [
        Node("depthwise", DepthwiseConv2d(), ("x", "dw", "zeros"), "u"),
        Node("pointwise", Conv2d(), ("u", "a", "zeros"), "v"),
        Node("relu", Relu(), ("v",), "w"),
        Node("last", Conv2d(), ("w", "b", "zeros"), "y"),
    ]
    graph = network(nodes, ["y"], rng)
    assert couple(graph).count == 4
    split = normalize(graph)
    found = couple(split)
    assert found.count == 12
    assert not np.intersect1d(found.values["x"], found.values["v"]).size
    x = rng.normal(size=(3, 5, 5, 4)).astype(np.float32)
    np.testing.assert_array_equal(predict(split, x), predict(graph, x))


@pytest.mark.parametrize("shared", [True, False])
def test_layers_that_share_their_weights_share_their_biases(
    shared: bool, rng: np.random.Generator
) -> None:
    nodes = [
        Node("left", Dense(), ("r", "m", "zeros"), "s"),
        Node("scaled", Mul(), ("s", "scale"), "t"),
        Node("right", Dense(), ("t", "m" if shared else "n", "zeros"), "u"),
        Node("scaled_too", Mul(), ("u", "scale"), "v"),
    ]
    split = split_shares(network(nodes, ["v"], rng))
    assert len(split.constants) == (3 if shared else 6)


def test_a_vector_is_one_for_those_that_an_addition_joins(rng: np.random.Generator) -> None:
    nodes = [
        Node("left", Dense(), ("r", "m", "zeros"), "s"),
        Node("right", Dense(), ("r", "n", "zeros"), "t"),
        Node("sum", Add(), ("s", "t"), "u"),
    ]
    graph = network(nodes, ["u"], rng)
    assert split_shares(graph) is graph
