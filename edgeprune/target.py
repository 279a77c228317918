"""Targets: what a model is built for. A target is a TOML profile; a new one needs no Python.

Profiles are in ``targets/<name>/profile.toml``; ``targets/README.md`` lists their keys.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_toml
from edgeprune.resources import targets_dir
from edgeprune.schema import checked

Kind = Literal["core", "board", "host", "file"]
Budget = Literal["linked", "tflite", "onnx"]
Fpu = Literal["none", "single", "double"]
Costs = tuple[tuple[str, int], ...]

DEFAULT_TARGET = "cortex-m4"
_MAX_PROFILE_BYTES = 1 << 16
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HINT = "give a name of `edgeprune targets`, or the path of a profile"
_FQBN = re.compile(r"[\w.-]+:[\w.-]+:[\w.-]+(:[\w.,=-]+)?")
_Section = TypeVar("_Section", "Toolchain", "Emulator", "Timing", "Memory", "Serial", "Flash")
_INHERITED = ("kernels", "fpu", "progmem", "toolchain", "emulator", "timing")


@dataclass(frozen=True)
class Toolchain:
    """How C is compiled and linked for a target."""

    prefix: str  # "arm-none-eabi-"; empty for the host's own compiler
    flags: tuple[str, ...] = ()
    soft_flags: tuple[str, ...] = ()  # in place of these on boards whose core has no FPU
    link_flags: tuple[str, ...] = ()
    startup: tuple[str, ...] = ()  # file names in targets/_firmware
    port: tuple[str, ...] = ()  # files there, too: how the harness talks to the emulator
    linker_script: str = ""  # file name in targets/_firmware; empty: the toolchain's own


@dataclass(frozen=True)
class Emulator:
    """Where firmware for a target runs without the hardware. Origins are addresses, sizes bytes."""

    program: str  # "qemu-system-arm"
    machine: str  # its -M; empty: it runs programs of Linux, in user mode
    title: str  # what the machine is, for people; says so where the core is another one
    arguments: tuple[str, ...] = ()  # further ones
    vectors_origin: int = 0
    flash_origin: int = 0
    flash_bytes: int = 0
    ram_origin: int = 0
    ram_bytes: int = 0
    stack_bytes: int = 16384  # the harness gives the model this much, and detects more


@dataclass(frozen=True)
class Timing:
    """What instructions cost on a core, in cycles, with memory that never waits.

    Every instruction that no key names takes one. See :mod:`edgeprune.toolchain.cycles`.
    """

    error_permille: int  # how far modelled cycles may be off
    scale_permille: int = 1000  # what they are multiplied by, fitted to published ones
    issue: int = 1  # instructions that may begin together
    latency: int = 1  # pairing: cycles until a load or a product can be used
    load: int = 1  # LDR and its kind
    load_behind: int = 1  # the same directly behind a single load or store
    store: int = 1
    double: int = 2  # LDRD, STRD
    multiple: int = 1  # LDM, STM, PUSH, POP: this and one a register
    beats: int = 1  # a vector instruction (MVE); one less behind one of another kind
    taken: int = 0  # what a transfer of control adds
    instructions: Costs = ()  # (mnemonic, which may end with *; what it takes)


@dataclass(frozen=True)
class Memory:
    """What flash costs beside its instructions, in cycles, at the board's clock.

    Least recently used lines of its caches go first. RAM never waits.
    """

    code_miss: int  # a fetch from a line that no cache holds
    code_miss_next: int  # the same behind the line before it: prefetched meanwhile
    data_miss: int  # a read of data that no cache holds
    code_line_bytes: int = 0  # 0: no cache
    code_ways: int = 1
    code_sets: int = 1
    data_line_bytes: int = 0
    data_ways: int = 1
    data_sets: int = 1
    unified: bool = False  # data lies in the cache of the code


@dataclass(frozen=True)
class Serial:
    """The self-test over a serial line, on a board or on what emulates a core. Addresses, bytes.

    A map of the memory that is left out is the emulator's.
    """

    port: tuple[str, ...]  # files of targets/_firmware: its serial port and its clock
    defines: tuple[str, ...] = ()
    vectors_origin: int = 0
    flash_origin: int = 0
    flash_bytes: int = 0
    ram_origin: int = 0
    ram_bytes: int = 0


@dataclass(frozen=True)
class Flash:
    """How firmware gets onto a board: command lines, the best first.

    ``{elf}``, ``{hex}`` and ``{folder}`` are what was built, ``{port}`` the serial line.
    """

    tools: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """One core, board or file format that a model is built for. Sizes are bytes, clock is hertz."""

    name: str
    title: str
    kind: Kind
    budget: Budget = "linked"  # what a flash budget binds: linked firmware, or the size of a file
    core: str = ""  # the core of a board, "" for what is no board
    kernels: tuple[str, ...] = ("portable",)  # folders of runtime_c/arch, best first
    fpu: Fpu = "none"
    progmem: bool = False  # constants are copied to RAM unless they are read through PROGMEM
    clock_hz: int | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    reserved_flash_bytes: int = 0  # bootloader, RTOS, framework
    reserved_ram_bytes: int = 0
    toolchain: Toolchain | None = None
    emulator: Emulator | None = None
    timing: Timing | None = None  # None: cycles are not modelled
    memory: Memory | None = None  # None: memory that never waits
    serial: Serial | None = None  # None: no self-test over a serial line of our own
    flash: Flash | None = None  # None: by arduino-cli where it knows the board, else not
    arduino: str = ""  # what arduino-cli calls a board: package:architecture:board
    sources: tuple[tuple[str, str], ...] = ()  # (key, data sheet)
    notes: str = ""

    @property
    def bound(self) -> str:
        """What a budget of bytes is of, in words."""
        return "flash" if self.budget == "linked" else f"the .{self.budget} file"

    @property
    def pairs(self) -> bool:
        """Whether the core begins two instructions together."""
        return self.timing is not None and self.timing.issue > 1

    @property
    def flash_limit(self) -> int | None:
        """Flash left for the model, in bytes; None where the target is no part."""
        if self.flash_bytes is None:
            return None
        return self.flash_bytes - self.reserved_flash_bytes

    @property
    def ram_limit(self) -> int | None:
        """RAM left for the model, in bytes; None where the target is no part."""
        if self.ram_bytes is None:
            return None
        return self.ram_bytes - self.reserved_ram_bytes


def list_targets() -> tuple[str, ...]:
    """Names of the targets that come with the package, cores before boards."""
    profiles = [load_target(p.parent.name) for p in targets_dir().glob("*/profile.toml")]
    kinds = get_args(Kind)
    return tuple(t.name for t in sorted(profiles, key=lambda t: (kinds.index(t.kind), t.name)))


def load_target(name_or_path: str | Path, option: str = "--target") -> Target:
    """Read the profile of a target.

    Args:
        name_or_path: a name of :func:`list_targets`, or the path of one's own ``.toml``.
        option: where it was named, for messages.

    Raises:
        EdgePruneError: there is no such target, or its profile is wrong.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return _read(path, name=path.parent.name if path.name == "profile.toml" else path.stem)
    name = str(name_or_path)
    known = sorted(p.parent.name for p in targets_dir().glob("*/profile.toml"))
    if name not in known:
        hint = f"one of {', '.join(known)}, or the path of your own .toml"
        meant = _nearest(name, known)
        asked = f"did you mean {meant}? " if meant else ""
        raise EdgePruneError(option, f"there is no target {name!r}", asked + hint)
    return _read(targets_dir() / name / "profile.toml", name=name)


