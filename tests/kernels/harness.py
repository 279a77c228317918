"""Runs single kernel calls on this machine: the runtime as one library, arguments through cffi."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI

from edgeprune.ir import Array, Graph, Node, Op, TensorType, build_graph
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.isa import DEFAULT
from edgeprune.kernels.select import lower
from edgeprune.resources import runtime_dir

SANITIZE = os.environ.get("EDGEPRUNE_TEST_SANITIZE", "")
"""Set by test_sanitizers.py, which runs these tests once more in a process of their own."""

FLAGS = [
    "-std=c99", "-O2", "-g", "-fPIC", "-shared", "-ffp-contract=off",
    *(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] if SANITIZE else []),
]  # fmt: skip
GUARD = 64
PATTERN = 0xA5


VECTOR = "arch/vector"
"""A folder of kernels in plain C, which this machine runs as well as the portable ones."""


def _include() -> Path:
    return runtime_dir() / "include"


def _build(sources: list[Path], text: str) -> Path:
    """Compile to a shared library, once for the same sources."""
    key = hashlib.sha256(" ".join(FLAGS).encode() + text.encode())
    for file in (
        *sources,
        *sorted(runtime_dir().glob("*/*.h")),
        *sorted(runtime_dir().glob("*/*.inc")),
    ):
        key.update(file.name.encode() + file.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"edgeprune-tests-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    made = folder / f"kernels-{key.hexdigest()[:20]}.so"
    if not made.is_file():
        with tempfile.TemporaryDirectory(dir=folder) as temp:
            extra = Path(temp) / "instance.c"
            extra.write_text(text)
            unfinished = Path(temp) / "kernels.so"
            files = [*map(str, sources), *([str(extra)] if text else [])]
            command = [
                "gcc",
                *FLAGS,
                f"-I{_include()}",
                f"-I{runtime_dir() / VECTOR}",
                *files,
                "-lm",
                "-o",
                str(unfinished),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            unfinished.rename(made)
    return made


def declarations() -> str:
    """The structs and prototypes of the runtime's headers, as cffi reads them."""
    headers = (_include(), runtime_dir() / VECTOR)
    text = "\n".join(h.read_text() for f in headers for h in sorted(f.glob("ep_*.h")))
    constants = dict(re.findall(r"#define (EP_\w+) (\d+)", text))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    structs = re.findall(r"typedef struct \{.*?\} \w+;", text, flags=re.S)
    aliases = re.findall(r"^typedef \w+ ep_\w+;", text, flags=re.M)
    prototypes = re.findall(r"^(?:void|size_t) ep_\w+\([^{;]*\);", text, flags=re.M | re.S)
    order = sorted(structs, key=lambda s: sum(o.rsplit(" ", 1)[1][:-1] in s for o in structs))
    joined = "\n".join(order + aliases + prototypes)
    return re.sub(r"EP_[A-Z_]+", lambda m: constants.get(m[0], m[0]), joined)


@cache
def runtime() -> tuple[FFI, Any]:
    """All portable kernels, and those for compilers that vectorise."""
    ffi = FFI()
    ffi.cdef(declarations())
    folders = (runtime_dir() / "src", runtime_dir() / VECTOR)
    sources = [s for f in folders for s in sorted(f.glob("*.c"))]
    return ffi, ffi.dlopen(str(_build(sources, "")))


def _value(v: float | str) -> Any:
    if not isinstance(v, str):
        return v
    return ast.literal_eval(v.replace("{", "[").replace("}", "]"))


class Guarded:
    """Memory with a pattern on both sides, which must stay."""

    def __init__(self, nbytes: int) -> None:
        self.memory = np.full(nbytes + 2 * GUARD, PATTERN, np.uint8)
        self.nbytes = nbytes

    @property
    def address(self) -> int:
        return int(self.memory.ctypes.data) + GUARD

    @property
    def content(self) -> Array:
        return self.memory[GUARD : GUARD + self.nbytes]

    def check(self) -> None:
        assert (self.memory[:GUARD] == PATTERN).all(), "wrote in front of its memory"
        assert (self.memory[GUARD + self.nbytes :] == PATTERN).all(), "wrote behind its memory"


