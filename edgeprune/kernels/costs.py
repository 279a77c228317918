"""What a call costs on a core: instructions from a fitted model, bytes of code from measured files.

A kernel says how its work grows with the layer (``KernelCall.instructions``, for any core); a line
fitted to counts in the emulator says how much of it there is on one core:

    instructions = a + b work + c macs + d outputs + e inputs + f pixels + g rows

``costs.json`` has a to g of every kernel function, most of them 0, and ``sizes.json`` the bytes of
every source file, by core and level of optimisation; ``scripts/fit_costs.py`` and
``scripts/measure_sizes.py`` make them. Other cores take the nearest one's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Graph, Node
from edgeprune.kernels.call import KernelCall, unpack_work

COSTS = Path(__file__).parent / "costs.json"
SIZES = Path(__file__).parent / "sizes.json"
NEAREST = {"cortex-m0": "cortex-m0plus", "cortex-m7": "cortex-m4", "cortex-m33": "cortex-m4"}
DEFAULT = "cortex-m4"
SOFT = dict.fromkeys(("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"), "cortex-m3")
"""Cores with an FPU, and the one whose counts hold for float code on those made without it."""
CALL_BYTES = 20  # an entry of the model's function, beside the parameters


@cache
def _costs() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, list[float]]]]]:
    found: dict[str, dict[str, dict[str, dict[str, list[float]]]]] = json.loads(COSTS.read_text())
    return found


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
    again = (inputs * parts, pixels * parts, rows * parts)
    return tuple(map(float, (parts, work, graph.macs_of(node), y.size, *again)))


def unpacking(call: KernelCall) -> Iterator[tuple[str, int, tuple[float, ...]]]:
    """Function, estimated instructions and features of all that is unpacked."""
    for stage in (c.stage for c in call.chain if c.stage):
        work = stage.parts * unpack_work(stage)
        yield stage.function, work, (stage.parts, work, 0.0, 0.0, 0.0, 0.0, 0.0)


def _line(core: str, optimize: str) -> Mapping[str, Mapping[str, list[float]]]:
    return _costs().get(NEAREST.get(core, core), {}).get(optimize, {})


def calibrated(call: KernelCall, graph: Graph, node: Node, core: str, optimize: str) -> KernelCall:
    """The call with the instructions that it takes on a core."""
    lines = _line(core, optimize)
    if call.kernel not in lines:
        return call
    total = _on(lines[call.kernel]["line"], features(call, graph, node))
    for function, work, terms in unpacking(call):
        total += _on(lines[function]["line"], terms) if function in lines else work
    return replace(call, instructions=round(total))


def counted_on(call: KernelCall, core: str, fpu: bool) -> str:
    """The core whose counts say what a call takes on one with an FPU or without."""
    soft = not fpu and call.kernel.endswith("_f32")
    return SOFT.get(core, core) if soft else core


def _on(line: list[float], terms: tuple[float, ...]) -> float:
    return sum(c * x for c, x in zip(line, terms, strict=True))


def flash_bytes(calls: Iterable[KernelCall], core: str, optimize: str) -> int:
    """Estimated flash of a network: code, which calls share, parameters, and arrays."""
    sources: set[str] = set()
    instances: dict[str, int] = {}
    total = 0
    for call in calls:
        sources |= set(call.sources)
        instances[call.instance] = call.code_bytes
        total += call.constant_bytes
        total += sum(CALL_BYTES * (2 if c.stage else 1) + 4 * len(c.params) for c in call.chain)
    return total + sum(instances.values()) + sum(_file(s, core, optimize) for s in sources)


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
