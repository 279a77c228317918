"""What a model adds to firmware: bytes of flash and RAM, from the linker's map.

The model is linked with start-up code and one call of its entry point; so is an empty firmware. The
difference is the model with every function of the runtime and of the C library that it uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgeprune.target import Target
from edgeprune.toolchain.cmodel import read_model
from edgeprune.toolchain.compiler import Optimize
from edgeprune.toolchain.firmware import Firmware, build_budget
from edgeprune.toolchain.linkmap import Contribution
from edgeprune.toolchain.stack import stack_bytes

FLASH_SECTIONS = (".text", ".rodata", ".data")


@dataclass(frozen=True)
class Size:
    """Bytes that a model adds to firmware. Measured, not estimated."""

    code_bytes: int  # .text without constants
    rodata_bytes: int
    data_bytes: int  # in flash and in RAM
    bss_bytes: int
    arena_bytes: int
    stack_bytes: int | None  # of the entry point, from the machine code; None: it does not tell
    toolchain: str
    contributions: tuple[Contribution, ...]  # what lies in flash, largest first
    state_bytes: int = 0  # that the caller keeps from call to call

    @property
    def flash_bytes(self) -> int:
        """What a flash budget binds."""
        return self.code_bytes + self.rodata_bytes + self.data_bytes

    @property
    def ram_bytes(self) -> int | None:
        """What a RAM budget binds; None where the stack is not known."""
        if self.stack_bytes is None:
            return None
        fixed = self.data_bytes + self.bss_bytes + self.state_bytes
        return fixed + self.arena_bytes + self.stack_bytes

    @property
    def by_symbol(self) -> dict[str, int]:
        """Flash bytes of every function and constant, largest first."""
        rows = ((c.symbol or f"({c.object or 'padding'})", c.bytes) for c in self.contributions)
        return _sums(rows)

    @property
    def by_object(self) -> dict[str, int]:
        """Flash bytes of every object file, largest first."""
        return _sums((c.object or "(padding)", c.bytes) for c in self.contributions)


def measure(
    c_dir: Path, target: Target, *, optimize: Optimize = "speed", stack: bool = True
) -> Size:
    """Link a model for a target and read what it takes.

    Args:
        c_dir: the folder of generated C, with its ``manifest.json``.
        target: a core or board.
        optimize: how the model and the runtime are compiled.
        stack: whether that is read too, which takes longer than linking.

    Raises:
        EdgePruneError: no compiler for the target, or the model does not compile or link.
    """
    model = read_model(c_dir)
    linked = build_budget(model, target, optimize)
    empty = _empty(target, optimize)
    added = Counter({s: _bytes(linked, s) - _bytes(empty, s) for s in (*FLASH_SECTIONS, ".bss")})
    contributions = _contributions(linked, empty)
    in_text = sum(c.bytes for c in contributions if c.section == ".text" and c.is_constant)
    return Size(
        code_bytes=added[".text"] - in_text,
        rodata_bytes=added[".rodata"] + in_text,
        data_bytes=added[".data"],
        bss_bytes=added[".bss"],
        arena_bytes=model.arena_bytes,
        stack_bytes=stack_bytes(linked, model.entry) if stack else None,
        toolchain=linked.compiler.title,
        contributions=contributions,
        state_bytes=model.state_bytes,
    )


@cache
def _empty(target: Target, optimize: Optimize) -> Firmware:
    return build_budget(None, target, optimize)


def _bytes(firmware: Firmware, section: str) -> int:
    found = firmware.map.sections.get(section)
    return found.bytes if found else 0


def _contributions(linked: Firmware, empty: Firmware) -> tuple[Contribution, ...]:
    rest = Counter(empty.map.contributions)
    added = []
    for c in linked.map.contributions:
        if rest[c]:
            rest[c] -= 1
        elif c.section in FLASH_SECTIONS:
            added.append(c)
    return tuple(sorted(added, key=lambda c: (-c.bytes, c.symbol, c.object)))


def _sums(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for name, size in rows:
        total[name] += size
    return dict(total.most_common())
