"""What a module is exported with where nobody gives an example of its input: its first sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_torch import export, load
from edgeprune.frontends.from_torch.example import examples_of

ROWS = np.arange(12).reshape(3, 4)


class Pair(nn.Module):
    """Tokens and features: asymmetric, so that their order shows."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.dense = nn.Embedding(12, 3), nn.Linear(4, 3)

    def forward(self, words: Any, sensors: Any, scale: float = 1.0) -> Any:
        return self.table(words).sum(1) + self.dense(sensors) * scale


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, allow_pickle=False, **arrays)
    return path


@pytest.mark.parametrize("kind", ["u1", "i4", "i8", "f2", "f4", "f8", "?"])
def test_samples_of_any_type_are_an_example_of_real_numbers(tmp_path: Path, kind: str) -> None:
    data = saved(tmp_path / "d.npz", x=ROWS.astype(kind), y=np.array([0, 1, 0]))
    graph = load(export(nn.Linear(4, 2), None, tmp_path / "m.pt2", data))
    assert graph.types[graph.inputs[0]].shape == (4,)
    assert not graph.types[graph.inputs[0]].is_index


@pytest.mark.parametrize("names", [("words", "sensors"), ("x0", "x1")])
def test_each_input_has_its_own_samples_by_name_or_number(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    words, sensors = names
    arrays = {sensors: ROWS.astype("f8"), "y": np.zeros(3, int), words: ROWS[:, :2]}
    graph = load(export(Pair(), None, tmp_path / "m.pt2", saved(tmp_path / "d.npz", **arrays)))
    assert [graph.said(v) for v in graph.inputs] == ["words", "sensors"]
    assert [graph.types[v].shape for v in graph.inputs] == [(2,), (4,)]
    assert graph.types[graph.inputs[0]].is_index


def test_an_example_has_a_batch_of_one_from_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "x.npy", ROWS / 7)
    np.save(tmp_path / "x.npy", ROWS / 7)
    for data in (tmp_path / "folder", tmp_path / "x.npy", saved(tmp_path / "d.npz", x=ROWS / 7)):
        ((given,),) = examples_of(nn.Linear(4, 2), data)
        assert given.shape == (1, 4)
        assert given.dtype == torch.float32


def test_what_does_not_tell_the_inputs_asks_for_an_example(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    unnamed = saved(tmp_path / "d.npz", a=ROWS, b=ROWS)
    empty = saved(tmp_path / "e.npz", x=ROWS[:0])
    for data in (None, tmp_path / "pictures", tmp_path / "nowhere.npz", unnamed, empty):
        with pytest.raises(EdgePruneError, match=r"needs an example.*\n.*example_input="):
            examples_of(Pair(), data)


def test_samples_that_the_module_does_not_take_point_to_the_example(tmp_path: Path) -> None:
    data = saved(tmp_path / "d.npz", x=ROWS)
    with pytest.raises(EdgePruneError, match=r"cannot export it[\s\S]*example_input="):
        export(nn.Linear(5, 2), None, tmp_path / "m.pt2", data)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4"])
def test_words_of_any_type_choose_rows_of_a_table(tmp_path: Path, kind: str) -> None:
    module = nn.Sequential(nn.Embedding(12, 3), nn.Flatten(), nn.Linear(12, 2))
    data = saved(tmp_path / "d.npz", x=ROWS.astype(kind))
    graph = load(export(module, None, tmp_path / "m.pt2", data))
    assert graph.types[graph.inputs[0]].is_index


def test_a_mask_is_an_example_of_truth_values(tmp_path: Path) -> None:
    data = saved(tmp_path / "d.npz", x=ROWS / 7, mask=ROWS > 3)

    class Masked(nn.Module):
        def forward(self, x: Any, mask: Any) -> Any:
            return torch.where(mask, x, torch.zeros(()))

    given = examples_of(Masked(), data)
    assert [[t.dtype for t in example] for example in given] == [
        [torch.float32, torch.float32],
        [torch.float32, torch.bool],
    ]
