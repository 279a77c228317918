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
