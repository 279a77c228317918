"""The deepest stack of a function, from the machine code that was linked.

Reading the machine code covers assembly and the C library, which the compiler's own reports leave
out. Every push and every subtraction from the stack pointer that can be reached counts, whichever
way control goes, so the result is never below what a run needs.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from edgeprune.toolchain.compiler import run_tool
from edgeprune.toolchain.firmware import MARK, Firmware
from edgeprune.toolchain.machines import Effect, Instruction, Machine, machine_of, parse


def stack_bytes(firmware: Firmware, entry: str) -> int | None:
    """Bytes of stack that ``entry`` can use.

    None where that cannot be told: it calls by pointer, it recurses, or the machine code is of a
    kind that is not read here, such as the host's.
    """
    machine = machine_of(firmware.target)
    if machine is None:
        return None
    objdump = firmware.compiler.tool("objdump")
    text = run_tool([objdump, "-d", "--section=.text", firmware.elf], firmware.elf.name)
    code = _Code.read(text, machine)
    depth = code.depth(firmware.symbols[entry][0], ())
    return None if depth is None else depth + machine.return_bytes


@dataclass
class _Code:
    """Machine code with what every instruction does. Addresses are those of the linked firmware."""

    machine: Machine
    instructions: list[Instruction]
    starts: list[int]  # of functions, sorted
    effects: dict[int, Effect] = field(default_factory=dict)
    following: dict[int, int] = field(default_factory=dict)
    depths: dict[int, int | None] = field(default_factory=dict)

    @staticmethod
    def read(text: str, machine: Machine) -> _Code:
        instructions, labels = parse(text)
        starts = sorted(a for a, name in labels.items() if not name.startswith(MARK))
        code = _Code(machine, instructions, starts)
        for at, instruction in enumerate(instructions):
            code.effects[instruction.address] = machine.effect(instructions, at)
            if at + 1 < len(instructions):
                code.following[instruction.address] = instructions[at + 1].address
        return code

    def depth(self, entry: int, above: tuple[int, ...]) -> int | None:
        """Bytes below the return address when ``entry`` is called; None where it cannot be told."""
        if entry in above:
            return None  # recursion
        if entry not in self.depths:
            self.depths[entry] = self._depth(entry, (*above, entry))
        return self.depths[entry]

    def _depth(self, entry: int, above: tuple[int, ...]) -> int | None:
        frame, deepest = 0, 0
        for address in self._reached(entry):
            effect = self.effects.get(address)
            if effect is None or effect.push is None or effect.flow == "pointer":
                return None
            frame += effect.push
            if effect.flow == "call":
                assert effect.target is not None, hex(address)
                below = self.depth(effect.target, above)
                if below is None:
                    return None
                deepest = max(deepest, below + self.machine.return_bytes)
        return frame + deepest

    def _reached(self, entry: int) -> list[int]:
        """Every address that control can come to without a return, calls stepped over."""
        reached = [entry]
        seen = {entry}
        for address in reached:  # grows while it is walked
            effect = self.effects.get(address)
            if effect is None:
                continue
            ways: list[int | None] = []
            if effect.flow in ("next", "call", "branch"):
                ways.append(self.following.get(address))
            if effect.flow in ("jump", "branch"):
                ways.append(effect.target)
            if effect.through_table:
                ways.extend(self._function_around(address))
            for way in ways:
                if way is not None and way not in seen:
                    seen.add(way)
                    reached.append(way)
        return reached

    def _function_around(self, address: int) -> list[int]:
        """Where a jump through a table can lead: anywhere in its function."""
        at = bisect_right(self.starts, address) - 1
        begin = self.starts[at]
        end = (
            self.starts[at + 1] if at + 1 < len(self.starts) else self.instructions[-1].address + 1
        )
        return [i.address for i in self.instructions if begin <= i.address < end]
