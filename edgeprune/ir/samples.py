"""Labelled or unlabelled data, and how it is divided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.types import Array


@dataclass(frozen=True)
class Samples:
    """Inputs of a model, and what they show.

    Attributes:
        x: (n, *input shape) float32; of several inputs rows of all (:mod:`edgeprune.ir.rows`).
        y: labels, (n,) int64; None: the source model's own outputs are the reference.
        bytes: whether the data had them as bytes: every element lies in 0 to 255.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64] | None = None
    bytes: bool = False

    def __post_init__(self) -> None:
        assert self.x.dtype == np.float32, self.x.dtype
        if self.y is not None:
            assert self.y.dtype == np.int64, self.y.dtype
            assert self.y.shape == (len(self.x),), (self.y.shape, self.x.shape)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Array | slice) -> Samples:
        """Some of the samples, by index, mask or slice."""
        return Samples(self.x[rows], None if self.y is None else self.y[rows], self.bytes)

    def first(self, n: int) -> Samples:
        """At most n samples, from the beginning."""
        return self.take(slice(0, n))

    def split(self, fraction: float, seed: int = 0) -> tuple[Samples, Samples]:
        """Divide at random, each label in the same proportion.

        Args:
            fraction: the share of the second part, 0 to 1.
            seed: of the shuffle; the same seed gives the same parts.

        Returns:
            The rest, and the part with ``round(fraction * n)`` samples; both in the given order.
        """
        assert 0 <= fraction <= 1, fraction
        rng = np.random.default_rng(seed)
        n = len(self)
        order = rng.permutation(n)
        if self.y is not None:
            # sample number i of m of its label goes to place (i + u) / m of a common queue, whose
            # head then has every label in proportion
            place = np.empty(n)
            labels, start = np.unique(self.y, return_inverse=True)
            for k in range(len(labels)):
                rows = order[start[order] == k]
                place[rows] = (np.arange(len(rows)) + rng.random()) / len(rows)
            order = np.argsort(place, kind="stable")
        chosen = np.zeros(n, bool)
        chosen[order[: round(fraction * n)]] = True
        return self.take(~chosen), self.take(chosen)
