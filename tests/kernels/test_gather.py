"""Chosen elements: by a bitmap, which is smaller, wherever they keep their order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from kernels.cases import int8_type
from kernels.harness import one_node, spell

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
