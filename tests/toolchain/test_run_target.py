from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toolchain.tiny import (
    CORTEX_M,
    NEEDS_ARM,
    TINY,
    Variant,
    expected,
    on,
    on_every_core,
    on_every_core_and_aarch64,
    on_every_cortex_m,
)

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.target import load_target
from edgeprune.toolchain import firmware
from edgeprune.toolchain.emulator import FirmwareError
from edgeprune.toolchain.size import measure
from edgeprune.verify.run_target import run


@on_every_core_and_aarch64
def test_outputs_are_those_of_the_model(core: str, inputs: np.ndarray) -> None:
    result = run(TINY, load_target(core), inputs)
    np.testing.assert_array_equal(result.outputs, expected(inputs))


@on_every_core_and_aarch64
def test_marks_between_layers_cost_no_instruction(core: str, inputs: np.ndarray) -> None:
    plain = run(TINY, load_target(core), inputs[:2]).profile
    marked = run(TINY, load_target(core), inputs[:2], profile=True).profile
    assert plain is not None
    assert marked is not None
    assert marked.inferences == plain.inferences
    assert set(marked.by_layer) == {-1, 0, 1}
    assert set(plain.by_layer) == {-1}
    assert sum(c.instructions for c in marked.by_layer.values()) == sum(plain.inferences)
    assert sum(c.instructions for c in marked.by_function.values()) == sum(plain.inferences)


@NEEDS_ARM
def test_the_runtime_is_compiled_alike_with_and_without_marks(
    monkeypatch: pytest.MonkeyPatch, inputs: np.ndarray
) -> None:
    made: list[list[Path]] = []
    real = firmware.compile_all

    def compile_all(*args: Any, **options: bool) -> list[Path]:
        made.append(real(*args, **options))
        return made[-1]

    monkeypatch.setattr(firmware, "compile_all", compile_all)
    run(TINY, load_target("cortex-m4"), inputs[:1])
    *_, own, runtime = made
    made.clear()
    run(TINY, load_target("cortex-m4"), inputs[:1], profile=True)
    assert made[-2] != own
    assert made[-1] == runtime


@on_every_core
def test_the_stack_read_from_the_code_covers_the_one_measured(
    core: str, inputs: np.ndarray
) -> None:
    target = load_target(core)
    bound = measure(TINY, target).stack_bytes
    assert bound is not None
    assert 0 < run(TINY, target, inputs[:1]).stack_bytes <= bound


@on_every_cortex_m
def test_a_loop_of_known_length_is_counted_exactly(
    core: str, variant: Variant, inputs: np.ndarray
) -> None:
    loop = (
        'uint32_t n = {}; __asm__ volatile(".syntax unified\\n1: nop\\n nop\\n ldr r3, [%1]\\n'
        ' subs %0, %0, #1\\n bne 1b" : "+l"(n) : "l"(input) : "cc", "r3", "memory");'
    )
    counts = []
    for n in (100, 200):
        profile = run(variant(loop.format(n)), load_target(core), inputs[:3], profile=True).profile
        assert profile is not None
        assert len(set(profile.inferences)) == 1
        counts.append(profile)
    assert counts[1].inferences[0] - counts[0].inferences[0] == 5 * 100
    more, less = counts[1].by_layer[0], counts[0].by_layer[0]
    assert more.instructions - less.instructions == 3 * 5 * 100
    assert more.loads - less.loads == more.reads - less.reads == 3 * 100


