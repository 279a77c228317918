"""What machine instructions do to the stack and to control, as objdump prints them.

Add a row to ``_MACHINES`` for another instruction set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from edgeprune.target import Target

_LABEL = re.compile(r"^([0-9a-f]+) <([^>]+)>:$")
_TARGET = re.compile(r"(?:^|[\s,])(?:0x)?([0-9a-f]+) <")
_CONDITION = "eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
_DIGITS = re.compile(r"\d+")

Flow = Literal["next", "call", "jump", "branch", "end", "pointer", "tail"]


@dataclass(frozen=True)
class Instruction:
    """One line of a disassembly."""

    address: int
    mnemonic: str
    operands: str

    @property
    def target(self) -> int | None:
        """The address in the code that the operands name, if any."""
        match = _TARGET.search(self.operands)
        return int(match.group(1), 16) if match else None


@dataclass(frozen=True)
class Effect:
    """What an instruction does to the stack and to control.

    Attributes:
        push: bytes that the stack grows by; None: it cannot be told.
        flow: where control goes; "pointer" and "tail": a call of, and a jump to, what a register
            points to.
        target: of a call, jump or branch.
        through_table: control goes to a place in the same function that a table holds.
    """

    push: int | None = 0
    flow: Flow = "next"
    target: int | None = None
    through_table: bool = False


@dataclass(frozen=True)
class Machine:
    """An instruction set: how to read an instruction, and what a call itself pushes, in bytes."""

    effect: Callable[[Sequence[Instruction], int], Effect]
    return_bytes: int


def machine_of(target: Target) -> Machine | None:
    """The instruction set of a target; None where its machine code is not read here."""
    if target.toolchain is None:
        return None
    effect = _MACHINES.get(target.toolchain.prefix)
    if effect is None:
        return None
    if effect is not _avr:
        return Machine(effect, return_bytes=0)
    wide = "-mmcu=atmega2560" in target.toolchain.flags  # a program counter of more than 16 bits
    return Machine(effect, return_bytes=3 if wide else 2)


def parse(disassembly: str) -> tuple[list[Instruction], dict[int, str]]:
    """Instructions in the order of their addresses, and the label at each address that has one."""
    instructions: list[Instruction] = []
    labels: dict[int, str] = {}
    for line in disassembly.splitlines():
        if match := _LABEL.match(line):
            labels[int(match.group(1), 16)] = match.group(2)
            continue
        columns = [c.strip() for c in line.split("\t")]
        if len(columns) >= 3 and columns[0].endswith(":") and not columns[2].startswith("."):
            address = int(columns[0][:-1], 16)
            instructions.append(Instruction(address, columns[2], " ".join(columns[3:])))
    return instructions, labels


def _arm(code: Sequence[Instruction], at: int) -> Effect:
    """Armv6-M to Armv8.1-M, as "Armv8-M Architecture Reference Manual" (DDI 0553) names them."""
    operation, operands = code[at].mnemonic.split(".")[0], code[at].operands
    target = code[at].target
    if push := _arm_push(operation, operands):
        return push
    if re.match(rf"blx?({_CONDITION})?$", operation):
        through_table = "__gnu_thumb1_case" in operands  # the table follows the call
        return Effect(0, "call" if target else "pointer", target, through_table)
    if operation == "b":
        return Effect(flow="jump", target=target)
    if match := re.match(rf"bx(ns)?({_CONDITION})?$", operation):
        if operands != "lr":
            return Effect(flow="tail")
        return Effect(flow="next" if match.group(2) else "end")
    if operation in ("tbb", "tbh") or (operation == "mov" and operands.startswith("pc,")):
        return Effect(flow="end", through_table=True)
    if operation in ("pop", "ldmia", "ldr") and re.search(r"\bpc\b", operands.split("[")[0]):
        return Effect(flow="end", through_table=operation == "ldr" and "[sp]" not in operands)
    if operation == "udf":
        return Effect(flow="end")
    # No bf..., which M-profile cores lack: objdump reads VCTP as BFCSEL.
    if target and re.match(r"(b[a-z]{2}|cbn?z|le|let?p?|wls|wlstp|dls)$", operation):
        return Effect(flow="branch", target=target)
    return Effect()


def _arm_push(operation: str, operands: str) -> Effect | None:
    if operation in ("push", "vpush") or (operation in ("stmdb", "vstmdb") and "sp!" in operands):
        return Effect(push=list_bytes(operands))
    if operation in ("str", "strd", "vstr") and "[sp, #-" in operands and operands.endswith("]!"):
        return Effect(push=int(_DIGITS.findall(operands)[-1]))
    if operation in ("sub", "subw") and operands.startswith("sp,"):
        amount = re.search(r"#(\d+)", operands)
        return Effect(push=int(amount.group(1)) if amount else None)
    if operation == "add" and re.match(r"sp, r\d+|sp, sp, r\d+", operands):
        return Effect(push=None)
    return None


def list_bytes(operands: str) -> int:
    """Bytes of a register list: "{r4, r5, lr}", "{d8-d11}"."""
    total = 0
    for item in operands[operands.index("{") + 1 : operands.index("}")].split(","):
        ends = _DIGITS.findall(item)
        count = int(ends[1]) - int(ends[0]) + 1 if "-" in item else 1
        total += count * (8 if item.strip().startswith("d") else 4)
    return total


def _riscv(code: Sequence[Instruction], at: int) -> Effect:
    """RV32IMC, as "The RISC-V Instruction Set Manual" names them, and objdump's short forms."""
    operation, operands, target = code[at].mnemonic, code[at].operands, code[at].target
    if operation in ("add", "addi") and operands.startswith("sp,sp,"):
        amount = re.fullmatch(r"sp,sp,(-?\d+)", operands)
        return Effect(push=max(0, -int(amount.group(1))) if amount else None)
    if operation in ("jal", "jalr", "call"):
        if target is None:
            return Effect(flow="pointer")
        return Effect(flow="jump" if operands.startswith("zero") else "call", target=target)
    if operation in ("j", "tail") or (operation == "jr" and target):
        return Effect(flow="jump", target=target)
    if operation == "jr":
        return Effect(flow="end") if operands in ("ra", "t0") else Effect(0, "tail", None, True)
    if operation in ("ret", "ebreak", "mret", "unimp"):
        return Effect(flow="end")
    if operation.startswith("b") and target:
        return Effect(flow="branch", target=target)
    return Effect()


