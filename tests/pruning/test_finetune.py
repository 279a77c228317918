"""Training after pruning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pruning.graphs import balanced, cnn, mlp

from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.ir import Graph, LinearOp, Samples, couple, predict
from edgeprune.ops import Relu, Softmax
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning.compact import compact
from edgeprune.pruning.finetune import Training, _moved, _Net, finetune
from edgeprune.pruning.groups import find_groups
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.obs.distance import Distance, aims
from edgeprune.pruning.obs.parts import parts_of

KINDS = (0, 1, 2, 3, 4, 13)


def samples(graph: Graph, n: int = 256, seed: int = 0) -> Samples:
    shape = graph.types["x"].shape
    x = np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)
    return Samples(x, predict(graph, x).reshape(n, -1).argmax(axis=1).astype(np.int64))


def disturbed(graph: Graph) -> Graph:
    rng = np.random.default_rng(7)
    return graph.with_constants(
        {
            k: (v + 0.2 * np.abs(v).mean() * rng.normal(size=v.shape)).astype(np.float32)
            for k, v in graph.constants.items()
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_batch_norm_put_back_and_folded_changes_nothing(kind: int) -> None:
    graph = cnn(kind, kinds=(kind,))
    data = samples(graph)
    same = finetune(graph, data, epochs=0)
    np.testing.assert_allclose(predict(same, data.x), predict(graph, data.x), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS[:4])
def test_training_comes_nearer_to_the_source_model(kind: int) -> None:
    graph = balanced(cnn(kind, kinds=(kind,)))
    data = Samples(samples(graph, 512).x)
    start = disturbed(graph)
    trained = finetune(start, data, epochs=6, source=graph)
    fresh = samples(graph, 200, seed=1).x

    def distance(g: Graph) -> float:
        return float(np.square(predict(g, fresh) - predict(graph, fresh)).mean())

    assert distance(trained) < 0.8 * distance(start)


@pytest.mark.parametrize("kind", KINDS[:4])
def test_the_values_inside_are_learned_too(kind: int) -> None:
    graph = balanced(cnn(kind, kinds=(kind, 1)))
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    for group in find_groups(graph, coupling):
        removed[group.channels[:1]] = len(group.channels) > 1
    small, parts = compact(graph, coupling, removed), parts_of(graph, coupling, removed)
    data, fresh = samples(graph, 512), samples(graph, 200, seed=1).x
    told, untold = (
        finetune(small, data, epochs=6, source=graph, parts=p, training=Training(teaching=10))
        for p in (parts, None)
    )
    value = make_loss(graph, data).value
    wanted = aims(unfuse(small), parts, unfuse(graph), (value, value))
    near, far = (
        Distance(unfuse(g), wanted, unfuse(graph), fresh).error({}) for g in (told, untold)
    )
    assert near < far


def test_labels_are_learned() -> None:
    graph = balanced(mlp(12, 16, 4, act=Relu, head=Softmax))
    data = samples(graph, 1000)
    start = disturbed(disturbed(graph))

    def right(g: Graph) -> float:
        return float((predict(g, data.x).argmax(axis=1) == data.y).mean())

    assert right(finetune(start, data, epochs=10)) > right(start)


class Normed(torch.nn.Module):
    """Batch norm behind a convolution, one by channel and a dense layer, trained for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 8, 3, padding=1, bias=False)
        self.depthwise = torch.nn.Conv2d(8, 8, 3, groups=8)
        self.dense = torch.nn.Linear(8 * 16, 12)
        self.last = torch.nn.Linear(12, 5)
        self.norms = torch.nn.ModuleList(
            [torch.nn.BatchNorm2d(8), torch.nn.BatchNorm2d(8), torch.nn.BatchNorm1d(12)]
        )
        for norm in self.norms:
            k = norm.num_features
            signs = torch.where(torch.arange(k) % 3 == 0, -1.0, 1.0)
            norm.weight.data = signs * torch.linspace(0.2, 4, k)
            norm.bias.data = torch.randn(k) / 4
            norm.running_mean = torch.randn(k) / 4
            norm.running_var = torch.linspace(0.05, 9, k)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b, c = self.norms
        x = a(self.conv(x)).relu()
        x = b(self.depthwise(x)).relu().flatten(1)
        return self.last(c(self.dense(x)).relu())


