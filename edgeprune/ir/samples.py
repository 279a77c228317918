"""Labelled or unlabelled data, and how it is divided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.types import Array

SEEN = 16  # samples of a label, of which chance leaves none out of the first half


@dataclass(frozen=True)
class Samples:
    """Inputs of a model, and what they show.

    Attributes:
        x: (n, *input shape) float32; of several inputs rows of all (:mod:`edgeprune.ir.rows`).
        y: labels, (n,) int64; None: there are none.
        bytes: whether the data had them as bytes: every element lies in 0 to 255.
        targets: numbers that the outputs should be, (n, outputs) float32; None: there are none.
            Without labels and numbers the source model's own outputs are the reference.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64] | None = None
    bytes: bool = False
    targets: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        assert self.x.dtype == np.float32, self.x.dtype
        if self.y is not None:
            assert self.y.dtype == np.int64, self.y.dtype
            assert self.y.shape == (len(self.x),), (self.y.shape, self.x.shape)
        if self.targets is not None:
            assert self.y is None, "labels or numbers, not both"
            assert self.targets.dtype == np.float32, self.targets.dtype
            assert self.targets.shape[:1] == (len(self.x),), (self.targets.shape, self.x.shape)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Array | slice) -> Samples:
        """Some of the samples, by index, mask or slice."""
        y = None if self.y is None else self.y[rows]
        targets = None if self.targets is None else self.targets[rows]
        return Samples(self.x[rows], y, self.bytes, targets)

    def like(self, x: NDArray[np.float32]) -> Samples:
        """Other inputs, sample by sample, that show the same."""
        return Samples(x, self.y, targets=self.targets)

    @property
    def is_told(self) -> bool:
        """Whether what a model should answer comes with the samples."""
        return self.y is not None or self.targets is not None

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
        chosen = np.zeros(len(self), bool)
        chosen[self._queue(seed)[: round(fraction * len(self))]] = True
        return self.take(~chosen), self.take(chosen)

    def mixed(self, seed: int = 0) -> Samples:
        """The same samples, in an order of which every beginning has all labels in proportion.

        As they are where they are mixed: labels that come in runs, as folders of pictures give
        them, leave some out of the first half.
        """
        if self.y is None:
            return self
        labels, counts = np.unique(self.y, return_counts=True)
        half = self.y[: len(self) // 2]
        due = ((v, n / 2) for v, n in zip(labels, counts, strict=True) if n > SEEN)
        missed = any((half == v).sum() < n / 4 for v, n in due)
        return self.take(self._queue(seed)) if missed else self

    def _queue(self, seed: int) -> Array:
        """A random order, each label in proportion in every beginning of it."""
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
        return order