MEMORY = {
    "cortex-m0plus": ("ldr r3, [%0]\\n str r3, [%1]\\n ldm %0!, {r3}", 2, 2),
    "cortex-m3": ("ldrd r2, r3, [%0]\\n ldm %0, {r2, r3}\\n strd r2, r3, [%1]", 2, 4),
    "cortex-m4": ("vldr s0, [%0]\\n vstr s0, [%1]\\n ldrsb r3, [%0]", 2, 2),
    "cortex-m55": ("vldrb.u8 q0, [%0]\\n vstrb.u8 q0, [%1]\\n vldrh.u16 q0, [%0]", 2, 16 + 8),
    "rv32imc": ("lw t0, 0(%0)\\n sw t0, 0(%1)\\n lb t0, 1(%0)", 2, 2),
    "avr": ("movw r30, %0\\n ld r0, Z\\n movw r30, %1\\n st Z, r0\\n lpm r0, Z", 2, 2),
}


@on([*MEMORY])
def test_loads_are_told_from_stores(core: str, variant: Variant, inputs: np.ndarray) -> None:
    code, loads, reads = MEMORY[core]
    clobbers = {"rv32imc": '"t0"', "avr": '"r0", "r30", "r31"'}.get(core, '"r2", "r3"')
    # an input of the assembly that it changes is an output, too
    asm = f'__asm__ volatile("{code}" : "+r"(from) : "r"(arena) : {clobbers}, "memory");'
    profiles = []
    for text in ("", asm):
        body = f'const void *from = input; {text} __asm__ volatile("" : : "r"(from));'
        profile = run(variant(body), load_target(core), inputs[:1], profile=True).profile
        assert profile is not None
        profiles.append(profile.by_layer[0])
    assert profiles[1].loads - profiles[0].loads == loads
    assert profiles[1].reads - profiles[0].reads == reads


BROKEN = {
    "arena overrun": "((volatile uint8_t *)arena)[arena_bytes] = 1;",
    "output overrun": "((volatile int8_t *)output)[4] = 1;",
    "input overrun": "((volatile int8_t *)input)[-1] = 1;",
    "stack overrun": "volatile uint8_t b[STACK]; for (int i = STACK - 1; i >= 0; i--) b[i] = 1;",
    "returned the status 7": "return (ep_status)7;",
}


@on_every_core_and_aarch64
@pytest.mark.parametrize("message", BROKEN)
def test_what_the_model_does_wrong_is_told(
    core: str, message: str, variant: Variant, inputs: np.ndarray
) -> None:
    target = load_target(core)
    assert target.emulator is not None
    stack = f"enum {{ STACK = {target.emulator.stack_bytes + 8} }};"
    folder = variant(BROKEN[message], declarations=stack)
    with pytest.raises(FirmwareError, match=message):
        run(folder, target, inputs[:1])


@on_every_cortex_m
def test_a_stack_that_leaves_the_memory_is_an_overrun(
    core: str, variant: Variant, inputs: np.ndarray
) -> None:
    endless = "__attribute__((noinline)) static int deeper(volatile int *p)"
    endless += "{ volatile int big[4000]; big[0] = *p; return deeper(big) + big[0]; }"
    folder = variant("output[0] = (int8_t)deeper((volatile int *)arena);", declarations=endless)
    with pytest.raises(FirmwareError, match="stack overrun"):
        run(folder, load_target(core), inputs[:1])
    assert measure(folder, load_target(core)).stack_bytes is None


@on_every_cortex_m
def test_a_fault_names_the_function(core: str, variant: Variant, inputs: np.ndarray) -> None:
    folder = variant("__builtin_trap();")
    with pytest.raises(FirmwareError, match=r"usage fault at 0x[0-9a-f]{8}, in tiny_run"):
        run(folder, load_target(core), inputs[:1])


@on(["rv32imc"])
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("*(volatile int *)0 = 1;", "store access fault"),
        ("output[0] = *(volatile int8_t *)0;", "load access fault"),
        ('__asm__ volatile("unimp");', "illegal instruction"),
    ],
)
def test_a_trap_names_the_function(
    core: str, code: str, fault: str, variant: Variant, inputs: np.ndarray
) -> None:
    with pytest.raises(FirmwareError, match=rf"{fault} at 0x[0-9a-f]{{8}}, in tiny_run"):
        run(variant(code), load_target(core), inputs[:1])


