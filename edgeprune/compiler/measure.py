"""Bytes that a compiled network takes: linked where a cross compiler is, else estimated."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgeprune.compiler.compile import Compiled
from edgeprune.kernels import costs
from edgeprune.kernels.call import held
from edgeprune.scratch import workspace
from edgeprune.toolchain.compiler import find_compiler
from edgeprune.toolchain.size import Size, measure

MEASURED = "model"  # what a network is called where it is linked only to be measured
STACK_BYTES = 320  # more than any model of the benchmarks takes with portable kernels


@dataclass(frozen=True)
class Footprint:
    """What one compiled network takes.

    Attributes:
        flash_bytes: what a flash budget binds.
        code_bytes: of these, machine code.
        weight_bytes: of these, weights and biases.
        ram_bytes: what a RAM budget binds.
        arena_bytes: of these, the arena; what is kept from call to call is counted beside it.
        stack_bytes: of these, the stack of the entry point.
        measured: whether it was linked; otherwise it is an estimate.
        size: what the linker said; None where it was not asked.
    """

    flash_bytes: int
    code_bytes: int | None
    weight_bytes: int
    ram_bytes: int
    arena_bytes: int
    stack_bytes: int | None
    measured: bool
    size: Size | None

    @property
    def taken(self) -> dict[str, float]:
        """What limits are held against."""
        return {"flash": self.flash_bytes, "ram": self.ram_bytes}


def footprint(compiled: Compiled, *, stack: bool = True) -> Footprint:
    """Measure a network for its target.

    Flash is the size of the file for targets whose budget is one (android, ios, onnx).

    Args:
        compiled: the network.
        stack: whether that is read from what was linked; else RAM is told without it.
    """
    target = compiled.recipe.target
    weights = sum(c.weight_bytes for own in held(compiled.calls).values() for c in own)
    arena = compiled.plan.arena_bytes
    state = compiled.graph.state_bytes
    if target.basis != "linked":
        file = compiled.tflite if target.basis == "tflite" else compiled.onnx
        return Footprint(len(file), None, weights, arena + state, arena, None, True, None)
    if find_compiler(target) is None:
        return _estimate(compiled, weights, arena)
    with tempfile.TemporaryDirectory(dir=workspace(), prefix="size-") as temp:
        compiled.write_c(Path(temp), MEASURED)
        size = measure(Path(temp), target, optimize=compiled.recipe.optimize, stack=stack)
    deep = size.stack_bytes
    return Footprint(
        size.flash_bytes,
        size.code_bytes,
        weights,
        size.data_bytes + size.bss_bytes + state + arena + (deep or 0),
        arena,
        deep,
        True,
        size,
    )


def _estimate(compiled: Compiled, weights: int, arena: int) -> Footprint:
    """What linking would give, from the table of portable kernels."""
    target, portable = compiled.recipe.target, compiled.portable
    core = target.core or target.name
    code = costs.portable_code_bytes(portable.calls.values(), core, compiled.recipe.optimize)
    flash = code + portable.constant_bytes
    ram = compiled.graph.state_bytes + arena + STACK_BYTES
    return Footprint(flash, code, weights, ram, arena, STACK_BYTES, False, None)
