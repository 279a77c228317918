"""Modelled cycles against loops whose cycles can be counted by hand, from the cores' manuals."""

from dataclasses import replace

import numpy as np
import pytest
from toolchain.tiny import NEEDS_ARM, Variant

from edgeprune.target import Memory, Timing, load_target
from edgeprune.toolchain.cycles import CycleModel, Events, costs
from edgeprune.toolchain.machines import parse
from edgeprune.verify.run_target import TargetRun, run

TURNS = 300  # and 600: the compiler loads both in the same way
LOOP = (
    'uint32_t n = {n}; __asm__ volatile(".syntax unified\\n .balign 8\\n1:\\n{code}'
    ' subs %0, %0, #1\\n bne 1b" : "+l"(n) : "l"(input), "l"(arena)'
    ' : "cc", "r2", "r3", "r4", "r5", "memory");'
)
# core, code of a turn beside SUBS and BNE, cycles of a turn with both
BY_HAND = {
    "one cycle each": ("cortex-m4", "nop\\n nop\\n", 2 + 1 + 1 + 3),
    "a load takes two": ("cortex-m4", "nop\\n ldr r3, [%1]\\n", 1 + 2 + 1 + 1 + 3),
    "a load behind a load takes one": (
        "cortex-m4", "nop\\n ldr r3, [%1]\\n ldr r2, [%1, #4]\\n", 1 + 2 + 1 + 1 + 1 + 3,
    ),
    "a load of two words takes three": (
        "cortex-m4", "nop\\n ldrd r2, r3, [%1]\\n", 1 + 3 + 1 + 1 + 3,
    ),
    "a list takes one and one a register": (
        "cortex-m4", "nop\\n ldm %1, {r2, r3, r4}\\n", 1 + 4 + 1 + 1 + 3,
    ),
    "a store takes one": ("cortex-m4", "str r3, [%2]\\n", 1 + 1 + 1 + 3),
    "no transfer leads to an instruction across two pages of the emulator": (
        "cortex-m4", "b 7f\\n .balign 1024\\n .space 1020\\n 7: nop\\n nop.w\\n nop\\n",
        1 + 3 + 3 + 1 + 1 + 3,
    ),
    "every access takes two": (
        "cortex-m0plus", "ldr r3, [%1]\\n ldr r2, [%1, #4]\\n str r2, [%2]\\n", 6 + 1 + 1 + 1,
    ),
    "neighbours pair": ("cortex-m7", "mov r2, r3\\n mov r4, r5\\n", 2),
    "what needs the one before does not pair": (
        "cortex-m7", "add r2, r3, #1\\n add r4, r2, #1\\n add r5, r4, #1\\n", 4,
    ),
    "two products do not pair": ("cortex-m7", "mul r2, r3, r3\\n mul r4, r3, r3\\n nop\\n", 3),
}  # fmt: skip


def turn(run_of: dict[int, TargetRun]) -> float:
    """Cycles of one turn of the loop, from runs of two lengths."""
    cycles = {n: r.profile.cycles for n, r in run_of.items() if r.profile is not None}
    return (cycles[2 * TURNS] - cycles[TURNS]) / TURNS


@NEEDS_ARM
@pytest.mark.parametrize("name", BY_HAND)
def test_a_loop_takes_the_cycles_that_the_manual_says(
    name: str, variant: Variant, inputs: np.ndarray
) -> None:
    core, code, cycles = BY_HAND[name]
    target = load_target(core)
    assert target.timing is not None
    exact = replace(target, timing=replace(target.timing, scale_permille=1000))
    runs = {
        n: run(variant(LOOP.format(n=n, code=code)), exact, inputs[:1]) for n in (TURNS, 2 * TURNS)
    }
    assert turn(runs) == cycles


FLASH = Memory(
    code_miss=100, code_miss_next=10, code_line_bytes=8, code_ways=4,
    data_miss=1000, data_line_bytes=8, data_ways=2,
)  # fmt: skip
# code of a turn beside SUBS and BNE (4 bytes), cycles that it waits for flash
WAITS = {
    "a loop that the cache holds": ("nop\\n" * 14, 0),
    "a loop of one line more than the cache holds": ("nop\\n" * 18, 100 + 4 * 10),
    "a word of flash that the cache holds": (
        "ldr r3, 9f\\n b 8f\\n .balign 4\\n9: .word 1\\n8:\\n", 0,
    ),
}  # fmt: skip