def imported(folder: Path, suffix: str) -> tuple[Normed, Graph]:
    torch.manual_seed(0)
    model, path = Normed().eval(), folder / f"model.{suffix}"
    x = torch.randn(1, 2, 6, 6)
    if suffix == "pt2":
        torch.export.save(torch.export.export(model, (x,)), path)
    else:
        torch.onnx.export(
            model, (x,), path, dynamo=False, do_constant_folding=False, opset_version=17,
            training=torch.onnx.TrainingMode.PRESERVE,
        )  # fmt: skip
    return model, load(path)


def unfolded(graph: Graph, x: np.ndarray) -> Graph:
    """With the weights that are trained; batch norm, which is behind them then, is left out."""
    net = _Net(graph, torch.device("cpu"), 0.1, x)
    assert len(net.norms) == 3
    values = net.run(torch.from_numpy(x), training=False)
    z = values[graph.outputs[0]].detach().numpy()
    np.testing.assert_allclose(z, predict(graph, x), rtol=1e-5, atol=1e-5)
    return graph.with_constants({k: v.detach().numpy() for k, v in net.weights.items()})


@pytest.mark.parametrize("suffix", ["onnx", "pt2"])
def test_batch_norm_comes_back_around_the_weights_that_were_trained(
    suffix: str, tmp_path: Path
) -> None:
    model, graph = imported(tmp_path, suffix)
    x = np.random.default_rng(0).normal(size=(64, 6, 6, 2)).astype(np.float32)
    bare = unfolded(graph, x)
    for layer in (model.conv, model.depthwise, model.dense):
        own = layer.weight.detach().numpy()
        (found,) = (
            np.moveaxis(bare.constants[n.inputs[1]], n.op.out_axis, 0)
            for n in graph.nodes
            if isinstance(n.op, LinearOp) and bare.constants[n.inputs[1]].size == own.size
        )
        norms = [np.linalg.norm(w.reshape(len(own), -1), axis=1) for w in (found, own)]
        np.testing.assert_allclose(*norms, rtol=1e-5)


@pytest.mark.parametrize("suffix", ["onnx", "pt2"])
def test_channels_that_go_take_their_part_of_batch_norm_along(suffix: str, tmp_path: Path) -> None:
    graph = imported(tmp_path, suffix)[1]
    x = np.random.default_rng(0).normal(size=(64, 6, 6, 2)).astype(np.float32)
    coupling = couple(graph)
    removed = ~coupling.pinned & ~coupling.inputs & (np.arange(coupling.count) % 3 == 1)
    late = unfolded(compact(graph, coupling, removed), x)
    early = compact(unfolded(graph, x), coupling, removed)
    assert late.params < graph.params
    for k, v in early.constants.items():
        np.testing.assert_allclose(late.constants[k], v, rtol=1e-6)


def test_the_same_seed_gives_the_same_network() -> None:
    graph = cnn(1, kinds=(0,))
    data = samples(graph, 128)
    how = Training(shift=1, flip=True)
    a, b, c = (finetune(graph, data, epochs=1, training=how, seed=s) for s in (0, 0, 1))
    assert all(np.array_equal(a.constants[k], b.constants[k]) for k in a.constants)
    assert any(not np.array_equal(a.constants[k], c.constants[k]) for k in a.constants)


def test_images_move_by_whole_pixels_and_nothing_else_does() -> None:
    x = torch.arange(2 * 5 * 4 * 3, dtype=torch.float32).reshape(2, 5, 4, 3) + 1
    moved = _moved(x, Training(shift=2), torch.Generator().manual_seed(0))
    assert moved.shape == x.shape
    assert set(moved.unique().tolist()) <= {0.0, *x.unique().tolist()}
    vectors = torch.ones(4, 7)
    assert torch.equal(_moved(vectors, Training(shift=2), torch.Generator()), vectors)


def test_without_labels_and_source_there_is_nothing_to_learn() -> None:
    graph = mlp(6, 5, 3)
    with pytest.raises(EdgePruneError, match="no labels"):
        finetune(graph, Samples(samples(graph, 8).x), epochs=1)


def test_a_device_that_is_not_there_is_said() -> None:
    graph = mlp(6, 5, 3)
    with pytest.raises(EdgePruneError, match="warp"):
        finetune(graph, samples(graph, 8), epochs=1, device="warp")
