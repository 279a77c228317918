"""When real answers count as the same: every compiler and processor adds up in its own order."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array

RELATIVE = 1e-5
"""Of float32 answers, as :func:`relative_difference` counts."""


def magnitude(reference: Array) -> float:
    """The larger of 1 and the largest finite one of some answers.

    What rounding takes from a sum is a share of what is added up, however little that leaves.
    """
    size = np.abs(np.asarray(reference, np.float64))
    return float(size[np.isfinite(size)].max(initial=1.0))


def relative_difference(a: Array, b: Array) -> Array:
    """Differences as shares of the reference's :func:`magnitude`.

    Infinity and NaN are the same as themselves, and infinitely far from all else.

    Args:
        a: answers.
        b: the reference, of the same shape.
    """
    a, b = (np.asarray(v, np.float64) for v in (a, b))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(a - b) / magnitude(b))
    return np.where(np.isnan(gap), np.inf, gap)
