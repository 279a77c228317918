"""The Python interface: what the command line does, also with objects in place of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edgeprune.pipeline.build import Built
from edgeprune.pipeline.build import build as run_build
from edgeprune.pipeline.options import BuildOptions, parse_drop, parse_labels, parse_size
from edgeprune.pipeline.verify import Verdict
from edgeprune.pipeline.verify import verify as run_verify
from edgeprune.progress import Progress, silent
from edgeprune.scratch import workspace

Data = Any  # a path, an array x, or a pair (x, y)


def build(
    model: Any = None,
    example_input: Any = None,
    *,
    data: Data = None,
    test: Data = None,
    budget: str | int | None = None,
    ram: str | int | None = None,
    max_drop: str | float | None = None,
    labels: str | Path | Sequence[str] = (),
    out: str | Path = "build",
    progress: Progress = silent,
    **options: Any,
) -> Built:
    """Prune a model until it fits, compile it, and prove that all artifacts agree.

    Args:
        model: a file (see :func:`edgeprune.load`), a ``torch.nn.Module``, or None for the model
            that comes with the package.
        example_input: for a module: one input tensor, batch in front, or a tuple of them.
        data: samples that rank, calibrate and choose: a file or folder, an array x
            (n, *input shape), a pair (x, y) with integer labels y (n,), or for a model of several
            inputs a dictionary with an array for each, by name or as x0, x1, ...
        test: samples that are only reported on; without it a part of ``data`` is kept apart.
        budget: bytes of flash, as a number or as "64KB".
        ram: bytes of RAM, likewise.
        max_drop: largest loss of accuracy on validation data: 0.005 or "0.5pt".
        labels: names of the classes, or a text file with one a line.
        out: the folder to write.
        progress: told how far the long steps are.
        options: further fields of :class:`edgeprune.pipeline.options.BuildOptions`.

    Returns:
        The folder and the report.

    Raises:
        EdgePruneError: the input is wrong.
        CannotFitError: the budget cannot be met; the text says what the floor is.
    """
    with TemporaryDirectory(dir=workspace(), prefix="api-") as temp:
        folder = Path(temp)
        chosen = BuildOptions(
            out=Path(out),
            model=_model_file(model, example_input, folder),
            data=_data_file(data, folder / "data.npz"),
            test=_data_file(test, folder / "test.npz"),
            budget=parse_size(str(budget)) if budget is not None else None,
            ram=parse_size(str(ram), "--ram") if ram is not None else None,
            max_drop=parse_drop(str(max_drop)) if max_drop is not None else None,
            labels=parse_labels(str(labels)) if isinstance(labels, str | Path) else tuple(labels),
            **options,
        )
        return run_build(chosen, progress)


def verify_folder(folder: str | Path) -> Verdict:
    """Check every artifact in a folder that :func:`build` wrote.

    Args:
        folder: the folder.
    """
    return run_verify(Path(folder))


def _model_file(model: Any, example_input: Any, folder: Path) -> Path | None:
    if model is None or isinstance(model, str | Path):
        return None if model is None else Path(model)
    from edgeprune.frontends.from_torch import export

    return export(model, example_input, folder / "model.pt2")


def _data_file(data: Data, path: Path) -> Path | None:
    if data is None or isinstance(data, str | Path):
        return None if data is None else Path(data)
    if isinstance(data, dict):
        arrays = {str(k): np.asarray(v) for k, v in data.items()}
    else:
        x, y = data if isinstance(data, tuple) else (data, None)
        arrays = {"x": np.asarray(x)} | ({} if y is None else {"y": np.asarray(y)})
    np.savez(path, allow_pickle=False, **arrays)
    return path
