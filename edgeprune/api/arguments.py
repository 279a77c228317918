"""What callers give in place of files and of texts of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.objects import arrays_of
from edgeprune.scratch import workspace

Model = Any
"""A file (see :func:`edgeprune.load`), a ``torch.nn.Module``, an exported program, or None: the
model that comes with the package."""
Data = Any
"""Samples: a path, or what :func:`edgeprune.frontends.objects.arrays_of` takes."""
Size = str | int
"""Bytes: a number or "64KB"."""
Numbers = str | float | Sequence[float]
Words = str | Sequence[str]
"""Names: a sequence of them, or a text with commas between them, as on the command line."""
Levels = str | float | Sequence[str | float]
Labels = str | int | Iterable[int]


@dataclass(frozen=True)
class Files:
    """What a command works on, as files."""

    model: Path | None
    data: Path | None
    test: Path | None


@contextmanager
def files_of(model: Model, example_input: Any, data: Data, test: Data) -> Iterator[Files]:
    """Objects as files, as long as the block lasts."""
    with TemporaryDirectory(dir=workspace(), prefix="api-") as temp:
        folder = Path(temp)
        try:
            yield Files(
                _model_file(model, example_input, folder),
                _data_file(data, folder / "data.npz"),
                _data_file(test, folder / "test.npz"),
            )
        except EdgePruneError as error:
            for name in ("model.pt2", "data.npz", "test.npz"):  # no files of the caller's
                error.where = error.where.replace(str(folder / name), Path(name).stem)
            raise


def _model_file(model: Model, example_input: Any, folder: Path) -> Path | None:
    if model is None or isinstance(model, str | Path):
        return None if model is None else Path(model)
    from edgeprune.frontends.from_torch import export

    return export(model, example_input, folder / "model.pt2")


def _data_file(data: Data, path: Path) -> Path | None:
    if data is None or isinstance(data, str | Path):
        return None if data is None else Path(data)
    np.savez(path, allow_pickle=False, **arrays_of(data, path.stem))
    return path
