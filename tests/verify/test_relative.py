"""Real answers are compared relative to the largest of them."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.verify.agreement import differing
from edgeprune.verify.relative import RELATIVE, magnitude, relative_difference


def test_what_rounding_leaves_of_a_large_sum_is_no_difference() -> None:
    reference = np.array([[3000.0, 0.001], [-2000.0, 5.0]], np.float32)
    near = reference + np.float32(0.02)
    assert differing(near, reference) == 0
    assert differing(reference + np.float32(0.04), reference) == 4


def test_small_answers_are_compared_as_they_are() -> None:
    reference = np.array([[0.25, 0.75]], np.float32)
    assert magnitude(reference) == 1
    assert differing(reference + np.float32(2 * RELATIVE), reference) == 2


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 7.0])
def test_infinity_and_nan_are_the_same_as_themselves_alone(wrong: float) -> None:
    reference = np.array([[1.0, np.nan, np.inf, -np.inf]])
    assert (relative_difference(reference, reference) == 0).all()
    ours = np.array([[1.0, 5.0, -np.inf, wrong]])
    assert np.isinf(relative_difference(ours, reference)).tolist() == [[False, True, True, True]]