def _nearest(name: str, known: list[str]) -> str | None:
    """The name that was meant: one that holds all that was written, else one that looks like it."""
    plain = name.lower().replace("_", "-")
    whole = [k for k in known if plain in k] if len(plain) > 2 else []
    words = [k for k in whole if plain in k.split("-")]
    for few in ([plain] if plain in known else [], whole, words):
        if len(few) == 1:
            return few[0]
    return next(iter(difflib.get_close_matches(plain, whole or known, 1, 0.7)), None)


def listed_target(name: str, where: str) -> Target:
    """The target that a file names, which is none that a file could describe.

    Args:
        name: of :func:`list_targets`; not a path, whose profile would say what is run.
        where: the file, for messages.

    Raises:
        EdgePruneError: it is none of those.
    """
    if not (targets_dir() / name / "profile.toml").is_file() or not _PLAIN.fullmatch(name):
        what = f"{name!r} is none of the targets that are listed"
        raise EdgePruneError(where, what, "give your own profile again: --target my_board.toml")
    return load_target(name)


def _read(path: Path, name: str) -> Target:
    table = _Table(str(path), read_toml(path, _MAX_PROFILE_BYTES, _HINT))
    base = None
    core = table.take("core", str, "")
    if core:
        base = _core(table, core)
    target = _target(table, name, core, base)
    table.refuse_the_rest(_known(Target))
    _check(table.where, target)
    return target


