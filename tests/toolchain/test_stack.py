"""How machine code is read: every line is as objdump prints it."""

import pytest

from edgeprune.target import load_target
from edgeprune.toolchain.machines import Effect, Instruction, machine_of, parse
from edgeprune.toolchain.stack import _Code, numbers


def effect(core: str, *lines: str) -> Effect:
    """The effect of the last of some instructions."""
    machine = machine_of(load_target(core))
    assert machine is not None
    code = []
    for address, line in enumerate(lines):
        mnemonic, _, operands = line.partition(" ")
        code.append(Instruction(address * 2, mnemonic, operands))
    return machine.effect(code, len(code) - 1)


@pytest.mark.parametrize(
    ("line", "push"),
    [
        ("push {r4, r5, r6, r7, lr}", 20),
        ("stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}", 36),
        ("vpush {d8-d15}", 64),
        ("vpush {s16-s17}", 8),
        ("sub sp, #84 @ 0x54", 84),
        ("sub.w sp, sp, #1032 @ 0x408", 1032),
        ("subw sp, sp, #1020", 1020),
        ("str.w lr, [sp, #-4]!", 4),
        ("strd r4, lr, [sp, #-16]!", 16),
        ("add sp, r4", None),
        ("sub.w sp, sp, r3", None),
        ("add sp, #84", 0),
        ("pop {r4, r5, r6, r7, pc}", 0),
        ("sub.w r2, sp, #8", 0),
        ("stmdb r0!, {r1, r2}", 0),
    ],
)
def test_what_grows_the_stack_of_an_arm_core(line: str, push: int | None) -> None:
    assert effect("cortex-m4", line).push == push


@pytest.mark.parametrize(
    ("core", "line", "flow"),
    [
        ("cortex-m4", "bl 400 <f>", "call"),
        ("cortex-m4", "blne 400 <f>", "call"),
        ("cortex-m4", "ble.n 400 <f+0x10>", "branch"),
        ("cortex-m4", "bls.n 400 <f+0x10>", "branch"),
        ("cortex-m4", "b.w 400 <f>", "jump"),
        ("cortex-m4", "cbnz r3, 400 <f+0x4>", "branch"),
        ("cortex-m4", "bx lr", "end"),
        ("cortex-m4", "bxeq lr", "next"),
        ("cortex-m4", "bx r3", "tail"),
        ("cortex-m4", "blx r3", "pointer"),
        ("cortex-m4", "pop {r4, pc}", "end"),
        ("cortex-m4", "ldr.w pc, [sp], #4", "end"),
        ("cortex-m4", "add r0, r1", "next"),
        ("cortex-m55", "le lr, 400 <f+0x10>", "branch"),
        ("cortex-m55", "letp lr, 400 <f+0x10>", "branch"),
        ("cortex-m55", "wlstp.8 lr, r3, 400 <f+0x10>", "branch"),
        ("rv32imc", "jal 80000400 <f>", "call"),
        ("rv32imc", "jalr a5", "pointer"),
        ("rv32imc", "jalr -20(ra) # 80000400 <f>", "call"),
        ("rv32imc", "j 80000400 <f>", "jump"),
        ("rv32imc", "bgeu a5,a1,80000400 <f+0x8>", "branch"),
        ("rv32imc", "ret", "end"),
        ("rv32imc", "jr a5", "tail"),
        ("avr", "rcall .+10 ; 0x400 <f>", "call"),
        ("avr", "rjmp .-10 ; 0x400 <f>", "jump"),
        ("avr", "brne .+4 ; 0x400 <f+0x10>", "branch"),
        ("avr", "icall", "pointer"),
        ("avr", "ret", "end"),
    ],
)
def test_where_control_goes(core: str, line: str, flow: str) -> None:
    assert effect(core, line).flow == flow


@pytest.mark.parametrize(
    ("core", "lines", "push"),
    [
        ("rv32imc", ["add sp,sp,-96"], 96),
        ("rv32imc", ["add sp,sp,96"], 0),
        ("rv32imc", ["add sp,sp,t0"], None),
        ("avr", ["push r28"], 1),
        ("avr", ["in r28, 0x3d", "in r29, 0x3e", "sbiw r28, 0x20", "out 0x3e, r29"], 32),
        (
            "avr",
            ["in r28, 0x3d", "in r29, 0x3e", "subi r28, 0x90", "sbci r29, 0x01", "out 0x3e, r29"],
            0x190,
        ),
        ("avr", ["subi r28, 0x70", "sbci r29, 0xFE", "out 0x3e, r29"], 0),
        ("avr", ["adiw r28, 0x20", "out 0x3e, r29"], 0),
    ],
)
def test_what_grows_the_stack_of_other_cores(core: str, lines: list[str], push: int | None) -> None:
    assert effect(core, *lines).push == push


