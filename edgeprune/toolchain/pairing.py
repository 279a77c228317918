"""Cycles of a core that begins two neighbouring instructions together, in their order.

Two instructions begin in one cycle if the second needs nothing of the first and they are not both
products or both accesses of memory; nothing begins with a branch before it. A load or a product can
be used ``latency`` cycles later, as what another product is added to one cycle earlier; everything
else in the next cycle. A straight piece of code begins with everything ready.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from edgeprune.target import Timing
from edgeprune.toolchain.machines import Instruction, list_bytes

_REGISTER = re.compile(r"\b(r1[0-5]|r[0-9]|sl|fp|ip|sp|lr|pc|sb|[sd][0-9]+)(?:-([a-z]+[0-9]*))?")
_SAME = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12", "sp": "r13", "lr": "r14", "pc": "r15"}
_IF = "(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)"
_MEMORY = re.compile(r"v?(ldr|str|ldm|stm|push|pop)")
_PRODUCT = re.compile(r"(mul|ml[as]|sm[lmu]|um[lau]|usad|[su]div|v(mul|n?ml|n?fm|fn?m|div|sqrt))")
_BRANCH = re.compile(rf"(b{_IF}?|bl|bx|blx|cbn?z|tb[bh])$")
_SETS_FLAGS = re.compile(r"(cmp|cmn|tst|teq|[a-z]+[a-z]s)$")
_READS_FLAGS = re.compile(r"(it[te]*|adcs?|sbcs?|rrxs?)$")  # branches are predicted
_NO_RESULT = re.compile(rf"(v?str|v?stm|push|cmp|cmn|tst|teq|v?cmpe?|it|cbn?z|tb[bh]|nop|b{_IF}?$)")
_LIST = re.compile(r"v?(ldm|pop)")
_LONG = ("smull", "umull", "smlal", "umlal", "umaal")  # two results
_ADDED_TO_RESULT = ("smlal", "umlal", "umaal", "vfma", "vmla", "vfms", "vmls")
_FLAGS = "flags"


@dataclass(frozen=True)
class _Use:
    """What an instruction needs and makes."""

    kind: str  # "memory", "product", "branch" or ""
    sources: frozenset[str]
    added: frozenset[str]  # of the sources, what a product is added to
    results: frozenset[str]
    latency: int
    cycles: int  # until the next one can begin


def pipelined(code: Sequence[Instruction], timing: Timing) -> dict[int, int]:
    """Cycles by which each instruction begins after the one that lies before it, by address.

    Args:
        code: in the order of addresses.
        timing: of the core.
    """
    found: dict[int, int] = {}
    for piece in _pieces(code):
        ready: dict[str, int] = {}  # first cycle in which a register can be used
        now, free = -1, 0
        together: list[str] = []  # kinds that began in this cycle
        for one in piece:
            use = _use(one, timing)
            begin = max([now, free, *(ready.get(r, 0) - (r in use.added) for r in use.sources)])
            if begin == now and _clashes(use.kind, together, timing):
                begin += 1
            found[one.address] = begin - now
            together = [*together, use.kind] if begin == now else [use.kind]
            now, free = begin, begin + use.cycles - 1
            ready.update(dict.fromkeys(use.results, begin + use.latency))
    return found


def _clashes(kind: str, together: Sequence[str], timing: Timing) -> bool:
    full = len(together) == timing.issue
    return full or "branch" in together or (kind != "" and kind in together)


def _pieces(code: Sequence[Instruction]) -> Iterator[list[Instruction]]:
    """The code between branches and what they lead to."""
    heads = {i.target for i in code if i.target is not None}
    piece: list[Instruction] = []
    for one in code:
        if one.address in heads and piece:
            yield piece
            piece = []
        piece.append(one)
        if _kind(one.mnemonic.split(".")[0]) == "branch" or _loads_pc(one):
            yield piece
            piece = []
    if piece:
        yield piece


def _loads_pc(one: Instruction) -> bool:
    return one.mnemonic.startswith(("pop", "ldr", "ldm")) and "pc" in one.operands.split("[")[0]


def _kind(operation: str) -> str:
    for kind, pattern in (("memory", _MEMORY), ("product", _PRODUCT), ("branch", _BRANCH)):
        if pattern.match(operation):
            return kind
    return ""


def _use(one: Instruction, timing: Timing) -> _Use:
    operation = one.mnemonic.split(".")[0]
    kind = _kind(operation)
    named = list(_registers(one.operands))
    count = 2 if operation in ("ldrd", *_LONG) else 1
    if _NO_RESULT.match(operation):
        count = 0
    results, sources = set(named[:count]), set(named[count:])
    if _LIST.match(operation):
        base = set() if "pop" in operation else set(named[:1])
        results, sources = set(named) - base, base
    added = set(results) if operation.startswith(_ADDED_TO_RESULT) else set()
    if kind == "product" and len(named) == 4 and not added:
        added = {named[3]} - set(named[1:3])
    if _SETS_FLAGS.match(operation):
        results.add(_FLAGS)
    if _READS_FLAGS.match(operation):
        sources.add(_FLAGS)
    late = timing.latency if kind in ("memory", "product") else 1
    return _Use(
        kind,
        frozenset(sources | added),
        frozenset(added),
        frozenset(results),
        late,
        _cycles(one, operation, timing),
    )


def _cycles(one: Instruction, operation: str, timing: Timing) -> int:
    for name, cycles in timing.instructions:
        if fnmatchcase(operation, name):
            return cycles
    if "{" in one.operands and _MEMORY.match(operation):
        return timing.multiple + (list_bytes(one.operands) // 4 + 1) // 2
    return 1


def _registers(operands: str) -> Iterator[str]:
    """In their order, ranges written out, under one name each."""
    for match in _REGISTER.finditer(operands.split("@")[0].split(";")[0]):
        first, last = (_SAME.get(r, r) if r else "" for r in match.groups())
        if not last:
            yield first
            continue
        yield from (f"{first[0]}{n}" for n in range(int(first[1:]), int(last[1:]) + 1))