def _core(table: _Table, core: str) -> Target:
    profile = targets_dir() / core / "profile.toml"
    if "/" in core or not profile.is_file():
        cores = ", ".join(n for n in list_targets() if load_target(n).kind == "core")
        raise EdgePruneError(
            f"{table.where}: core", f"there is no core {core!r}", f"one of {cores}"
        )
    target = _read(profile, name=core)
    if target.kind != "core":
        raise EdgePruneError(f"{table.where}: core", f"{core!r} is a {target.kind}, not a core")
    return target


def _target(table: _Table, name: str, core: str, base: Target | None) -> Target:
    kind = table.choice("kind", Kind, "board" if core else None)
    sources = _Table(f"{table.where}: [sources]", table.take("sources", dict, {}))
    target = Target(
        name=table.take("name", str, name),
        title=table.take("title", str, name),
        kind=cast(Kind, kind),
        budget=cast(Budget, table.choice("budget", Budget, "linked")),
        core=core,
        clock_hz=table.take("clock_hz", int, None),
        flash_bytes=table.take("flash_bytes", int, None),
        ram_bytes=table.take("ram_bytes", int, None),
        reserved_flash_bytes=table.take("reserved_flash_bytes", int, 0),
        reserved_ram_bytes=table.take("reserved_ram_bytes", int, 0),
        sources=tuple((k, sources.take(k, str, "")) for k in sorted(sources.rows)),
        arduino=table.take("arduino", str, ""),
        notes=table.take("notes", str, ""),
    )
    if base is not None:
        target = replace(target, **{key: getattr(base, key) for key in _INHERITED})
    fpu = cast(Fpu, table.choice("fpu", Fpu, target.fpu))
    toolchain = _section(table, "toolchain", Toolchain, target.toolchain)
    if base is not None:
        toolchain = _for_fpu(table.where, base, toolchain, fpu)
    return replace(
        target,
        kernels=table.strings("kernels", target.kernels),
        fpu=fpu,
        progmem=table.take("progmem", bool, target.progmem),
        toolchain=toolchain,
        emulator=_section(table, "emulator", Emulator, target.emulator),
        timing=_section(table, "timing", Timing, target.timing),
        memory=_section(table, "memory", Memory, None),
        serial=_section(table, "serial", Serial, None),
        flash=_section(table, "flash", Flash, None),
    )


def _for_fpu(where: str, core: Target, own: Toolchain | None, fpu: Fpu) -> Toolchain | None:
    """How C is compiled for a board, whose core may have been made without its FPU."""
    if own is None or core.toolchain is None:
        return own
    is_other = fpu != core.fpu and own.flags is core.toolchain.flags  # none of its own
    if is_other and fpu == "none" and own.soft_flags:
        return replace(own, flags=own.soft_flags)
    if own.soft_flags is not core.toolchain.soft_flags:
        hint = 'they stand in place of its core\'s flags on a board that says fpu = "none"'
        raise EdgePruneError(f"{where}: [toolchain]: soft_flags", "does nothing here", hint)
    if is_other:
        flags = " ".join(own.flags)
        what = f"is {fpu!r}, and {core.name} is compiled for {core.fpu!r}: {flags}"
        raise EdgePruneError(f"{where}: fpu", what, "say how: [toolchain] flags = [...]")
    return own


def _told_of_fpu(flags: Sequence[str]) -> bool:
    """Whether flags of gcc for Arm let it use an FPU, or pass floats in its registers."""
    abi = [f for f in flags if f.startswith("-mfloat-abi=")][-1:]
    if abi == ["-mfloat-abi=soft"]:
        return False
    return abi == ["-mfloat-abi=hard"] or any(f.startswith("-mfpu=") for f in flags)