@NEEDS_ARM
@pytest.mark.parametrize("name", WAITS)
def test_waiting_for_flash_is_counted_by_the_misses_of_its_caches(
    name: str, variant: Variant, inputs: np.ndarray
) -> None:
    code, waits = WAITS[name]
    target = replace(load_target("cortex-m4"), memory=FLASH)
    assert target.timing is not None
    target = replace(target, timing=replace(target.timing, scale_permille=1000))
    stalls = {}
    for n in (TURNS, 2 * TURNS):
        found = run(variant(LOOP.format(n=n, code=code)), target, inputs[:1]).profile
        assert found is not None
        stalls[n] = found.total.stalls
    assert (stalls[2 * TURNS] - stalls[TURNS]) / TURNS == waits


@NEEDS_ARM
def test_without_a_data_cache_every_read_from_flash_waits(
    variant: Variant, inputs: np.ndarray
) -> None:
    code = "ldr r3, =0x12345678\\n ldr r2, [%1]\\n"
    target = load_target("nucleo-g0b1re")
    found = {
        n: run(variant(LOOP.format(n=n, code=code)), target, inputs[:1]).profile
        for n in (TURNS, 2 * TURNS)
    }
    waits = {n: p.total.stalls for n, p in found.items() if p is not None}
    assert waits[2 * TURNS] - waits[TURNS] == 2 * TURNS  # the literal, not the input in RAM


@NEEDS_ARM
def test_a_board_says_milliseconds_and_a_core_only_cycles(
    variant: Variant, inputs: np.ndarray
) -> None:
    folder = variant("")
    board, core = (run(folder, load_target(t), inputs[:3]) for t in ("nucleo-l4r5zi", "cortex-m4"))
    assert board.time["ms"] == pytest.approx(board.cycles / 120_000, abs=1e-4)
    assert board.time["cycles_error"] == 0.05
    assert 0 < board.time["flash_stalls"] < 1
    assert core.time["ms"] is core.time["clock_hz"] is None
    assert core.time["flash_stalls"] == 0
    assert core.cycles < board.cycles
    assert board.instructions == core.instructions


@NEEDS_ARM
def test_a_core_without_timing_says_no_cycles(variant: Variant, inputs: np.ndarray) -> None:
    target = replace(load_target("cortex-m4"), timing=None)
    found = run(variant(""), target, inputs[:1])
    assert found.instructions
    assert set(found.time.values()) == {None}


DISASSEMBLY = """
00000000 <f>:
   0:\t{code}
   4:\t{code}
"""


@pytest.mark.parametrize(
    ("core", "code", "cycles"),
    [
        ("cortex-m4", "0000\tsmlad\tr4, r3, ip, r4", [1, 1]),
        ("cortex-m4", "0000\tvfma.f32\ts0, s1, s2", [3, 3]),
        ("cortex-m4", "0000\tsdiv\tr0, r1, r2", [6, 6]),
        ("cortex-m4", "0000\tldrsb.w\tr0, [r1], #1", [2, 1]),
        ("cortex-m4", "0000\tvldr\ts0, [r1]", [2, 1]),
        ("cortex-m4", "0000\tpop\t{r4, r5, pc}", [4, 4]),
        ("cortex-m0plus", "0000\tbl\t0 <f>", [2, 2]),
        ("cortex-m3", "0000\tmla\tr0, r1, r2, r0", [2, 2]),
        ("cortex-m55", "0000\tvmladava.s8\tr0, q0, q1", [2, 2]),
        ("cortex-m55", "0000\tvldrb.u8\tq0, [r0], #16", [2, 2]),
        ("cortex-m55", "0000\tle\tlr, 0 <f>", [0, 0]),
    ],
)
def test_instructions_take_what_the_core_says(core: str, code: str, cycles: list[int]) -> None:
    timing = load_target(core).timing
    assert timing is not None
    decoded, _ = parse(DISASSEMBLY.format(code=code))
    assert list(costs(decoded, timing).values()) == cycles


def test_vector_instructions_overlap_with_those_of_another_kind() -> None:
    timing = load_target("cortex-m55").timing
    assert timing is not None
    text = "00000000 <f>:\n 0:\t0\tvldrb.u8\tq0, [r0]\n 4:\t0\tvmladava.s8\tr0, q0, q1\n"
    assert list(costs(parse(text)[0], timing).values()) == [2, 1]


def test_the_scale_of_a_core_stretches_work_and_waits() -> None:
    model = CycleModel({0: 2}, Timing(50, scale_permille=1100, taken=3), FLASH)
    events = Events(10, taken=1, code_misses=1, code_misses_next=2, data_misses=3)
    assert model.cycles(0, events) == pytest.approx((1.1 * (20 + 3 + 100 + 20 + 3000), 1.1 * 3120))
