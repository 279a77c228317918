"""How much of a network is computed at once."""

from __future__ import annotations

import pytest

from edgeprune.ir import DType, Graph, Node, TensorType, build_graph, samples_held
from edgeprune.ops import Relu


def of_one_value(elements: int) -> Graph:
    """A network that holds so many elements a sample."""
    inputs = {"x": TensorType((elements,), DType.FLOAT32)}
    return build_graph("test", [Node("relu", Relu(), ("x",), "y")], inputs, ["y"], {})


@pytest.mark.parametrize(
    ("elements", "samples"),
    [
        (1000, 1000),  # as many as the memory is for
        (62_500, 16),
        (100_000, 16),  # some more than it is for
        (2**20, 16),
        (2**21, 8),  # but not without end
        (2**25, 1),
    ],
)
def test_large_networks_are_computed_sixteen_samples_at_once_while_memory_bears_it(
    elements: int, samples: int
) -> None:
    assert samples_held(of_one_value(elements), 1_000_000) == samples
