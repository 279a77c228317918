"""Integer rules of int16 against LiteRT's reference kernels."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from tflite_files import Value, one_op, run

from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.types import QuantParams
from edgeprune.ops.function import FUNCTIONS, Abs, Function, Reciprocal, Rsqrt, Sqrt
from tests.ir.draws import ROUNDS, Draw

WIDE = np.arange(-(2**15), 2**15).astype(np.int16)[None]
UNIT = QuantParams.of(1 / 32768)


def wide_quant(seed: int) -> QuantParams:
    """Scales over decades, powers of two among them."""
    d = Draw(seed)
    scale = float(np.exp(d.rng.uniform(np.log(1e-6), np.log(3e-3))))
    return QuantParams.of(2.0 ** -(8 + seed % 8) if seed % 2 else scale)


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize(
    ("name", "function"), [("LOGISTIC", fp.logistic_s16), ("TANH", fp.tanh_s16)]
)
def test_every_int16_value_has_the_reference_sigmoid_and_tanh(
    seed: int, name: str, function: Callable[..., np.ndarray]
) -> None:
    q = wide_quant(seed)
    operand, result = Value(WIDE.shape, "int16", q), Value(WIDE.shape, "int16", UNIT)
    file = one_op(name, [operand], result, version=3)
    assert np.array_equal(run(file, WIDE), function(WIDE, q))


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize("alpha", [0.1, -0.3, None])
def test_every_int16_value_has_the_reference_relu(seed: int, alpha: float | None) -> None:
    xq, yq = wide_quant(seed), wide_quant(seed + 100)
    operand, result = Value(WIDE.shape, "int16", xq), Value(WIDE.shape, "int16", yq)
    if alpha is None:
        file = one_op("RELU6", [operand], result, version=3)
        ours = fp.clamp(WIDE, xq, yq, 0.0, 6.0)
    else:
        table = "LeakyReluOptions"
        file = one_op("LEAKY_RELU", [operand], result, {"alpha": alpha}, table=table, version=2)
        ours = fp.leaky_relu(WIDE, xq, yq, alpha)
    assert np.array_equal(run(file, WIDE), ours)


@pytest.mark.parametrize("seed", ROUNDS)
def test_int16_softmax_is_that_of_the_reference_kernels(seed: int) -> None:
    d, q = Draw(seed), wide_quant(seed)
    x = d.rng.integers(-(2**15), 2**15, (300, d.size(1, 50))) // (64 if seed % 2 else 1)
    x = x.astype(np.int16)
    operand, result = Value(x.shape, "int16", q), Value(x.shape, "int16", UNIT)
    table = "SoftmaxOptions"
    file = one_op("SOFTMAX", [operand], result, {"beta": 1.0}, table=table, version=3)
    assert np.array_equal(run(file, x), fp.softmax_s16(x, q))


TABLES = [
    ("EXP", "exp", {}, 2),
    ("LOG", "log", {}, 2),
    ("RSQRT", "rsqrt", {}, 3),
    ("GELU", "gelu", {}, 2),
    ("GELU", "gelu", {"approximate": 1.0}, 2),
]


@pytest.mark.parametrize("seed", ROUNDS)
@pytest.mark.parametrize(("name", "kind", "attrs", "version"), TABLES)
def test_every_int16_value_has_the_reference_function(
    seed: int, name: str, kind: str, attrs: dict[str, float], version: int
) -> None:
    xq, yq = wide_quant(seed), wide_quant(seed + 100)
    operand, result = Value(WIDE.shape, "int16", xq), Value(WIDE.shape, "int16", yq)
    options = {"approximate": bool(attrs)} if kind == "gelu" else {}
    table = f"{name.title()}Options" if kind in ("exp", "gelu") else None
    file = one_op(name, [operand], result, options, table=table, version=version)
    ends = fp.table_s16(kind, xq, yq, **attrs)
    if ends is None:  # too steep: two results differ by more than an int16 holds
        return
    defined = np.maximum(WIDE, 0) if kind == "rsqrt" else WIDE  # LiteRT stops below 0
    assert np.array_equal(run(file, defined), fp.interpolate(ends, WIDE))


def test_few_reference_functions_of_int16_are_left_out() -> None:
    """The seeds above: most of them compare something."""
    made = [
        fp.table_s16(kind, wide_quant(seed), wide_quant(seed + 100), **attrs) is not None
        for seed in ROUNDS
        for _, kind, attrs, _ in TABLES
    ]
    assert sum(made) > len(made) / 2


def test_a_function_of_int16_whose_results_litert_does_not_define_has_no_table() -> None:
    steep = QuantParams.of(0.003), QuantParams.of(1e-7)
    infinite = QuantParams.of(0.004), QuantParams.of(1.0)  # e to the power of 131
    assert fp.table_s16("gelu", *steep) is None
    assert fp.table_s16("exp", *infinite) is None


@pytest.mark.parametrize("seed", ROUNDS)
def test_the_magnitude_of_every_int16_is_a_leaky_relu_of_slope_minus_one(seed: int) -> None:
    q = wide_quant(seed)
    value = Value(WIDE.shape, "int16", q)
    file = one_op("ABS", [value], value, {}, table="AbsOptions", version=3)
    assert np.array_equal(run(file, WIDE), fp.leaky_relu(WIDE, q, q, -1.0))


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f is not Abs])
@pytest.mark.parametrize("x", [1e-38, 1.0, 1e30, 1e36])
@pytest.mark.parametrize("y", [1e-38, 1.0, 1e36])
def test_scales_at_the_ends_of_float32_say_nothing_of_an_overflow(
    function: type[Function], x: float, y: float
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ends = function().ends(QuantParams.of(x), QuantParams.of(y))
    assert ends.min() >= -(2**15)
    assert ends.max() < 2**15


def positive(function: Function, lowest: int, most: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """Of results and real ones for int16s from the lowest that occurs on, up to ``most``."""
    q = np.arange(lowest, 2**15)
    real = np.array([function.real(v * most / 32767) for v in q])
    step = real.max() / 32767
    ends = function.ends(QuantParams.of(most / 32767), QuantParams.of(step))
    return fp.interpolate(ends, q) * step, real


@pytest.mark.parametrize(("share", "within"), [(50, 0.05), (10, 0.01)])
@pytest.mark.parametrize("function", [Sqrt(), Rsqrt(), Reciprocal()])
def test_steep_functions_of_what_is_bounded_from_below_are_as_close_as_the_limits_say(
    function: Function, share: int, within: float
) -> None:
    for lowest in range(32767 // share, 32767 // share + 128, 8):
        got, real = positive(function, lowest)
        assert (abs(got - real) < within * real).all()


def test_below_a_256th_of_the_largest_steep_functions_are_as_coarse_as_the_limits_say() -> None:
    got, real = positive(Sqrt(), 1)
    assert abs(got - real).max() == pytest.approx(real.max() / 64, rel=0.01)
    lowest = 32767 // 10_000
    got, real = positive(Reciprocal(), lowest)
    assert got[64 - lowest] == pytest.approx(real.max() / 2, rel=0.05)
    assert got[64 - lowest] == pytest.approx(10 * real[64 - lowest], rel=0.1)