def lead_of(call: KernelCall, x_bytes: int, y_bytes: int) -> int:
    """Bytes by which the planner lets a result begin before the operand that it lies over."""
    assert call.inplace is not None
    if call.inplace.exact:
        return call.inplace.lead
    return -(-max(call.inplace.lead, y_bytes - x_bytes) // 4) * 4


def run_call(
    call: KernelCall, graph: Graph, feed: dict[str, Array], *, inplace: bool = False
) -> Array:
    """The result of one call for one sample.

    Args:
        call: what a kernel returned for the graph's only node.
        graph: a network of one node.
        feed: one sample of every input.
        inplace: let the result lie over the operand that the call allows, as far as it may.
    """
    ffi, library = runtime()
    if call.instance:
        text = "".join(f'#include "{Path(h).name}"\n' for h in call.headers)
        text += call.instance.replace("static void", "void", 1)
        sources = [runtime_dir() / s for s in call.sources]
        ffi = FFI()
        signature = re.search(r"static void \w+\([^)]*\)", call.instance)
        assert signature is not None
        ffi.cdef(signature[0].removeprefix("static ") + ";")
        library = ffi.dlopen(str(_build(sources, text)))
    keep: list[Any] = []
    inputs: list[Any] = []
    y = graph.types[graph.outputs[0]]
    output = Guarded(y.nbytes)
    node = graph.nodes[0]
    for name in call.inputs:
        a = np.ascontiguousarray(feed[name])
        if inplace and call.inplace is not None and node.inputs[call.inplace.operand] == name:
            lead = lead_of(call, a.nbytes, y.nbytes)
            output = Guarded(max(y.nbytes, lead + a.nbytes))
            output.content[lead : lead + a.nbytes] = a.view(np.uint8).ravel()
            inputs.append(ffi.cast("void *", output.address + lead))
        else:
            keep.append(a)
            inputs.append(ffi.cast("void *", a.ctypes.data))
    scratch = Guarded(call.scratch_bytes)
    to = output.address
    for link in call.chain:
        for part in range(link.stage.parts if link.stage else 1):
            _run_part(ffi, library, link, part, inputs, scratch, to)
            to += link.stage.step * y.dtype.numpy.itemsize if link.stage else 0
    output.check()
    scratch.check()
    return output.content[: y.nbytes].view(y.dtype.numpy).reshape(y.shape).copy()


def _run_part(
    ffi: FFI,
    library: Any,
    call: KernelCall,
    part: int,
    inputs: list[Any],
    scratch: Guarded,
    output: int,
) -> None:
    """One call, what it reads unpacked first where it has codes."""
    stage = call.stage
    arrays = [np.ascontiguousarray(c.values).ravel() for c in call.constants]
    shares = [
        a if stage is None or c.role == "values" else np.split(a, stage.parts)[part].copy()
        for c, a in zip(call.constants, arrays, strict=True)
    ]
    constants = [
        ffi.cast(f"{c.c_type} *", a.ctypes.data)
        for c, a in zip(call.constants, shares, strict=True)
    ]
    if stage is not None:
        unpacked = ffi.cast("int8_t *", scratch.address + stage.at)
        codes, values, *others = constants
        pairs = ffi.cast("uint16_t *", scratch.address + stage.table_at)
        library.ep_pair_table_s8(values, stage.kinds, 0, pairs)
        getattr(library, stage.function)(codes, stage.count, pairs, unpacked)
        if (scales := stage.rescaling) is not None:
            begin = scratch.address + scales.at
            form = ffi.new("ep_rescale_s8_params *", dict(scales.params))
            getattr(library, scales.function)(form, *others, ffi.cast("int32_t *", begin))
            others = [ffi.cast(f"{kind} *", begin + at) for kind, at in scales.arrays]
        constants = [unpacked, *others]
    fields = {k: _value(v) for k, v in call.params}
    params = [ffi.new(f"{call.params_type} *", fields)] if call.params_type else []
    own = [ffi.cast("void *", scratch.address)] if call.own_scratch_bytes else []
    getattr(library, call.function)(*params, *constants, *inputs, *own, ffi.cast("void *", output))


def one_node(
    op: Op,
    inputs: list[TensorType],
    output: TensorType | None = None,
    constants: dict[str, tuple[Array, TensorType]] | None = None,
    order: list[str] | None = None,
) -> Graph:
    """A network of one node.

    Args:
        op: the operator.
        inputs: types of x0, x1, ...
        output: type of y; None: as inferred.
        constants: arrays and types, by name.
        order: names of the operands; None: inputs, then constants.
    """
    held = constants or {}
    types = {f"x{i}": t for i, t in enumerate(inputs)}
    names = order or [*types, *held]
    every = types | {k: t for k, (_, t) in held.items()}
    inferred = op.infer(*(every[v] for v in names))
    y = inferred if output is None else TensorType(inferred.shape, output.dtype, output.quant)
    return build_graph(
        "case",
        [Node("layer", op, tuple(names), "y")],
        types,
        ["y"],
        {k: a for k, (a, _) in held.items()},
        {k: t for k, (_, t) in held.items()},
        known={"y": y},
    )


def spell(
    graph: Graph, optimize: str = "speed", isas: tuple[str, ...] = ("portable",)
) -> KernelCall:
    """The call of a network of one node."""
    counted = isas == ("portable",)  # on the default core, which has no other sets of these
    return lower(graph, isas, optimize, DEFAULT if counted else "host")["layer"]


def expected(graph: Graph, feed: dict[str, Array]) -> Array:
    """What the node's reference computes for one sample."""
    node = graph.nodes[0]
    arguments = []
    for i, v in enumerate(node.inputs):
        a = feed[v] if v in feed else graph.constants[v]
        arguments.append(a if i in node.op.weights else a[None])
    y = graph.types["y"]
    if any(t.quant is not None for t in (*graph.types_of(node), y)):
        return node.op.evaluate_int(graph.types_of(node), y, *arguments)[0]
    import torch

    tensors = [torch.from_numpy(np.ascontiguousarray(a)) for a in arguments]
    return node.op.evaluate(*tensors)[0].numpy()


def check(
    graph: Graph,
    feed: dict[str, Array],
    *,
    rtol: float = 1e-5,
    optimize: str = "speed",
    isas: tuple[str, ...] = ("portable",),
) -> None:
    """The C gives what the reference gives; also in place, where it may be."""
    call = spell(graph, optimize, isas)
    want = expected(graph, feed)
    for inplace in (False, True) if call.inplace is not None else (False,):
        got = run_call(call, graph, feed, inplace=inplace)
        if want.dtype == np.float32:
            bound = rtol * max(float(np.abs(want).max(initial=0)), 1e-3)
            np.testing.assert_allclose(got, want, rtol=rtol, atol=bound)
        else:
            np.testing.assert_array_equal(got, want)
