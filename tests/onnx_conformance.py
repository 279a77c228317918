"""The onnx package's own backend node tests: which apply, which pass, through the IR and through C.

``python tests/onnx_conformance.py`` writes the table ``docs/onnx_conformance.md``, or a file that
``--out`` names.
"""

from __future__ import annotations

import argparse
import ctypes
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

from edgeprune.compiler.compile import Recipe
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_onnx import TABLE, loads
from edgeprune.frontends.from_onnx.fold import FOLDABLE
from edgeprune.ir import Array, Graph, run
from edgeprune.target import load_target

DOC = Path(__file__).parents[1] / "docs" / "onnx_conformance.md"

WEIGHTED = frozenset(
    "BatchNormalization Clip Conv ConvTranspose DequantizeLinear Expand GRU Gemm HardSigmoid LSTM "
    "MatMul PRelu Pad Pow RNN Resize Upsample".split()
)
"""Operators whose operands behind the first are weights: the case holds them as constants."""


@dataclass(frozen=True)
class Case:
    """A case that loads.

    Attributes:
        name: the suite's name for it.
        op: its operator.
        graph: the network.
        feeds: by the user's names of the inputs, batch included.
        wanted: the suite's outputs.
        rtol: relative tolerance of the suite.
        atol: absolute tolerance.
    """

    name: str
    op: str
    graph: Graph
    feeds: Mapping[str, Array]
    wanted: tuple[Array, ...]
    rtol: float
    atol: float

    @property
    def samples(self) -> int:
        """How many samples the case has."""
        ports = [self.graph.ports[v] for v in self.graph.inputs]
        return max((len(self.feeds[p.name]) for p in ports if p.batched), default=1)

    def fed(self, v: str, k: int) -> Array:
        """One sample of an input, in the IR's layout."""
        port = self.graph.ports[v]
        x = self.feeds[port.name]
        sample = x[k if len(x) > 1 else 0] if port.batched else x
        perm = port.perm or tuple(range(sample.ndim))
        return np.ascontiguousarray(sample.transpose(np.argsort(perm)), np.float32)

    def agrees(self, rows: list[list[Array]]) -> bool:
        """Whether outputs, by sample and output in the IR's layout, are the suite's."""
        for j, (v, wanted) in enumerate(zip(self.graph.outputs, self.wanted, strict=True)):
            port = self.graph.ports[v]
            shown = [r[j].transpose(port.perm) if port.perm else r[j] for r in rows]
            y = np.stack(shown) if port.batched else shown[0]
            if y.shape != wanted.shape:
                return False
            if not np.allclose(y, wanted, rtol=self.rtol, atol=max(self.atol, 1e-7)):
                return False
        return True


@dataclass(frozen=True)
class Left:
    """A case that does not load, and why."""

    name: str
    op: str
    applies: bool
    reason: str


@cache
def collect() -> tuple[tuple[Case, ...], tuple[Left, ...]]:
    """All cases of the suite."""
    from onnx.backend.test.case.node import collect_testcases

    cases: list[Case] = []
    left: list[Left] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in collect_testcases(None):
            made = _load(case)
            (cases if isinstance(made, Case) else left).append(made)  # type: ignore[arg-type]
    return tuple(cases), tuple(left)


def _load(case: Any) -> Case | Left:
    graph = case.model.graph
    op = graph.node[0].op_type if len({n.op_type for n in graph.node}) == 1 else "several"
    known = TABLE.keys() | FOLDABLE
    foreign = sorted({n.op_type for n in graph.node if n.domain or n.op_type not in known})
    if foreign:
        return Left(case.name, op, False, f"{', '.join(foreign)}: not in the table")
    inputs, wanted = case.data_sets[0]
    feeds = _fixed(case.model, inputs, op)
    if not feeds:
        return Left(case.name, op, False, "no operand is float32")
    if any(np.asarray(y).dtype not in (np.float32, np.bool_) for y in wanted):
        return Left(case.name, op, False, "makes another type than float32 and bool")
    if any(0 in np.asarray(a).shape for a in (*feeds.values(), *wanted)):
        return Left(case.name, op, False, "has tensors without elements")
    try:
        made = loads(case.model.SerializeToString(), case.name)
    except UnsupportedError as e:
        reason = re.sub(r"^.*?\): ", "", e.what.splitlines()[-1].strip())
        return Left(case.name, op, all(n.op_type in TABLE for n in graph.node), reason)
    if any(" is the index of " in note for note in made.notes):
        return Left(case.name, op, False, "an index, which the user's own code finds")
    return Case(case.name, op, made, feeds, tuple(wanted), case.rtol, case.atol)


