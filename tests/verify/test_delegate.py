"""What LiteRT's default kernels may answer, and what a test on a phone asks for."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune.verify.delegate import differences, samples_of_test, tolerance


def rounding(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Outputs, and the same with steps beside, some samples with many."""
    rng = np.random.default_rng(seed)
    wanted = rng.integers(-100, 100, (n, 10)).astype(np.int8)
    much = np.where(rng.random((n, 1)) < 0.2, 12, 1)
    found = wanted + much * rng.integers(-1, 2, wanted.shape)
    return wanted, np.clip(found, -128, 127).astype(np.int8)


def test_differences_are_counted_in_steps_and_answers() -> None:
    wanted = np.array([[0, 10, -5], [7, 5, 0]], np.int8)
    found = np.array([[0, 10, -2], [6, 8, 0]], np.int8)
    measured = differences(wanted, found, classes=True)
    assert (measured.n, measured.outputs, measured.mismatches) == (2, 6, 3)
    assert (measured.largest, measured.mean) == (3.0, pytest.approx(7 / 6))
    assert (measured.changed, measured.margin) == (1, 2.0)


def test_outputs_that_are_no_classes_have_no_answers() -> None:
    wanted = np.zeros((3, 4), np.float32)
    assert differences(wanted, wanted, classes=False).changed is None
    assert differences(wanted[:, :1], wanted[:, :1], classes=True).changed is None
    assert tolerance(differences(wanted, wanted, classes=False).record, 3, integer=False).each > 0


@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_other_samples_of_the_same_rounding_keep_to_the_bounds(kind: str) -> None:
    scale = 1.0 if kind == "int8" else 0.001
    measured, others = (tuple(v * scale for v in rounding(s)) for s in (0, 1))
    if kind == "int8":
        measured, others = (tuple(v.astype(np.int8) for v in p) for p in (measured, others))
    told = differences(*measured, classes=True).record
    asked = tolerance(told, 64, integer=kind == "int8")
    rng = np.random.default_rng(2)
    for _ in range(100):
        k = rng.choice(len(others[0]), 64, replace=False)
        assert asked.broken(others[0][k], others[1][k]) == []


@pytest.mark.parametrize("damage", ["shifted", "swapped", "one clear answer"])
def test_outputs_of_another_network_break_a_bound(damage: str) -> None:
    wanted, found = rounding(3)
    asked = tolerance(differences(wanted, found, classes=True).record, 64, integer=True)
    wanted, found = wanted[:64].copy(), found[:64].copy()
    assert asked.broken(wanted, found) == []
    if damage == "shifted":
        found = np.clip(found.astype(int) + 5, -128, 127).astype(np.int8)
    elif damage == "swapped":
        found[:, [0, 1]] = found[:, [1, 0]]
    else:
        wanted[0] = [*[0] * 9, 60]
        found[0] = [*[0] * 8, 61, 60]
    assert asked.broken(wanted, found)


def test_a_test_on_a_phone_has_as_many_samples_as_fit_an_app() -> None:
    assert samples_of_test(np.zeros((256, 4), np.int8)) == 64
    assert samples_of_test(np.zeros((3, 4), np.int8)) == 3
    assert samples_of_test(np.zeros((9, 1 << 20), np.int8)) == 4
    assert samples_of_test(np.zeros((2, 1 << 23), np.int8)) == 1
