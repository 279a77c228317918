"""A profile in TOML becomes a target: its keys are checked, a core's facts are a board's."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_toml
from edgeprune.resources import targets_dir
from edgeprune.target.check import check
from edgeprune.target.facts import (
    Basis,
    Emulator,
    Flash,
    Fpu,
    Kind,
    Memory,
    Serial,
    Target,
    Timing,
    Toolchain,
)
from edgeprune.target.table import Table

_MAX_PROFILE_BYTES = 1 << 16
_HINT = "give a name of `edgeprune targets`, or the path of a profile"
_Section = TypeVar("_Section", "Toolchain", "Emulator", "Timing", "Memory", "Serial", "Flash")
_INHERITED = ("kernels", "fpu", "progmem", "toolchain", "emulator", "timing")


def listed() -> list[Target]:
    """The targets that come with the package, cores before boards."""
    paths = targets_dir().glob("*/profile.toml")
    kinds = get_args(Kind)
    found = (read_profile(p, name=p.parent.name) for p in paths)
    return sorted(found, key=lambda t: (kinds.index(t.kind), t.name))


def read_profile(path: Path, name: str) -> Target:
    """The target of a file.

    Raises:
        EdgePruneError: it cannot be read, or says what cannot be.
    """
    table = Table(str(path), read_toml(path, _MAX_PROFILE_BYTES, _HINT))
    base = None
    core = table.take("core", str, "")
    if core:
        base = _core(table, core)
    target = _target(table, name, core, base)
    table.refuse_the_rest(_known(Target))
    check(table.where, target)
    return target


def _core(table: Table, core: str) -> Target:
    profile = targets_dir() / core / "profile.toml"
    if "/" in core or not profile.is_file():
        cores = ", ".join(t.name for t in listed() if t.kind == "core")
        raise EdgePruneError(
            f"{table.where}: core", f"there is no core {core!r}", f"one of {cores}"
        )
    target = read_profile(profile, name=core)
    if target.kind != "core":
        raise EdgePruneError(f"{table.where}: core", f"{core!r} is a {target.kind}, not a core")
    return target


def _target(table: Table, name: str, core: str, base: Target | None) -> Target:
    kind = table.choice("kind", Kind, "board" if core else None)
    sources = Table(f"{table.where}: [sources]", table.take("sources", dict, {}))
    target = Target(
        name=table.take("name", str, name),
        title=table.take("title", str, name),
        kind=cast(Kind, kind),
        basis=cast(Basis, table.choice("basis", Basis, "linked")),
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


def _section(table: Table, key: str, cls: type[_Section], base: _Section | None) -> _Section | None:
    rows = table.take(key, dict, None)
    if rows is None:
        return base
    section = Table(f"{table.where}: [{key}]", rows)
    values: dict[str, Any] = {}
    for f in fields(cls):
        default = getattr(base, f.name) if base is not None else None
        if f.name not in section.rows and default is None:
            continue
        if str(f.type).startswith("tuple"):
            values[f.name] = section.strings(f.name, default or ())
        elif f.type == "Costs":
            named = Table(f"{section.where}: [{f.name}]", section.take(f.name, dict, {}))
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
