"""Kernels for RISC-V, two multiplications an instruction, compute the reference on such a core."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.layers import Rng
from kernels.quads import (
    LAYERS,
    any_layer_is_the_reference,
    extremes,
    own,
    the_largest_sums_are_exact,
)

from edgeprune.kernels.riscv.conv import runs_of

ISA, CORE = "riscv", "rv32imc"
NEEDS = pytest.mark.needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32")


@NEEDS
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("layer", LAYERS)
def test_any_layer_is_the_reference_on_the_core(layer: str, optimize: str) -> None:
    any_layer_is_the_reference(layer, ISA, CORE, optimize)


@NEEDS
@pytest.mark.parametrize(
    "weights",
    [
        (-128, -127, 127, 127),
        (64, 64, 64, 63),
        (-64, -64, -64, -64),
        (127, -128, -128, 127, -1, 127, 0, -127),
    ],
)
def test_the_largest_sums_of_16_bits_are_taken_apart_exactly(rng: Rng, weights) -> None:
    the_largest_sums_are_exact(extremes(rng, weights, 5), rng, ISA, CORE)


def test_two_weights_whose_products_do_not_add_up_in_16_bits_are_left_to_others(rng: Rng) -> None:
    assert own(extremes(rng, (3, 5, -128, -128), 5), ISA) is None


def test_runs_end_before_fours_that_are_too_large_and_where_a_byte_ends() -> None:
    small, large = [1, -1, 127, -126], [64, -64, 64, -64]
    both = np.array([[*small, *large, *small], [*large, *small, *small]], np.int8)
    np.testing.assert_array_equal(runs_of(both), [0, 0, 1])
    np.testing.assert_array_equal(runs_of(both[:1]), [1, 1])
    np.testing.assert_array_equal(runs_of(np.array([small * 258], np.int8)), [255, 2])
