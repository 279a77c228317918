"""The LSTM as TFLite has it: one operator, whose states are variable tensors of its own."""

from __future__ import annotations

import numpy as np

from edgeprune.emit._tflite_records import Fused, Operand, Use, batched
from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, Graph, Node, QuantParams, TensorType, TfliteOp
from edgeprune.ops import Lstm, Reshape, Slice

RELEASE = "2.3.0"
"""The first TensorFlow release whose runtime has it in int8."""


def fuse(graph: Graph, node: Node, op: Lstm) -> Fused:
    """The operator that stands for a layer and for what moves its states.

    Raises:
        UnsupportedError: more is done with what it keeps than to keep it.
    """
    steps, n = (graph.types[node.inputs[0]].shape[0], graph.types[node.inputs[1]].shape[1])
    rows = Slice((0, 0), (steps, n), (1, 1))
    kept = [v for v in node.inputs[1:3] if v in graph.states]
    only = set()
    for v in kept:
        only |= _way(graph, graph.states[v], node.output)
    # of one step the state is the same rows as the answer
    answer = [u for u in graph.users[node.output] if u.op == rows and u.name not in only]
    others = {u.name for u in graph.users[node.output]} - only - {u.name for u in answer}
    inside = only | {node.name}
    hidden = {graph.node(k).output for k in inside}
    shown = hidden & (set(graph.outputs) - set(graph.states.values()))
    if len(answer) != 1 or len(kept) != 2 or others or shown:
        raise UnsupportedError(f"{node.name} (lstm)", "TFLite keeps its states to itself")
    use = _use(graph, node, op, answer[0].output), RELEASE
    return Fused({**dict.fromkeys(inside), answer[0].name: use}, set(kept))


def _way(graph: Graph, value: str, source: str) -> set[str]:
    """Nodes on the way from a source to what is kept of it."""
    names: set[str] = set()
    while value != source:
        node = graph.producer.get(value)
        if node is None or not isinstance(node.op, Slice | Reshape):
            return set()
        names.add(node.name)
        value = node.inputs[0]
    return names


def _use(graph: Graph, node: Node, op: Lstm, result: str) -> Use:
    x, h, c, *weights = node.inputs
    y = graph.types[result]
    n = y.shape[1]
    cell = QuantParams.of(2.0 ** (op.cell_bits - 15))
    w, r, bias = (_gates(graph, v) for v in weights)
    operands: list[Operand | None] = [
        Operand(batched(graph.types[x]), x), *w, *r, None, None, None, *bias, None, None,
        Operand(TensorType((1, n), DType.INT8, y.quant), h, variable=True),
        Operand(TensorType((1, n), DType.INT16, cell), c, variable=True),
        None, None, None, None,
    ]  # fmt: skip
    kinds = [*[TensorType((0,))] * 4, TensorType((0,), DType.INT8, y.quant)]
    between = [Operand(t, f"{node.name}/between{k}") for k, t in enumerate(kinds)]
    options = {
        "fusedActivationFunction": "TANH",
        "cellClip": op.clip * 2.0 ** (op.cell_bits - 15),
        "timeMajor": False,
    }
    spelled = TfliteOp("UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions", options)
    return Use(spelled, operands, Operand(batched(y), result), 1, between)


def _gates(graph: Graph, name: str) -> list[Operand]:
    t, value = graph.types[name], graph.constants[name]
    assert t.quant is not None
    parts: list[Array] = np.split(value, 4)
    size = len(value) // 4
    scales = t.quant.scale[::size]
    return [
        Operand(TensorType(p.shape, t.dtype, QuantParams.of(s)), data=np.ascontiguousarray(p))
        for p, s in zip(parts, scales, strict=True)
    ]
