"""SVDF with a state of int16 as TFLite has it: one operator, whose state is a variable tensor."""

from __future__ import annotations

from edgeprune.emit._tflite_records import Fused, Operand, Use, batched
from edgeprune.errors import UnsupportedError
from edgeprune.ir import DType, Graph, Node, TensorType, TfliteOp
from edgeprune.ops import Concat, Reshape, Slice, SvdfFeature

RELEASE = "2.2.0"
"""The first TensorFlow release whose runtime has it in integers."""


def fuse(graph: Graph, node: Node) -> Fused:
    """The operator that stands for both products and for what moves the features on.

    Args:
        graph: in which what is kept feeds the state of the next call.
        node: the product over time.

    Raises:
        UnsupportedError: more is done with what it keeps than to keep it.
    """
    kept = node.inputs[0]
    ways = {v: _copies(graph, after, kept) for v, after in graph.states.items()}
    state, copies = next(((v, w) for v, w in ways.items() if w is not None), ("", None))
    inside = [*(copies or ()), *_moving(graph, kept, state)]
    feature = next((n for n in inside if isinstance(n.op, SvdfFeature)), None)
    names = {node.name, *(n.name for n in inside)}
    hidden = {n.output for n in inside}
    readers = {u.name for v in (state, *hidden) for u in graph.users.get(v, ())}
    shown = hidden & (set(graph.outputs) - {graph.states.get(state)})
    if feature is None or readers - names or shown:
        raise UnsupportedError(f"{node.name} (svdf_time)", "TFLite keeps its features to itself")
    use = _use(graph, feature, node, state), RELEASE
    return Fused({**dict.fromkeys(names), node.name: use}, {state})


def _copies(graph: Graph, value: str, source: str) -> list[Node] | None:
    """The nodes that copy a source to what is kept; None: it is not made so."""
    nodes: list[Node] = []
    while value != source:
        node = graph.producer.get(value)
        if node is None or not isinstance(node.op, Reshape):
            return None
        nodes.append(node)
        value = node.inputs[0]
    return nodes


def _moving(graph: Graph, kept: str, state: str) -> list[Node]:
    """The nodes that make what is kept: the older features joined by the new ones."""
    last = graph.producer.get(kept)
    if last is None or isinstance(last.op, SvdfFeature):
        return [last] if last is not None else []
    frames, filters = graph.types[kept].shape
    older, new = (graph.producer.get(v) for v in (*last.inputs, "")[:2])
    one_on = Slice((1, 0), (frames, filters), (1, 1))
    if last.op != Concat(0) or older is None or new is None:
        return []
    return [older, new, last] if older.op == one_on and older.inputs == (state,) else []


def _use(graph: Graph, feature: Node, time: Node, state: str) -> Use:
    x, w = feature.inputs
    _, over_time, bias = time.inputs
    kept = graph.types[state]
    operands = [
        Operand(batched(graph.types[x]), x),
        *(Operand(graph.types[v], data=graph.constants[v]) for v in (w, over_time, bias)),
        Operand(TensorType((1, kept.size), DType.INT16, kept.quant), state, variable=True),
    ]
    rank = graph.types[over_time].shape[0] // graph.types[bias].size
    options = {"rank": rank, "fusedActivationFunction": "RELU"}
    spelled = TfliteOp("SVDF", "SVDFOptions", options)
    return Use(spelled, operands, Operand(batched(graph.types[time.output]), time.output), 3)
