"""Answers are classes or numbers; each is held against what it means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pruning.graphs import Builder, mlp

from edgeprune.ir import OUTPUTS, Graph, Node, Samples, predict
from edgeprune.ops import Relu, Reshape, Sigmoid, Softmax
from edgeprune.ops.answer import answer_of
from edgeprune.pruning.analyze import analyze
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.pictures import activation_maps
from edgeprune.pruning.search import prune
from edgeprune.pruning.truth import Truth, gives_numbers, truth_of


def rows(n: int = 60, inputs: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, inputs)).astype(np.float32)


def pixels(n: int = 20) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3, 3, 2)).astype(np.float32)


def image(channels: int, head: type | None = None) -> Graph:
    """An image of 3 x 3 pixels out of another."""
    b = Builder(0, x=(3, 3, 2))
    y = b.conv(b.add(Relu(), b.conv("x", 4, k=1)), channels, k=1)
    return b.build(y if head is None else b.add(head(), y))


def scaled(graph: Graph, factor: float, middle: np.ndarray | float, up: float = 0) -> Graph:
    """The network whose last layer, less a middle, is larger by a factor, and lies higher."""
    weights, bias = graph.nodes[-1].inputs[1:]
    w, b = (graph.constants[v] for v in (weights, bias))
    made = {weights: w * factor, bias: (b - middle) * factor + up}
    return graph.with_constants({k: v.astype(np.float32) for k, v in made.items()})


def numbers(graph: Graph, x: np.ndarray, off: float = 0.3) -> Samples:
    """What a network answers, and a bit more."""
    y = predict(graph, x).reshape(len(x), -1)
    noise = np.random.default_rng(9).normal(size=y.shape) * off
    return Samples(x, targets=(y + noise).astype(np.float32))


def test_the_share_of_variance_is_that_of_the_definition() -> None:
    wanted = np.array([[1, 10], [2, 30], [6, 20]], np.float32)
    outputs = wanted + np.array([[1, 0], [0, -2], [0, 1]], np.float32)
    spread = (4 + 1 + 9) + (100 + 100 + 0)
    assert Truth(wanted).right(outputs) == pytest.approx(1 - 6 / spread)
    assert Truth(wanted).right(wanted) == 1
    assert Truth(wanted).right(wanted[::-1]) == 0  # the means alone would do better
    assert Truth(wanted).right(outputs[:2]) == pytest.approx(1 - 5 / (0.5 + 200))


def test_numbers_that_never_change_are_right_or_not() -> None:
    wanted = np.full((3, 1), 2, np.float32)
    assert Truth(wanted).right(wanted) == 1
    assert Truth(wanted).right(wanted + 1) == 0


@pytest.mark.parametrize(
    ("sizes", "head", "is_number"),
    [
        ((5, 4, 1), None, True),  # a quantity
        ((5, 4, 1), Sigmoid, False),  # a probability
        ((5, 4, 5), None, True),  # an autoencoder
        ((5, 4, 5), Softmax, False),
        ((5, 4, 3), None, False),  # a classifier without its softmax
    ],
)
def test_a_network_shows_whether_it_gives_numbers(
    sizes: tuple[int, ...], head: type | None, is_number: bool
) -> None:
    graph = mlp(*sizes, head=head)
    assert gives_numbers(graph, answer_of(graph)) is is_number
    kind = truth_of(graph, Samples(rows())).values.dtype.kind
    assert kind == ("f" if is_number else "i")


def test_a_row_of_several_outputs_is_of_numbers() -> None:
    graph = mlp(5, 4, 3)
    last = graph.nodes[-1]
    joined = graph.rebuilt([*graph.nodes[:-1], replace(last, output=OUTPUTS)], outputs=(OUTPUTS,))
    assert truth_of(joined, Samples(rows())).measure == "r2"


def test_without_targets_a_quantity_is_held_against_the_source_model() -> None:
    graph, other = mlp(5, 4, 1, head=None), mlp(5, 4, 1, seed=1, head=None)
    truth = truth_of(graph, Samples(rows()))
    assert truth.right(predict(graph, rows())) == 1
    assert truth.right(predict(other, rows())) < 0.9


def test_zeros_and_ones_for_every_probability_are_classes() -> None:
    graph, x = mlp(5, 4, 3, head=Sigmoid), rows()
    said = predict(graph, x).reshape(-1, 3)
    truth = truth_of(graph, Samples(x, marks=(said > 0.5).astype(np.int64)))
    assert truth.measure == "share"
    assert truth.right(said) == 1
    assert truth.right(1 - said) == 0


@pytest.mark.parametrize("head", [None, Softmax])
def test_classes_of_positions_are_the_largest_there(head: type | None) -> None:
    graph, x = image(3, head), pixels()
    said = predict(graph, x)
    data = Samples(x, marks=said.reshape(len(x), -1, 3).argmax(axis=2))
    assert truth_of(graph, data).right(said) == 1
    assert truth_of(graph, Samples(x)).right(said) == 1
    assert truth_of(graph, Samples(x)).values.shape == (len(x), 9)
    loss = make_loss(graph, data)
    assert (loss.kind, loss.positions) == ("softmax", 9)
    z = torch.from_numpy(predict(replace(graph, outputs=(loss.value,)), x).reshape(len(x), -1))
    picked = z.reshape(-1, 3).log_softmax(1)[torch.arange(9 * len(x)), data.marks.ravel()]
    error = loss.per_sample(z, torch.from_numpy(loss.targets))
    np.testing.assert_allclose(error, -picked.reshape(len(x), 9).sum(1), rtol=1e-4)
    assert analyze(graph, data).accuracy == 1


@pytest.mark.parametrize("scale", [0.3, 4.0])
def test_logits_of_several_labels_and_of_masks_say_one_above_zero(scale: float) -> None:
    for graph, x in ((mlp(5, 4, 3, head=None), rows(300)), (image(1), pixels(300))):
        z = predict(graph, x)
        middle = np.median(z.reshape(len(z), -1, z.shape[-1]), axis=(0, 1))
        logits = scaled(graph, scale / z.std(), middle)
        data = Samples(x, marks=(z > middle).reshape(len(z), -1).astype(np.int64))
        truth = truth_of(logits, data)
        assert truth.border == 0
        assert truth.right(predict(logits, x)) == pytest.approx(1, abs=0.01)
        assert make_loss(logits, data).kind == "sigmoid"
        assert analyze(logits, data).accuracy == pytest.approx(1, abs=0.01)


def test_few_ones_leave_a_logit_one() -> None:
    graph, x = mlp(5, 4, 1, head=None), rows(400)
    z = predict(graph, x).reshape(-1)
    few = np.quantile(z, 0.9)
    logits = scaled(graph, 0.4 / z.std(), few)
    data = Samples(x, (z > few).astype(np.int64))
    assert truth_of(logits, data).right(predict(logits, x)) == pytest.approx(1, abs=0.01)


def test_an_autoencoder_of_shares_gives_numbers() -> None:
    graph = mlp(5, 4, 5, head=Sigmoid)
    assert truth_of(graph, Samples(rows())).measure == "r2"


def test_one_number_without_an_axis_is_a_number_too() -> None:
    graph, x = mlp(5, 4, 1), rows()
    last = graph.nodes[-1]
    shape = Node("flat", Reshape(()), (last.output,), "flat")
    graph = graph.rebuilt([*graph.nodes, shape], outputs=("flat",))
    data = Samples(x, (predict(graph, x) > 0.4).astype(np.int64))
    assert 0 <= analyze(graph, data).accuracy <= 1
    assert prune(graph, data, keep_ratio=0.5, criterion="taylor1").graph.params < graph.params


def test_the_error_is_that_of_the_targets() -> None:
    graph, x = mlp(5, 4, 2, head=None), rows()
    data = numbers(graph, x)
    loss = make_loss(graph, data)
    assert loss.kind == "squared"
    np.testing.assert_array_equal(loss.targets, data.targets)


def test_what_a_neuron_does_to_numbers_is_the_change_of_their_share() -> None:
    graph, x = mlp(5, 4, 2, head=None), rows()
    data = numbers(graph, x)
    found, truth = analyze(graph, data), truth_of(graph, data)
    assert found.accuracy == pytest.approx(truth.right(predict(graph, x)), abs=1e-5)
    for neuron in found.neurons:
        assert neuron.fixed + neuron.broken <= len(x)
        gone = {k: v.copy() for k, v in graph.constants.items()}  # its column of what reads it is 0
        weights = graph.nodes[-1].inputs[1]
        axis = gone[weights].shape.index(4)
        np.moveaxis(gone[weights], axis, 0)[neuron.index] = 0
        less = predict(graph.with_constants(gone), x).reshape(len(x), -1)
        missed = np.square(less - data.targets).sum()
        change = 1 - missed / truth.spread - truth.right(predict(graph, x))
        assert neuron.accuracy_change == pytest.approx(change, abs=1e-4)


def test_numbers_have_one_map_of_all_samples() -> None:
    maps = activation_maps(mlp(5, 4, 1, head=None), Samples(rows()))
    assert {m.label for m in maps} == {-1}


@pytest.mark.parametrize("scale", [0.3, 4.0])
def test_above_zero_a_logit_says_one(scale: float) -> None:
    """What ends in a linear layer is trained to a logit, or to be 0 or 1."""
    graph, x = mlp(5, 4, 1, head=None), rows(400)
    z = predict(graph, x).reshape(-1)
    y = (z > np.median(z)).astype(np.int64)
    logits = scaled(graph, scale / z.std(), np.median(z))
    data = Samples(x, y)
    truth = truth_of(logits, data)
    assert truth.border == 0
    assert truth.right(predict(logits, x)) == pytest.approx(1, abs=0.01)
    assert make_loss(logits, data).kind == "sigmoid"
    assert analyze(logits, data).accuracy == pytest.approx(1, abs=0.01)


def test_what_was_trained_to_be_zero_or_one_says_one_above_a_half() -> None:
    graph, x = mlp(5, 4, 1, head=None), rows(400)
    z = predict(graph, x).reshape(-1)
    y = (z > np.median(z)).astype(np.int64)
    shares = scaled(graph, 0.5 / z.std(), np.median(z), up=0.5)
    data = Samples(x, y)
    assert truth_of(shares, data).border == 0.5
    assert truth_of(shares, data).right(predict(shares, x)) == pytest.approx(1, abs=0.01)
    assert make_loss(shares, data).kind == "squared"


def test_a_mask_is_counted_by_pixel() -> None:
    graph, x = image(1, Sigmoid), pixels()
    truth = truth_of(graph, Samples(x))
    assert truth.values.shape == (20, 9)
    off = predict(graph, x).copy()
    off[:, 0, 0] = 1 - off[:, 0, 0]
    assert truth.right(off) == pytest.approx(8 / 9)
    assert analyze(graph, Samples(x)).accuracy == 1
