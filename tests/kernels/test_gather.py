"""Chosen elements: by a bitmap, which is smaller, wherever they keep their order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kernels.cases import int8_type
from kernels.harness import one_node, run_call, spell

from edgeprune.compiler import Recipe
from edgeprune.ir import Over
from edgeprune.ops import Gather
from edgeprune.target import load_target
from edgeprune.toolchain.size import measure
from edgeprune.verify import run_target


def test_pruned_inputs_take_a_bit_each_and_their_result_lies_over_them(rng):
    kept = tuple(map(int, np.flatnonzero(rng.random(784) < 0.75)))
    t = int8_type((784,), 0.1, 0)
    call = spell(one_node(Gather(kept), [t], t))
    assert call.constant_bytes == 98
    assert call.inplace == Over()
    assert spell(one_node(Gather(kept[::-1]), [t], t)).constant_bytes == 2 * len(kept)
    assert spell(one_node(Gather(kept[:3]), [t], t)).constant_bytes == 6


def test_an_element_that_is_chosen_twice_comes_twice(rng) -> None:
    """A bitmap has it once."""
    x, y = int8_type((8,), 0.1, 0), int8_type((5,), 0.1, 0)
    indices = (1, 3, 3, 4, 6)
    graph = one_node(Gather(indices), [x], y)
    given = rng.integers(-128, 128, 8).astype(np.int8)
    got = run_call(spell(graph), graph, {"x0": given})
    np.testing.assert_array_equal(np.ravel(got), given[list(indices)])


def test_the_work_of_a_list_grows_with_what_is_chosen() -> None:
    few, many = (
        spell(one_node(Gather((5, 2)), [int8_type((n, 6), 0.1, 0)], int8_type((n, 2), 0.1, 0)))
        for n in (3, 300)
    )
    assert few.kernel == many.kernel == "ep_gather"
    assert many.instructions > 50 * few.instructions


@pytest.mark.needs("avr-gcc", "qemu-system-avr")
def test_on_avr_the_bits_are_read_from_flash(rng, tmp_path: Path) -> None:
    kept = tuple(map(int, np.flatnonzero(rng.random(400) < 0.6)))
    t = int8_type((400,), 0.1, 0)
    graph, target = one_node(Gather(kept), [t], t), load_target("avr")
    Recipe(target, "int8", "size", {}).compile_typed(graph).write_c(tmp_path, "chosen")
    x = rng.integers(-128, 128, (3, 400)).astype(np.int8)
    found = run_target.run(tmp_path, target, x, optimize="size")
    np.testing.assert_array_equal(found.outputs, x[:, list(kept)])
    assert measure(tmp_path, target, optimize="size").data_bytes < 20
