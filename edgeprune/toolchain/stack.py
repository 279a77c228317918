"""The deepest stack of a function, from the machine code that was linked.

Reading the machine code covers assembly and the C library, which the compiler's own reports leave
out. Every push and every subtraction from the stack pointer in a function counts, whichever way
control goes, so the result is never below what a run needs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from edgeprune.toolchain.compiler import run_tool
from edgeprune.toolchain.firmware import MARK, Firmware

_LABEL = re.compile(r"^([0-9a-f]+) <([^>]+)>:$")
_TARGET = re.compile(r"(?:^|[\s,])(?:0x)?([0-9a-f]+) <")
_DIGITS = re.compile(r"\d+")

Flow = Literal["next", "call", "jump", "branch", "end", "pointer"]


@dataclass(frozen=True)
class Effect:
    """What an instruction does to the stack and to control. ``push`` None: it cannot be told."""

    push: int | None = 0
    flow: Flow = "next"


@dataclass
class _Function:
    start: int
    frame: int | None = 0
    calls: set[int] = field(default_factory=set)
    jumps: set[int] = field(default_factory=set)  # leave for good: tail calls and shared tails
    by_pointer: bool = False
    ends: bool = False  # its last instruction does not run on into what follows


def stack_bytes(firmware: Firmware, entry: str) -> int | None:
    """Bytes of stack that ``entry`` can use.

    None where that cannot be told: it calls by pointer, it recurses, or the machine code is of a
    kind that is not read here, such as the host's.
    """
    known = _machine(firmware)
    if known is None:
        return None
    machine, return_bytes = known
    objdump = firmware.compiler.tool("objdump")
    text = run_tool([objdump, "-d", "--section=.text", firmware.elf], firmware.elf.name)
    functions = _read(text, machine)
    depth = _depth(firmware.symbols[entry][0], functions, (), return_bytes)
    return None if depth is None else depth + return_bytes


def _depth(
    start: int,
    functions: dict[int, _Function],
    above: tuple[tuple[int, bool], ...],  # who leads here, and whether by a call or by a jump
    return_bytes: int,
) -> int | None:
    function = functions.get(start)
    if function is None or function.by_pointer or function.frame is None:
        return None
    deepest = 0
    for is_call, targets in ((True, function.calls), (False, function.jumps)):
        for target in sorted(targets):
            path = (*above, (start, is_call))
            seen = next((i for i, (s, _) in enumerate(path) if s == target), None)
            if seen is not None and any(call for _, call in path[seen:]):
                return None  # recursion
            if seen is not None:
                continue  # a loop over shared tails
            depth = _depth(target, functions, path, return_bytes)
            if depth is None:
                return None
            deepest = max(deepest, depth + (return_bytes if is_call else 0))
    return function.frame + deepest


def _read(text: str, machine: Callable[[str, str], Effect]) -> dict[int, _Function]:
    functions: dict[int, _Function] = {}
    targets: list[tuple[_Function, bool, int]] = []
    current = _Function(-1)
    for line in text.splitlines():
        if match := _LABEL.match(line):
            start, name = int(match.group(1), 16), match.group(2)
            if not name.startswith(MARK):  # those are marks inside of a function
                current = functions.setdefault(start, _Function(start))
            continue
        columns = [c.strip() for c in line.split("\t")]
        if len(columns) < 3 or not columns[0].endswith(":") or columns[2].startswith("."):
            continue
        operands = " ".join(columns[3:])
        effect = machine(columns[2], operands)
        if effect.push is None or current.frame is None:
            current.frame = None
        else:
            current.frame += effect.push
        if columns[2] != "nop":
            current.ends = effect.flow in ("end", "jump", "pointer")
        current.by_pointer |= effect.flow == "pointer"
        target = _TARGET.search(operands)
        if effect.flow in ("call", "jump", "branch") and target:
            targets.append((current, effect.flow == "call", int(target.group(1), 16)))
    _connect(functions, targets)
    return functions


def _connect(functions: dict[int, _Function], targets: list[tuple[_Function, bool, int]]) -> None:
    starts = sorted(functions)
    for function, is_call, address in targets:
        at = bisect_right(starts, address) - 1
        if at < 0 or (starts[at] == function.start and not (is_call and address == starts[at])):
            continue  # stays inside
        (function.calls if is_call else function.jumps).add(starts[at])
    for start, following in pairwise(starts):
        if not functions[start].ends:
            functions[start].jumps.add(following)


def _machine(firmware: Firmware) -> tuple[Callable[[str, str], Effect], int] | None:
    """How the instructions of a firmware are read, and the bytes that a call itself pushes."""
    toolchain = firmware.target.toolchain
    assert toolchain is not None, "firmware was linked without a toolchain"
    if toolchain.prefix.startswith("arm"):
        return _arm, 0
    if toolchain.prefix.startswith("riscv"):
        return _riscv, 0
    if not toolchain.prefix.startswith("avr"):
        return None
    wide = "-mmcu=atmega2560" in toolchain.flags  # a program counter of more than 16 bits
    return _avr, 3 if wide else 2


def _arm(mnemonic: str, operands: str) -> Effect:
    operation = mnemonic.split(".")[0]
    if operation in ("push", "vpush") or (operation in ("stmdb", "vstmdb") and "sp!" in operands):
        return Effect(push=_registers(operands))
    if operation in ("str", "strd", "vstr") and "[sp, #-" in operands and operands.endswith("]!"):
        return Effect(push=int(_DIGITS.findall(operands)[-1]))
    if operation in ("sub", "subw") and operands.startswith("sp,"):
        amount = re.search(r"#(\d+)", operands)
        return Effect(push=int(amount.group(1)) if amount else None)
    if operation == "add" and re.match(r"sp, r\d+|sp, sp, r\d+", operands):
        return Effect(push=None)
    if operation in ("bl", "blx"):
        return Effect(flow="call" if "<" in operands else "pointer")
    if operation == "b":
        return Effect(flow="jump")
    if operation in ("bx", "bxns"):
        return Effect(flow="end" if operands == "lr" else "pointer")
    if operation in ("pop", "ldmia", "ldr") and re.search(r"\bpc\b", operands.split("[")[0]):
        return Effect(flow="end")
    if operation in ("tbb", "tbh", "udf") or (operation == "mov" and operands.startswith("pc,")):
        return Effect(flow="end")
    if "<" in operands and re.match(r"(b[a-z]{2}|cbn?z|le|let?p?|wls|wlstp)$", operation):
        return Effect(flow="branch")
    return Effect()


def _registers(operands: str) -> int:
    """Bytes of a register list: "{r4, r5, lr}", "{d8-d11}"."""
    total = 0
    for item in operands[operands.index("{") + 1 : operands.index("}")].split(","):
        ends = _DIGITS.findall(item)
        count = int(ends[1]) - int(ends[0]) + 1 if "-" in item else 1
        total += count * (8 if item.strip().startswith("d") else 4)
    return total


def _riscv(mnemonic: str, operands: str) -> Effect:
    if mnemonic in ("add", "addi") and operands.startswith("sp,sp,"):
        amount = re.fullmatch(r"sp,sp,(-?\d+)", operands)
        return Effect(push=max(0, -int(amount.group(1))) if amount else None)
    if mnemonic in ("jal", "jalr"):
        links = not operands.startswith("zero")
        known = "<" in operands
        return Effect(flow=("call" if links else "jump") if known else "pointer")
    if mnemonic == "j":
        return Effect(flow="jump")
    if mnemonic in ("ret", "jr", "ebreak", "mret"):  # jr: the table of a switch
        return Effect(flow="jump" if "<" in operands else "end")
    if mnemonic.startswith("b") and "<" in operands:
        return Effect(flow="branch")
    return Effect()


def _avr(mnemonic: str, operands: str) -> Effect:
    if mnemonic == "push":
        return Effect(push=1)
    if mnemonic == "sbiw" and operands.startswith("r28,"):
        return Effect(push=int(operands.split(",")[1].split(";")[0].strip(), 0))
    if mnemonic in ("call", "rcall"):
        return Effect(flow="call")
    if mnemonic in ("jmp", "rjmp"):
        return Effect(flow="jump")
    if mnemonic in ("icall", "eicall"):
        return Effect(flow="pointer")
    if mnemonic in ("ret", "reti", "ijmp", "eijmp"):
        return Effect(flow="end")
    if mnemonic.startswith("br"):
        return Effect(flow="branch")
    return Effect()
