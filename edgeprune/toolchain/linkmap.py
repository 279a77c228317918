"""Reads GNU ld's map file: what every object file contributes to every section, to the byte."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edgeprune.errors import EdgePruneError

_HEADER = "Linker script and memory map"
_PADDING = "*fill*"
# " .text.ep_add_s8  0x00000450  0x54 /tmp/ep_add_s8-0123.o"; a long name has its own line
_INPUT = re.compile(r"^ (\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(\S.*))?$")
_OUTPUT = re.compile(r"^(\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)")
_NAME_ALONE = re.compile(r"^ ?\.\S+$")
_OBJECT_HASH = re.compile(r"-[0-9a-f]{20}(?=\.o$)")
_MEMBER = re.compile(r".*\(([^()]+)\)$")
_SECTION_KINDS = (".text", ".rodata", ".data", ".bss", ".progmem.data", ".sdata", ".sbss")


@dataclass(frozen=True)
class Section:
    """An output section of linked firmware. Size in bytes."""

    name: str
    address: int
    bytes: int


@dataclass(frozen=True)
class Contribution:
    """Bytes that one function or object, of one object file, takes in an output section."""

    section: str  # ".text", ".rodata", ".data", ".bss"
    symbol: str  # its name in C; "" where the section of the object file does not say
    object: str  # "ep_dense_s8.o", "lib_a-memcpy.o"
    bytes: int
    is_constant: bool = False  # also in ".text", where AVR keeps what is read through PROGMEM


@dataclass(frozen=True)
class LinkMap:
    """All that a map file says about sizes."""

    sections: dict[str, Section]
    contributions: tuple[Contribution, ...]


def read_map(path: Path) -> LinkMap:
    """Read a map file that GNU ld wrote.

    Raises:
        EdgePruneError: it is none.
    """
    text = path.read_text(errors="replace") if path.is_file() else ""
    if _HEADER not in text:
        hint = f"is this a GNU linker, and is there room for files in {path.parent}?"
        raise EdgePruneError(path.name, "the linker wrote no map", hint)
    sections: dict[str, Section] = {}
    found: list[Contribution] = []
    current = ""
    for line in _joined(text[text.index(_HEADER) :].splitlines()[1:]):
        if match := _OUTPUT.match(line):
            name, address, size = match.groups()
            current = name
            sections[name] = Section(name, int(address, 16), int(size, 16))
        elif current and (match := _INPUT.match(line)):
            name, _, size, file = match.groups()
            if int(size, 16) and (file is not None or name == _PADDING):
                found.append(_contribution(current, name, file or "", int(size, 16)))
    return LinkMap(sections, tuple(found))


def _joined(lines: list[str]) -> list[str]:
    """Put back on one line what ld broke after a long section name."""
    whole: list[str] = []
    for line in lines:
        if whole and _NAME_ALONE.match(whole[-1]) and line.startswith("        "):
            whole[-1] += line
        else:
            whole.append(line)
    return whole


def _contribution(section: str, name: str, file: str, size: int) -> Contribution:
    member = _MEMBER.match(file)
    obj = _OBJECT_HASH.sub("", member.group(1) if member else Path(file).name)
    constant = name.startswith((".rodata", ".progmem"))
    return Contribution(section, _symbol(name), obj, size, constant)


def _symbol(section: str) -> str:
    """The C name in ".rodata.kws_weights"; what the compiler puts together has none."""
    for kind in _SECTION_KINDS:
        if section.startswith(kind + "."):
            symbol = section[len(kind) + 1 :]
            return "" if re.match(r"(str\d|cst\d|unlikely$|startup$)", symbol) else symbol
    return ""
