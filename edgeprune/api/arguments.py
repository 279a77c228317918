"""What callers give in place of files and of texts of the command line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.objects import arrays_of
from edgeprune.pipeline.options import BuildOptions
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


@contextmanager
def options_of(
    given: Mapping[str, Any], *, alone: Collection[str] = (), **instead: Any
) -> Iterator[BuildOptions]:
    """What a function was called with as options, objects as files as long as the block lasts.

    Args:
        given: every argument by name, ``locals()`` where the function begins; those that are no
            options are the function's own.
        alone: as :meth:`BuildOptions.of` has it.
        instead: options that are none of its arguments.

    Raises:
        EdgePruneError: an object is no model or no data, or a value may not be.
    """
    known = {f.name for f in fields(BuildOptions)}
    values = {name: value for name, value in given.items() if name in known} | instead
    with TemporaryDirectory(dir=workspace(), prefix="api-") as temp:
        folder = Path(temp)
        try:
            for name in ("data", "test"):
                values[name] = _data_file(given[name], folder / f"{name}.npz")
            example = given["example_input"]
            values["model"] = _model_file(given["model"], example, values["data"], folder)
            yield BuildOptions.of(**values, alone=alone)
        except EdgePruneError as error:
            for name in ("model.pt2", "data.npz", "test.npz"):  # no files of the caller's
                error.where = error.where.replace(str(folder / name), Path(name).stem)
            raise


def _model_file(
    model: Model, example_input: Any, samples: Path | None, folder: Path
) -> Path | None:
    if model is None or isinstance(model, str | Path):
        return None if model is None else Path(model)
    from edgeprune.frontends.from_torch import export

    return export(model, example_input, folder / "model.pt2", samples)


def _data_file(data: Data, path: Path) -> Path | None:
    if data is None or isinstance(data, str | Path):
        return None if data is None else Path(data)
    np.savez(path, allow_pickle=False, **arrays_of(data, path.stem))
    return path
