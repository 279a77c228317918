"""What can be compiled, found out by doing it: every operator, every element type, every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeprune.emit import to_onnx, to_tflite
from edgeprune.errors import EdgePruneError
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import DType, Graph
from edgeprune.kernels.select import lower
from edgeprune.ops import OPS
from edgeprune.ops.examples import EXAMPLES, FIXED, example_graph
from edgeprune.quantize import quantise, refuse_unquantised

TYPES = ("float32", "int8", "int16x8")


@dataclass(frozen=True)
class Support:
    """One operator.

    Attributes:
        op: its kind.
        what: what it does, in a sentence.
        formats: by "c", "tflite", "onnx": the element types that can be emitted.
    """

    op: str
    what: str
    formats: dict[str, tuple[str, ...]]


def support_table() -> list[Support]:
    """Emit every operator's examples in every format and element type: a type works if all do."""
    emitters: dict[str, Callable[[Graph], object]] = {
        "c": lambda g: lower(g, ("portable",), "size"),
        "tflite": to_tflite.emit,
        "onnx": to_onnx.emit,
    }
    rows: dict[str, Support] = {}
    graphs = [(example[0].kind, fuse(example_graph(example))) for example in EXAMPLES]
    for kind, graph in (*graphs, *((kind, make()) for kind, make in FIXED.items())):
        known = rows.get(kind)
        formats: dict[str, tuple[str, ...]] = {}
        for name, emit in emitters.items():
            works = []
            for dtype in ("int8",) if graph.is_quantised else TYPES:
                try:
                    emit(_typed(graph, dtype))
                except EdgePruneError:
                    continue
                if known is None or dtype in known.formats[name]:
                    works.append(dtype)
            formats[name] = tuple(works)
        rows[kind] = Support(kind, (OPS[kind].__doc__ or "").strip().splitlines()[0], formats)
    return [*rows.values()]


def _typed(graph: Graph, dtype: str) -> Graph:
    """The graph as it is emitted, with made-up ranges."""
    if dtype == "float32" or graph.is_quantised:
        return graph
    activations = DType.INT16 if dtype == "int16x8" else DType.INT8
    refuse_unquantised(graph, activations)
    return quantise(graph, dict.fromkeys(graph.activations, (0.5, 2.0)), activations)
