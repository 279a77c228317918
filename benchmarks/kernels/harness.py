"""Runs one kernel call in the emulator: outputs, exact instruction counts, loads.

A single node is spelled in C by a kernel, wrapped into a model of its own, linked for the target and
run; what comes back is compared with the operator's integer reference by the caller.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from edgeprune.ir import Array, Graph, Node, Op, QuantParams, TensorType, build_graph
from edgeprune.kernels.call import Constant, Kernel, KernelCall, Request
from edgeprune.resources import runtime_dir
from edgeprune.target import load_target
from edgeprune.toolchain.cmodel import CModel
from edgeprune.toolchain.counter import Counts, arguments, read_profile
from edgeprune.toolchain.emulator import emulate
from edgeprune.toolchain.firmware import build_harness

_NUMBERS = count()
_HEADER = """#ifndef {upper}_H
#define {upper}_H
#include <stdint.h>
#include <stddef.h>
#define {upper}_ARENA_BYTES {arena}u
#define {upper}_INPUT_BYTES {inputs}u
#define {upper}_OUTPUT_BYTES {outputs}u
int {name}_run(void *arena, size_t arena_bytes, const void *input, void *output);
#endif
"""

_SOURCE = """#include "{name}.h"
{includes}
{instance}
{constants}
{params}
int {name}_run(void *arena, size_t arena_bytes, const void *input, void *output)
{{
    (void)arena_bytes;
    (void)arena;
    {function}({arguments});
    return 0;
}}
"""


@dataclass(frozen=True)
class Run:
    """What one call did.

    Attributes:
        output: raw bytes of each inference.
        instructions: of one inference, the entry's own few included.
        reads: words read from memory.
        loads: instructions that read.
        code_bytes: linked size of everything but constants.
        by_function: instructions of each function.
    """

    output: list[bytes]
    instructions: int
    reads: int
    loads: int
    code_bytes: int
    by_function: dict[str, Counts]


def _array(c: Constant, name: str) -> str:
    text = ", ".join(repr(v.item()) if c.c_type != "float" else f"{float(v)!r}f" for v in c.values)
    text = text.replace("-2147483648", "(-2147483647 - 1)")
    return f"static const {c.c_type} {name}[{c.values.size}] __attribute__((aligned(4))) = {{{text}}};"


def write_case(call: KernelCall, input_bytes: list[int], output_bytes: int, folder: Path) -> CModel:
    """The folder of a model that makes one call."""
    sources = []
    for name in (*call.sources, *call.headers):
        path = runtime_dir() / name
        (folder / path.name).write_bytes(path.read_bytes())
        if name in call.sources:
            sources.append(path.name)
    for shared in (*(runtime_dir() / "include").glob("*.h"), *(runtime_dir() / "arch").glob("*/*.h")):
        (folder / shared.name).write_bytes(shared.read_bytes())
    arguments = [] if not call.params_type else ["&params"]
    arguments += [f"c_{c.role}" for c in call.constants]
    at, places = 0, []
    for size in input_bytes:
        places.append(f"(const void *)((const char *)input + {at})")
        at += (size + 15) // 16 * 16
    arguments += [places[int(v[1:])] for v in call.inputs]
    arguments += ["arena"] if call.scratch_bytes else []
    arguments.append("output")
    params = ""
    if call.params_type:
        rows = "".join(f"    .{k} = {v},\n" for k, v in call.params)
        params = f"static const {call.params_type} params = {{\n{rows}}};"
    name = f"case{next(_NUMBERS)}"
    text = _SOURCE.format(
        name=name,
        includes="".join(f'#include "{Path(h).name}"\n' for h in call.headers),
        instance=call.instance,
        constants="\n".join(_array(c, f"c_{c.role}") for c in call.constants),
        params=params,
        function=call.function,
        arguments=", ".join(arguments),
    )
    (folder / f"{name}.c").write_text(text)
    arena = max(call.scratch_bytes, 16)
    header = _HEADER.format(
        name=name, upper=name.upper(), arena=arena, inputs=at, outputs=output_bytes
    )
    (folder / f"{name}.h").write_text(header)
    files = (f"{name}.c", *sources)
    return CModel(
        folder, name, name.upper(), files, "int8", "int8", (at,), (output_bytes,), arena
    )


def run_call(
    call: KernelCall,
    inputs: list[list[Array]],
    output_bytes: int,
    target: str = "cortex-m4",
    optimize: str = "speed",
) -> Run:
    """Run a call for several inputs.

    Args:
        call: what the kernel returned.
        inputs: for each inference, the arrays that the call takes.
        output_bytes: size of the result.
        target: name of a core.
        optimize: how the C is compiled.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = write_case(call, [a.nbytes for a in inputs[0]], output_bytes, folder)
        firmware = build_harness(model, load_target(target), optimize=optimize)
        blob = b"".join(
            a.tobytes() + bytes(-a.nbytes % 16) for arrays in inputs for a in arrays
        )
        (folder / "input.bin").write_bytes(blob)
        outcome = emulate(firmware, folder, len(inputs), arguments(firmware, model.entry, folder), patience_s=60)
        assert outcome.inferences == len(inputs), outcome
        raw = (folder / "output.bin").read_bytes()
        profile = read_profile(firmware, folder)
        assert profile is not None
        sizes = {k: b for k, (_, b) in firmware.symbols.items() if k in profile.by_function}
        outputs = [raw[i * output_bytes : (i + 1) * output_bytes] for i in range(len(inputs))]
        n = len(inputs)
        return Run(
            outputs,
            profile.inferences[0],
            profile.total.reads // n,
            profile.total.loads // n,
            sum(sizes.values()),
            profile.by_function,
        )


def single(
    op: Op, inputs: list[TensorType], output: QuantParams | None, constants: dict[str, tuple[Array, TensorType]]
) -> Graph:
    """A network of one node: inputs x0, x1, ..., then the constants; output y."""
    names = [f"x{i}" for i in range(len(inputs))]
    types = dict(zip(names, inputs, strict=True))
    every = [*inputs, *(t for _, t in constants.values())]
    shape = op.infer(*every).shape
    y = TensorType(shape, inputs[0].dtype, output)
    node = Node("layer", op, (*names, *constants), "y")
    return build_graph(
        "case", [node], types, ["y"],
        {k: a for k, (a, _) in constants.items()},
        {k: t for k, (_, t) in constants.items()},
        known={"y": y},
    )


def ask(kernel: Kernel, graph: Graph, optimize: str = "speed") -> KernelCall | None:
    """What a kernel says to the node of a network of one."""
    return kernel(Request(graph, graph.nodes[0], "arm_dsp", optimize, "case"))


def reference(graph: Graph, inputs: list[Array]) -> Array:
    """The operator's integer reference for one sample."""
    node = graph.nodes[0]
    values = [a[None] for a in inputs] + [graph.constants[v] for v in node.inputs[len(inputs) :]]
    out: Array = node.op.evaluate_int(graph.types_of(node), graph.types["y"], *values)
    return out[0]
