"""What a phone computes: a ``.tflite`` under LiteRT's default kernels beside the reference kernels.

Apps run LiteRT with its default delegate, XNNPACK, which rounds in float. Its outputs differ from
the reference kernels' by steps that later layers and a softmax make larger. How much is measured on
a computer; what a test on a phone may ask for follows from that.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, TypedDict, cast

import numpy as np

from edgeprune.ir import Array
from edgeprune.schema import Count, Figure, Range, Real
from edgeprune.verify.relative import RELATIVE

TEST_SAMPLES = 64  # of a test on a phone, where there are so many
TEST_BYTES = 4 << 20  # of their inputs
# Others than those measured may differ by half as much again, by a step or two at the least.
_MORE = 1.5
_LEAST_STEPS, _LEAST_MEAN_STEPS = 2.0, 0.1
_LEAST_RELATIVE, _LEAST_MEAN_RELATIVE = 1e-4, 1e-5
_DEVIATIONS = 6.0  # of the mean over a test's samples; few samples have most of the differences


class Measured(TypedDict):
    """The figures of :class:`Differences`, as report.json holds them."""

    n: Annotated[int, Range(1)]
    outputs: Count
    mismatches: Count
    largest: Real
    mean: Real
    spread: Real
    changed: Figure
    margin: Real


@dataclass(frozen=True)
class Differences:
    """Outputs under LiteRT's default kernels against those under its reference kernels.

    Integers differ in steps of the output's scale. Differences of floats, and margins, are relative
    to the larger of 1 and the reference.

    Attributes:
        n: samples.
        outputs: numbers that were compared.
        mismatches: of these, those that differ (float32: by more than 1e-5).
        largest: largest difference.
        mean: mean difference.
        spread: standard deviation, over the samples, of a sample's mean difference.
        changed: samples whose largest output is another one; None where outputs are no classes.
        margin: of those, the largest distance from the largest output to the next; 0.0: none.
    """

    n: int
    outputs: int
    mismatches: int
    largest: float
    mean: float
    spread: float
    changed: int | None
    margin: float

    @property
    def record(self) -> Measured:
        """As report.json holds it."""
        return cast(Measured, asdict(self))


@dataclass(frozen=True)
class Tolerance:
    """What a test with some samples asks for; see :class:`Differences` for the units.

    Attributes:
        each: no output may differ by more.
        mean: nor may all outputs of all samples in the mean.
        clear_margin: an answer with a larger margin must stay; None: outputs are no classes.
    """

    each: float
    mean: float
    clear_margin: float | None

    def broken(self, reference: Array, found: Array) -> list[str]:
        """What does not hold.

        Args:
            reference: outputs under the reference kernels, (n, ...).
            found: outputs of what is tested, (n, ...).
        """
        gaps = _gaps(reference, found)
        wrong = []
        if gaps.max() > self.each:
            wrong.append(f"an output differs by {gaps.max():.4g}, more than {self.each:.4g}")
        if gaps.mean() > self.mean:
            wrong.append(f"outputs differ by {gaps.mean():.4g} in the mean, above {self.mean:.4g}")
        if self.clear_margin is not None:
            other = _answers(reference) != _answers(found)
            lost = int((other & (_margins(reference) > self.clear_margin)).sum())
            if lost:
                wrong.append(f"{lost} clear answers changed")
        return wrong


def differences(reference: Array, found: Array, *, classes: bool) -> Differences:
    """Compare.

    Args:
        reference: outputs under the reference kernels, (n, ...), n at least 1.
        found: outputs under the default kernels, (n, ...), of the same type.
        classes: whether the largest output is an answer.
    """
    gaps = _gaps(reference, found)
    off = gaps > (0 if _integer(reference) else RELATIVE)
    each = gaps.mean(axis=1)
    changed, margin = None, 0.0
    if classes and gaps.shape[1] > 1:
        other = _answers(reference) != _answers(found)
        changed = int(other.sum())
        margin = float(_margins(reference)[other].max(initial=0.0))
    return Differences(
        len(gaps),
        gaps.size,
        int(off.sum()),
        float(gaps.max()),
        float(each.mean()),
        float(each.std()),
        changed,
        margin,
    )


def tolerance(measured: Measured, samples: int, *, integer: bool) -> Tolerance:
    """What a test may ask for.

    Args:
        measured: :attr:`Differences.record`.
        samples: how many the test has.
        integer: whether outputs are integers.
    """
    least = _LEAST_STEPS if integer else _LEAST_RELATIVE
    small = _LEAST_MEAN_STEPS if integer else _LEAST_MEAN_RELATIVE
    room = _DEVIATIONS * measured["spread"] / math.sqrt(samples)
    margin = max(_MORE * measured["margin"], measured["largest"]) + least
    clear = None if measured["changed"] is None else margin
    return Tolerance(_MORE * measured["largest"] + least, measured["mean"] + room + small, clear)


def samples_of_test(inputs: Array) -> int:
    """How many of the stored inputs, (n, ...), a test on a phone gets: at least one."""
    return max(1, min(len(inputs), TEST_SAMPLES, TEST_BYTES // max(1, inputs[:1].nbytes)))


def _integer(values: Array) -> bool:
    return values.dtype.kind in "iu"


def _gaps(reference: Array, found: Array) -> Array:
    """Differences, (n, outputs of a sample)."""
    a, b = (v.reshape(len(v), -1).astype(np.float64) for v in (reference, found))
    gaps = np.abs(a - b)
    return gaps if _integer(reference) else np.asarray(gaps / np.maximum(np.abs(a), 1.0))


def _answers(values: Array) -> Array:
    return np.asarray(values.reshape(len(values), -1).argmax(axis=1))


def _margins(reference: Array) -> Array:
    """From the largest output of a sample to the next, (n,)."""
    two = np.sort(reference.reshape(len(reference), -1).astype(np.float64), axis=1)[:, -2:]
    margins = two[:, 1] - two[:, 0]
    if _integer(reference):
        return np.asarray(margins)
    return np.asarray(margins / np.maximum(np.abs(two[:, 1]), 1.0))
