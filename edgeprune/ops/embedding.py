"""Rows of a table by number: what words, categories and positions stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import (
    Array,
    Channels,
    DType,
    Graph,
    Ids,
    Node,
    OnnxNode,
    Op,
    QuantRule,
    TensorType,
    TfliteOp,
    Version,
)

if TYPE_CHECKING:
    import torch

VERSIONS: dict[DType, Version] = {
    DType.FLOAT32: (1, "1.6.0"), DType.INT8: (2, "1.14.0"), DType.INT16: (4, "2.4.0"),
}  # fmt: skip
"""Of GATHER, by the table's element type."""


@dataclass(frozen=True)
class Embedding(Op):
    """Rows of a constant table, chosen by number.

    Shapes: numbers (...), table (n, width) -> (..., width). A number outside of 0 to n - 1 is taken
    as the nearest one inside.
    """

    kind: ClassVar[str] = "embedding"
    weights: ClassVar[frozenset[int]] = frozenset({1})
    numbers: ClassVar[frozenset[int]] = frozenset({0})
    quant: ClassVar[QuantRule] = "shared"

    def infer(self, *x: TensorType) -> TensorType:
        numbers, table = x
        if not numbers.is_index or len(table.shape) != 2:
            raise EdgePruneError("operands", f"{numbers} and {table} are no numbers of rows")
        return TensorType((*numbers.shape, table.shape[1]), table.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        numbers, table = x
        return table[numbers.long().clamp(0, len(table) - 1)]

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        numbers, table = x
        rows: Array = table[np.clip(numbers, 0, len(table) - 1)]
        return rows

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        ch.pin(ids[0], f"{node.name} looks them up")
        made = ch.new(types[1].shape[1])
        ch.axis(node.inputs[1], 1, made)
        return np.broadcast_to(made, (*types[0].shape, len(made)))

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        return TfliteOp(
            "GATHER",
            "GatherOptions",
            {"axis": 0, "batchDims": 0},
            order=(1, 0),
            versions={DType.INT32: VERSIONS[x[1].dtype]},
        )

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        return OnnxNode("Gather", {"axis": 0}, "last", operands=(1, 0))


def rows_of(graph: Graph, value: str) -> int:
    """How many rows the numbers of a value choose of: those of the smallest table.

    Args:
        graph: whose operators on numbers of rows move them, or are embeddings.
        value: numbers of rows (``TensorType.is_index``).
    """
    found, todo = [int(np.iinfo(np.int32).max)], [value]
    while todo:
        for node in graph.users[todo.pop()]:
            if isinstance(node.op, Embedding):
                found.append(graph.types[node.inputs[1]].shape[0])
            else:
                todo.append(node.output)
    return min(found)
