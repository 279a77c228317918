"""Bytes that a compiled network takes: linked where a cross compiler is, else estimated."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgeprune.compiler.compile import Compiled
from edgeprune.toolchain.compiler import find_compiler
from edgeprune.toolchain.size import Size, measure

# Bytes of code around the kernels (entry point, checks), and of one call with its parameters, on
# Armv7-M at -Os; used only where no cross compiler is installed. benchmarks/bench_size.py compares.
ENTRY_BYTES = 64
CALL_BYTES = 72
KERNEL_BYTES = 420
STACK_BYTES = 192


@dataclass(frozen=True)
class Footprint:
    """What one compiled network takes.

    Attributes:
        flash_bytes: what a flash budget binds.
        code_bytes: of these, machine code.
        weight_bytes: of these, weights and biases.
        ram_bytes: what a RAM budget binds.
        arena_bytes: of these, the arena.
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


def footprint(compiled: Compiled) -> Footprint:
    """Measure a network for its target.

    Flash is the size of the file for targets whose budget is one (android, onnx).
    """
    target = compiled.recipe.target
    weights = sum(
        int(c.values.nbytes)
        for call in compiled.calls.values()
        for c in call.constants
        if c.counts_as_weights
    )
    arena = compiled.plan.arena_bytes
    if target.budget != "linked":
        file = compiled.tflite if target.budget == "tflite" else compiled.onnx
        return Footprint(len(file), None, weights, arena, arena, None, True, None)
    if find_compiler(target) is None:
        return _estimate(compiled, weights, arena)
    with tempfile.TemporaryDirectory(prefix="edgeprune-size-") as temp:
        compiled.write_c(Path(temp), "model")
        size = measure(Path(temp), target, optimize=compiled.recipe.optimize)
    stack = size.stack_bytes
    return Footprint(
        size.flash_bytes,
        size.code_bytes,
        weights,
        size.data_bytes + size.bss_bytes + arena + (stack or 0),
        arena,
        stack,
        True,
        size,
    )


def _estimate(compiled: Compiled, weights: int, arena: int) -> Footprint:
    kernels = {s for call in compiled.calls.values() for s in call.sources}
    code = ENTRY_BYTES + CALL_BYTES * len(compiled.calls) + KERNEL_BYTES * len(kernels)
    code += sum(call.code_bytes for call in compiled.calls.values())
    flash = code + compiled.constant_bytes
    return Footprint(flash, code, weights, arena + STACK_BYTES, arena, STACK_BYTES, False, None)
