"""The counter against what the emulated machines count themselves, under ``-icount``."""

from dataclasses import replace

import numpy as np
import pytest
from toolchain.tiny import TINY, Variant, on

from edgeprune.target import Target, load_target
from edgeprune.toolchain.counter import Counts
from edgeprune.verify.run_target import TargetRun, run

ICOUNT = ("-icount", "shift=0")  # one instruction takes one nanosecond of virtual time
LOOP = 'uint32_t n = 100000; __asm__ volatile("1: {}" : "+r"(n) : : "cc");'
SYSTICK = """
volatile uint32_t *systick = (volatile uint32_t *)0xE000E010;
systick[1] = 0xFFFFFF;
systick[2] = 0;
systick[0] = 5;
uint32_t from = systick[2];
LOOP
uint32_t ticks = (from - systick[2]) & 0xFFFFFF;
for (int i = 0; i < 4; i++) { output[i] = (int8_t)(ticks >> (8 * i)); }
return EP_OK;
"""
INSTRET = """
uint32_t from, to;
__asm__ volatile(".option arch, +zicsr\\n csrr %0, minstret" : "=r"(from));
LOOP
__asm__ volatile(".option arch, +zicsr\\n csrr %0, minstret" : "=r"(to));
for (int i = 0; i < 4; i++) { output[i] = (int8_t)((to - from) >> (8 * i)); }
return EP_OK;
"""


def under_icount(name: str) -> Target:
    target = load_target(name)
    assert target.emulator is not None
    arguments = (*target.emulator.arguments, *ICOUNT)
    return replace(target, emulator=replace(target.emulator, arguments=arguments))


def counted(result: TargetRun) -> tuple[int, int]:
    """What the machine counted for the loop, and the counter for the whole inference."""
    assert result.instructions is not None
    return int(result.outputs.view("<u4")[0, 0]), result.instructions


@on(["rv32imc"])
def test_it_agrees_with_the_instruction_counter_of_the_core(
    core: str, variant: Variant, inputs: np.ndarray
) -> None:
    loop = LOOP.format("addi %0, %0, -1\\n bnez %0, 1b")
    result = run(variant(INSTRET.replace("LOOP", loop)), under_icount(core), inputs[:1])
    machine, counter = counted(result)
    assert machine - 200_000 in range(4)  # what lies between the two readings
    assert counter - machine in range(300)  # the rest of the inference


@pytest.mark.parametrize("instructions_a_tick", [40])
@on(["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7"])
def test_it_agrees_with_the_system_timer(
    core: str, instructions_a_tick: int, variant: Variant, inputs: np.ndarray
) -> None:
    loop = LOOP.format("sub %0, %0, #1\\n cmp %0, #0\\n bne 1b").replace(
        "1: ", ".syntax unified\\n 1: "
    )
    if core == "cortex-m0plus":
        loop = loop.replace("sub %0", "subs %0").replace('"+r"', '"+l"')
    result = run(variant(SYSTICK.replace("LOOP", loop)), under_icount(core), inputs[:1])
    machine, counter = counted(result)
    assert abs(machine * instructions_a_tick - 300_000) <= 2 * instructions_a_tick
    assert counter - 300_000 in range(300)


@on(["cortex-m4"])
def test_two_runs_count_the_same(core: str, inputs: np.ndarray) -> None:
    first, second = (run(TINY, load_target(core), inputs[:5], profile=True) for _ in range(2))
    assert first.profile == second.profile


TURNS = """
for (int32_t turn = 0; turn < 2; turn++) {
    EP_PROFILE(2);
    doubled[turn] = input[turn];
    EP_PROFILE(3);
    for (int i = 0; i < 4 << turn; i++) { __asm__ volatile("nop"); }
}
"""


@on(["cortex-m0plus", "cortex-m4", "cortex-m55", "rv32imc"])
def test_layers_in_a_loop_that_the_compiler_unrolls_are_counted_turn_by_turn(
    core: str, variant: Variant, inputs: np.ndarray
) -> None:
    result = run(variant(TURNS), load_target(core), inputs[:3], profile=True)
    assert result.profile is not None
    layers = result.profile.by_layer
    assert list(layers) == [-1, 1, 2, 3]  # nothing of layer 0 comes before the loop
    assert 2 * 3 <= layers[2].instructions < 20 * 3  # an element a turn
    assert layers[3].instructions >= (4 + 8) * 3
    assert sum(c.instructions for c in layers.values()) == sum(result.profile.inferences)


def test_counts_add_up() -> None:
    assert Counts(1, 2, 3) + Counts(10, 20, 30) == Counts(11, 22, 33)
    assert sum([Counts(1), Counts(2)], Counts()) == Counts(3)
