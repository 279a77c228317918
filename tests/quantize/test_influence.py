"""How much results of a layer matter together."""

from __future__ import annotations

import numpy as np
import torch
from op_cases import residual
from pruning import graphs

from edgeprune.ir import predict
from edgeprune.ops import Compare, LogSoftmax, Relu, Softmax
from edgeprune.ops.linear import linears
from edgeprune.quantize.influence import DAMP, SAMPLES, influences


def test_in_front_of_a_distribution_it_is_the_covariance_of_the_drawn_label() -> None:
    graph = graphs.balanced(graphs.mlp(12, 16, 4, act=Relu, head=Softmax))
    x = np.random.default_rng(0).normal(size=(SAMPLES, 12)).astype(np.float32)
    *_, (name, last) = linears(graph).items()
    (found,) = influences(graph, {name: last}, torch.from_numpy(x))[name]
    p = predict(graph, x)
    exact = np.diag(p.mean(0)) - p.T @ p / len(p)
    exact = exact / np.trace(exact) * 4 + DAMP * np.eye(4)
    assert np.abs(found.numpy() - exact).max() < 0.15 * np.abs(exact).max()


def test_the_logarithm_of_a_distribution_counts_as_the_distribution_does() -> None:
    found = []
    for head in (Softmax, LogSoftmax):
        graph = graphs.balanced(graphs.mlp(12, 16, 4, act=Relu, head=head))
        x = torch.randn(50, 12, generator=torch.Generator().manual_seed(4))
        found.append(influences(graph, linears(graph), x))
    softmax, logarithm = found
    assert all(torch.equal(softmax[k], logarithm[k]) for k in softmax)


def test_a_channel_that_nothing_is_computed_from_counts_by_the_damping_alone() -> None:
    graph = graphs.balanced(graphs.mlp(12, 16, 4, act=Relu, head=Softmax))
    (name, first), (_, last) = linears(graph).items()
    w = graph.constants[last.node.inputs[1]].copy()
    w[:, 3] = 0
    graph = graph.with_constants({last.node.inputs[1]: w})
    x = torch.randn(50, 12, generator=torch.Generator().manual_seed(1))
    (found,) = influences(graph, {name: first}, x)[name]
    assert found[3, 3] == DAMP
    assert found.diagonal().mean().item() == np.float64(1 + DAMP).round(9)


def test_it_is_positive_definite_whatever_the_layer_and_the_answer() -> None:
    graph = residual()
    layers = linears(graph)
    x = torch.randn(
        30, *graph.types[graph.inputs[0]].shape, generator=torch.Generator().manual_seed(2)
    )
    found = influences(graph, layers, x)
    for name, lin in layers.items():
        assert found[name].shape == (lin.groups, lin.rows, lin.rows)
        assert torch.linalg.eigvalsh(found[name]).min() > 0.9 * DAMP


def test_answers_without_a_derivative_say_nothing_of_any_layer() -> None:
    graph = graphs.mlp(12, 16, 4, act=Relu, head=Compare)
    x = torch.randn(50, 12, generator=torch.Generator().manual_seed(3))
    assert influences(graph, linears(graph), x) == {}


def test_of_a_distribution_at_every_position_one_label_each_is_drawn() -> None:
    b = graphs.Builder(0, x=(4, 4, 3))
    graph = b.build(b.add(Softmax(), b.conv("x", 4)))
    x = np.random.default_rng(0).normal(size=(SAMPLES, 4, 4, 3)).astype(np.float32) * 3
    ((name, last),) = linears(graph).items()
    (found,) = influences(graph, {name: last}, torch.from_numpy(x))[name]
    p = predict(graph, x).reshape(-1, 4)
    exact = np.diag(p.sum(0)) - p.T @ p
    exact = exact / np.trace(exact) * 4 + DAMP * np.eye(4)
    assert np.abs(found.numpy() - exact).max() < 0.1 * np.abs(exact).max()
