"""Whatever Python programs keep their samples in is taken, or refused by one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.objects import MAX_BYTES, arrays_of

X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])
TENSORS = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))


class Frame:
    """As pandas has them: an array inside, and iterating gives the names of the columns."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.ndim = self.values.ndim

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values

    def __iter__(self) -> Iterator[str]:
        return iter(["a", "b"])

    def __len__(self) -> int:
        return len(self.values)


class Picture:
    """As PIL has them: numpy reads it, and it has no number of axes."""

    def __init__(self, values: Any) -> None:
        self.__array_interface__ = values.__array_interface__
        self.values = values


class Rows(Dataset[Any]):
    """A map-style dataset without an iterator."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, i: int) -> Any:
        if not 0 <= i < len(X):
            raise RuntimeError("no such row")
        return X[i], Y[i]


class Endless:
    """As Keras has generators of pictures: a length, and an iterator, itself, that begins again."""

    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches
        self._at = 0

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, i: int) -> Any:
        return self._batches[i]

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._at += 1
        return self._batches[(self._at - 1) % len(self)]


class Estimated(IterableDataset[Any]):
    """What says something of its length, or raises it."""

    def __init__(self, said: Any) -> None:
        self._said = said

    def __len__(self) -> int:
        if isinstance(self._said, Exception):
            raise self._said
        return self._said  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Any]:
        return zip(X, Y, strict=True)


class Hinted:
    """As bars of progress that are told of too few."""

    def __iter__(self) -> Iterator[Any]:
        return zip(X, Y, strict=True)

    def __length_hint__(self) -> int:
        return 2


TAKEN = {
    "a pair": (X, Y),
    "a pair as a list": [X, Y],
    "a pair of lists": [X.tolist(), Y.tolist()],
    "tensors with gradients": (torch.tensor(X, requires_grad=True), torch.from_numpy(Y)),
    "frames": (Frame(X), Frame(Y)),
    "a dictionary": {"x": torch.tensor(X, requires_grad=True), "y": Y},
    "a dataset": TENSORS,
    "a dataset that only has an index": Rows(),
    "a loader of batches": DataLoader(TENSORS, batch_size=4),
    "a loader of samples": DataLoader(TENSORS, batch_size=None),
    "a list of samples with labels": list(zip(torch.from_numpy(X), Y, strict=True)),
    "a list of samples as tuples with labels": [
        (tuple(x), int(y)) for x, y in zip(X.tolist(), Y, strict=True)
    ],
    "pictures with labels": [(Picture(x), int(y)) for x, y in zip(X, Y, strict=True)],
    "a list of batches": [(X[:4], Y[:4]), (X[4:], Y[4:])],
    "a loader with a length and no end": Endless([(X[:4], Y[:4]), (X[4:], Y[4:])]),
    "a generator of samples": ((x, y) for x, y in zip(X, Y, strict=True)),
    "a generator of batches": ((X[i : i + 4], Y[i : i + 4]) for i in (0, 4)),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_samples_with_labels_are_taken(kind: str) -> None:
    found = arrays_of(TAKEN[kind], "data")
    assert set(found) == {"x", "y"}
    np.testing.assert_array_equal(found["x"], X)
    np.testing.assert_array_equal(found["y"], Y)


class Marked:
    """What holds these samples by an index, and is a Keras generator by its class."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, i: int) -> Any:
        return self._items[i]


class PyDataset(Marked):
    """As Keras 3 has it; Keras 2 calls it Sequence."""

    __module__ = "keras.src.trainers.data_adapters.py_dataset_adapter"


class Generator(PyDataset):
    """A user's own, in a module of theirs."""


def with_answers(y: Any) -> dict[str, Any]:
    """Every kind of data with samples X and answers y, which have axes of their own."""
    tensors = TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
    parts = [slice(0, 4), slice(4, 6)]
    samples = list(zip(X, y, strict=True))
    return {
        "a dataset": tensors,
        "a part of a dataset": torch.utils.data.Subset(tensors, range(6)),
        "what has an index": Marked(samples),
        "a loader of batches": DataLoader(tensors, batch_size=4),
        "a loader by a sampler of batches": DataLoader(tensors, batch_sampler=[range(4), [4, 5]]),
        "a loader of samples": DataLoader(tensors, batch_size=None),
        "a list of samples": samples,
        "a list of samples as lists": [(a.tolist(), b.tolist()) for a, b in samples],
        "a list of tensors": list(tensors),
        "a list of batches": [(X[i], y[i]) for i in parts],
        "batches of one by an index": Marked([(X[i : i + 1], y[i : i + 1]) for i in range(6)]),
        "a generator of samples": iter(samples),
        "a generator of batches": ((X[i], y[i]) for i in parts),
        "a generator of batches of one": ((X[i : i + 1], y[i : i + 1]) for i in range(6)),
        "a generator of Keras": Generator([(X[i], y[i]) for i in parts]),
    }


