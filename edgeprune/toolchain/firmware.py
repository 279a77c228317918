"""Compiles and links firmware: a model, start-up code and a main program."""

from __future__ import annotations

import re
import tempfile
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.resources import firmware_dir
from edgeprune.scratch import workspace
from edgeprune.target import Emulator, Serial, Target, Toolchain
from edgeprune.toolchain.cmodel import CModel
from edgeprune.toolchain.compiler import (
    COMMON_FLAGS,
    OPTIMIZE_FLAGS,
    Compiler,
    Optimize,
    compile_all,
    require_compiler,
    run_tool,
)
from edgeprune.toolchain.linkmap import LinkMap, read_map

# Start-up code and harness: small, and free of calls into the C library.
_FIRMWARE_FLAGS = (
    "-Os",
    "-ffreestanding",
    "-fno-strict-aliasing",
    "-fno-tree-loop-distribute-patterns",
)
MARK = "ep_layer_"  # ep_profile.h: the labels that begin a layer in a profile build
_OVERFLOW = re.compile(r"(region \S+ overflowed by \d+ bytes|section \S+ is not within region \S+)")
_HARNESS_STACK = 128  # bytes that the harness itself needs, beside the model's stack
_ROWS = "ep_rows"  # what the harness calls where the entry point takes more than a row
_EMPTY = "Reset_Handler"  # what an empty firmware calls in the model's place


@dataclass(frozen=True)
class Firmware:
    """Linked firmware. It lives as long as the process."""

    elf: Path
    map: LinkMap
    compiler: Compiler
    target: Target

    @cached_property
    def symbols(self) -> dict[str, tuple[int, int]]:
        """Address and size in bytes of every symbol; size 0 for a label. Thumb bits are cleared."""
        table: dict[str, tuple[int, int]] = {}
        text = run_tool([self.compiler.tool("nm"), "-S", self.elf], self.elf.name)
        for line in text.splitlines():
            columns = line.split()
            if len(columns) < 3:
                continue  # undefined
            kind = columns[-2]
            address = int(columns[0], 16) & ~(1 if kind in "tTwW" else 0)
            table[columns[-1]] = (address, int(columns[1], 16) if len(columns) == 4 else 0)
        return table

    @cached_property
    def _code(self) -> tuple[list[int], list[str]]:
        text = self.map.sections[".text"]
        inside = sorted(
            (address, name)
            for name, (address, _) in self.symbols.items()
            if text.address <= address < text.address + text.bytes and not name.startswith(MARK)
        )
        return [address for address, _ in inside], [name for _, name in inside]

    def function_at(self, address: int) -> str:
        """Name of the function that an address of the code lies in, "" before the first."""
        starts, names = self._code
        at = bisect_right(starts, address) - 1
        return names[at] if at >= 0 else ""


def build_harness(
    model: CModel, target: Target, *, optimize: Optimize = "speed", profile: bool = False
) -> Firmware:
    """Firmware that runs a model in the target's emulator over all inputs that it is given.

    Args:
        model: what runs.
        target: a core or board with an emulator.
        optimize: how the model and the runtime are compiled.
        profile: put the marks in that tell one layer from the next; they cost no instruction.

    Raises:
        EdgePruneError: no compiler, no emulator, or the model does not compile or link.
    """
    toolchain, emulator = _toolchain(target), target.emulator
    if emulator is None:
        hint = "`edgeprune targets` lists those that are"
        raise EdgePruneError(f"target {target.name}", "is not emulated", hint)
    extra = ("-include", str(firmware_dir() / "ep_profile.h")) if profile else ()
    mains = (*toolchain.startup, *toolchain.port, "harness.c")
    return _harness(model, target, mains, (), optimize, extra, emulator)


def build_serial(
    model: CModel, target: Target, *, optimize: Optimize = "speed", probe: bool = False
) -> Firmware:
    """Firmware that answers inputs over a serial line: of a board, or of an emulated core.

    Args:
        model: what runs.
        target: a core or board whose profile has a ``[serial]``.
        optimize: how the model and the runtime are compiled.
        probe: over RTT, for a debug probe, in place of the line; of a Cortex-M.

    Raises:
        EdgePruneError: no compiler, no ``[serial]``, no Cortex-M for a probe, or the model does not
            compile or link.
        CannotFitError: it does not fit the part.
    """
    toolchain, serial = _toolchain(target), target.serial
    if serial is None:
        raise EdgePruneError(f"target {target.name}", "its profile has no [serial]")
    invoke = [f for f in toolchain.port if f.endswith("_invoke.c")]
    mains = (*toolchain.startup, *invoke, *serial.port, "serial.c", "harness.c")
    defines = [*serial.defines, f"EP_MODEL_ID={model_id(model)}u"]
    if probe:
        if not (target.core or target.name).startswith("cortex-m"):
            what = "has no core that a debug probe reads while it runs"
            raise EdgePruneError(f"target {target.name}", what, "--on serial:PORT")
        mains, defines = (*mains, "rtt.c"), [*defines, "EP_RTT"]
    places = serial if serial.ram_bytes or target.emulator is None else target.emulator
    firmware = _harness(model, target, mains, defines, optimize, (), places)
    flashed = (firmware.map.sections.get(s) for s in (".text", ".rodata", ".data"))
    needed = sum(s.bytes for s in flashed if s is not None)
    if target.flash_limit is not None and needed > target.flash_limit:
        what = f"the self-test needs {needed} B of flash, {target.name} has {target.flash_limit} B"
        raise CannotFitError(model.name, what, "build for a smaller --budget")
    return firmware


