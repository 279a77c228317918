"""Moved copies of few samples."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.pruning.obs.enlarge import enlarge


def images(n: int, *shape: int) -> np.ndarray:
    """Every element another one, so that it can be recognised."""
    return np.arange(n * int(np.prod(shape)), dtype=np.float32).reshape(n, *shape)


@pytest.mark.parametrize("shape", [(12, 9, 3), (49, 10, 1), (40, 1, 2), (5, 5, 1)])
def test_copies_are_moved_images(shape: tuple[int, int, int]) -> None:
    x = images(4, *shape)
    y = enlarge(x, 50, seed=3)
    assert y.shape == (50, *shape)
    assert np.array_equal(y[:4], x)
    owner = y[4:] // x[0].size
    assert (owner == owner[:, :1, :1, :1]).all(), "a copy is of one image"
    assert (y[4:] != x[owner[:, 0, 0, 0].astype(int)]).any(), "some are moved"
    assert set(np.unique(owner)) == {0, 1, 2, 3}
    row = (y[4:] // (shape[1] * shape[2])) % shape[0]
    far = np.abs(row - np.arange(shape[0])[None, :, None, None]).max()
    assert far <= max(1, round(0.06 * shape[0]))


def test_enough_samples_and_vectors_stay_as_they_are() -> None:
    for x in (images(5, 8, 8, 1), images(5, 7), images(5, 1, 1, 4)):
        assert enlarge(x, 5) is x
    assert enlarge(images(5, 7), 50).shape == (5, 7)
