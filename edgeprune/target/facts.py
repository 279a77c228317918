"""What is known of a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["core", "board", "host", "file"]
Basis = Literal["linked", "tflite", "onnx"]
Fpu = Literal["none", "single", "double"]
Costs = tuple[tuple[str, int], ...]


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
    basis: Basis = "linked"  # what a flash budget binds: linked firmware, or the size of a file
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
        return "flash" if self.basis == "linked" else f"the .{self.basis} file"

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