def model_id(model: CModel) -> int:
    """What tells one model's firmware from another's: a CRC-32 of its files."""
    crc = 0
    for name in sorted((model.header, *model.sources)):
        crc = zlib.crc32(name.encode() + b"\0" + (model.folder / name).read_bytes(), crc)
    return crc


def _harness(
    model: CModel,
    target: Target,
    mains: Sequence[str],
    more_defines: Sequence[str],
    optimize: Optimize,
    model_flags: Sequence[str],
    places: Emulator | Serial,
) -> Firmware:
    stack = target.emulator.stack_bytes if target.emulator is not None else 0
    defines = [
        f'EP_MODEL_HEADER="{model.header}"',
        f"EP_MODEL_SYMBOL={model.entry if model.is_plain else _ROWS}",
        # Numbers, not the header's macros: another model of this name gets an object of its own.
        f"EP_ARENA_BYTES={model.arena_bytes}u",
        f"EP_INPUT_BYTES={model.inputs.nbytes}u",
        f"EP_OUTPUT_BYTES={model.outputs.nbytes}u",
        "EP_HARNESS",
        f"EP_STACK_BYTES={stack}",
        *more_defines,
    ]
    more = []
    if not model.is_plain:
        more.append(Path(tempfile.mkdtemp(dir=workspace(), prefix="rows-")) / "ep_rows.c")
        more[0].write_text(model.rows_function(_ROWS))
    firmware = _build(model, target, mains, defines, optimize, model_flags, more, places)
    _check_ram(firmware, places)
    return firmware


def _check_ram(firmware: Firmware, places: Emulator | Serial) -> None:
    """Refuse what leaves the harness no stack of its own; the linker does not know that."""
    begin, end = places.ram_origin, places.ram_origin + places.ram_bytes
    in_ram = [s for s in firmware.map.sections.values() if begin <= s.address <= end]
    used = max((s.address + s.bytes for s in in_ram), default=begin) - begin + _HARNESS_STACK
    if used > places.ram_bytes:
        machine = places.machine if isinstance(places, Emulator) else "the part"
        what = f"the firmware needs {used} B of RAM to run, {machine} has"
        raise CannotFitError(firmware.target.name, f"{what} {places.ram_bytes} B")


def build_budget(model: CModel | None, target: Target, optimize: Optimize) -> Firmware:
    """Firmware that holds start-up code and a model, or nothing in its place, and no more."""
    entry = model.entry if model else _EMPTY
    mains = (*_toolchain(target).startup, "budget.c")
    defines = [f"EP_MODEL_SYMBOL={entry}"]
    if model is not None and model.state_bytes:
        defines.append(f"EP_MODEL_RESET={model.name}_reset")
    return _build(model, target, mains, defines, optimize, (), (), target.emulator)


def _toolchain(target: Target) -> Toolchain:
    if target.toolchain is None:
        raise EdgePruneError(f"target {target.name}", "is no machine that firmware is linked for")
    return target.toolchain


def _build(
    model: CModel | None,
    target: Target,
    mains: Sequence[str],
    defines: Sequence[str],
    optimize: Optimize,
    model_flags: Sequence[str],
    more: Sequence[Path],
    places: Emulator | Serial | None,
) -> Firmware:
    toolchain = _toolchain(target)
    compiler = require_compiler(target)
    flags = (*toolchain.flags, *COMMON_FLAGS)
    folders = [model.folder] if model else []
    main_flags = (*flags, *_FIRMWARE_FLAGS, *(f"-D{d}" for d in defines))
    include = [firmware_dir(), *folders]
    files = [firmware_dir() / name for name in mains]
    # The flags of the mains have the model's name and numbers.
    objects = compile_all(compiler, files, main_flags, include, keep=model is None)
    objects += compile_all(compiler, more, main_flags, include)
    if model is not None:
        flags = (*flags, OPTIMIZE_FLAGS[optimize])
        own = [s for s in model.sources if s == f"{model.name}.c"]
        runtime = [s for s in model.sources if s not in own]
        for sources, more_flags, keep in ((own, model_flags, False), (runtime, (), True)):
            files = [model.folder / name for name in sources]
            objects += compile_all(compiler, files, (*flags, *more_flags), folders, keep=keep)
    return _link(compiler, target, objects, model.name if model else "empty", places)


def _link(
    compiler: Compiler,
    target: Target,
    objects: list[Path],
    name: str,
    places: Emulator | Serial | None,
) -> Firmware:
    toolchain = _toolchain(target)
    folder = Path(tempfile.mkdtemp(dir=workspace(), prefix="link-"))
    elf, map_file = folder / "firmware.elf", folder / "firmware.map"
    command: list[str | Path] = [compiler.path, *toolchain.flags, "-Wl,--gc-sections"]
    command += [f"-Wl,-Map={map_file}", *toolchain.link_flags]
    if toolchain.linker_script and places is not None:
        memory = {
            "EP_VECTORS_ORIGIN": places.vectors_origin,
            "EP_FLASH_ORIGIN": places.flash_origin,
            "EP_FLASH_BYTES": places.flash_bytes,
            "EP_RAM_ORIGIN": places.ram_origin,
            "EP_RAM_BYTES": places.ram_bytes,
        }
        command += [f"-Wl,--defsym={key}={value}" for key, value in memory.items()]
        command += ["-T", firmware_dir() / toolchain.linker_script]
    try:
        run_tool([*command, *objects, "-lm", "-o", elf], name, makes=elf)
    except EdgePruneError as error:
        if found := _OVERFLOW.search(error.what):
            overflow = found.group(1)
            what = f"does not fit the memory map of {target.name}: {overflow}"
            raise CannotFitError(name, what) from error
        raise
    return Firmware(elf, read_map(map_file), compiler, target)
