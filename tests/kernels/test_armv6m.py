"""Kernels for Armv6-M, two multiplications an instruction, compute the reference on such a core."""

from __future__ import annotations

import pytest
from kernels.layers import Rng
from kernels.quads import (
    LAYERS,
    any_layer_is_the_reference,
    extremes,
    own,
    the_largest_sums_are_exact,
)

ISA, CORE = "armv6m", "cortex-m0plus"
NEEDS = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")


@NEEDS
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("layer", LAYERS)
def test_any_layer_is_the_reference_on_the_core(layer: str, optimize: str) -> None:
    any_layer_is_the_reference(layer, ISA, CORE, optimize)


@NEEDS
@pytest.mark.parametrize("weights", [(-128, -127, 127, 127), (127, -128, -128, 127, -128)])
def test_the_largest_sums_of_16_bits_are_taken_apart_exactly(rng: Rng, weights) -> None:
    the_largest_sums_are_exact(extremes(rng, weights, 4), rng, ISA, CORE)


def test_two_weights_whose_products_do_not_add_up_in_16_bits_are_left_to_others(rng: Rng) -> None:
    assert own(extremes(rng, (3, 5, -128, -128), 4), ISA) is None
