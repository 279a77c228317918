"""Samples with the answers of the source model and of what was built, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array
from edgeprune.pruning.truth import Truth
from edgeprune.report.pictures import pixels, png
from edgeprune.report.schema import Example

SHOWN = 12
TOP = 3
"""Classes of an answer that are told."""
MOST_ELEMENTS = 1 << 20
"""Of a sample that is shown."""


def examples(
    x: Array,
    truth: Truth,
    source: Array,
    built: Array,
    shape: Sequence[int] | None,
    *,
    told: bool,
) -> list[Example]:
    """The samples that tell most: answers that changed first, then by distance.

    Args:
        x: samples, (n, *input shape).
        truth: what is right.
        source: real outputs of the source model, (n, ...).
        built: of what was built, likewise.
        shape: of one sample where there is one input, else None: there is no picture.
        told: whether the samples say what is right, rather than the source model.

    Returns:
        For each its number among the samples, its label, the distance (root mean square of the
        differences of the outputs), the classes that the source model and what was built answer,
        the largest outputs of both, (number, value), and a picture as PNG in base64. Where answers
        are numbers, those that moved most in place of the largest, and what they should be.
    """
    before, after = (made.reshape(len(x), -1).astype(np.float64) for made in (source, built))
    distance = np.sqrt(np.mean((before - after) ** 2, axis=1))
    moved = np.abs(before - after) if truth.measure == "r2" else None
    was, now = (
        _answers(v, truth) if moved is None else moved.argmax(axis=1) for v in (before, after)
    )
    order = np.lexsort((-distance, was == now))
    rows: list[Example] = []
    for i in (int(k) for k in order[:SHOWN] if np.isfinite(distance[k])):
        is_shown = shape is not None and x[i].size <= MOST_ELEMENTS
        own = truth.values[i] if told else None
        tops = [_top(v[i] if moved is None else moved[i]) for v in (before, after)]
        row: Example = {
            "number": i,
            "truth": int(own) if own is not None and own.ndim == 0 else None,
            "distance": float(f"{distance[i]:.4g}"),
            "answers": [int(was[i]), int(now[i])],
            "source": _values(before[i], tops[0]),
            "built": _values(after[i], tops[1]),
            "picture": png(pixels(x[i].ravel(), shape)) if is_shown and shape else None,
        }
        if moved is not None:
            row["wanted"] = None if own is None else _values(own, tops[0])
        rows.append(row)
    return rows


def mean_picture(x: Array, shape: Sequence[int]) -> str | None:
    """The mean of some hundred samples as PNG in base64; None where it would be too large.

    Args:
        x: samples, (n, *input shape).
        shape: of one sample.
    """
    if x[0].size > MOST_ELEMENTS:
        return None
    return png(pixels(x[:256].mean(axis=0).ravel(), shape))


def _answers(flat: Array, truth: Truth) -> Array:
    """One class a sample: of several positions the largest output of all."""
    return truth.said(flat) if truth.values.ndim == 1 else flat.argmax(axis=1)


def _top(row: Array) -> NDArray[np.intp]:
    """Which elements are the largest."""
    return np.argsort(-row, kind="stable")[:TOP]


def _values(row: Array, which: NDArray[np.intp]) -> list[list[float]]:
    """Elements as (number, value)."""
    return [[int(k), float(f"{row[k]:.4g}")] for k in which]
