"""What the assembler of the DSP kernels rests on: packed weights and requantisation, in numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import SEEDS

from edgeprune.ir import Array, QuantParams
from edgeprune.ir.fixedpoint import rescale
from edgeprune.kernels.accumulators import Accumulators, accumulators
from edgeprune.kernels.arm_dsp._requant import (
    Mode,
    narrow_holds,
    narrow_relu_holds,
    requant_table,
    rescale_twice,
)
from edgeprune.kernels.arm_dsp._tiles import Planes, pack_weights, round_of, row_steps
from edgeprune.kernels.arm_dsp.dense import neighbours, pack_octs, pack_quads

SIZES = st.integers(1, 9)
INT8 = st.integers(-128, 127)


def signed(v: Array, bits: int) -> Array:
    """The low bits of integers, sign-extended."""
    half = 1 << (bits - 1)
    return (v + half) % (2 * half) - half


@given(SEEDS, SIZES, SIZES, SIZES, SIZES)
def test_packed_weights_are_as_many_bytes_as_weights_and_each_is_there_once(
    seed, channels, taps, rows, filters
):
    w = np.random.default_rng(seed).integers(-127, 128, (filters, rows, taps, channels))
    packed = pack_weights(w.astype(np.int8), Planes(channels, taps, 1, 1, 4), narrow=False)
    np.testing.assert_array_equal(np.sort(packed), np.sort(w, axis=None))


@given(SIZES, SIZES)
def test_steps_multiply_every_tap_of_every_channel_once(channels, taps):
    steps = row_steps(Planes(channels, taps, 1, 1, 4))
    seen = [product for step in steps for product in step]
    assert sorted(seen) == [(t, c) for t in range(taps) for c in range(channels)]


@given(SEEDS, st.integers(1, 40), st.integers(1, 4))
def test_the_sum_of_a_narrow_pair_gives_both_channels(seed, steps, spread):
    rng = np.random.default_rng(seed)
    w = rng.integers(-128, 128, (2, 2 * steps)).astype(np.int8) // spread
    bias = rng.integers(-(2**20), 2**20, 2).astype(np.int32)
    acc = accumulators(w, bias, 0)
    if not narrow_holds(acc, w):
        return
    packed = pack_weights(w[:, None, None, :], Planes(2 * steps, 1, 1, 1, 1), narrow=True)
    lanes = packed.astype(np.int64).reshape(-1, 2)  # (A, reduced B) of every multiplication
    order = [c for step in row_steps(Planes(2 * steps, 1, 1, 1, 1)) for _, c in step]
    x = rng.choice(np.array([-128, 127]), 2 * steps)[order]
    low = signed(lanes[:, 0], 8)
    raw = signed((lanes[:, 0] & 255) + 256 * lanes[:, 1], 16)
    a = signed(bias[0] + low @ x, 32)
    both = signed(int(bias[0]) + 256 * int(bias[1]) + raw @ x, 32)
    expected = w[:, order].astype(np.int64) @ x + bias
    assert (a, signed(both - a, 32) >> 8) == (expected[0], expected[1])


def executed(acc: Array, row: Array, zero: int, mode: Mode, *, times_256: bool) -> Array:
    """What the engine does to accumulators with its (multiplier, shift - 1)."""
    mult, shift = int(row[0]), int(row[1])
    rounding = (2 * zero + 1) << shift
    if mode is Mode.RELU and times_256:
        total = rounding + 64 + ((256 * acc * mult) >> 32)
    else:
        total = rounding + ((2 * acc * mult + 2**31) >> 32)
        total += (acc >> 63) if mode is Mode.TWICE else 0
    assert np.all(np.abs(total) < 2**31), "an overflow that was not foreseen"
    return np.clip(total >> shift >> 1, -128, 127)


@given(
    st.floats(2.0**-30, 0.499),
    st.integers(1, 2**22),
    st.sampled_from([-128, -5, 0, 127]),
    st.sampled_from([Mode.TWICE, Mode.RELU]),
    SEEDS,
)
def test_the_engines_requantise_as_the_rule_says(real, reach, zero, mode, seed):
    unit = QuantParams.of(1.0)
    weights = QuantParams((real,) * 2, (0, 0), 0)
    y = QuantParams.of(1.0, zero)
    ends = np.array([reach, reach], np.int64)
    bounds = Accumulators(np.zeros(2, np.int64), -ends, ends)
    r = rescale_twice(bounds, unit, weights, y)
    if r is None or (mode is Mode.RELU and not narrow_relu_holds(bounds, r)):
        return
    acc = np.random.default_rng(seed).integers(-reach, reach + 1, 500)
    # and, so that ties occur, accumulators whose product is a power of two
    acc = np.concatenate([acc, np.clip(np.arange(-600, 601), -reach, reach)])
    table = requant_table(bounds, r, mode, narrow=True).astype(np.int64)
    low = zero if mode is Mode.RELU else -128
    mult, shift = np.frexp(real)
    want = np.clip(rescale(acc, round(mult * 2**31), shift) + zero, low, 127)
    a = executed(acc, table[2:4], zero, mode, times_256=False)
    b = executed(acc, table[4:6], zero, mode, times_256=mode is Mode.RELU)
    np.testing.assert_array_equal(np.maximum(a, low), want)
    np.testing.assert_array_equal(np.maximum(b, low), want)


@given(SEEDS, st.integers(1, 3), st.integers(1, 30))
def test_quads_hold_every_weight_once(seed, quads, inputs):
    w = np.random.default_rng(seed).integers(-127, 128, (4 * quads, inputs)).astype(np.int8)
    packed = pack_quads(w, narrow=False)
    np.testing.assert_array_equal(np.sort(packed), np.sort(w, axis=None))


@given(SEEDS, st.integers(1, 3), st.integers(1, 8))
def test_octs_hold_every_weight_once(seed, octs, fours):
    w = np.random.default_rng(seed).integers(0, 128, (8 * octs, 4 * fours)).astype(np.int8)
    np.testing.assert_array_equal(np.sort(pack_octs(w)), np.sort(w, axis=None))


def halved(fours, x):
    """Sums (blocks, pairs, 2) of A and B as the loops compute them, with half the products of A.

    Args:
        fours: (blocks, fours, pairs, 2, 4) bytes: of each pair of channels two words.
        x: (4 * fours,) activations.
    """
    words = fours.astype(np.int64)
    a = words[..., 0::2]
    together = (a & 255) + 256 * words[..., 1::2]
    x = x.reshape(-1, 2, 2).transpose(0, 2, 1)[None, :, None]  # (k, k+2), (k+1, k+3)
    half = ((a + x[..., ::-1, :]).prod(axis=-2)).sum(axis=(1, -1))
    return np.stack([half, (together * x).sum(axis=(1, -2, -1))], axis=-1)


@given(SEEDS, st.integers(1, 3), st.integers(1, 8), st.sampled_from([4, 8]))
def test_one_product_makes_two_where_weights_and_activations_are_added_first(
    seed, blocks, fours, channels
):
    rng = np.random.default_rng(seed)
    w = rng.integers(-127, 128, (channels * blocks, 4 * fours)).astype(np.int8)
    x = rng.integers(-128, 128, 4 * fours)
    packed = pack_octs(w) if channels == 8 else pack_quads(w, narrow=True)
    sums = halved(packed.reshape(blocks, fours, channels // 2, 2, 4), x)
    a = sums[..., 0].reshape(-1) - neighbours(w)[0::2] - neighbours(x[None])
    b = sums[..., 1].reshape(-1) - a
    np.testing.assert_array_equal(a, w[0::2] @ x)
    np.testing.assert_array_equal(b, 256 * (w[1::2] @ x))


@given(SIZES, SIZES, st.integers(1, 3), st.integers(1, 3), st.integers(1, 20), st.integers(1, 12))
def test_a_round_divides_the_row_and_stays_in_reach(
    channels, taps, stride, dilation, columns, rows
):
    p = Planes(channels, taps, stride, dilation, columns)
    r = round_of(p, rows, 20)
    if r is None:
        assert p.plane_bytes > 1020
        return
    assert rows % r.rows == 0
    assert r.odd == p.odd
    if r.count:
        assert r.rows == 1
        assert r.count * r.planes + r.rest == p.full
    else:
        assert p.full == 0 or p.full % r.planes == 0
    assert r.rows == 1 or r.rows * p.row_bytes <= 1020
    assert r.planes * p.plane_bytes <= 1020
