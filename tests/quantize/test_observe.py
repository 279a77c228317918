"""Ranges that hold for samples that calibration did not see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgeprune.ir import TensorType, build_graph
from edgeprune.quantize import Observed, observe

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


def error(x: np.ndarray, low: float, high: float) -> float:
    """Mean squared, of clipping and of rounding."""
    step = (max(high, 0) - min(low, 0)) / 255
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


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [-1.0, 1.0], [0.0, 1e-30], [1e30, -1e30]])
def test_next_to_no_samples_give_a_range_that_holds_them(values: list[float]) -> None:
    low, high = seen(np.asarray(values)).range("minmax", 256)
    assert low <= min(np.float32(values))
    assert high >= max(np.float32(values))
    assert np.isfinite([low, high]).all()
