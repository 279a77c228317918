"""Labelled or unlabelled data, and how it is divided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir.types import Array

Told = Literal["y", "marks", "targets"]
"""By the field of :class:`Samples`: one class a sample, several, or numbers."""

SEEN = 16  # samples of a label, of which chance leaves none out of the first half


@dataclass(frozen=True)
class Samples:
    """Inputs of a model, and what they show.

    Attributes:
        x: (n, *input shape) float32; of several inputs rows of all (:mod:`edgeprune.ir.rows`).
        y: labels, (n,) int64; None: there are none.
        bytes: whether the data had them as bytes: every element lies in 0 to 255.
        targets: numbers that the outputs should be, (n, outputs) float32; None: there are none.
        marks: several classes a sample, (n, positions) int64: of each position or, 0 and 1, of each
            output; None: there are none. Of labels, marks and numbers samples have at most one;
            where they have none, the source model's own outputs are the reference.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64] | None = None
    bytes: bool = False
    targets: NDArray[np.float32] | None = None
    marks: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        assert self.x.dtype == np.float32, self.x.dtype
        if self.y is not None:
            assert self.y.dtype == np.int64, self.y.dtype
            assert self.y.shape == (len(self.x),), (self.y.shape, self.x.shape)
        told = [v for v in (self.y, self.targets, self.marks) if v is not None]
        assert len(told) <= 1, "labels, numbers or marks"
        assert all(len(v) == len(self.x) for v in told), self.x.shape

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Array | slice) -> Samples:
        """Some of the samples, by index, mask or slice."""
        return Samples(
            self.x[rows],
            None if self.y is None else self.y[rows],
            self.bytes,
            None if self.targets is None else self.targets[rows],
            None if self.marks is None else self.marks[rows],
        )

    def like(self, x: NDArray[np.float32]) -> Samples:
        """Other inputs, sample by sample, that show the same."""
        return replace(self, x=x, bytes=False)

    @property
    def told(self) -> Told | None:
        """What they tell of what a model should answer; None: nothing."""
        if self.y is not None:
            return "y"
        if self.marks is not None:
            return "marks"
        return None if self.targets is None else "targets"

    def joined(self, other: Samples) -> Samples:
        """These samples and then others, with what both tell."""

        def both(a: Array | None, b: Array | None) -> Array | None:
            return None if a is None or b is None else np.concatenate([a, b])

        return Samples(
            np.concatenate([self.x, other.x]),
            both(self.y, other.y),
            self.bytes and other.bytes,
            both(self.targets, other.targets),
            both(self.marks, other.marks),
        )

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
