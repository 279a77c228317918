"""How operands that repeat are walked: each element of a result meets those that it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.kernels.portable.arith import AXES, broadcast


def walk(spelled: str) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Sizes of the axes, and the elements of both operands, in the order of the result's."""
    sizes, *steps = [[int(k) for k in row.split(",")] for row in spelled.strip("{}").split("}, {")]
    grid = np.indices(sizes).reshape(AXES, -1)
    a, b = (np.asarray(step) @ grid for step in steps)
    return sizes, a, b


@pytest.mark.parametrize("seed", range(200))
def test_elements_that_meet_are_those_of_numpys_broadcasting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = [int(n) for n in rng.integers(1, 5, rng.integers(1, 5))]
    shapes = [[n if rng.random() < 0.6 else 1 for n in y] for _ in range(2)]
    y = [max(pair) for pair in zip(*shapes, strict=True)]
    shapes = [s[rng.integers(0, len(s)) :] if s[0] == 1 else s for s in shapes]
    shapes = [s if np.broadcast_shapes(*shapes) == tuple(y) else y for s in shapes]
    spelled = broadcast(tuple(y), *map(tuple, shapes))
    assert spelled is not None
    want = [np.broadcast_to(np.arange(np.prod(s)).reshape(s), y).ravel() for s in shapes]
    sizes, *found = walk(spelled)
    assert np.prod(sizes) == np.prod(y)
    assert np.array_equal(found, want)


@pytest.mark.parametrize(
    ("shapes", "sizes"),
    [
        (((5, 2, 3), (5, 2, 3)), [30]),
        (((5, 2, 3), (3,)), [10, 3]),
        (((5, 2, 3), (5, 1, 1)), [5, 6]),
        (((2, 3, 2, 3), (2, 3, 1, 1)), [6, 6]),
        (((2, 3, 4), (1, 3, 1)), [2, 3, 4]),
        (((2, 3, 4, 5), (2, 1, 4, 1)), [2, 3, 4, 5]),
    ],
)
def test_neighbouring_axes_that_go_alike_are_walked_as_one(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], sizes: list[int]
) -> None:
    for a, b in (shapes, shapes[::-1]):
        spelled = broadcast(np.broadcast_shapes(a, b), a, b)
        assert spelled is not None
        assert [n for n in walk(spelled)[0] if n > 1] == sizes


def test_operands_that_repeat_in_more_turns_than_a_loop_has_are_none_of_its() -> None:
    assert broadcast((2, 3, 4, 5, 6), (2, 1, 4, 1, 6), (2, 3, 4, 5, 6)) is None
