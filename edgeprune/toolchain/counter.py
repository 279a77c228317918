"""Exact counts of a run and cycles by them: the QEMU plugin ``ep_count.c``, what it reports."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.scratch import workspace
from edgeprune.target import Memory
from edgeprune.toolchain.compiler import Compiler, compile_all, run_tool
from edgeprune.toolchain.cycles import CycleModel, Events, cycle_model
from edgeprune.toolchain.firmware import MARK, Firmware

_SOURCE = Path(__file__).with_name("ep_count.c")


@dataclass(frozen=True)
class Counts:
    """Executed instructions, the words that they read, and cycles, of a part of a run."""

    instructions: int = 0
    loads: int = 0  # instructions that read memory
    reads: int = 0  # accesses: LDRD makes two, LDM one a register
    cycles: float = 0.0  # modelled; 0 where the core has no timing
    stalls: float = 0.0  # of the cycles, what waits for flash

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.instructions + other.instructions,
            self.loads + other.loads,
            self.reads + other.reads,
            self.cycles + other.cycles,
            self.stalls + other.stalls,
        )


@dataclass(frozen=True)
class Profile:
    """Where the instructions of a run went, from the call of the entry point to its return.

    Attributes:
        inferences: instructions of every single inference.
        total: sum over all inferences.
        by_function: sums over all inferences, largest first.
        by_layer: the same, by the layer's number in the source; -1 is what comes before the first.
        cycles_error: how far the cycles may be off, as a share; None: they are not modelled.
    """

    inferences: tuple[int, ...]
    total: Counts
    by_function: dict[str, Counts]
    by_layer: dict[int, Counts]
    cycles_error: float | None = None

    @property
    def cycles(self) -> float | None:
        """Of an inference, in the mean; None where they are not modelled."""
        return None if self.cycles_error is None else self.total.cycles / len(self.inferences)


@cache
def plugin() -> Path | None:
    """The compiled plugin; None where there is no host compiler to make it."""
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        return None
    made = workspace() / "ep_count.so"
    flags = ("-std=c11", "-O2", "-fPIC")
    objects = compile_all(Compiler(Path(compiler), ""), [_SOURCE], flags, [], keep=True)
    run_tool([compiler, "-shared", *objects, "-o", made], _SOURCE.name, makes=made)
    return made


def arguments(firmware: Firmware, entry: str, folder: Path) -> list[str]:
    """What QEMU is told so that it counts from ``entry`` to its return, into ``folder``."""
    made = plugin()
    if made is None:
        return []
    marks = _marks(firmware)
    (folder / "layers.txt").write_text("".join(f"{address:x}\n" for _, address in marks))
    text = firmware.map.sections[".text"]
    options = {
        "begin": f"{firmware.symbols[entry][0]:x}",
        "end": f"{firmware.symbols['ep_invoke_return'][0]:x}",
        "base": f"{text.address:x}",
        "bytes": f"{text.bytes:x}",
        "out": "counts.txt",
        "layers": "layers.txt",
        **_caches(firmware),
    }
    return ["-plugin", ",".join([str(made), *(f"{k}={v}" for k, v in options.items())])]


def read_profile(firmware: Firmware, folder: Path) -> Profile | None:
    """What the plugin wrote into a folder; None where it was not there to count."""
    path = folder / "counts.txt"
    if not path.is_file():
        return None
    marks = [-1, *(layer for layer, _ in _marks(firmware))]
    model = cycle_model(firmware)
    inferences: list[int] = []
    by_function: dict[str, Counts] = {}
    by_layer: dict[int, Counts] = {}
    for line in path.read_text().splitlines():
        kind, *columns = line.split()
        if kind == "inference":
            inferences.append(int(columns[0]))
            continue
        address = int(columns[1], 16)
        counts = _counts(address, Events(*map(int, columns[2:])), model)
        layer, function = marks[int(columns[0])], firmware.function_at(address)
        by_layer[layer] = by_layer.get(layer, Counts()) + counts
        by_function[function] = by_function.get(function, Counts()) + counts
    total = sum(by_layer.values(), Counts())
    if total.instructions != sum(inferences):
        raise EdgePruneError(firmware.elf.name, "the emulator ended before its counts were written")
    ranked = sorted(by_function.items(), key=lambda row: (-row[1].instructions, row[0]))
    error = None if model is None else model.error
    return Profile(tuple(inferences), total, dict(ranked), dict(sorted(by_layer.items())), error)


def _counts(address: int, events: Events, model: CycleModel | None) -> Counts:
    cycles = (0.0, 0.0) if model is None else model.cycles(address, events)
    executed, reads = events.executed, events.reads
    return Counts(executed, executed if reads else 0, reads, *cycles)


def _caches(firmware: Firmware) -> dict[str, str]:
    """What the plugin is told of a board's flash; nothing where it never waits."""
    memory, emulator = firmware.target.memory, firmware.target.emulator
    if memory is None or emulator is None:
        return {}
    begin = emulator.flash_origin
    sections = firmware.map.sections.values()
    inside = [s for s in sections if begin <= s.address < begin + emulator.flash_bytes]
    end = max(s.address + s.bytes for s in inside)
    found = {"flash": f"{begin:x}", "flash_bytes": f"{end - begin:x}"}
    found |= {"unified": "1"} if memory.unified else {}
    return found | {name: how for name, how in _shapes(memory).items() if how}


def _shapes(memory: Memory) -> dict[str, str]:
    def shape(line: int, ways: int, sets: int) -> str:
        return f"{line}:{ways}:{sets}" if line else ""

    return {
        "code": shape(memory.code_line_bytes, memory.code_ways, memory.code_sets),
        "data": shape(memory.data_line_bytes, memory.data_ways, memory.data_sets),
    }


def _marks(firmware: Firmware) -> list[tuple[int, int]]:
    """Number and first addresses of every layer of a profile build, in the order of the source."""
    return sorted(
        (int(name.removeprefix(MARK).split("_")[0]), address)
        for name, (address, _) in firmware.symbols.items()
        if name.startswith(MARK)
    )
