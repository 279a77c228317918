"""An integer graph back to float, so that it can be pruned and quantised again."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.ir import Array, Graph, Node, TensorType, dequantise_array
from edgeprune.ops import Dequantize, Quantize


def dequantise(graph: Graph) -> Graph:
    """The float32 network that a quantised one approximates: real weights, no scales.

    Args:
        graph: with integers anywhere.

    Returns:
        The same operators over float32 values of the same names; QUANTIZE and DEQUANTIZE are gone.
    """
    instead: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        args = tuple(instead.get(v, v) for v in node.inputs)
        if isinstance(node.op, Quantize | Dequantize):
            instead[node.output] = args[0]
        else:
            nodes.append(replace(node, inputs=args))
    constants: dict[str, Array] = {}
    for name, value in graph.constants.items():
        t = graph.types[name]
        constants[name] = dequantise_array(value, t) if t.quant is not None else value
    return graph.rebuilt(
        nodes,
        inputs={v: _real(graph.types[v]) for v in graph.inputs},
        outputs=[instead.get(v, v) for v in graph.outputs],
        constants=constants,
        types={},
        known={},
        ports={instead.get(v, v): p for v, p in graph.ports.items()},
    )


def _real(t: TensorType) -> TensorType:
    return t if t.is_index else TensorType(t.shape)
