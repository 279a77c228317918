"""Scales as multipliers and shifts, and tables that all share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.types import QuantParams


@given(st.floats(1e-8, 1e4))
def test_a_multiplier_is_right_to_31_bits(real: float) -> None:
    mult, shift = fp.quantize_multiplier(real)
    assert 2**30 <= mult < 2**31
    assert abs(mult * 2.0 ** (shift - 31) / real - 1) <= 2.0**-31


@settings(max_examples=300)
@given(
    st.floats(1e-4, 0.5) | st.integers(1, 13).map(lambda e: 2.0**-e),
    st.integers(1, 2**23),
    st.integers(-128, 127),
    st.integers(0, 2**32 - 1),
)
def test_single_rounding_in_integers_repeats_double_precision(
    real: float, reach: int, zero: int, seed: int
) -> None:
    try:
        mult, shift = fp.single_multiplier(real, -reach, reach, zero, (-128, 127))
    except ValueError:  # 5000 * 0.0003 ends below 1.5 in doubles, and 15000 * 0.0003 at 4.5
        reject()
    total = 31 - shift
    steps = np.ceil((np.arange(-256, 256) + 0.5) / real)
    near = (steps[:, None] + np.arange(-2, 3)).ravel()  # where the result changes
    anywhere = np.random.default_rng(seed).integers(-reach, reach + 1, 1000)
    acc = np.clip(np.concatenate([near, anywhere]), -reach, reach).astype(np.int64)
    ours = np.clip(((acc * mult + (1 << (total - 1))) >> total) + zero, -128, 127)
    assert np.array_equal(ours, np.clip(fp.rescale_once(acc, real) + zero, -128, 127))


def test_the_nearest_multiplier_is_wrong_for_ties_below_zero() -> None:
    """Why the search is there: half away from zero is not what adding a half does."""
    assert fp.quantize_multiplier(0.5) != fp.single_multiplier(0.5, -100, 100, 0, (-128, 127))


def test_a_scale_that_no_multiplier_repeats_is_said() -> None:
    for real, reach in ((127 / (2**31 - 1.5), 2**31 - 1), (0.0003, 15000)):
        with pytest.raises(ValueError, match="no multiplier"):
            fp.single_multiplier(real, -reach - 1, reach, 0, (-128, 127))


def test_a_table_is_one_for_all_who_ask_and_nobody_writes_to_it() -> None:
    x, y = QuantParams.of(0.1, 3), QuantParams.of(1 / 256, -128)
    table = fp.table_s8("logistic", x, y)
    assert fp.table_s8("logistic", x, y) is table
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


def test_multipliers_of_many_channels_are_those_of_each() -> None:
    """Those that the nearest multiplier is right for, and those that want another one or none."""
    rng = np.random.default_rng(0)
    real = np.concatenate([10.0 ** rng.uniform(-7, -0.5, 200), 2.0 ** -np.arange(1, 14.0), [0.0]])
    reach = rng.integers(1, 2**23, len(real))
    low, high = -reach, reach // 2
    mult, shift = fp.single_multipliers(real, low, high, 3, (-128, 127))
    each = [
        fp.single_multiplier(float(r), int(a), int(b), 3, (-128, 127))
        for r, a, b in zip(real, low, high, strict=True)
    ]
    assert [(int(m), int(s)) for m, s in zip(mult, shift, strict=True)] == each
    nearest = [fp.quantize_multiplier(float(r)) for r in real]
    assert any(a != b for a, b in zip(each, nearest, strict=True))
    with pytest.raises(ValueError, match="beyond 32 bits"):
        fp.single_multipliers(np.array([0.5, 2.0**20]), low[:2], high[:2] + 2**11, 0, (-128, 127))
