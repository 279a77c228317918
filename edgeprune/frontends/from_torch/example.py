"""An input of a PyTorch module, taken from its samples: what it is exported with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.arrays import load_npz, map_npy, names_in
from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array

HINT = "give example_input=, one input with its batch axis"


def examples_of(module: Any, data: Path | None) -> list[tuple[Any, ...]]:
    """What a module may be exported with, the likeliest first: its first sample as tensors.

    Numbers are given as the type of its parameters. Whole ones and truth values may be features
    that happen to be whole, or choose rows of a table, or be a mask: PyTorch exports no table that
    real numbers choose from, but layers that compute with whole numbers. Those of a file of real
    numbers come last.

    Args:
        module: a ``torch.nn.Module``; where it has several inputs, samples are called as the
            parameters of ``forward`` are, or x0, x1, ...
        data: an ``.npz``, an ``.npy``, or a folder with ``x.npy``.

    Raises:
        EdgePruneError: there are no such samples, or which input is which cannot be told.
    """
    import torch

    where = type(module).__name__
    rows = _ordered(_first_rows(data), inspect.signature(module.forward).parameters)
    if not rows:
        raise EdgePruneError(where, "needs an example of its input, which no data tell", HINT)
    types = [p.dtype for p in module.parameters() if p.is_floating_point()]
    real = [torch.as_tensor(row).to((types or [torch.float32])[0]) for row in rows]
    tried, kinds = [tuple(real)], {row.dtype.kind for row in rows}
    pairs = list(zip(rows, real, strict=True))
    if kinds & set("iub"):
        tried.append(tuple(r if row.dtype.kind == "f" else _whole(row) for row, r in pairs))
    if "f" in kinds and all(
        np.array_equal(row, np.round(row)) for row in rows if row.dtype != bool
    ):
        tried.append(tuple(_whole(row) for row in rows))
    return tried


def _whole(row: Array) -> Any:
    """As whole numbers, or truth values."""
    import torch

    return torch.as_tensor(row if row.dtype.kind == "b" else row.astype(np.int64))


def _first_rows(data: Path | None) -> dict[str, Array]:
    """The first sample of every array, batch in front; none where that cannot be told."""
    if data is None or not data.exists():
        return {}
    if data.is_dir():
        found = {f.stem: map_npy(f) for f in sorted(data.glob("*.npy"))}
        found = found if {"x", "x0"} & set(found) else {}
    elif data.suffix == ".npy":
        found = {"x": map_npy(data)}
    else:
        found = load_npz(data, names_in(data))
    return {name: np.array(a[:1]) for name, a in found.items() if a.ndim and len(a)}


def _ordered(rows: Mapping[str, Array], takes: Mapping[str, inspect.Parameter]) -> list[Array]:
    """The rows of the inputs in the order in which a module takes them; none: it is not known."""
    labels = "y" not in takes or takes["y"].default is not inspect.Parameter.empty
    given = {k: row for k, row in rows.items() if k != "y" or not labels}
    if len(given) < 2:
        return list(given.values())
    numbered = [f"x{i}" for i in range(len(given))]
    for names in (list(takes)[: len(given)], numbered):
        if set(names) == set(given):
            return [given[k] for k in names]
    return []
