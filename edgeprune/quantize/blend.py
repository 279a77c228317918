"""More samples than there are: what lies between two of them.

The source network answers those as well, so they are learned from like any other where no labels
are wanted. The shares are those of mixup (Zhang et al. 2018, arXiv:1710.09412), alpha 1.
"""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array


def blended(x: Array, count: int, seed: int = 0) -> Array:
    """Samples, followed by as many blends of two of them as ``count`` wants of more.

    Elements that have no more than two values in all samples, as a mask has, keep to these.

    Args:
        x: (n, ...) float32.
        count: of all together.
        seed: of the pairs and of how much of each they have.
    """
    more = max(count - len(x), 0)
    if not more:
        return x
    rng = np.random.default_rng(seed)
    one, two = rng.integers(len(x), size=(2, more))
    share = rng.random((more, *[1] * (x.ndim - 1)), dtype=np.float32)
    made, far = x[two], x[one]
    far -= made
    is_mask = ((x == x.min(0)) | (x == x.max(0))).all(0)
    np.multiply(far, share, out=far, where=~is_mask)
    np.multiply(far, share.round(), out=far, where=is_mask)
    made += far
    return np.concatenate([x, made])
