"""The deepest stack of a function, from the machine code that was linked.

Reading the machine code covers assembly and the C library, which the compiler's own reports leave
out. Every push and every subtraction from the stack pointer that can be reached counts, whichever
way control goes, so the result is never below what a run needs. A call by pointer counts as the
deepest of all functions whose address the code that is run takes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from edgeprune.toolchain.compiler import run_tool
from edgeprune.toolchain.firmware import MARK, Firmware
from edgeprune.toolchain.machines import Effect, Instruction, Machine, machine_of, parse

CONSTANTS = ".rodata"
_WORD = re.compile(r"^\s*([0-9a-f]+):\s.*\.word\s+0x([0-9a-f]+)", re.MULTILINE)
_ROW = re.compile(r"^ [0-9a-f]+ ((?:[0-9a-f]{2,8} ){1,4})", re.MULTILINE)
_HALF = re.compile(r"(\w+), #(\d+)")  # of an address, in a register


def stack_bytes(firmware: Firmware, entry: str) -> int | None:
    """Bytes of stack that ``entry`` can use.

    None where that cannot be told: it recurses, calls by a pointer that nothing tells about, or the
    machine code is of a kind that is not read here, such as the host's.
    """
    machine = machine_of(firmware.target)
    if machine is None:
        return None
    objdump = firmware.compiler.tool("objdump")
    text = run_tool([objdump, "-d", "--section=.text", firmware.elf], firmware.elf.name)
    dump = run_tool([objdump, "-s", firmware.elf], firmware.elf.name)
    code = _Code.read(text, machine)
    code.tables = numbers(dump.partition(f"section {CONSTANTS}:\n")[2].partition("Contents")[0])
    depth = code.deepest(firmware.symbols[entry][0])
    return None if depth is None else depth + machine.return_bytes


def numbers(dump: str) -> list[int]:
    """The little-endian 32-bit numbers of a section, as ``objdump -s`` prints it."""
    groups = [g for line in _ROW.findall(dump) for g in line.split() if len(g) == 8]
    return [int.from_bytes(bytes.fromhex(g), "little") for g in groups]


@dataclass
class _Code:
    """Machine code with what every instruction does. Addresses are those of the linked firmware."""

    machine: Machine
    instructions: list[Instruction]
    starts: list[int]  # of functions, sorted
    words: dict[int, int] = field(default_factory=dict)  # data among the code
    effects: dict[int, Effect] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)  # of an address among the instructions
    following: dict[int, int] = field(default_factory=dict)
    tables: list[int] = field(default_factory=list)  # words of constants
    depths: dict[int, int | None] = field(default_factory=dict)
    pointed: frozenset[int] = frozenset()  # functions whose address is taken

    @staticmethod
    def read(text: str, machine: Machine) -> _Code:
        instructions, labels = parse(text)
        starts = sorted(a for a, name in labels.items() if not name.startswith(MARK))
        words = {int(at, 16): int(value, 16) for at, value in _WORD.findall(text)}
        code = _Code(machine, instructions, starts, words)
        for at, instruction in enumerate(instructions):
            code.places[instruction.address] = at
            code.effects[instruction.address] = machine.effect(instructions, at)
            if at + 1 < len(instructions):
                code.following[instruction.address] = instructions[at + 1].address
        return code

    def deepest(self, entry: int) -> int | None:
        """Bytes below the return address when ``entry`` is called; None where it cannot be told."""
        self.pointed = self._taken(entry)
        return self.depth(entry, ())

    def depth(self, entry: int, above: tuple[int, ...]) -> int | None:
        """The same below the functions ``above`` it."""
        if entry in above:
            return None  # recursion
        if entry not in self.depths:
            self.depths[entry] = self._depth(entry, (*above, entry))
        return self.depths[entry]

    def _depth(self, entry: int, above: tuple[int, ...]) -> int | None:
        frame, deepest = 0, 0
        for address in self._reached(entry):
            effect = self.effects.get(address)
            if effect is None or effect.push is None:
                return None
            frame += effect.push
            for function in self._called(address, effect, above):
                below = None if function is None else self.depth(function, above)
                if below is None:
                    return None
                deepest = max(deepest, below + self.machine.return_bytes)
        return frame + deepest

    def _called(self, address: int, effect: Effect, above: tuple[int, ...]) -> list[int | None]:
        """Functions that an instruction may call; None among them where that cannot be told."""
        if effect.flow == "call":
            return [effect.target]
        if effect.flow not in ("pointer", "tail") or self._computes_jumps(address, effect):
            return []
        # the runtime does not recurse, least of all through pointers
        found: list[int | None] = [f for f in self.pointed if f not in above]
        return found or ([] if effect.through_table else [None])

    def _computes_jumps(self, address: int, effect: Effect) -> bool:
        """Whether a jump by register stays in its function: assembly that takes ADR of itself."""
        if effect.flow != "tail":
            return False
        return any("(adr" in self._at(a).operands for a in self._function_around(address))

    def _taken(self, entry: int) -> frozenset[int]:
        """The functions whose address is taken by what ``entry`` can come to."""
        functions = set(self.starts)
        found = {w & ~1 for w in self.tables} & functions  # pointers in the parameters of kernels
        todo = [entry, *found]
        done = set[int]()
        while todo:
            function = todo.pop()
            if function in done:
                continue
            done.add(function)
            body = self._function_around(function)
            taken = {w & ~1 for w in self._constants(body)} & functions
            for address in body:
                effect = self.effects[address]
                target = self._at(address).target if effect.flow == "next" else effect.target
                if target in functions and target != function:
                    todo.append(target)
                    if effect.flow == "next":
                        taken.add(target)
            found |= taken - {function}
            todo += taken
        return frozenset(found)

    def _constants(self, body: list[int]) -> list[int]:
        """32-bit numbers that code holds: beside it, and in two halves (MOVW, MOVT)."""
        here = bisect_right(self.starts, body[0])
        found = [w for at, w in self.words.items() if bisect_right(self.starts, at) == here]
        low: dict[str, int] = {}
        for address in body:
            instruction = self._at(address)
            if half := _HALF.match(instruction.operands):
                register, value = half.group(1), int(half.group(2))
                if instruction.mnemonic.startswith("movw"):
                    low[register] = value
                elif instruction.mnemonic.startswith("movt") and register in low:
                    found.append(value << 16 | low[register])
        return found

    def _at(self, address: int) -> Instruction:
        return self.instructions[self.places[address]]

    def _reached(self, entry: int) -> list[int]:
        """Every address that control can come to without a return, calls stepped over."""
        reached = [entry]
        seen = {entry}
        for address in reached:  # grows while it is walked
            effect = self.effects.get(address)
            if effect is None:
                continue
            ways: list[int | None] = []
            if effect.flow in ("next", "call", "branch", "pointer"):
                ways.append(self._following(address))
            if effect.flow in ("jump", "branch"):
                ways.append(effect.target)
            if effect.through_table or self._computes_jumps(address, effect):
                ways.extend(self._function_around(address))
            for way in ways:
                if way is not None and way not in seen:
                    seen.add(way)
                    reached.append(way)
        return reached

    def _following(self, address: int) -> int | None:
        """The next instruction; none behind a NOP that fills up the place before a function."""
        after = self.following.get(address)
        padding = self._at(address).mnemonic.startswith("nop") and after in self.starts
        return None if padding else after

    def _function_around(self, address: int) -> list[int]:
        """Where a jump through a table can lead: anywhere in its function."""
        at = bisect_right(self.starts, address) - 1
        begin = self.starts[at]
        end = (
            self.starts[at + 1] if at + 1 < len(self.starts) else self.instructions[-1].address + 1
        )
        return [i.address for i in self.instructions if begin <= i.address < end]
