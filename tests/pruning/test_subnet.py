"""Sub-networks against what the authors' code does, and detectors against their definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pruning.graphs import Builder, balanced, cnn, mlp

from edgeprune.errors import CannotFitError, EdgePruneError, UnsupportedError
from edgeprune.ir import Graph, Samples, predict, run
from edgeprune.ops import Op, Relu, Sigmoid, Softmax
from edgeprune.pruning.subnet import (
    _threshold,
    cumulative,
    detections,
    detector,
    extract,
    label_activity,
    recalls,
    recognised,
    search_zeta,
)
from edgeprune.pruning.truth import Truth, accuracy


def labelled(graph: Graph, n: int = 300) -> Samples:
    """Samples with the network's own answers, a tenth of them wrong."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, *graph.types["x"].shape)).astype(np.float32)
    y = predict(graph, x).reshape(n, -1).argmax(axis=1)
    wrong = rng.random(n) < 0.1
    y[wrong] = rng.integers(0, y.max() + 1, wrong.sum())
    return Samples(x, y.astype(np.int64))


RELU = balanced(mlp(8, 20, 4, act=Relu, head=Softmax))
DATA = labelled(RELU)


@pytest.mark.parametrize("zeta", [0.2, 0.4, 0.9])
def test_a_subnet_is_what_the_authors_code_makes(zeta: float) -> None:
    w1, b1, w2, b2 = (v.astype(np.float64) for v in RELU.constants.values())
    label = 2
    hidden = np.maximum(DATA.x[label == DATA.y] @ w1.T + b1, 0)
    mean = hidden.mean(axis=0)
    zeroed = np.where((mean >= zeta * mean.max())[:, None], w1, 0)  # rows of W1, and nothing else
    z = np.maximum(DATA.x @ zeroed.T + b1, 0) @ w2.T + b2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    found = extract(RELU, label_activity(RELU, DATA), [label], zeta=zeta)
    y = predict(found.graph, DATA.x)
    np.testing.assert_allclose(y, p / p.sum(axis=1, keepdims=True), atol=1e-5)
    assert list(found.kept.values()) == [int((mean >= zeta * mean.max()).sum())]


def test_labels_are_integrated_by_their_union() -> None:
    found = label_activity(RELU, DATA)
    union = found.active([0, 3], 0.5)
    assert np.array_equal(union, found.active([0], 0.5) | found.active([3], 0.5))
    assert extract(RELU, found, [0, 3], zeta=0.5).kept["dense0"] == union.sum()


def test_a_smaller_zeta_keeps_more_and_zero_keeps_everything() -> None:
    found = label_activity(RELU, DATA)
    sizes = [extract(RELU, found, [1], zeta=z).parameters for z in (1.0, 0.7, 0.4, 0.1, 0.0)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == RELU.params


@pytest.mark.parametrize("left", ["bias", "zero"])
@pytest.mark.parametrize("seed", range(4))
def test_convolutional_networks_have_subnets_too(seed: int, left: str) -> None:
    graph = balanced(cnn(seed, blocks=2))
    data = labelled(graph, 120)
    found = label_activity(graph, data)
    small = extract(graph, found, [0], zeta=0.6, left=left)
    assert small.parameters < graph.params
    assert predict(small.graph, data.x).shape == (120, 4)
    assert min(small.kept.values()) >= 1


def test_how_often_a_neuron_fires_is_another_measure() -> None:
    mean, rate = (label_activity(RELU, DATA, measure=m).activity for m in ("mean", "rate"))
    assert rate.max() <= 1
    assert not np.allclose(mean, rate)


@pytest.mark.parametrize("head", [Sigmoid, Softmax, None])
def test_a_detector_says_yes_above_a_half(head: type[Op] | None) -> None:
    graph = balanced(mlp(8, 12, 4, act=Relu, head=head))
    data = labelled(graph)
    found = detector(graph, data, [1, 3])
    z_name = graph.nodes[2].output
    z = run(graph, {"x": torch.from_numpy(data.x)})[z_name].numpy()[:, [1, 3]]
    says = predict(found.graph, data.x) > 0.5
    assert np.array_equal(says, z > np.float32(found.thresholds))
    assert found.graph.params < graph.params
    for got, k in zip(detections(found, data), (0, 1), strict=True):
        truth = data.y == found.labels[k]
        assert got.recall == says[truth, k].mean()
        assert got.specificity == (~says[~truth, k]).mean()


def test_its_threshold_is_the_best_there_is() -> None:
    rng = np.random.default_rng(1)
    z = np.round(rng.normal(size=200), 1).astype(np.float32)
    truth = rng.random(200) < 1 / (1 + np.exp(-2 * z))

    def balanced_accuracy(t: float) -> float:
        return ((z > t)[truth].mean() + (z <= t)[~truth].mean()) / 2

    best = max(balanced_accuracy(t) for t in np.linspace(-4, 4, 801))
    assert balanced_accuracy(_threshold(z, truth)) == pytest.approx(best)


def test_a_detector_beats_the_largest_output_of_a_specialist() -> None:
    found = label_activity(RELU, DATA)
    for label in range(4):
        small = extract(RELU, found, [label], zeta=0.7)
        before = recognised(small.graph, DATA, label)
        (after,) = detections(detector(small.graph, DATA, [label]), DATA)
        assert after.balanced_accuracy >= before.balanced_accuracy


def test_a_detector_has_data_of_its_own() -> None:
    one = detector(RELU, DATA, [2])
    data = one.relabel(DATA)
    assert np.array_equal(data.y, DATA.y == 2)
    (found,) = detections(one, DATA)
    share = (DATA.y == 2).mean()
    expected = share * found.recall + (1 - share) * found.specificity
    assert accuracy(one.graph, data.x, Truth(data.y)) == pytest.approx(expected)
    two = detector(RELU, DATA, [3, 1]).relabel(DATA)
    assert set(two.y.tolist()) == {0, 1}
    assert len(two) == np.isin(DATA.y, [1, 3]).sum()


def test_zeta_is_the_largest_that_keeps_a_floor() -> None:
    found = label_activity(RELU, DATA)

    def share(graph: Graph) -> float:
        return recalls(graph, DATA)[0]

    best = search_zeta(RELU, found, [0, 1, 2, 3], share, 0.6)
    assert share(best.graph) >= 0.6
    for zeta in np.linspace(best.zeta + 1e-6, 1, 50):
        assert share(extract(RELU, found, [0, 1, 2, 3], zeta=zeta).graph) < 0.6
    with pytest.raises(CannotFitError, match="whole network"):
        search_zeta(RELU, found, [0], share, 1.1)


def test_the_last_stage_of_the_cumulative_table_is_the_union_of_all() -> None:
    found = label_activity(RELU, DATA)
    table = cumulative(RELU, found, DATA, zeta=0.5)
    assert len(table) == len(table[0]) == 4
    assert table[-1] == recalls(extract(RELU, found, range(4), zeta=0.5).graph, DATA)


def test_what_cannot_be_done_is_said() -> None:
    found = label_activity(RELU, DATA)
    with pytest.raises(EdgePruneError, match=r"0\.\.3"):
        extract(RELU, found, [7])
    with pytest.raises(EdgePruneError, match="no labels"):
        label_activity(RELU, Samples(DATA.x))
    b = Builder(0, x=(6, 6, 2))
    graph = b.build(b.add(Softmax(), b.conv("x", 4, k=6)))
    with pytest.raises(UnsupportedError, match="dense"):
        detector(graph, Samples(np.zeros((4, 6, 6, 2), np.float32), np.arange(4)), [0])
