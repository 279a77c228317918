"""Samples with the answers of the source model and of what was built, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.ir import Array
from edgeprune.report.pictures import pixels, png
from edgeprune.report.schema import Example

SHOWN = 12
TOP = 3
"""Classes of an answer that are told."""
MOST_ELEMENTS = 1 << 20
"""Of a sample that is shown."""


def examples(
    x: Array, truth: Array | None, source: Array, built: Array, shape: Sequence[int] | None
) -> list[Example]:
    """The samples that tell most: answers that changed first, then by distance.

    Args:
        x: samples, (n, *input shape).
        truth: labels, (n,); None: there are none.
        source: real outputs of the source model, (n, ...).
        built: of what was built, likewise.
        shape: of one sample where there is one input, else None: there is no picture.

    Returns:
        For each its number among the samples, its label, the distance (root mean square of the
        differences of the outputs), the classes that the source model and what was built answer,
        the largest outputs of both, (number, value), and a picture as PNG in base64.
    """
    before, after = (made.reshape(len(x), -1).astype(np.float64) for made in (source, built))
    distance = np.sqrt(np.mean((before - after) ** 2, axis=1))
    was, now = _answers(before), _answers(after)
    order = np.lexsort((-distance, was == now))
    rows: list[Example] = []
    for i in (int(k) for k in order[:SHOWN] if np.isfinite(distance[k])):
        is_shown = shape is not None and x[i].size <= MOST_ELEMENTS
        rows.append(
            {
                "number": i,
                "truth": None if truth is None else int(truth[i]),
                "distance": float(f"{distance[i]:.4g}"),
                "answers": [int(was[i]), int(now[i])],
                "source": _top(before[i]),
                "built": _top(after[i]),
                "picture": png(pixels(x[i].ravel(), shape)) if is_shown and shape else None,
            }
        )
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


def _answers(flat: Array) -> Array:
    found: Array = flat[:, 0] > 0.5 if flat.shape[1] == 1 else flat.argmax(axis=1)
    return found


def _top(row: Array) -> list[list[float]]:
    """The largest elements: (number, value)."""
    return [[int(k), float(f"{row[k]:.4g}")] for k in np.argsort(-row, kind="stable")[:TOP]]
