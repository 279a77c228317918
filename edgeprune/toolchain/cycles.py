"""Cycles from counts: what the timing of a core and the memory of a board make of a run.

Every address of the code was counted (``counter.py``). Its instruction is decoded once, and

    cycles = executions * cost + taken transfers * ``taken`` + misses * what each waits

Costs are the core's ``[timing]``, waits the board's ``[memory]``. On cores that begin two
instructions together the cost is what an in-order pipeline needs for one behind those before it,
see :mod:`edgeprune.toolchain.pairing`. How far the model is off: ``docs/cycles.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from edgeprune.target import Memory, Timing
from edgeprune.toolchain.compiler import run_tool
from edgeprune.toolchain.firmware import Firmware
from edgeprune.toolchain.machines import Instruction, list_bytes, parse
from edgeprune.toolchain.pairing import pipelined

_SINGLE = re.compile(r"(v?ldr|v?str)(s?[bh])?t?$")
_DOUBLE = re.compile(r"(ldrd|strd)$")
_MULTIPLE = re.compile(r"v?(ldm|stm|push|pop)(ia|db|fd|ea)?$")
_VECTOR = re.compile(r"\bq\d")
_WAITS_FOR_NONE = Memory(code_miss=0, code_miss_next=0, data_miss=0)


@dataclass(frozen=True)
class Events:
    """What was counted at an address."""

    executed: int = 0
    reads: int = 0  # accesses: LDRD makes two, LDM one a register
    taken: int = 0  # what followed was not the next instruction
    code_misses: int = 0
    code_misses_next: int = 0  # of the line behind the one before
    data_misses: int = 0


@dataclass(frozen=True)
class CycleModel:
    """The costs of a linked firmware.

    Attributes:
        costs: cycles of one execution, by address.
        timing: of the core.
        memory: of the board.
    """

    costs: Mapping[int, int]
    timing: Timing
    memory: Memory

    @property
    def error(self) -> float:
        """How far cycles may be off, as a share."""
        return self.timing.error_permille / 1000

    def cycles(self, address: int, events: Events) -> tuple[float, float]:
        """Cycles of all that was counted at an address, and those of them that wait for flash."""
        scale, memory = self.timing.scale_permille / 1000, self.memory
        stalls = (
            events.code_misses * memory.code_miss
            + events.code_misses_next * memory.code_miss_next
            + events.data_misses * memory.data_miss
        )
        work = events.executed * self.costs.get(address, 1) + events.taken * self.timing.taken
        return scale * (work + stalls), scale * stalls


def cycle_model(firmware: Firmware) -> CycleModel | None:
    """The model of a firmware's target; None for a core whose timing no profile has."""
    target = firmware.target
    if target.timing is None:
        return None
    objdump = firmware.compiler.tool("objdump")
    text = run_tool([objdump, "-d", "--section=.text", firmware.elf], firmware.elf.name)
    code, _ = parse(text)
    return CycleModel(costs(code, target.timing), target.timing, target.memory or _WAITS_FOR_NONE)


def costs(code: Sequence[Instruction], timing: Timing) -> dict[int, int]:
    """Cycles of every instruction, by address, in the order in which they lie."""
    if timing.issue > 1:
        return pipelined(code, timing)
    found: dict[int, int] = {}
    before: Instruction | None = None
    for one in code:
        found[one.address] = _cost(one, before, timing)
        before = one
    return found


def _cost(one: Instruction, before: Instruction | None, timing: Timing) -> int:
    operation = one.mnemonic.split(".")[0]
    for name, cycles in timing.instructions:
        if fnmatchcase(one.mnemonic, name) or fnmatchcase(operation, name):
            return cycles
    if timing.beats > 1 and _VECTOR.search(one.operands):
        return timing.beats - _overlaps(one, before)
    if _DOUBLE.match(operation):
        return timing.double
    if _MULTIPLE.match(operation):
        return timing.multiple + list_bytes(one.operands) // 4
    if _SINGLE.match(operation):
        if operation.lstrip("v").startswith("st"):
            return timing.store
        behind = before is not None and _SINGLE.match(before.mnemonic.split(".")[0])
        return timing.load_behind if behind else timing.load
    return 1


def _overlaps(one: Instruction, before: Instruction | None) -> bool:
    """Whether a vector instruction begins while the one before it is in its second beat."""
    if before is None or not _VECTOR.search(before.operands):
        return False
    return one.mnemonic.startswith(("vld", "vst")) != before.mnemonic.startswith(("vld", "vst"))
