"""Ranges that hold for samples that calibration did not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edgeprune.ir import Node, Op, TensorType, build_graph
from edgeprune.ops import Add, Div, Relu, Reshape
from edgeprune.ops.function import Abs, Log, Reciprocal, Rsqrt, Sqrt
from edgeprune.quantize import Observed, observe
from edgeprune.quantize.observe import BINS

DRAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.gamma(4, size=n),
    "flat": lambda rng, n: rng.uniform(-1, 1, n),
    "long-tailed": lambda rng, n: rng.laplace(size=n),
    "half": lambda rng, n: np.maximum(rng.normal(size=n), 0),
}


def seen(x: np.ndarray) -> Observed:
    graph = build_graph("g", [], {"x": TensorType((1,))}, ["x"], {})
    return observe(graph, x.astype(np.float32).reshape(-1, 1))["x"]


def error(x: np.ndarray, low: float, high: float, levels: int = 256) -> float:
    """Mean squared, of clipping and of rounding."""
    step = (max(high, 0) - min(low, 0)) / (levels - 1)
    return float(((x - np.clip(x, low, high)) ** 2).mean() + step**2 / 12)


@pytest.mark.parametrize(
    ("draw", "n", "most"),
    [
        *((draw, 100, 0.6) for draw in DRAWS if draw != "flat"),
        *((draw, n, 1.01) for draw in DRAWS if draw != "flat" for n in (400, 2000)),
        ("flat", 400, 1.3),  # whose end does not show: a third of a bit at the most
    ],
)
def test_few_samples_leave_room_for_what_they_do_not_show(draw: str, n: int, most: float) -> None:
    rng = np.random.default_rng(n)
    fresh = DRAWS[draw](rng, 200_000)
    with_room, without = 0.0, 0.0
    for _ in range(20):
        x = seen(DRAWS[draw](rng, n))
        with_room += error(fresh, *x.range("minmax", 256))
        without += error(fresh, x.low, x.high)
    assert with_room < most * without


def test_what_many_samples_show_is_the_range() -> None:
    x = seen(np.random.default_rng(0).normal(size=300_000))
    assert x.range("minmax", 256) == (x.low, x.high)


def test_an_end_that_many_elements_lie_on_is_the_end() -> None:
    x = np.clip(np.random.default_rng(0).normal(size=200), -0.5, None)
    low, high = seen(x).range("minmax", 256)
    assert low == -0.5
    assert high > x.max() + 0.1


def read_by(op: Op, x: np.ndarray, *, moved: bool = False) -> Observed:
    """What is seen of the last operand of an operator; elements are samples."""
    types = {"x": TensorType((1,))}
    into = [Node("moved", Reshape((1, 1)), ("x",), "r")] if moved else []
    read = "r" if moved else "x"
    reader = Node("reader", op, ("one", read) if op.kind in ("div", "add") else (read,), "y")
    constants = {"one": np.ones(1, np.float32)} if "one" in reader.inputs else {}
    graph = build_graph("g", [*into, reader], types, ["y"], constants)
    return observe(graph, x.astype(np.float32).reshape(-1, 1))["x"]


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(
    ("op", "sign"),
    [
        *((op, 1.0) for op in (Div(), Reciprocal(), Sqrt(), Rsqrt(), Log())),
        *((op, -1.0) for op in (Div(), Reciprocal())),
    ],
)
def test_what_is_divided_by_or_has_a_root_has_no_sign_that_was_not_seen(
    op: Op, moved: bool, sign: float
) -> None:
    x = sign * np.random.default_rng(0).uniform(0.1, 8.0, 40)
    ends = read_by(op, x, moved=moved).range("minmax", 65536)
    assert min(sign * e for e in ends) > 0
    assert max(abs(e) for e in ends) > abs(x).max()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_zero_that_was_seen_is_where_a_one_sided_range_ends(sign: float) -> None:
    x = np.append(np.random.default_rng(0).uniform(0.1, 8.0, 40), 0.0)
    ends = replace(seen(sign * x), one_sided=True).range("minmax", 65536)
    assert min(sign * e for e in ends) == 0
    assert read_by(Sqrt(), x).range("minmax", 65536)[0] == 0


@pytest.mark.parametrize("op", [Add(), Relu(), Abs()])
def test_a_value_whose_sign_is_free_may_have_one_that_was_not_seen(op: Op) -> None:
    rng = np.random.default_rng(0)
    fresh = rng.normal(2, 1, 100_000)
    halved, kept = 0.0, 0.0
    for _ in range(40):
        x = rng.normal(2, 1, 64)
        if x.min() > 0:
            free = read_by(op, x)
            low, high = free.range("minmax", 256)
            kept += error(fresh, low, high)
            halved += error(fresh, max(low, free.low / 2), high)
    assert kept < 0.5 * halved


def test_a_percentile_leaves_out_one_element_in_ten_thousand_at_either_end() -> None:
    rng = np.random.default_rng(0)
    n, width = 100_000, (300 + 70) / BINS
    x = np.concatenate([rng.uniform(-1, 2, n), [-70] * 9, [300] * 9])
    low, high = seen(x).range("percentile", 256)
    assert -1 - width <= low <= -1 + width
    assert 2 - width <= high <= 2 + width
    more = np.concatenate([rng.uniform(-1, 2, n), [-70] * 11, [300] * 12])
    assert seen(more).range("percentile", 256) == (-70, 300)


@pytest.mark.parametrize("levels", [16, 64])
@pytest.mark.parametrize("draw", ["long-tailed", "half", "skewed"])
def test_no_cut_of_both_ends_has_a_smaller_error_than_the_least_squares(
    draw: str, levels: int
) -> None:
    x = DRAWS[draw](np.random.default_rng(1), 20_000).astype(np.float32)
    low, high = seen(x).range("mse", levels)
    ends = [((1 - c) * x.min(), (1 - c) * x.max()) for c in np.linspace(0, 0.9, 60)]
    assert high < x.max()
    assert error(x, low, high, levels) < 1.02 * min(error(x, *e, levels) for e in ends)


def test_each_batch_is_told_twice_over_and_the_last_one_ends_it() -> None:
    graph = build_graph("g", [], {"x": TensorType((1,))}, ["x"], {})
    told: list[tuple[int, int]] = []
    found = observe(
        graph,
        np.arange(10, dtype=np.float32).reshape(-1, 1),
        batch=4,
        progress=lambda _, done, total: told.append((done, total)),
    )
    assert told == [(i, 6) for i in range(1, 7)]
    assert (found["x"].low, found["x"].high, found["x"].counts.sum()) == (0, 9, 10)
    np.testing.assert_allclose(found["x"].mean, [4.5])


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [-1.0, 1.0], [0.0, 1e-30], [1e30, -1e30]])
def test_next_to_no_samples_give_a_range_that_holds_them(values: list[float]) -> None:
    low, high = seen(np.asarray(values)).range("minmax", 256)
    assert low <= min(np.float32(values))
    assert high >= max(np.float32(values))
    assert np.isfinite([low, high]).all()
