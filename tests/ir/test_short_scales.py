"""Short scales and biases stand for the very numbers that LiteRT's rules give."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeprune.errors import UnsupportedError
from edgeprune.ir import QuantParams
from edgeprune.ir.fixedpoint import effective_scales, quantize_multipliers
from edgeprune.ir.fixedpoint.short import STEP, Short, few_bits, short_biases, short_scales
from edgeprune.kernels.call import Constant
from edgeprune.kernels.rescaling import rescaling

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, apart: float = 60.0) -> tuple[QuantParams, QuantParams, QuantParams]:
    """Of an input, of weights that are short, and of a result."""
    rng = np.random.default_rng(seed)
    x, y = (float(np.exp(rng.uniform(-9, 3))) for _ in range(2))
    result = QuantParams.of(few_bits(y), int(rng.integers(-128, 128)))
    size = float(np.exp(rng.uniform(-9, 0)))
    scale = size * np.exp(rng.uniform(-np.log(apart), 0, int(rng.integers(1, 40))))
    short = short_scales(scale, result.scale[0])
    assert short is not None
    assert np.abs(short / scale - 1).max() <= 1 / 64, "half a step of six bits"
    w = QuantParams(tuple(map(float, short)), (0,) * len(short), 0)
    return QuantParams.of(x, -128), w, result


@given(SEEDS)
def test_multipliers_and_shifts_are_those_of_the_scales(seed: int) -> None:
    x, w, y = drawn(seed)
    short = Short.of(x, w, y, np.zeros(len(w.scale), np.int64))
    assert short is not None
    try:
        mult, shift = quantize_multipliers(effective_scales(x, w, y))
    except UnsupportedError:  # a factor that no 32 bits hold is refused before
        return
    kept = mult > 0
    np.testing.assert_array_equal(short.mult[kept], mult[kept])
    np.testing.assert_array_equal(short.shift[kept], shift[kept])
    for m, s, real in zip(short.mult, short.shift, effective_scales(x, w, y), strict=True):
        assert Fraction(int(m)) * Fraction(2) ** (int(s) - 31) == Fraction(float(real)), "exact"


@given(SEEDS)
def test_biases_are_sixteen_bits_within_a_share_of_a_step(seed: int) -> None:
    x, w, y = drawn(seed)
    rng = np.random.default_rng(seed)
    real = effective_scales(x, w, y)
    folded = rng.normal(0, 100, len(real)) / real
    biases = short_biases(folded, real)
    assert (np.abs(biases - folded) * real).max() <= STEP / 2
    short = Short.of(x, w, y, biases.astype(np.int64)) if np.all(biases % 1 == 0) else None
    if short is not None:
        np.testing.assert_array_equal(short.bias, biases.astype(np.int64))
        rows = short.rows.reshape(-1, 3)
        assert (rows[:, 0] == short.codes).all()
        held = (rows[:, 1] | rows[:, 2].astype(np.uint16) << 8).astype(np.uint16).view(np.int16)
        np.testing.assert_array_equal(held.astype(np.int64) << short.up, short.bias)


@given(st.integers(0, 2**24))
def test_what_sixteen_bits_hold_is_short_already(most: int) -> None:
    biases = np.array([most, -most // 3, 1.0])
    once = short_biases(biases, np.array([1e-9] * 3))
    up = Short.of(QuantParams.of(0.5), QuantParams((1.0,) * 3, (0,) * 3, 0), QuantParams.of(1.0),
                  once.astype(np.int64))  # fmt: skip
    assert up is not None
    np.testing.assert_array_equal(up.bias, once)


def test_rows_of_very_unlike_sizes_stay_as_they_are() -> None:
    assert short_scales(np.array([1.0, 300.0]), 1.0) is None
    assert short_scales(np.array([1.0, 200.0]), 1.0) is not None


def test_a_result_of_many_bits_has_no_short_scales() -> None:
    assert short_scales(np.array([0.3, 0.1]), float(np.float32(1 / 3))) is None


@given(st.floats(1e-6, 1e3))
def test_a_scale_of_few_bits_is_hardly_larger(scale: float) -> None:
    found = few_bits(scale)
    assert scale <= found <= scale * (1 + 2**-15)
    assert float(np.float32(found)) == found


def test_products_that_doubles_do_not_hold_are_told() -> None:
    """Of sums that give results within eight bits."""
    code, bias = np.zeros(1, np.uint8), np.zeros(1, np.int16)
    slow = Short(code, bias, (2**24 + 1) << 1, -20, 0)  # 2^28 and more of a sum are a step
    assert slow.is_exact(np.array([2**22 - 1]))
    assert not slow.is_exact(np.array([2**22]))
    fast = Short(code, bias, (2**24 + 1) << 1, -10, 0)
    assert fast.is_exact(np.array([2**30])), "256 steps are sums of 19 bits"


@given(st.integers(15, 22), st.integers(-3, 3), st.integers(-40, 40))
def test_biases_that_were_rounded_are_held_at_the_edges_of_sixteen_bits(
    bits: int, off: int, other: int
) -> None:
    folded = np.array([2**bits + off, other, -3])
    biases = short_biases(folded, np.array([1e-9] * 3)).astype(np.int64)
    one = QuantParams((1.0,) * 3, (0,) * 3, 0)
    held = Short.of(QuantParams.of(0.5), one, QuantParams.of(1.0), biases)
    assert held is not None
    np.testing.assert_array_equal(held.bias, biases)


def test_more_channels_than_the_parameters_count_stay_as_they_are() -> None:
    for n, are_short in ((32767, True), (32768, False)):
        short = Short(np.zeros(n, np.uint8), np.zeros(n, np.int16), 1 << 25, -5, 0)
        arrays = (
            Constant("bias", short.bias.astype(np.int32), "int32_t"),
            Constant("mult", short.mult.astype(np.int32), "int32_t"),
            Constant("shift", short.shift.astype(np.int8)),
        )
        assert (rescaling(arrays, short, 0)[1] is not None) is are_short
