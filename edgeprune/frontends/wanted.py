"""What samples say that a model should answer: ``y`` as labels, classes by position, or numbers."""

from __future__ import annotations

import math
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.layout import reals, to_ir_layout
from edgeprune.ir import Array, Graph, Told
from edgeprune.ops.answer import answer_of

NUMBER_THEM = (
    "number them in the order of the model's outputs: np.unique(y, return_inverse=True)[1] does so "
    "by the alphabet"
)


class Wanted(TypedDict, total=False):
    """What ``y`` says, as one of the fields of :class:`edgeprune.ir.Samples`."""

    y: NDArray[np.int64]
    marks: NDArray[np.int64]
    targets: NDArray[np.float32]


def wanted(y: Array, n: int, graph: Graph, where: str, *, told: Told | None = None) -> Wanted:
    """Read ``y``.

    Numbers for every output are targets; zeros and ones for each of several outputs are marks, and
    so are classes for every position of an image. Rows with a single one are refused, as they are
    labels in another form; where other samples tell already, they are what these are.

    Args:
        y: as the user has it, in the layout of the model's output.
        n: how many samples there are.
        graph: the model.
        where: for messages.
        told: what samples of the same origin tell; None: there are none.

    Raises:
        EdgePruneError: it is neither.
    """
    value = graph.results[0]
    shape, size = graph.types[value].shape, graph.types[value].size
    kind, count = answer_of(graph).kind, shape[-1] if shape else 1
    if y.dtype.kind not in "fiub" or y.shape[:1] != (n,) or n == 0:
        return Wanted(y=as_labels(y, n, graph, where))
    whole, binary = (y == np.floor(y)).all(), bool(np.isin(y, (0, 1)).all())
    if told != "y" and count > 1 and _is_by_position(y, shape):
        return _marks(y, count, where)
    fits = y.size == n * size and size > 1 and told not in ("y", "targets")
    rows = to_ir_layout(y, graph, value, where).reshape(n, -1, count) if fits and binary else None
    is_one_hot = rows is not None and count > 1 and bool((rows.sum(axis=2) == 1).all())
    if rows is not None and is_one_hot and rows.shape[1] > 1:
        return Wanted(marks=rows.argmax(axis=2).astype(np.int64))
    if y.size != n * size or kind == "softmax" or told == "y":
        single = size == 1 and y.size == n and whole
        y = y.reshape(n).astype(np.int64) if single else y
        return Wanted(y=as_labels(y, n, graph, where))
    if size == 1 and binary and told != "targets":
        return Wanted(y=y.reshape(n).astype(np.int64))
    outside = kind == "sigmoid" and not ((y >= 0) & (y <= 1)).all()
    if outside or (is_one_hot and told is None):
        return Wanted(y=as_labels(y, n, graph, where))
    if rows is not None:
        return Wanted(marks=rows.reshape(n, -1).astype(np.int64))
    if told == "marks":
        raise EdgePruneError(where, "has numbers, --data has 0 and 1 for every output")
    numbers = y.reshape(n, *shape) if size == 1 else to_ir_layout(y, graph, value, where)
    return Wanted(targets=reals(numbers, where).reshape(n, -1))


def _is_by_position(y: Array, shape: tuple[int, ...]) -> bool:
    """Whether y (n, ...) has one number for each position of an output (*positions, classes)."""
    *lead, _ = shape
    positions = math.prod(lead)
    return positions > 1 and y.shape[1:] in {(*lead,), (1, *lead), (*lead, 1), (positions,)}


def _marks(y: Array, count: int, where: str) -> Wanted:
    if y.dtype.kind not in "iu" or not 0 <= y.min() <= y.max() < count:
        what = f"classes of positions are whole numbers from 0 to {count - 1}"
        raise EdgePruneError(where, what, "y (n, *positions) of an integer type")
    return Wanted(marks=y.reshape(len(y), -1).astype(np.int64))


def as_labels(y: Array, n: int, graph: Graph, where: str) -> NDArray[np.int64]:
    """Classes, one for each of n samples, int64 (n,).

    Raises:
        EdgePruneError: they are none, or more than the model has outputs.
    """
    if y.dtype.kind not in "iu":
        what = f"has elements of type {y.dtype}, not integers"
        raise EdgePruneError(where, what, _meant_labels(y, n))
    if y.shape != (n,):
        what = f"has shape {list(y.shape)}, but there are {n} samples"
        raise EdgePruneError(where, what, _meant_labels(y, n))
    classes = max(graph.types[graph.results[0]].size, 2)
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise EdgePruneError(
            where,
            f"labels run from {low} to {high}, the model has {classes} outputs (0 to "
            f"{classes - 1})",
            _from_zero(y, low, high, classes),
        )
    return y.astype(np.int64)


def _from_zero(y: Array, low: int, high: int, classes: int) -> str:
    """What to do where labels leave the outputs: the commonest ways to count."""
    if classes == 2 and np.isin(y, (-1, 1)).all():
        return "give (y + 1) // 2"
    if low > 0 and high == classes:
        return "counted from 0: y - 1"
    if low == -1 and high < classes - 1:
        return "counted from 0: y + 1"
    return NUMBER_THEM if len(np.unique(y)) <= classes else ""


def _meant_labels(y: Array, n: int) -> str:
    """What to do where labels are no integers (n,): the commonest forms that they come in."""
    if y.dtype.kind in "fiub" and y.size and y.shape[:1] == (n,) and (y == np.floor(y)).all():
        if y.size == n:
            return "give y.reshape(-1).astype(int)"
        if y.ndim == 2 and (y.astype(bool).sum(axis=1) == 1).all() and y.max() == 1:
            return "they are one-hot: give y.argmax(axis=1)"
    if y.dtype.kind == "f" and y.shape == (n,) and 0 < np.isnan(y).sum() < n:
        return f"{np.isnan(y).sum()} of {n} are NaN: leave samples without a label out"
    if y.dtype.kind in "SU" and y.shape == (n,):
        return NUMBER_THEM
    if y.dtype.kind in "iu" and y.ndim == 1:
        return "give one for each sample"
    return (
        "y (n,) are numbers of classes, y (n, output shape) the outputs themselves; without y the "
        "model's own answers are the reference"
    )
