"""A loop of known length in a model's place, so that what is counted is known to be right."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from edgeprune.target import Target
from edgeprune.verify import run_target

ROUNDS = 1000  # for every unit of the input
INSTRUCTIONS = 3  # of a round; one of them is a load
LOOPS = {"arm-none-eabi-": (".syntax unified", "1: ldr r3, [%1]", "subs %0, %0, #1", "bne 1b"),
         "riscv64-unknown-elf-": ("1: lw t0, 0(%1)", "addi %0, %0, -1", "bnez %0, 1b")}  # fmt: skip
HEADER = """#include <stddef.h>
#include <stdint.h>
#define LOOP_ARENA_BYTES 4u
#define LOOP_INPUT_LEN 1u
#define LOOP_OUTPUT_LEN 1u
#define LOOP_INPUT_BYTES 1u
#define LOOP_OUTPUT_BYTES 1u
int loop_run(void *arena, size_t arena_bytes, const int8_t *input, int8_t *output);
"""
SOURCE = """#include "loop.h"

int loop_run(void *arena, size_t arena_bytes, const int8_t *input, int8_t *output)
{{
    int32_t rounds = {rounds} * *input;
    (void)arena_bytes;
    __asm__ volatile("{loop}" : "+{kind}"(rounds) : "{kind}"(arena) : {clobbers});
    *output = *input;
    return 0;
}}
"""


def counted(target: Target, units: int) -> tuple[int, int]:
    """Instructions and loads of ``units * ROUNDS`` rounds, and of what is around them."""
    assert target.toolchain is not None
    prefix = target.toolchain.prefix
    arm = prefix.startswith("arm")
    clobbers = '"r3", "cc", "memory"' if arm else '"t0", "memory"'
    manifest = {
        "name": "loop", "prefix": "LOOP", "sources": ["loop.c"], "selftest": None,
        "input_dtype": "int8", "output_dtype": "int8", "input_shape": [1], "output_shape": [1],
        "arena_bytes": 4, "layers": ["loop"], "target": target.name,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = "\\n ".join(LOOPS[prefix])
        (folder / "loop.h").write_text(HEADER)
        source = SOURCE.format(
            rounds=ROUNDS, loop=text, kind="l" if arm else "r", clobbers=clobbers
        )
        (folder / "loop.c").write_text(source)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        run = run_target.run(folder, target, np.array([[units]], np.int8))
    assert run.instructions is not None, "a host compiler makes the counter"
    assert run.loads is not None
    return run.instructions, round(run.loads)


def calibrate(target: Target) -> str:
    """Count two loops whose difference is known; what came out, in words.

    Raises:
        AssertionError: the counter is wrong by an instruction or a load.
    """
    (few, few_loads), (many, many_loads) = counted(target, 1), counted(target, 101)
    rounds = 100 * ROUNDS
    assert many - few == rounds * INSTRUCTIONS, (many, few)
    assert many_loads - few_loads == rounds, (many_loads, few_loads)
    return (
        f"{target.name}: {rounds:,} rounds of a loop counted as {many - few:,} instructions "
        f"and {many_loads - few_loads:,} loads"
    )
