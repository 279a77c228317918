"""The last layer solved for the loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pruning import graphs

from edgeprune.ir import Graph, Samples
from edgeprune.ops import Relu, Sigmoid, Softmax
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.obs.head import resolve_head, value_of


def disturbed(graph: Graph) -> tuple[Graph, np.ndarray, torch.Tensor]:
    """With another last layer; samples, and what the graph has in front of its activation."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 12)).astype(np.float32)
    loss = make_loss(graph, Samples(x))
    last = graph.producer[loss.value].inputs[1:]
    noise = {v: 0.5 * rng.normal(size=graph.constants[v].shape) for v in last}
    moved = {v: (graph.constants[v] + n).astype(np.float32) for v, n in noise.items()}
    return graph.with_constants(moved), x, value_of(graph, x, loss.value)


def error(graph: Graph, x: np.ndarray, wanted: torch.Tensor) -> float:
    loss = make_loss(graph, Samples(x))
    z = value_of(graph, x, loss.value)
    turn = torch.sigmoid if loss.kind == "sigmoid" else torch.log_softmax
    a, b = (turn(v) if loss.kind == "sigmoid" else turn(v, 1) for v in (z, wanted))
    return float((a - b).square().mean())


@pytest.mark.parametrize("head", [Softmax, Sigmoid])
def test_a_last_layer_that_was_disturbed_answers_again_as_it_did(head: type) -> None:
    graph = graphs.balanced(graphs.mlp(12, 10, 4, act=Relu, head=head))
    other, x, wanted = disturbed(graph)
    loss = make_loss(other, Samples(x))
    solved = other.with_constants(resolve_head(other, loss, x, wanted))
    assert error(solved, x, wanted) < 1e-2 * error(other, x, wanted)


def test_momentum_comes_as_far_as_four_times_as_many_steps_without() -> None:
    graph = graphs.balanced(graphs.mlp(12, 10, 4, act=Relu, head=Softmax))
    x = np.random.default_rng(0).normal(size=(600, 12)).astype(np.float32)
    loss = make_loss(graph, Samples(x))
    last = graph.producer[loss.value].inputs[1]
    # certain answers: the bound of the curvature is far from it, and plain steps are short
    sharp = graph.with_constants({last: 10 * graph.constants[last]})
    wanted = value_of(sharp, x, loss.value)
    few = graph.with_constants(resolve_head(graph, loss, x, wanted, steps=25))
    slow = graph
    for _ in range(100):  # one step alone has none
        slow = slow.with_constants(resolve_head(slow, loss, x, wanted, steps=1))
    assert error(few, x, wanted) < error(slow, x, wanted)


@pytest.mark.parametrize("head", [Softmax, Sigmoid])
def test_momentum_that_starts_anew_where_it_leads_uphill_does_not_swing(head: type) -> None:
    """Without that, forty steps end ten thousand times as far away."""
    graph = graphs.balanced(graphs.mlp(12, 10, 4, act=Relu, head=head))
    other, x, wanted = disturbed(graph)
    loss = make_loss(other, Samples(x))
    solved = other.with_constants(resolve_head(other, loss, x, wanted, steps=40))
    assert error(solved, x, wanted) < 1e-10