def _fixed(model: onnx.ModelProto, inputs: Iterable[Any], op: str) -> dict[str, Array]:
    """Weights, and operands of other types than float32, made constants; what is left to feed."""
    feeds: dict[str, Array] = {}
    kept = []
    for i, (v, a) in enumerate(zip(list(model.graph.input), inputs, strict=False)):
        real = v.type.tensor_type.elem_type == TensorProto.FLOAT
        if real and (i == 0 or op not in WEIGHTED):
            kept.append(v)
            feeds[v.name] = a
        elif isinstance(a, np.ndarray | np.generic):
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(a), v.name))
        else:
            return {}
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return feeds


# -- running ---------------------------------------------------------------------------------------


def passes_in_ir(case: Case) -> bool:
    """Whether the graph computes what the suite says."""
    rows = []
    for k in range(case.samples):
        fed = {v: torch.from_numpy(case.fed(v, k)[None]) for v in case.graph.inputs}
        values = run(case.graph, fed)
        rows.append([values[v][0].numpy() for v in case.graph.outputs])
    return case.agrees(rows)


def run_in_c(cases: Iterable[Case]) -> dict[str, str]:
    """Every case compiled to C and run on this machine: "passed", "wrong", or why it is refused."""
    recipe = Recipe(load_target("host"), "float32", "size", {})
    found: dict[str, str] = {}
    built: list[tuple[Case, str, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        for i, case in enumerate(cases):
            try:
                compiled = recipe.compile_typed(recipe.typed(case.graph))
                files = compiled.c_files(f"case{i}").files
            except EdgePruneError as e:
                found[case.name] = e.what.splitlines()[-1].strip()
                continue
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            built.append((case, f"case{i}", compiled.plan.arena_bytes))
        library = _build(Path(folder))
        for case, name, arena in built:
            rows = [_call(library, case, name, arena, k) for k in range(case.samples)]
            found[case.name] = "passed" if case.agrees(rows) else "wrong"
    return found


def _build(folder: Path) -> ctypes.CDLL:
    sources = [str(p) for p in sorted(folder.rglob("*.c")) if "test" not in p.stem]
    out = folder / "cases.so"
    flags = ["-std=c99", "-O1", "-ffp-contract=off", "-fPIC", "-shared", f"-I{folder}"]
    subprocess.run(["gcc", *flags, *sources, "-lm", "-o", str(out)], check=True)
    return ctypes.CDLL(str(out))


def _call(library: ctypes.CDLL, case: Case, name: str, arena: int, k: int) -> list[Array]:
    graph = case.graph
    inputs = [case.fed(v, k) for v in graph.inputs]
    outputs = [np.empty(graph.types[v].shape, np.float32) for v in graph.outputs]
    memory = np.empty(arena + 16, np.uint8)
    start = memory.ctypes.data + (-memory.ctypes.data) % 16
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*inputs, *outputs)]
    status = library[f"{name}_run"](ctypes.c_void_p(start), ctypes.c_size_t(arena), *pointers)
    assert status == 0, f"{case.name}: status {status}"
    return outputs


# -- the table -------------------------------------------------------------------------------------


def table() -> str:
    """The table of all cases, as Markdown."""
    cases, left = collect()
    found = run_in_c(cases)
    passed = sorted(c.name for c in cases if found[c.name] == "passed" and passes_in_ir(c))
    wrong = sorted(c.name for c in cases if found[c.name] == "wrong" or not passes_in_ir(c))
    refused = [(x.name, x.reason) for x in left if x.applies]
    refused += [(n, r) for n, r in found.items() if r not in ("passed", "wrong")]
    others: dict[str, int] = {}
    for x in left:
        if not x.applies:
            others[x.reason] = others.get(x.reason, 0) + 1
    lines = [
        "---",
        "orphan: true",
        "---",
        "",
        "# ONNX conformance",
        "",
        f"The backend node tests of onnx {onnx.__version__}, from file to C to this machine,",
        "within the suite's tolerances. Made by `python tests/onnx_conformance.py`.",
        "",
        "| | cases |",
        "| --- | --- |",
        f"| passed | {len(passed)} |",
        f"| refused, with the reason | {len(refused)} |",
        f"| not applicable | {sum(others.values())} |",
        f"| wrong | {len(wrong)} |",
        "",
        *(["## Wrong", "", *(f"- `{n}`" for n in wrong), ""] if wrong else []),
        "## Refused",
        "",
        "| case | reason |",
        "| --- | --- |",
        *(f"| `{n}` | {r.replace('|', '/')} |" for n, r in sorted(refused)),
        "",
        "## Passed",
        "",
        *(f"- `{n}`" for n in passed),
        "",
        "## Not applicable",
        "",
        "| why | cases |",
        "| --- | --- |",
        *(f"| {r} | {n} |" for r, n in sorted(others.items())),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=DOC, metavar="FILE", help="written to (%(default)s)"
    )
    path = parser.parse_args().out
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(table())
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