@pytest.mark.parametrize("kind", with_answers(X[:, :1]))
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)], ids=str)
def test_samples_with_answers_of_axes_are_taken(kind: str, shape: tuple[int, ...]) -> None:
    y = np.arange(6 * np.prod(shape), dtype=np.float32).reshape(6, *shape)
    found = arrays_of(with_answers(y)[kind], "data")
    np.testing.assert_array_equal(found["x"], X)
    np.testing.assert_array_equal(found["y"], y)


@pytest.mark.parametrize("shape", [(1,), (3,), (4, 2)], ids=str)
def test_a_pair_as_a_list_is_one_whatever_axes_its_answers_have(shape: tuple[int, ...]) -> None:
    y = np.arange(6 * np.prod(shape), dtype=np.float32).reshape(6, *shape)
    for pair in ([X, y], [torch.from_numpy(X), torch.from_numpy(y)], [X.tolist(), y.tolist()]):
        found = arrays_of(pair, "data")
        np.testing.assert_array_equal(found["x"], X)
        np.testing.assert_array_equal(found["y"], y)


@pytest.mark.parametrize("shape", [(6, 4), (2, 4), (6, 4, 1)], ids=str)
def test_two_arrays_of_one_shape_in_a_list_are_refused_as_pair_or_samples(
    shape: tuple[int, ...],
) -> None:
    x = np.ones(shape, np.float32)
    for data in ([x, x], [torch.from_numpy(x), torch.from_numpy(x)]):
        with pytest.raises(EdgePruneError, match="may be x and y or two samples") as caught:
            arrays_of(data, "data")
        assert "give a tuple (x, y)" in caught.value.hint
    np.testing.assert_array_equal(arrays_of((x, x), "data")["y"], x)
    assert arrays_of([x.tolist(), x.tolist()], "data")["x"].shape == (2, *shape)
    assert arrays_of([X[0], X[1]], "data")["x"].shape == (2, 4)


def test_samples_of_a_dataset_are_samples_with_answers_as_long_as_they_are() -> None:
    """Masks of pictures, and the pictures themselves of an autoencoder."""
    pictures = X.reshape(2, 3, 4, 1)
    for y in (pictures[..., 0], pictures):
        data = TensorDataset(torch.from_numpy(pictures), torch.from_numpy(y))
        found = arrays_of(data, "data")
        np.testing.assert_array_equal(found["x"], pictures)
        np.testing.assert_array_equal(found["y"], y)
    for given in (TensorDataset(torch.from_numpy(X), torch.from_numpy(X)), zip(X, X, strict=True)):
        np.testing.assert_array_equal(arrays_of(given, "data")["y"], X)


def test_batches_without_labels_are_batches_where_they_say_so() -> None:
    tensors = TensorDataset(torch.from_numpy(X))
    sampled = DataLoader(tensors, batch_sampler=[range(4), [4, 5]])
    for data in (sampled, Generator([X[:4], X[4:]])):
        np.testing.assert_array_equal(arrays_of(data, "data")["x"], X)


def test_what_has_no_end_is_read_whole_wherever_it_stands() -> None:
    data = Endless([(X[:4], Y[:4]), (X[4:], Y[4:])])
    for _ in range(3):
        next(data)
        np.testing.assert_array_equal(arrays_of(data, "data")["x"], X)


SAID = [2, 0, 99, -1, 10**30, float("inf"), NotImplementedError(), RuntimeError("unknown")]


@pytest.mark.parametrize("said", SAID, ids=repr)
def test_what_is_iterated_is_read_to_its_end_whatever_it_says_of_its_length(said: Any) -> None:
    found = arrays_of(Estimated(said), "data")
    np.testing.assert_array_equal(found["x"], X)
    np.testing.assert_array_equal(found["y"], Y)


def test_a_loader_is_read_to_its_end_and_what_hints_at_a_length_too() -> None:
    for data in (Hinted(), iter(Hinted()), DataLoader(Estimated(RuntimeError()), batch_size=4)):
        np.testing.assert_array_equal(arrays_of(data, "data")["x"], X)


ALONE = {
    "an array": X,
    "a pair without labels": (X, None),
    "a dictionary without labels": {"x": X, "y": None},
    "a dataset of tensors alone": TensorDataset(torch.from_numpy(X)),
    "a loader of tensors alone": DataLoader(TensorDataset(torch.from_numpy(X)), batch_size=4),
    "a list of tensors alone": list(TensorDataset(torch.from_numpy(X))),
    "an array of what numpy has by ml_dtypes": X.astype(ml_dtypes.bfloat16),
    "a list of such": list(X.astype(ml_dtypes.bfloat16)),
    "a tensor of what numpy has not": torch.tensor(X, dtype=torch.bfloat16),
    "a tensor": torch.tensor(X, requires_grad=True),
    "a frame": Frame(X),
    "a list of samples": list(X),
    "two samples": [X[0], X[1]],
    "a list of tensors with gradients": list(torch.tensor(X, requires_grad=True)),
    "a loader": DataLoader(torch.from_numpy(X), batch_size=4),
}


