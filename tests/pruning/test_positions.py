"""A softmax at every position is a distribution of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pruning.graphs import Builder, mlp

from edgeprune.ir import Graph, Samples, predict
from edgeprune.ops import Relu, Softmax
from edgeprune.ops.answer import answer_of, cotangents
from edgeprune.pruning import loss
from edgeprune.pruning.analyze import analyze
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.obs.fisher import output_hessians
from edgeprune.pruning.search import prune
from edgeprune.pruning.truth import accuracy, truth_of

SIDE = 3
ADDITIVE = ("brute_force", "taylor2", "taylor2_gn")
"""Criteria of which a sample's score is the sum of those of its positions."""


def points(side: int, seed: int = 0, spread: float = 1.0) -> Graph:
    """Classes of every pixel from the pixel alone; ``spread`` scales what the softmax reads."""
    b = Builder(seed, x=(side, side, 4))
    y = b.add(Relu(), b.conv(b.add(Relu(), b.conv("x", 9, k=1)), 8, k=1))
    return b.build(b.add(Softmax(beta=spread), b.conv(y, 5, k=1)))


def images(n: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, SIDE, SIDE, 4)).astype(np.float32)


def one_by_one(x: np.ndarray) -> np.ndarray:
    """Every position as a sample."""
    return np.ascontiguousarray(x.reshape(-1, 1, 1, x.shape[-1]))


@pytest.mark.parametrize("name", ADDITIVE)
def test_an_image_scores_as_its_pixels_do_as_samples(name: str) -> None:
    x = images()
    whole = CRITERIA[name].score(Context.of(points(SIDE), Samples(x)))
    apart = CRITERIA[name].score(Context.of(points(1), Samples(one_by_one(x))))
    np.testing.assert_allclose(whole, SIDE**2 * apart, rtol=1e-3, atol=1e-5)


def test_hessians_of_an_image_are_those_of_its_pixels() -> None:
    x = images(20)
    found = []
    for graph, rows in ((points(SIDE), x), (points(1), one_by_one(x))):
        nodes = [graph.producer[v].name for v in ("conv2d0", "conv2d2")]
        of = make_loss(graph, Samples(rows))
        made = output_hessians(graph, torch.from_numpy(rows), nodes, of, draws=None)
        found.append(list(made.values()))
    for whole, apart in zip(*found, strict=True):
        np.testing.assert_allclose(whole, SIDE**2 * apart, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "squared"])
def test_exact_cotangents_add_up_to_what_drawn_ones_do_on_average(kind: str) -> None:
    z = torch.randn(1, 2, 3, generator=torch.Generator().manual_seed(0))
    many = z.expand(20_000, 2, 3)
    generator = torch.Generator().manual_seed(1)
    drawn = cotangents(kind, 0.7, many, 1, generator)[0].flatten(1)  # type: ignore[arg-type]
    exact = torch.cat(cotangents(kind, 0.7, z, None, generator)).flatten(1)  # type: ignore[arg-type]
    np.testing.assert_allclose(exact.T @ exact, drawn.T @ drawn / len(many), atol=0.02)


def test_the_error_and_the_accuracy_are_of_positions() -> None:
    graph, x = points(SIDE), images()
    error, p = make_loss(graph, Samples(x)), predict(graph, x)
    assert (error.kind, error.positions) == ("softmax", SIDE**2)
    z = torch.from_numpy(predict(replace(graph, outputs=(error.value,)), x).reshape(len(x), -1))
    entropy = -(p * np.log(p)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(
        error.per_sample(z, torch.from_numpy(error.targets)), entropy, rtol=1e-4
    )
    truth = truth_of(graph, Samples(x))
    assert truth.values.shape == (len(x), SIDE**2)
    assert accuracy(graph, x, truth) == 1.0
    other = points(SIDE, seed=1)
    same = (predict(other, x).argmax(-1) == p.argmax(-1)).mean()
    assert accuracy(other, x, truth) == pytest.approx(float(same))


def test_neurons_of_a_segmentation_are_counted_by_position() -> None:
    x = images()
    whole = {n.name: n for n in analyze(points(SIDE), Samples(x)).neurons}
    apart = {n.name: n for n in analyze(points(1), Samples(one_by_one(x))).neurons}
    for name, neuron in whole.items():
        assert neuron.accuracy_change == pytest.approx(apart[name].accuracy_change)
        assert (neuron.fixed, neuron.broken) == (apart[name].fixed, apart[name].broken)


def divergence(graph: Graph, pruned: Graph, x: np.ndarray) -> float:
    """Mean over the positions of KL(graph, pruned)."""
    p, q = predict(graph, x), predict(pruned, x)
    return float((p * np.log(p / q)).sum(-1).mean())


@pytest.mark.parametrize("criterion", ["taylor1_abs", "taylor2", "obs"])
def test_positions_choose_better_than_one_distribution_over_all(
    criterion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Summed over networks: each chooses by a different chance."""

    def chosen() -> list[float]:
        return [
            divergence(
                graph,
                prune(graph, Samples(images(80)), criterion=criterion, keep_ratio=0.5).graph,
                images(80, seed=1),
            )
            for graph in (points(SIDE, seed, spread=3.0) for seed in range(4))
        ]

    ours = chosen()
    monkeypatch.setattr(loss, "answer_of", lambda g: replace(answer_of(g), positions=1))
    assert sum(ours) < sum(chosen())


def test_a_vector_has_one_position() -> None:
    assert answer_of(mlp(6, 5, 4, head=Softmax)).positions == 1


def test_labels_are_of_whole_samples() -> None:
    graph = points(SIDE)
    x = images(2)
    assert make_loss(graph, Samples(x)).positions > 1
    assert make_loss(graph, Samples(x, np.array([0, 1]))).positions == 1


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "squared"])
def test_what_is_drawn_of_a_large_image_takes_no_more_memory_than_it(kind: str) -> None:
    """A matrix of all its elements by all has half a terabyte."""
    z = torch.zeros(1, 300, 300, 4)
    drawn = cotangents(kind, 1.0, z, 1, torch.Generator())  # type: ignore[arg-type]
    assert [u.shape for u in drawn] == [z.shape]
