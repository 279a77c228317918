"""More samples out of few: copies that are moved by some pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACH = 0.06
"""The furthest that a copy is moved, as a share of the image's height and width."""

ELEMENTS = 2**24
"""Of all images together, up to which copies are made: 64 MB."""


def enlarge(x: NDArray[np.float32], count: int, seed: int = 0) -> NDArray[np.float32]:
    """Images and moved copies of them, what is moved in being the border's repetition.

    A layer is solved for what the dense network computes, and that is known for every input: a few
    hundred samples leave the least squares of a wide convolution underdetermined, and copies that
    the network might meet fill it up.

    Args:
        x: samples, (n, h, w, c); samples of any other shape are given back as they are.
        count: how many are wanted; fewer of large images, which have more positions to look at.
        seed: of the moves.

    Returns:
        The samples, and behind them as many copies as are missing; x itself where none are.
    """
    missing = min(count, ELEMENTS // max(x[:1].size, 1)) - len(x)
    if x.ndim != 4 or missing <= 0:
        return x
    reach = [max(1, round(REACH * size)) if size > 3 else 0 for size in x.shape[1:3]]
    if not any(reach):
        return x
    random = np.random.default_rng(seed)
    chosen = np.resize(random.permutation(len(x)), missing)
    at = []
    for axis, far in enumerate(reach):
        size = x.shape[1 + axis]
        shift = random.integers(-far, far + 1, (missing, 1))
        at.append(np.clip(np.arange(size) + shift, 0, size - 1))
    rows, columns = at
    copies = x[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
    return np.concatenate([x, copies])