@on(["aarch64"])
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("*(volatile int *)8 = 1;", "memory fault"),
        ('__asm__ volatile("udf #0");', "illegal instruction"),
    ],
)
def test_a_signal_is_told(
    core: str, code: str, fault: str, variant: Variant, inputs: np.ndarray
) -> None:
    with pytest.raises(FirmwareError, match=fault):
        run(variant(code), load_target(core), inputs[:1])


@NEEDS_ARM
def test_an_unaligned_access_is_a_fault_on_a_core_that_has_none(
    variant: Variant, inputs: np.ndarray
) -> None:
    folder = variant("output[0] = (int8_t)*(volatile int32_t *)((uint8_t *)arena + 1);")
    with pytest.raises(FirmwareError, match="fault"):
        run(folder, load_target("cortex-m0plus"), inputs[:1])
    run(folder, load_target("cortex-m3"), inputs[:1])


@on(CORTEX_M[1:])
def test_a_lock_up_is_told(core: str, variant: Variant, inputs: np.ndarray) -> None:
    folder = variant('__asm__ volatile("cpsid f\\n udf #0");')
    with pytest.raises(FirmwareError, match="locked up"):
        run(folder, load_target(core), inputs[:1])


@on_every_core_and_aarch64
def test_a_hang_is_told(core: str, variant: Variant, inputs: np.ndarray) -> None:
    folder = variant("for (volatile int forever = 1; forever;) {}")
    with pytest.raises(FirmwareError, match="hangs"):
        run(folder, load_target(core), inputs[:1], patience_s=1)


@on_every_core
def test_a_model_that_needs_more_memory_than_there_is_is_refused(
    core: str, variant: Variant, inputs: np.ndarray
) -> None:
    target = load_target(core)
    assert target.emulator is not None
    size = target.emulator.ram_bytes - 1000
    folder = variant("output[0] = big[input[0]]++;", declarations=f"static int8_t big[{size}];")
    with pytest.raises(CannotFitError, match=r"region|RAM"):
        run(folder, target, inputs[:1])


@NEEDS_ARM
def test_what_lay_in_the_arena_before_differs_from_run_to_run(
    variant: Variant, inputs: np.ndarray
) -> None:
    same = np.repeat(inputs[:1], 4, axis=0)
    folder = variant("output[0] = 0; if (doubled[20] & 1) return (ep_status)9;")
    with pytest.raises(FirmwareError, match="status 9"):
        run(folder, load_target("cortex-m4"), same)


@NEEDS_ARM
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 16), np.float32), "takes int8 inputs"),
        (np.zeros((2, 15), np.int8), r"takes inputs of shape \(n, 16\)"),
        (np.zeros((0, 16), np.int8), r"takes inputs of shape"),
    ],
)
def test_inputs_that_do_not_suit_the_model_are_refused(wrong: np.ndarray, message: str) -> None:
    with pytest.raises(EdgePruneError, match=message):
        run(TINY, load_target("cortex-m4"), wrong)


def test_a_target_without_an_emulator_is_refused(inputs: np.ndarray) -> None:
    with pytest.raises(EdgePruneError, match="not emulated"):
        run(TINY, load_target("android"), inputs)


@on_every_core
def test_the_c_library_computes_and_its_stack_is_known(
    core: str, variant: Variant, inputs: np.ndarray
) -> None:
    code = (
        "for (int i = 0; i < 4; i++) output[i] = (int8_t)(expf(input[i] * 0.01f) * 20.0f);"
        "return EP_OK;"
    )
    folder = variant(code, declarations="#include <math.h>")
    target = load_target(core)
    result = run(folder, target, inputs)
    exact = np.exp(inputs[:, :4].astype(np.float64) * 0.01) * 20
    assert np.abs(result.outputs - np.floor(exact)).max() <= 1
    bound = measure(folder, target).stack_bytes
    assert bound is not None
    assert result.stack_bytes <= bound