def _avr(code: Sequence[Instruction], at: int) -> Effect:
    """AVR, as "AVR Instruction Set Manual" (DS40002198) names them."""
    operation, operands, target = code[at].mnemonic, code[at].operands, code[at].target
    if operation == "push":
        return Effect(push=1)
    if operation in ("call", "rcall"):
        if at + 1 < len(code) and target == code[at + 1].address:
            return Effect(push=3)  # gcc makes room on the stack that way
        return Effect(flow="call", target=target)
    if operation == "out" and operands.startswith("0x3e, r29"):
        return Effect(push=_avr_frame(code, at))
    if operation in ("jmp", "rjmp"):
        return Effect(flow="jump", target=target)
    if operation in ("icall", "eicall"):
        return Effect(flow="pointer")
    if operation in ("ijmp", "eijmp"):
        return Effect(flow="end", through_table=True)
    if operation in ("ret", "reti"):
        return Effect(flow="end")
    if operation.startswith("br") and target:
        return Effect(flow="branch", target=target)
    if operation in ("cpse", "sbrc", "sbrs", "sbic", "sbis") and at + 2 < len(code):
        return Effect(flow="branch", target=code[at + 2].address)
    return Effect()


def _avr_frame(code: Sequence[Instruction], at: int) -> int | None:
    """What was taken from Y before it became the stack pointer; 0 where it was given back."""
    amount = 0
    for instruction in reversed(code[max(0, at - 5) : at]):
        operands = instruction.operands.split(";")[0].split(",")
        if instruction.mnemonic == "in" and operands[0] == "r28":
            break
        if instruction.mnemonic == "adiw" and operands[0] == "r28":
            return 0
        if instruction.mnemonic in ("sbiw", "subi") and operands[0] == "r28":
            amount += int(operands[1], 0)
        if instruction.mnemonic in ("sbci", "subi") and operands[0] == "r29":
            amount += int(operands[1], 0) << 8
    return amount if amount < 1 << 15 else 0


_MACHINES: dict[str, Callable[[Sequence[Instruction], int], Effect]] = {
    "arm-none-eabi-": _arm,
    "riscv64-unknown-elf-": _riscv,
    "avr-": _avr,
}
