"""What y means: labels of classes, or numbers that outputs should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.data import load_samples
from edgeprune.ir import DType, Graph, Port, QuantParams, Samples, TensorType

N = 12


def network(path: Path, last: torch.nn.Module | None, *shape: int, out: int = 3) -> Graph:
    """A layer over the channels of an input, and an activation behind it."""
    first = torch.nn.Conv2d(shape[0], out, 1) if len(shape) > 1 else torch.nn.Linear(shape[0], out)
    net = torch.nn.Sequential(first, *([] if last is None else [last]))
    torch.onnx.export(net, (torch.zeros(1, *shape),), path / "m.onnx", dynamo=False)
    return load(path / "m.onnx")


def read(path: Path, graph: Graph, y: np.ndarray, *shape: int) -> Samples:
    x = np.random.default_rng(0).normal(size=(N, *shape)).astype(np.float32)
    np.savez(path / "d.npz", x=x, y=y)
    return load_samples(path / "d.npz", graph)


def some(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N, *shape))


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i4"])
def test_one_number_a_sample(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    y = (20 * some(*shape)).astype(dtype)
    data = read(tmp_path, network(tmp_path, None, 5, out=1), y, 5)
    assert data.y is None
    np.testing.assert_array_equal(data.targets, y.reshape(N, 1).astype(np.float32))


def test_numbers_of_an_image_are_in_the_models_own_layout(tmp_path: Path) -> None:
    y = some(3, 4, 5)
    data = read(tmp_path, network(tmp_path, None, 2, 4, 5), y, 2, 4, 5)
    ours = y.transpose(0, 2, 3, 1).reshape(N, -1)  # channels last
    np.testing.assert_allclose(data.targets, ours, rtol=1e-6)
    with pytest.raises(EdgePruneError, match=r"the model gives \(n, 3, 4, 5\)"):
        read(tmp_path, network(tmp_path, None, 2, 4, 5), y.swapaxes(2, 3), 2, 4, 5)


@pytest.mark.parametrize("last", [None, torch.nn.Softmax(1)])
def test_classes_by_position(tmp_path: Path, last: torch.nn.Module | None) -> None:
    y = np.random.default_rng(2).integers(0, 3, (N, 4, 5))
    graph = network(tmp_path, last, 2, 4, 5)
    data = read(tmp_path, graph, y, 2, 4, 5)
    np.testing.assert_array_equal(data.marks, y.reshape(N, -1))
    ones = np.moveaxis(np.eye(3)[y], -1, 1)  # one-hot, channels first as the model has them
    np.testing.assert_array_equal(read(tmp_path, graph, ones, 2, 4, 5).marks, data.marks)
    with pytest.raises(EdgePruneError, match="has shape"):
        read(tmp_path, graph, y.swapaxes(1, 2), 2, 4, 5)
    with pytest.raises(EdgePruneError, match="whole numbers from 0 to 2"):
        read(tmp_path, graph, y + 1, 2, 4, 5)


@pytest.mark.parametrize("last", [None, torch.nn.Sigmoid()])
@pytest.mark.parametrize("dtype", ["i8", "f4", "?"])
def test_labels_by_output(tmp_path: Path, last: torch.nn.Module | None, dtype: str) -> None:
    y = np.random.default_rng(2).integers(0, 2, (N, 3)).astype(dtype)
    y[0] = 1  # more than one
    graph = network(tmp_path, last, 5)
    data = read(tmp_path, graph, y, 5)
    np.testing.assert_array_equal(data.marks, y)
    rows = np.eye(3, dtype=int)[np.arange(N) % 3]  # one each by chance
    with pytest.raises(EdgePruneError, match="one-hot"):
        read(tmp_path, graph, rows, 5)
    like = load_samples(tmp_path / "d.npz", graph, told=data.told)
    np.testing.assert_array_equal(like.marks, rows)


def test_counts_that_happen_to_be_none_or_one_are_counts_where_others_are(tmp_path: Path) -> None:
    graph, y = network(tmp_path, None, 5, out=1), np.arange(N) % 5
    told = read(tmp_path, graph, y, 5).told
    assert read(tmp_path, graph, y % 2, 5).told == "y"
    assert load_samples(tmp_path / "d.npz", graph, told=told).told == "targets"


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.float32])
def test_numbers_are_real_values_whatever_their_type(tmp_path: Path, dtype: type) -> None:
    """A quantised model's own integers are of its inputs alone."""
    port = {"y": Port("y", (1, 3), DType.INT8)}
    graph = network(tmp_path, None, 5)
    value = graph.outputs[0]
    quant = QuantParams.of(0.5, 3)
    types = {**graph.types, value: TensorType((3,), DType.INT8, quant)}
    graph = replace(graph, types=types, ports={**graph.ports, value: port["y"]})
    y = (np.arange(3 * N).reshape(N, 3) % 50).astype(dtype)
    np.testing.assert_array_equal(read(tmp_path, graph, y, 5).targets, y)