def _section(
    table: _Table, key: str, cls: type[_Section], base: _Section | None
) -> _Section | None:
    rows = table.take(key, dict, None)
    if rows is None:
        return base
    section = _Table(f"{table.where}: [{key}]", rows)
    values: dict[str, Any] = {}
    for f in fields(cls):
        default = getattr(base, f.name) if base is not None else None
        if f.name not in section.rows and default is None:
            continue
        if str(f.type).startswith("tuple"):
            values[f.name] = section.strings(f.name, default or ())
        elif f.type == "Costs":
            named = _Table(f"{section.where}: [{f.name}]", section.take(f.name, dict, {}))
            values[f.name] = tuple((k, named.take(k, int, 0)) for k in sorted(named.rows))
        else:
            kind = {"int": int, "bool": bool}.get(str(f.type), str)
            values[f.name] = section.take(f.name, kind, default)
    section.refuse_the_rest(_known(cls))
    missing = [f.name for f in fields(cls) if f.name not in values and f.default is MISSING]
    if missing:
        raise EdgePruneError(section.where, f"misses the keys {missing}")
    return cls(**values)


def _known(cls: type[Any]) -> list[str]:
    return sorted(f.name for f in fields(cls))


def _check(where: str, target: Target) -> None:
    """Refuse sizes that cannot be, and facts without a source."""
    positive = {"clock_hz": target.clock_hz, "flash_bytes": target.flash_bytes}
    positive["ram_bytes"] = target.ram_bytes
    for key, value in positive.items():
        if value is not None and value <= 0:
            raise EdgePruneError(f"{where}: {key}", f"must be positive, is {value}")
    for key, limit in (("flash", target.flash_limit), ("ram", target.ram_limit)):
        reserved = getattr(target, f"reserved_{key}_bytes")
        if reserved < 0:
            raise EdgePruneError(f"{where}: reserved_{key}_bytes", f"is negative: {reserved}")
        if limit is not None and limit <= 0:
            whole = getattr(target, f"{key}_bytes")
            what = f"reserves {reserved} of {whole} bytes: nothing is left for a model"
            raise EdgePruneError(f"{where}: reserved_{key}_bytes", what)
    if target.kind == "board" and (target.flash_bytes is None or target.ram_bytes is None):
        hint = "add them, as the data sheet says"
        raise EdgePruneError(where, "a board needs flash_bytes and ram_bytes", hint)
    if target.arduino and not _FQBN.fullmatch(target.arduino):
        what = f"is no name of a board: {target.arduino!r}"
        raise EdgePruneError(f"{where}: arduino", what, "such as arduino:avr:uno")
    if target.kind in ("core", "board") and target.toolchain is None:
        raise EdgePruneError(where, "needs a [toolchain], or a core that has one")
    if target.toolchain and target.fpu == "none" and _told_of_fpu(target.toolchain.flags):
        what = f"is 'none', and the compiler is told of one: {' '.join(target.toolchain.flags)}"
        raise EdgePruneError(f"{where}: fpu", what, "its flags want -mfloat-abi=soft, and no -mfpu")
    if target.kernels[-1:] != ("portable",):
        raise EdgePruneError(f"{where}: kernels", "must end with 'portable'")


class _Table:
    """The rows of a TOML table, taken one by one and checked; what is left over is unknown."""

    def __init__(self, where: str, rows: Mapping[str, Any]) -> None:
        self.where = where
        self.rows = dict(rows)

    def take(self, key: str, kind: type[Any], default: Any) -> Any:
        value = self.rows.pop(key, None)
        if value is None:
            return default
        return checked(value, kind, f"{self.where}: {key}")

    def strings(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.rows.pop(key, None)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise EdgePruneError(f"{self.where}: {key}", f"must be a list of strings, is {value!r}")
        return tuple(value)

    def choice(self, key: str, options: Any, default: str | None) -> str:
        allowed = get_args(options)
        value = self.take(key, str, default)
        if value not in allowed:
            what = f"must be one of {', '.join(allowed)}, is {value!r}"
            raise EdgePruneError(f"{self.where}: {key}", what)
        return str(value)

    def refuse_the_rest(self, known: list[str]) -> None:
        if self.rows:
            what = f"unknown keys {sorted(self.rows)}"
            raise EdgePruneError(self.where, what, f"known keys are {known}")
