"""What a score says is what happens."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from pruning.graphs import balanced, cnn, mlp

from edgeprune.ir import Graph, Samples, couple, predict
from edgeprune.ops import Relu, Sigmoid, Softmax
from edgeprune.pruning.compact import compact
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.obs.fisher import output_hessians
from edgeprune.pruning.obs.greedy import Effort, Greedy
from edgeprune.pruning.obs.head import resolve_head, value_of
from edgeprune.pruning.obs.parts import parts_of, scatter
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.obs.refit import refit
from edgeprune.pruning.obs.scores import Scorer


def inputs(n: int, k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, k)).astype(np.float32)


def scorer_of(graph: Graph, x: np.ndarray, ridge: float = 1e-9) -> Scorer:
    coupling = couple(graph)
    nothing = np.zeros(coupling.count, bool)
    return Scorer(
        graph,
        parts_of(graph, coupling, nothing),
        coupling,
        nothing,
        Reference(graph, x),
        make_loss(graph, Samples(x)),
        ridge=ridge,
        rows=len(x),
    )


def repaired_error(graph: Graph, x: np.ndarray, gone: list[int]) -> float:
    """Half the squared error per sample after the best repair of what is left."""
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    removed[gone] = True
    small = compact(graph, coupling, removed)
    changed = refit(small, parts_of(graph, coupling, removed), Reference(graph, x), ridge=1e-9)
    whole = scatter(graph, coupling, removed, changed)
    gap = predict(compact(whole, coupling, removed), x) - predict(graph, x)
    return float(0.5 * np.square(gap).sum(axis=1).mean())


def test_with_squared_error_the_score_is_the_error_after_the_repair() -> None:
    graph = mlp(7, 9, 4, act=Relu, head=None)
    x = inputs(400, 7)
    coupling = couple(graph)
    scores = scorer_of(graph, x).scores()
    for k in coupling.axes[graph.nodes[0].inputs[1], 0]:
        assert scores[k] == pytest.approx(repaired_error(graph, x, [int(k)]), rel=2e-2)


def test_after_a_removal_the_scores_are_those_of_what_is_left() -> None:
    graph = mlp(7, 9, 4, act=Relu, head=None)
    x = inputs(400, 7)
    hidden = couple(graph).axes[graph.nodes[0].inputs[1], 0].tolist()
    scorer = scorer_of(graph, x)
    first = hidden[3]
    before = repaired_error(graph, x, [first])
    scorer.remove(first)
    scores = scorer.scores()
    assert np.isnan(scores[first])
    for k in hidden:
        if k != first:
            more = repaired_error(graph, x, [first, k]) - before
            assert scores[k] == pytest.approx(more, rel=5e-2, abs=1e-4)


def test_of_twins_either_is_free_but_not_both() -> None:
    graph = mlp(7, 9, 4, act=Sigmoid, head=Softmax)
    w, b = (graph.constants[v].copy() for v in graph.nodes[0].inputs[1:])
    w[5], b[5] = w[2], b[2]
    graph = graph.with_constants({graph.nodes[0].inputs[1]: w, graph.nodes[0].inputs[2]: b})
    twins = couple(graph).axes[graph.nodes[0].inputs[1], 0][[2, 5]].tolist()
    scorer = scorer_of(graph, inputs(300, 7), ridge=1e-8)
    alone = scorer.scores()[twins]
    assert (alone < 1e-6).all()
    scorer.remove(twins[0])
    assert scorer.scores()[twins[1]] > 1e-4


def test_the_hessian_at_the_logits_is_that_of_the_loss() -> None:
    graph = mlp(7, 9, 4, act=Relu, head=Softmax)
    x = torch.from_numpy(inputs(50, 7))
    loss = make_loss(graph, Samples(x.numpy()))
    last = graph.producer[loss.value]
    found = output_hessians(graph, x, [last.name], loss, draws=None)[last.name].numpy()
    p = predict(graph, x.numpy()).astype(np.float64)
    exact = np.mean([np.diag(q) - np.outer(q, q) for q in p], axis=0)
    np.testing.assert_allclose(found, exact, atol=1e-6)
    drawn = output_hessians(graph, x, [last.name], loss, draws=400)[last.name].numpy()
    np.testing.assert_allclose(drawn, exact, atol=0.02)


@pytest.mark.parametrize("head", [Softmax, Sigmoid])
def test_no_step_of_the_head_makes_the_loss_rise(head: type) -> None:
    dense = balanced(mlp(7, 12, 4, act=Relu, head=None))
    x = inputs(300, 7)
    graph = mlp(7, 12, 4, act=Relu, head=head)
    graph = graph.with_constants(
        {**dense.constants, graph.nodes[0].inputs[2]: dense.constants["c1"] - 0.3}
    )
    answers = value_of(dense, x, dense.outputs[0])
    loss = make_loss(graph, Samples(x))
    target = answers.softmax(1) if head is Softmax else answers.sigmoid()

    def error(g: Graph) -> float:
        z = value_of(g, x, loss.value)
        return float(loss.per_sample(z, target).mean())

    errors = [error(graph)]
    for steps in (1, 2, 5, 20, 100):
        changed = resolve_head(graph, loss, x, answers, steps=steps)
        errors.append(error(graph.with_constants(changed)))
    assert all(b <= a + 1e-6 for a, b in itertools.pairwise(errors))
    assert errors[-1] < errors[0]


@pytest.mark.parametrize("seed", range(4))
def test_moments_kept_from_a_refit_are_those_of_the_network_that_it_left(seed: int) -> None:
    graph = cnn(seed, kinds=(1, 4, 11) if seed % 2 else None)
    x = np.random.default_rng(1).normal(size=(60, *graph.types[graph.inputs[0]].shape))
    greedy = Greedy(
        graph,
        couple(graph),
        Samples(x.astype(np.float32)),
        lambda removed: float((~removed).sum()),
        effort=Effort(inputs=False, share=0.2),
    )
    for _ in range(3):
        greedy.apply(greedy.propose())
        kept = dict(greedy._covariances)
        assert kept
        known = greedy._scorer().covariances
        greedy._covariances = {}
        anew = greedy._scorer().covariances
        assert known.keys() == anew.keys()
        for name, value in anew.items():
            scale = np.abs(value).max()
            np.testing.assert_allclose(known[name], value, rtol=1e-3, atol=1e-4 * scale)
