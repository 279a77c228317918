"""What a call costs on a target: a fitted model of its time, bytes of code from measured files.

A kernel says how its work grows with the layer (``KernelCall.instructions``, for any core); a line
fitted to counts in the emulator says how much of it there is on one core:

    instructions = a + b work + c macs + d outputs + e inputs + f pixels + g rows + h loops

likewise cycles with memory that never waits, and the words of flash that the core waited for, which
cost what a board's flash takes for one. ``fitted/`` has a file for each core with a to h of every
kernel function, most of them 0, and ``sizes.json`` the bytes of every source file, by core; both by
level of optimisation. ``scripts/fit_costs.py`` and ``scripts/measure_sizes.py`` make them. Other
cores take the nearest one's. What was not measured is an error that names the script.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph, Node
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.isa import DEFAULT, NEAREST, SOFT
from edgeprune.target import Memory

FITTED = Path(__file__).parent / "fitted"
SIZES = Path(__file__).parent / "sizes.json"
LIBRARY = "+library"  # behind a file's name: bytes of what it needs of the C library
CALL_BYTES = 20  # an entry of the model's function, beside the parameters
LARGE_CACHE = 2048  # bytes of a cache of data, with which words of flash are read once


Lines = dict[str, dict[str, dict[str, list[float]]]]
"""By level of optimisation and kernel: what a line of each quantity is made of, and its errors."""


@cache
def read_lines(core: str) -> Lines:
    """What was fitted for a core; nothing where nothing was."""
    file = FITTED / f"{core}.json"
    found: Lines = json.loads(file.read_text()) if file.is_file() else {}
    return found


def write_lines(core: str, found: Lines) -> None:
    """A kernel a line, so that a change of one is a change of one."""
    levels = []
    for level, kernels in sorted(found.items()):
        rows = ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(line, sort_keys=True)}"
            for name, line in sorted(kernels.items())
        )
        levels.append(f" {json.dumps(level)}: {{\n{rows}\n }}")
    (FITTED / f"{core}.json").write_text("{\n" + ",\n".join(levels) + "\n}\n")
    read_lines.cache_clear()
    _line.cache_clear()


@cache
def _sizes() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, int]]]]:
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = json.loads(SIZES.read_text())
    return found


def size_table(core: str, optimize: str, isa: str = "portable") -> Mapping[str, int]:
    """Bytes of code by source file, of the portable kernels or of those of an instruction set.

    Where a core has no table of them, those of Cortex-M4.
    """
    tables = _sizes()
    by_isa = tables.get(NEAREST.get(core, core), {})
    return by_isa.get(isa, tables[DEFAULT].get(isa, {})).get(optimize, {})


def features(call: KernelCall, graph: Graph, node: Node) -> tuple[float, ...]:
    """What the fitted line multiplies; ``call`` as its kernel made it.

    What is done once for each part of its channels counts as often; unpacking is not included.
    """
    inputs = sum(graph.types[v].size for v in call.inputs)
    y = graph.types[node.output]
    rows = y.shape[0] if len(y.shape) > 1 else 1
    pixels = y.size // y.shape[-1] if y.shape else 1
    parts = sum(c.stage.parts if c.stage else 1 for c in call.chain)
    work = call.instructions - sum(n for _, n, _ in unpacking(call))
    again = (inputs * parts, pixels * parts, rows * parts, call.loops)
    return tuple(map(float, (parts, work, graph.macs_of(node), y.size, *again)))


def unpacking(call: KernelCall) -> Iterator[tuple[str, int, tuple[float, ...]]]:
    """Function, estimated instructions and features of all that is unpacked."""
    for stage in (c.stage for c in call.chain if c.stage):
        codes = float(stage.parts * stage.count)
        yield stage.function, stage.work, (1.0, codes, 0.0, 0.0, 0.0, 0.0, float(stage.parts))
        if (found := stage.rescaling) is not None:
            n = float(stage.parts * found.channels)
            terms = (0.0, n, 0.0, 0.0, 0.0, 0.0, float(stage.parts))
            yield found.function, stage.parts * found.work, terms


@cache
def _line(core: str, optimize: str) -> Mapping[str, Mapping[str, list[float]]]:
    """By kernel; of one that was counted at the other level alone, what holds there."""
    levels = read_lines(NEAREST.get(core, core))
    return {k: v for level in (*levels, optimize) for k, v in levels.get(level, {}).items()}


def calibrated(
    call: KernelCall,
    graph: Graph,
    node: Node,
    core: str,
    optimize: str,
    memory: Memory | None = None,
) -> KernelCall:
    """The call with the instructions and cycles that it takes on a core, and with its memory.

    What was made for one layer, and all on a core that nothing was counted on, keeps what its
    kernel says for any core.

    Raises:
        EdgePruneError: the kernel was not counted.
    """
    lines = _line(core, optimize)
    if not lines or (call.instance and call.kernel not in lines):
        return call
    if call.kernel not in lines:
        what = f"has no line of {call.kernel}"
        file = f"{FITTED.name}/{NEAREST.get(core, core)}.json"
        raise EdgePruneError(file, what, "python scripts/fit_costs.py --missing")
    instructions = _said("line", lines, call, graph, node)
    cycles = 0.0
    if "cycles" in lines[call.kernel]:
        cycles = _said("cycles", lines, call, graph, node)
        words = _said("words", lines, call, graph, node)
        cycles += _waits(words, call, memory) if memory else 0.0
    return replace(call, instructions=round(instructions), cycles=round(cycles))


def _said(
    what: str,
    lines: Mapping[str, Mapping[str, list[float]]],
    call: KernelCall,
    graph: Graph,
    node: Node,
) -> float:
    """By the line of a kernel, and those of what is unpacked in front of it."""
    total = _on(lines[call.kernel].get(what, []), features(call, graph, node))
    for function, work, terms in unpacking(call):
        fitted = lines.get(function, {})
        if what in fitted:
            total += _on(fitted[what], terms)
        elif what != "words":
            total += _on(fitted["line"], terms) if fitted else work
    return total


def counted_on(call: KernelCall, core: str, fpu: bool) -> str:
    """The core whose counts say what a call takes on one with an FPU or without."""
    soft = not fpu and call.kernel.endswith("_f32")
    return SOFT.get(core, core) if soft else core


def _on(line: list[float], terms: tuple[float, ...]) -> float:
    return sum(c * x for c, x in zip(line, terms, strict=False))  # none: nothing of it


def _waits(words: float, call: KernelCall, memory: Memory) -> float:
    """Cycles of a call that wait for flash; ``words``: misses of a cache of a few words."""
    line, ways, sets = memory.data_line_bytes, memory.data_ways, memory.data_sets
    if memory.unified:
        line, ways, sets = memory.code_line_bytes, memory.code_ways, memory.code_sets
    if line * ways * sets >= LARGE_CACHE:
        words = min(words, call.constant_bytes / line)
    return words * memory.data_miss


def flash_bytes(calls: Iterable[KernelCall], core: str, optimize: str) -> int:
    """Estimated flash of a network: code, which calls share, parameters, and arrays.

    Equal calls, as of the steps of a sequence, are taken for one in a loop.
    """
    sources: set[str] = set()
    instances: dict[str, int] = {}
    total = 0
    for call in {c.alike: c for c in calls}.values():
        sources |= set(call.sources)
        instances |= {c.instance: c.code_bytes for c in call.chain}
        total += call.constant_bytes
        total += sum(_call_bytes(c) for c in call.chain)
    return total + sum(instances.values()) + sum(_file(s, core, optimize) for s in sources)


def _call_bytes(call: KernelCall) -> int:
    """Of what is called for one link of a chain, and of its parameters."""
    functions = 1
    if call.stage is not None:
        functions += 1 + (call.stage.rescaling is not None)
    return CALL_BYTES * functions + 4 * len(call.params)


def portable_code_bytes(calls: Iterable[KernelCall], core: str, optimize: str) -> int:
    """Estimated code of a network of portable kernels, with what it needs of the C library.

    Libraries share most of what their functions need: the file that needs most counts.

    Raises:
        EdgePruneError: a file was not measured.
    """
    distinct = {c.alike: c for c in calls}.values()
    sources = {s for c in distinct for s in c.sources}
    table = size_table(core, optimize)
    library = max((_file(f"{s}{LIBRARY}", core, optimize) for s in sources), default=0)
    code = sum(_file(s, core, optimize) for s in sources)
    return table["(entry)"] + table["(call)"] * len(distinct) + code + library


@cache
def _file(source: str, core: str, optimize: str) -> int:
    """Bytes of the code of a file below ``runtime_c``.

    Raises:
        EdgePruneError: it was not measured.
    """
    folder, name = source.rsplit("/", 1)
    isa = "portable" if folder == "src" else PurePosixPath(folder).name
    table = size_table(core, optimize, isa)
    if name not in table:
        what = f"has no size of {source} on {core}, built for {optimize}"
        raise EdgePruneError(SIZES.name, what, "python scripts/measure_sizes.py --missing")
    return table[name]
