"""Which ids hang together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from edgeprune.ir import Node, TensorType, build_graph
from edgeprune.ir.channels import components, couple
from edgeprune.ops import Add


@pytest.mark.parametrize("seed", range(50))
def test_components_are_those_of_scipy_in_its_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    count, edges = int(random.integers(1, 200)), int(random.integers(0, 250))
    a, b = random.integers(0, count, (2, edges))
    links = coo_matrix((np.ones(edges, bool), (a, b)), shape=(count, count))
    wanted = connected_components(links, directed=False)[1]
    np.testing.assert_array_equal(components(count, a, b), wanted)


def test_a_long_chain_in_any_order_is_one_component() -> None:
    order = np.random.default_rng(0).permutation(5000)
    assert not components(5000, order[:-1], order[1:]).any()


def test_without_ids_there_is_no_component() -> None:
    nothing = np.zeros(0, np.int64)
    assert components(0, nothing, nothing).shape == (0,)


def test_what_is_made_of_two_numbers_is_a_number() -> None:
    """As a logarithm of a sum of exponentials makes it, of all elements of its input."""
    number = TensorType(())
    nodes = [Node("add", Add(), ("a", "b"), "y")]
    graph = build_graph("two", nodes, {"a": number, "b": number}, ["y"], {}, {})
    assert couple(graph).values["y"].shape == ()
