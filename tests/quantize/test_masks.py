"""Which sums are masks of scores, and what becomes of those."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.ir import Node, TensorType, build_graph
from edgeprune.ir.types import MASKED
from edgeprune.ops import Add, Dense, LogSoftmax, Relu, Reshape, Softmax, Transpose
from edgeprune.quantize.masks import BELOW_SCORES, with_masks

FAR = np.asarray([[0, -9e9, 0], [3 * MASKED, 0, MASKED]], np.float32)


def masked(*readers: Node, outputs: tuple[str, ...] = ("y",), mask: np.ndarray = FAR) -> bool:
    """Whether the sum of a value and a constant is taken for a mask of scores."""
    nodes = [Node("a", Add(), ("x", "k"), "a"), *readers]
    held = {"k": mask, "weights": np.eye(3, dtype="f"), "bias": np.zeros(3, "f")}
    graph = build_graph("g", nodes, {"x": TensorType((2, 3))}, outputs, held)
    made, ends = with_masks(graph, dict.fromkeys(graph.activations, (-2.0, 5.0)))
    (name,) = (v for v in made.nodes[0].inputs if v in made.constants)
    if ends["a"] == (-2.0, 5.0):
        assert ends == dict.fromkeys(graph.activations, (-2.0, 5.0))
        np.testing.assert_array_equal(made.constants[name], mask)
        return False
    assert ends["a"] == (-2.0 - BELOW_SCORES, 5.0)
    np.testing.assert_array_equal(made.constants[name], np.maximum(mask, np.float32(MASKED)))
    return True


SOFTMAX = Node("s", Softmax(), ("a",), "y")
RELU = Node("r", Relu(), ("a",), "r")


@pytest.mark.parametrize(
    "readers",
    [
        (SOFTMAX,),
        (Node("s", LogSoftmax(), ("a",), "y"),),
        (Node("m", Reshape(shape=(3, 2)), ("a",), "m"), Node("s", Softmax(), ("m",), "y")),
        (Node("t", Transpose((1, 0)), ("a",), "t"), Node("s", Softmax(), ("t",), "y")),
        (Node("b", Add(), ("k", "a"), "b"), Node("s", Softmax(), ("b",), "y")),
    ],
    ids=lambda readers: " ".join(n.op.kind for n in readers),
)
def test_a_large_number_is_a_mask_where_only_a_softmax_sees_it(readers: tuple[Node, ...]) -> None:
    assert masked(*readers)


@pytest.mark.parametrize(
    ("readers", "outputs"),
    [
        ((RELU, SOFTMAX), ("y", "r")),
        ((SOFTMAX,), ("y", "a")),
        ((Node("b", Relu(), ("a",), "b"), Node("s", Softmax(), ("b",), "y")), ("y",)),
        ((Node("b", Add(), ("x", "a"), "b"), Node("s", Softmax(), ("b",), "y")), ("y",)),
        ((Node("m", Reshape(shape=(6,)), ("a",), "y"),), ("y",)),
        (
            (Node("d", Dense(), ("a", "weights", "bias"), "d"), Node("s", Softmax(), ("d",), "y")),
            ("y",),
        ),
    ],
    ids=["read by others", "an output", "rectified", "added to", "moved to an output", "a layer"],
)
def test_it_is_a_number_where_anything_else_does(
    readers: tuple[Node, ...], outputs: tuple[str, ...]
) -> None:
    assert not masked(*readers, outputs=outputs)


def test_half_of_what_a_mask_takes_away_is_one_and_less_is_a_number() -> None:
    flat = np.zeros((2, 3), np.float32)
    for least, is_mask in ((MASKED, True), (MASKED / 2, True), (MASKED / 2 + 1, False)):
        flat[1, 2] = least
        assert masked(SOFTMAX, mask=flat) == is_mask


def test_masks_one_behind_the_other_each_take_away_the_same() -> None:
    left, right = np.zeros((2, 2, 3), np.float32)
    left[:, 0], right[:, 1] = MASKED, MASKED
    nodes = [Node("s", Add(), ("x", "a"), "s"), Node("u", Add(), ("s", "b"), "u")]
    nodes.append(Node("y", Softmax(), ("u",), "y"))
    held = {"a": left, "b": right}
    graph = build_graph("g", nodes, {"x": TensorType((2, 3))}, ["y"], held)
    seen = {"x": (-3.0, 3.0), "s": (MASKED, 3.0), "u": (MASKED, 3.0), "y": (0.0, 1.0)}
    _, ends = with_masks(graph, seen)
    assert ends["s"] == (-3 - BELOW_SCORES, 3)
    assert ends["u"] == (-3 - 2 * BELOW_SCORES, 3)


@pytest.mark.parametrize("read", [False, True])
def test_a_computed_mask_saturates_unless_something_else_reads_it(read: bool) -> None:
    nodes = [Node("m", Reshape((2, 3)), ("k",), "m"), Node("a", Add(), ("x", "m"), "a"), SOFTMAX]
    nodes += [Node("r", Relu(), ("m",), "r")] if read else []
    kinds = {"x": TensorType((2, 3)), "k": TensorType((3, 2))}
    graph = build_graph("g", nodes, kinds, ["y", "r"][: 1 + read], {})
    seen = {"x": (-3.0, 3.0), "k": (-1e9, 0.0), "m": (-1e9, 0.0), "a": (-1e9, 3.0)}
    _, ends = with_masks(graph, {**seen, "y": (0.0, 1.0), "r": (0.0, 0.0)})
    assert ends["m"] == ends["k"] == ((-1e9 if read else MASKED), 0.0)