@pytest.mark.parametrize("kind", ALONE)
def test_samples_without_labels_are_taken(kind: str) -> None:
    found = arrays_of(ALONE[kind], "data")
    assert set(found) == {"x"}
    assert found["x"].shape[1:] == X.shape[1:]
    np.testing.assert_array_equal(found["x"], X[: len(found["x"])])
    assert len(found["x"]) == (2 if kind == "two samples" else 6)


@pytest.mark.parametrize("kind", [float, np.ones, torch.ones])
def test_samples_of_two_features_as_tuples_are_no_samples_with_labels(kind: Any) -> None:
    """Neither as numbers, nor as rows of the sample that may be tensors with gradients."""
    if kind is float:
        data: list[Any] = [(0.1, 0.2), (0.3, 0.4), (0.5, 0.6)]
        wanted = np.array(data)
    else:
        data = [(kind(3) * i, kind(3) * -i) for i in range(6)]
        wanted = np.array([[[i] * 3, [-i] * 3] for i in range(6)])
    if kind is torch.ones:
        data = [(a.requires_grad_(), b.requires_grad_()) for a, b in data]
    found = arrays_of(data, "data")
    assert set(found) == {"x"}
    np.testing.assert_array_equal(found["x"], wanted)


def test_samples_of_one_feature_as_tuples_keep_its_axis() -> None:
    numbers = [(np.float32(0.5),), (np.float32(0.25),)]
    for data in (numbers, [(0.5,), (0.25,)], [((0.5,),), ((0.25,),)]):
        np.testing.assert_array_equal(arrays_of(data, "data")["x"], np.array(data))


class Failing:
    """What another library cannot give to numpy."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("it lies on a disk that is gone")


class Unnumbered(Rows):
    """A map-style dataset that does not know its length."""

    def __len__(self) -> int:
        raise NotImplementedError


def endless() -> Iterator[Any]:
    x = np.broadcast_to(np.zeros(1, np.float32), (1 << 28,))
    while True:
        yield x, 0


REFUSED = {
    "a number": (3, "int"),
    "three of something": ((X, Y, Y), "3 parts"),
    "objects": (np.array([1, "a", None], dtype=object), "others such as 'a' are not"),
    "rows of unlike lengths": ([[1.0], [1.0, 2.0]], "a list cannot be used: its items differ"),
    "tensors of unlike shapes": ([torch.ones(3), torch.ones(2)], "its items differ in shape"),
    "tensors of what numpy has not": ([torch.ones(3).to_sparse()] * 2, "Sparse"),
    "rows without a number": (Unnumbered(), "it is no data"),
    "a class of datasets": (Rows, "its instances"),
    "what is masked": (np.ma.masked_array(X, X > 3), "masked"),
    "masked rows": (list(np.ma.masked_array(X, X > 3)), "masked"),
    "masked numbers": (list(np.ma.masked_array(X[0], X[0] > 1)), "masked"),
    "masked rows with labels": (list(zip(np.ma.masked_array(X, X > 3), Y, strict=True)), "masked"),
    "samples with some unlike targets": ([(X[0], X[0, :3]), (X[0], X[0])], "y has another shape"),
    "samples and labels side by side": ([[X[0], 1], [X[1], 0]], "its items differ in shape"),
    "what its library cannot give": ([Failing()] * 2, "a disk that is gone"),
    "an empty list": ([], "no sample"),
    "dictionaries": (iter([{"image": X[0]}]), "dict"),
    "arrays that may be samples or batches": (iter([X, X]), "samples or batches"),
    "nothing": (iter(()), "no sample"),
    "unlike shapes": (iter([(X[0], 0), (X[0, :2], 1)]), "differ in shape"),
    "what never ends": (endless(), f"{MAX_BYTES >> 30} GiB"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_data_is_refused_by_what_is_taken(kind: str) -> None:
    data, word = REFUSED[kind]
    with pytest.raises(EdgePruneError) as caught:
        arrays_of(data, "data")
    assert word in caught.value.what or word in caught.value.hint
    assert "DataLoader" in caught.value.hint


def test_small_samples_without_an_end_are_counted_with_what_each_takes_beside_its_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgeprune.frontends.objects.MAX_BYTES", 1 << 20)
    drawn = 0

    def one() -> Any:
        nonlocal drawn
        drawn += 1
        return X[0], 0

    with pytest.raises(EdgePruneError, match="it gives more than"):
        arrays_of(iter(one, None), "data")
    assert drawn < (1 << 20) // 200