def depth(text: str, tables: str = "") -> int | None:
    machine = machine_of(load_target("cortex-m4"))
    assert machine is not None
    body = "\n".join(line.strip().replace("|", "\t") for line in text.strip().splitlines())
    code = _Code.read(body, machine)
    code.tables = numbers(tables)
    return code.deepest(0x100)


def test_the_deepest_call_counts_and_a_tail_call_is_part_of_the_caller() -> None:
    assert parse("00000100 <f>:\n 100:\tb510\tpush\t{r4, lr}")[1] == {0x100: "f"}
    shallow = """
        00000100 <f>:
        100:|b510|push|{r4, lr}
        102:|f000|bl|200 <g>
        106:|f000|bl|300 <h>
        10a:|bd10|pop|{r4, pc}
        00000200 <g>:
        200:|b500|push|{lr}
        202:|e000|b.n|300 <h>
        00000300 <h>:
        300:|b088|sub|sp, #32
        302:|4770|bx|lr
    """
    assert depth(shallow) == 8 + 4 + 32


def test_recursion_and_code_that_is_not_there_leave_it_open() -> None:
    recursive = """
        00000100 <f>:
        100:|b500|push|{lr}
        102:|f000|bl|100 <f>
        106:|bd00|pop|{pc}
    """
    assert depth(recursive) is None
    assert depth(recursive.replace("bl|100 <f>", "bl|900 <gone>")) is None
    assert depth(recursive.replace("bl|100 <f>", "blx|r3")) is None
    assert depth(recursive.replace("bl|100 <f>", "b.n|100 <f>")) == 4


def test_what_only_a_table_leads_to_counts() -> None:
    switch = """
        00000100 <f>:
        100:|b500|push|{lr}
        102:|e8df|tbb|[pc, r0]
        106:|0000|.word|0x12345678
        10a:|b088|sub|sp, #32
        10c:|bd00|pop|{pc}
        00000200 <g>:
        200:|b088|sub|sp, #64
        202:|4770|bx|lr
    """
    assert depth(switch) == 36


def test_a_call_by_pointer_is_as_deep_as_the_deepest_function_whose_address_is_taken() -> None:
    by_pointer = """
        00000100 <f>:
        100:|b510|push|{r4, lr}
        102:|4798|blx|r3
        104:|b084|sub|sp, #16
        106:|bd10|pop|{r4, pc}
        108:|0000|.word|0x00000201
        00000200 <g>:
        200:|b088|sub|sp, #32
        202:|4718|bx|r3
        00000300 <h>:
        300:|b088|sub|sp, #128
        302:|4770|bx|lr
        00000400 <main>:
        400:|b500|push|{lr}
        402:|f000|bl|100 <f>
        406:|0000|.word|0x00000301
    """
    assert depth(by_pointer.replace("bx|r3", "bx|lr")) == 8 + 16 + 32
    halves = "movw|r3, #513\n        10a:|0000|movt|r3, #0"
    in_code = by_pointer.replace("bx|r3", "bx|lr").replace(".word|0x00000201", halves)
    assert depth(in_code) == 8 + 16 + 32
    constants = " 0900 01030000 ffffffff                    ........        "
    assert depth(by_pointer.replace("bx|r3", "bx|lr"), constants) == 8 + 16 + 128
    assert depth(by_pointer) is None  # nothing else is pointed to that g could go to
    assert depth(by_pointer.replace("0x00000201", "0x00000301")) == 8 + 16 + 128


def test_a_computed_jump_of_assembly_leads_to_any_place_of_its_function() -> None:
    unrolled = """
        00000100 <f>:
        100:|b500|push|{lr}
        102:|a108|add|r1, pc, #32 @ (adr r1, 108 <f+0x8>)
        104:|4718|bx|r1
        106:|0000|.word|0x12345678
        108:|b084|sub|sp, #16
        10a:|bd00|pop|{pc}
    """
    assert depth(unrolled) == 4 + 16
    assert depth(unrolled.replace("(adr r1", "(r1")) is None
