"""One network of the zoo: is it read, does it compile, does it agree with its framework?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprune.compiler import Recipe
from edgeprune.emit import to_tflite
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.ports import drop_unread, join_ports
from edgeprune.ir import Array, Graph, Port, fed, join_rows, predict, run_int, split_rows
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.verify import run_tflite

SAMPLES = 16
CLOSE = 1e-4
"""Of a float answer, relative to the largest of its sample."""


@dataclass(frozen=True)
class Outcome:
    """What became of a network.

    Attributes:
        read: whether the reader took it.
        agrees: whether its float answers are the framework's.
        compiled: in which types it became C and a .tflite that LiteRT answers alike.
        why: the first thing that was refused.
        gap: the largest difference in float, relative; of quantised files in steps.
    """

    read: bool = False
    agrees: bool = False
    compiled: tuple[str, ...] = ()
    why: str = ""
    gap: float = float("nan")

    @property
    def whole(self) -> bool:
        """Read, right, and compiled in float32 and in int8."""
        return self.agrees and {"float32", "int8"} <= set(self.compiled)


def to_ir(x: Array, port: Port) -> Array:
    """Samples (n, ...) in the user's axes as the IR's."""
    perm = port.perm or tuple(range(x.ndim - 1))
    return np.ascontiguousarray(x.transpose(0, *(int(i) + 1 for i in np.argsort(perm))), np.float32)


def check(path: Path, inputs: Sequence[Array], answers: Sequence[Array]) -> Outcome:
    """Read a file and hold it against what its framework answers.

    Args:
        path: the file.
        inputs: of each input, samples in the user's axes, (n, ...), without a batch axis.
        answers: of each output, the framework's, (n, ...); integers are indices or labels.
    """
    try:
        graph = drop_unread(load(path))
    except EdgePruneError as e:
        return Outcome(why=_first(e))
    names = [graph.ports[v] for v in graph.inputs]
    rows = join_rows([to_ir(x, p) for x, p in zip(inputs, names, strict=True)])
    gap = _gap(graph, predict(join_ports(graph), rows), answers)
    compiled, why = [], ""
    for dtype in ("float32", "int8"):
        try:
            _compile(graph, rows, dtype)
            compiled.append(dtype)
        except EdgePruneError as e:
            why = why or f"{dtype}: {_first(e)}"
    return Outcome(True, gap <= CLOSE, tuple(compiled), why, gap)


def _first(e: EdgePruneError) -> str:
    lines = str(e).splitlines()
    return " ".join(line.strip() for line in lines[:4])[-160:]


def _gap(graph: Graph, rows: Array, answers: Sequence[Array]) -> float:
    """The largest difference of outputs that are there in both; of indices whether one differs."""
    found = split_rows(rows, [graph.types[v] for v in graph.outputs])
    ports = [graph.ports[v] for v in graph.outputs]
    moved = [y.transpose(0, *(a + 1 for a in p.perm)) if p.perm else y
             for y, p in zip(found, ports, strict=True)]  # fmt: skip
    if len(moved) < len(answers):  # labels are left out
        answers = [a for a in answers if a.dtype.kind == "f"]
    worst = 0.0
    sign = -1 if any(" smallest of " in note for note in graph.notes) else 1
    for ours, theirs in zip(moved, answers, strict=True):
        flat = ours.reshape(len(ours), -1)
        if theirs.dtype.kind != "f":
            worst = max(worst, float(((sign * flat).argmax(1) != theirs.ravel()).any()))
            continue
        wanted = theirs.reshape(len(theirs), -1)
        if wanted.shape[1] < flat.shape[1]:  # what is found in the scores: TopK
            flat = sign * np.sort(sign * flat)[:, ::-1][:, : wanted.shape[1]]
        scale = np.maximum(np.abs(wanted).max(axis=1, keepdims=True), 1)
        worst = max(worst, float((np.abs(flat - wanted) / scale).max()))
    return worst


def _compile(graph: Graph, rows: Array, dtype: str) -> None:
    """To C, and to a .tflite that answers what the graph does.

    Raises:
        EdgePruneError: it cannot be compiled in that type, or the answers differ.
    """
    joined = join_ports(graph)
    seen = observe(joined, rows) if dtype == "int8" else {}
    recipe = Recipe(load_target("cortex-m4"), dtype, "size", seen)
    compiled = recipe.compile(joined, thorough=False)
    compiled.c_files("zoo")
    typed = compiled.graph
    if dtype == "float32":
        ours = predict(join_ports(typed), rows)
        theirs = run_tflite.run(to_tflite.emit(typed), fed(typed, rows), threads=1)
        wrong = int((np.abs(ours - theirs) > CLOSE * np.maximum(1, np.abs(ours))).sum())
    else:
        ours, theirs = integers(typed, fed(typed, rows))
        wrong = int((ours != theirs).sum())
    if wrong:
        raise EdgePruneError("LiteRT", f"{wrong} of {ours.size} outputs differ")


def integers(graph: Graph, rows: Array) -> tuple[Array, Array]:
    """What a quantised graph answers to rows of integers, here and under LiteRT."""
    types = [graph.types[v] for v in graph.inputs]
    feed = dict(zip(graph.inputs, split_rows(rows, types), strict=True))
    values = run_int(graph, feed)
    ours = join_rows([values[v] for v in graph.outputs])
    return ours, run_tflite.run(to_tflite.emit(graph), rows, threads=1)
