"""What callers give in place of files and of texts of the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec, TypeVar

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.objects import arrays_of
from edgeprune.pipeline.options import parse_drop, parse_size
from edgeprune.scratch import workspace

Model = Any
"""A file (see :func:`edgeprune.load`), a ``torch.nn.Module``, an exported program, or None: the
model that comes with the package."""
Data = Any
"""Samples: a path, or what :func:`edgeprune.frontends.objects.arrays_of` takes."""
Numbers = float | Sequence[float]

P = ParamSpec("P")
R = TypeVar("R")


def named(function: Callable[P, R]) -> Callable[P, R]:
    """Says of an argument that there is none of which one was meant."""
    known = inspect.signature(function).parameters

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                close = get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]}=?" if close else f"there are {', '.join(known)}"
                raise EdgePruneError(function.__name__, f"has no argument {name!r}", hint)
        return function(*args, **kwargs)

    return checked


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


def words(value: str | Sequence[str]) -> tuple[str, ...]:
    """Names: a sequence of them, or a text with commas between them, as on the command line."""
    return tuple(value.split(",")) if isinstance(value, str) else tuple(value)


def labels_of(value: int | Iterable[int] | None) -> tuple[int, ...] | None:
    """Numbers of classes, in order and once, where they are given.

    Raises:
        EdgePruneError: they are no whole numbers.
    """
    if value is None:
        return None
    rows: object = value
    if isinstance(value, Iterable) and not isinstance(value, np.ndarray):
        rows = list(value)  # of a set too
    try:
        found = np.atleast_1d(np.asarray(rows))
    except ValueError:  # lists of several lengths
        found = np.empty(0)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise EdgePruneError("classes", f"{value!r} is no list of labels", "such as [3, 7]")
    return tuple(sorted(set(found.tolist())))


def size(value: str | int | None, option: str) -> int | None:
    """Bytes, where they are given."""
    return None if value is None else parse_size(str(value), option)


def share(value: str | float | None) -> float | None:
    """A loss of accuracy, 0 to 1, where it is given."""
    return None if value is None else parse_drop(str(value))


def numbers(value: Numbers | None, option: str) -> tuple[float, ...] | None:
    """One number or several, where they are given.

    Raises:
        EdgePruneError: they are none, or not finite.
    """
    if value is None:
        return None
    try:
        rows = np.atleast_1d(np.asarray(value, np.float64))
    except (TypeError, ValueError):
        rows = np.array([np.nan])
    if rows.ndim != 1 or not np.isfinite(rows).all():
        what = f"{value!r} is no number and no list of numbers"
        raise EdgePruneError(option, what, "such as 0.5 or [0.485, 0.456, 0.406]")
    return tuple(rows.tolist())