@pytest.mark.parametrize("last", [None, torch.nn.Sigmoid()])
def test_zeros_and_ones_for_one_output_are_labels(
    tmp_path: Path, last: torch.nn.Module | None
) -> None:
    graph, y = network(tmp_path, last, 5, out=1), np.arange(N) % 2
    for made in (y, y.astype("f4"), y > 0, y[:, None], y[:, None].astype("f4")):
        data = read(tmp_path, graph, made, 5)
        assert data.told == "y"
        np.testing.assert_array_equal(data.y, y)


@pytest.mark.parametrize(
    ("last", "y", "said"),
    [
        (torch.nn.Sigmoid(), 1 + np.arange(N) % 2, "run from 1 to 2"),
        (torch.nn.Softmax(1), some(), "not integers"),
        (None, np.full(N, np.nan), "not integers"),
        (None, np.eye(3)[np.arange(N) % 3], "not integers"),
        (None, some(2), "not integers"),
    ],
)
def test_what_is_neither_is_refused(
    tmp_path: Path, last: torch.nn.Module | None, y: np.ndarray, said: str
) -> None:
    out = 1 if isinstance(last, torch.nn.Sigmoid) else 3
    with pytest.raises(EdgePruneError, match=said):
        read(tmp_path, network(tmp_path, last, 5, out=out), y, 5)


def test_a_number_that_is_none_is_told_by_its_sample(tmp_path: Path) -> None:
    y = some(3)
    y[7, 1] = np.inf
    with pytest.raises(EdgePruneError, match="sample 7 has a NaN or an infinity"):
        read(tmp_path, network(tmp_path, None, 5), y, 5)
    y[3] = np.nan
    said = f"2 of {N} samples have a NaN or an infinity, 3 is the first"
    with pytest.raises(EdgePruneError, match=said):
        read(tmp_path, network(tmp_path, None, 5), y, 5)


def test_labels_that_a_frame_lacks_are_counted_and_others_get_a_way_to_number_them(
    tmp_path: Path,
) -> None:
    graph = network(tmp_path, torch.nn.Softmax(1), 5, out=3)
    lacking = np.where(np.arange(N) < 4, np.nan, 1.0)
    for y, hint in ((lacking, f"4 of {N} are NaN"), (np.arange(N) % 3 * 10, "np.unique")):
        with pytest.raises(EdgePruneError) as caught:
            read(tmp_path, graph, y, 5)
        assert hint in caught.value.hint


def test_arrays_that_may_be_labels_under_another_name_are_named(tmp_path: Path) -> None:
    graph = network(tmp_path, None, 4)
    x = some(4).astype(np.float32)
    for more, said in (({"labels": np.arange(N) % 3}, ["labels: not read"]), ({}, [])):
        notes: list[str] = []
        np.savez(tmp_path / "samples.npz", x=x, **more)
        load_samples(tmp_path / "samples.npz", graph, notes=notes)
        assert [note.split(",")[0] for note in notes] == said
        np.savez(tmp_path / "samples.npz", x=x, y=np.arange(N) % 3, **more)
        load_samples(tmp_path / "samples.npz", graph, notes=notes)
        assert len(notes) == len(said)


def test_labels_may_be_called_as_the_output_and_y_comes_first(tmp_path: Path) -> None:
    graph = network(tmp_path, None, 4)
    name = graph.said(graph.results[0])
    x = some(4).astype(np.float32)
    np.savez(tmp_path / "own.npz", x=x, **{name: some(3)})
    found = load_samples(tmp_path / "own.npz", graph)
    assert found.targets is not None
    np.testing.assert_array_equal(found.targets, some(3).astype(np.float32))
    np.savez(tmp_path / "both.npz", x=x, y=np.arange(N) % 3, **{name: some(3)})
    assert load_samples(tmp_path / "both.npz", graph).y is not None
    np.savez(tmp_path / "wrong.npz", x=x, **{name: some(7)})
    with pytest.raises(EdgePruneError) as caught:
        load_samples(tmp_path / "wrong.npz", graph)
    assert caught.value.where.endswith(f": {name}")
