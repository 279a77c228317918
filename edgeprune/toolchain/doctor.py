"""What is installed on this machine, and what each missing piece costs."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Literal

from edgeprune.target import list_targets, load_target
from edgeprune.toolchain.compiler import find_compiler
from edgeprune.toolchain.emulator import emulator_version
from edgeprune.toolchain.flasher import FLASHERS, commands, flasher_version


@dataclass(frozen=True)
class Finding:
    """One piece that edgeprune can use.

    Attributes:
        name: program or Python package.
        version: None where it is missing.
        without: what does not work, or works in another way, while it is missing.
        install: how to get it.
    """

    name: str
    kind: Literal["compiler", "emulator", "flasher", "package"]
    version: str | None
    without: str
    install: str

    @property
    def is_here(self) -> bool:
        """Whether it is installed."""
        return self.version is not None


_APT = {
    "arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "riscv64-unknown-elf-gcc": (
        "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"
    ),
    "xtensa-esp32s3-elf-gcc": "ESP-IDF's own installer: install.sh esp32s3",
    "avr-gcc": "apt-get install gcc-avr avr-libc",
    "aarch64-linux-gnu-gcc": "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "gcc": "apt-get install gcc libc6-dev",
    "qemu-system-arm": "apt-get install qemu-system-arm",
    "qemu-system-riscv32": "apt-get install qemu-system-misc",
    "qemu-system-avr": "apt-get install qemu-system-misc",
    "qemu-aarch64": "apt-get install qemu-user",
}

_PACKAGES = (
    ("ai-edge-litert", "no .tflite is read, written or verified", "pip install ai-edge-litert"),
    ("onnx", "no .onnx is read or written", "pip install onnx"),
    ("onnxruntime", "the .onnx that was written is not verified", "pip install onnxruntime"),
    ("pyserial", "nothing is measured over a board's serial line", "pip install pyserial"),
    ("pyocd", "nothing is measured through a debug probe", "pip install pyocd"),
    ("torch", "nothing is pruned, .pt2 files are not read", "pip install torch"),
    (
        "tensorflow",
        ".keras, .h5 and SavedModel folders are not read",
        "pip install 'edgeprune[keras]'",
    ),
    ("dask", "a sweep stays on this machine", "pip install 'edgeprune[cluster]'"),
)


def diagnose() -> tuple[Finding, ...]:
    """Look for everything that edgeprune can use: compilers, emulators, flashers, packages."""
    return (*_compilers(), *_emulators(), *_flashers(), *_packages())


def _compilers() -> list[Finding]:
    found: dict[str, Finding] = {}
    for target in map(load_target, list_targets()):
        if target.kind == "board" or target.toolchain is None:
            continue
        name = target.toolchain.prefix + "gcc"
        names = _cores_with(name)
        without = f"sizes for {names} are estimated, nothing is run on them"
        if target.kind == "host":
            without = "the generated C is neither built nor verified, instructions are not counted"
        compiler = find_compiler(target)
        version = compiler.version if compiler else None
        found[name] = Finding(name, "compiler", version, without, _APT.get(name, ""))
    return list(found.values())


def _cores_with(compiler: str) -> str:
    rows = [t for t in map(load_target, list_targets()) if t.kind == "core" and t.toolchain]
    return ", ".join(t.name for t in rows if t.toolchain and f"{t.toolchain.prefix}gcc" == compiler)


def _emulators() -> list[Finding]:
    users: dict[str, list[str]] = {}
    for target in map(load_target, list_targets()):
        if target.kind == "core" and target.emulator is not None:
            users.setdefault(target.emulator.program, []).append(target.name)
    return [
        Finding(
            program,
            "emulator",
            emulator_version(program),
            f"firmware for {', '.join(names)} is not run before it is flashed",
            _APT.get(program, ""),
        )
        for program, names in users.items()
    ]


def _flashers() -> list[Finding]:
    users: dict[str, list[str]] = {name: [] for name in FLASHERS}
    for target in map(load_target, list_targets()):
        if target.kind == "board" and (target.flash is not None or target.arduino):
            for line in commands(target):
                users[line.split()[0]].append(target.name)
    return [
        Finding(
            program,
            "flasher",
            flasher_version(program),
            f"`edgeprune flash` has one tool less for {', '.join(names)}",
            FLASHERS[program],
        )
        for program, names in users.items()
    ]


def _packages() -> list[Finding]:
    return [
        Finding(name, "package", _package_version(name), without, install)
        for name, without, install in _PACKAGES
    ]


def _package_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
